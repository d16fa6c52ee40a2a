//! `accounts password remember` and `forget`, and updates of the keyring when a password changes.

use super::super::{AccountsFailure, TokenDesk};
use super::{lines, standing, with_present_password};
use crate::accounts::AccountsError;
use crate::cli;
use crate::source::keyring::KeyringFault;
use crate::source::token::name;
use crate::world::World;
use hw::oath::{AccessKey, DeviceId};
use hw::survey::TokenInfo;

pub(super) fn remember(typed: &cli::PasswordChangeArgs, world: &mut World) -> Result<(), AccountsFailure> {
    let desk = TokenDesk::new(&typed.plugged, world)?;
    let mut piped = lines(typed, 1, world)?;
    // Ask for the password only if there is a keyring to store it.
    let asking = desk.tokens.keyring_answers(&desk.person);
    desk.runtime.block_on(asking).map_err(AccountsError::Keyring)?;
    let look = with_present_password(&desk, &mut piped)?;
    let token = name(&look);
    let id = device_id(&look)?;
    let remembering = desk.tokens.remember(id, &token, &desk.person);
    let is_new = desk.runtime.block_on(remembering).map_err(AccountsError::Keyring)?;
    world.person.tell(&match is_new {
        true => format!("Stored the password of {token} in the keyring, as a key that only {token} accepts."),
        false => format!("The password of {token} is already in the keyring."),
    });
    Ok(())
}

pub(super) fn forget(typed: &cli::ForgetArgs, world: &mut World) -> Result<(), AccountsFailure> {
    let desk = TokenDesk::new(&typed.plugged, world)?;
    if typed.all {
        let count = desk.forget(None)?;
        world
            .person
            .tell(&format!("Removed {count} {} from the keyring.", if count == 1 { "password" } else { "passwords" }));
        return Ok(());
    }
    let (token, _) = standing(&desk)?;
    let survey = desk.survey()?;
    let look = survey.tokens.iter().find(|look| name(look) == token);
    let id = device_id(look.ok_or_else(|| AccountsError::HasNone { token: token.clone() })?)?;
    world.person.tell(&match desk.forget(Some(id))? {
        0 => format!("The password of {token} is not in the keyring."),
        _ => format!("Removed the password of {token} from the keyring."),
    });
    if desk.tokens.is_in_ykman(id) {
        world.person.tell("note: ykman stores it, too; remove it there: `ykman oath access forget`");
    }
    Ok(())
}

/// Updates the keyring after a token's password changed; `key` is `None` if the password was cleared.
pub(super) fn follow(desk: &TokenDesk, look: &TokenInfo, key: Option<&AccessKey>) {
    let Some(id) = look.device_id() else { return };
    match (desk.runtime.block_on(desk.tokens.follow(id, &name(look), key, &desk.person)), key) {
        (Ok(true), Some(_)) => desk.person.tell("Updated the password in the keyring."),
        (Ok(true), None) => desk.person.tell("Removed the password from the keyring."),
        (Ok(false), _) | (Err(KeyringFault::NoBus | KeyringFault::NoKeyring), _) => {}
        (Err(fault @ (KeyringFault::Locked | KeyringFault::Stuck { .. } | KeyringFault::Failed { .. })), _) => {
            let next = "if it has the old password, remove it: `aws-mfa-key accounts password forget`";
            desk.person.tell(&format!("note: {fault}; {next}"));
        }
    }
}

impl TokenDesk {
    fn forget(&self, id: Option<&DeviceId>) -> Result<usize, AccountsError> {
        self.runtime.block_on(self.tokens.forget(id, &self.person)).map_err(AccountsError::Keyring)
    }
}

fn device_id(look: &TokenInfo) -> Result<&DeviceId, AccountsError> {
    look.device_id().ok_or_else(|| AccountsError::HasNone { token: name(look) })
}
