//! `accounts add`: adds an account, with a secret from a prompt, a pipe or a picture, but never from the command
//! line.

use super::{AccountsFailure, TRIES, TokenDesk, refused};
use crate::accounts::{AccountFault, AccountsError, Wishes, mfa_device};
use crate::cli;
use crate::commands::secret_input::without_a_person;
use crate::plan;
use crate::report::Failure;
use crate::source::secret::doubt;
use crate::source::token::{is_of_aws, name};
use crate::world::{World, printable};
use hw::change::Change;
use hw::oath::{AccountId, Algorithm, NewAccount};
use hw::otpauth::{OtpauthError, may_be_secret};
use hw::survey::TokenInfo;

pub(super) fn run(typed: &cli::AddArgs, world: &mut World) -> Result<(), AccountsFailure> {
    let id = typed.id.as_ref().or(typed.named.as_ref());
    if !typed.more.is_empty() || id.is_some_and(|id| may_be_secret(id)) {
        return Err(AccountsError::SecretInArguments.into());
    }
    let desk = TokenDesk::new(&typed.plugged, world)?;
    let wishes = Wishes {
        id: id.cloned(),
        touch: plan::touch(typed.touch, &world.env).map_err(Failure::from)?,
        algorithm: typed.algorithm.map(algorithm),
        digits: typed.digits,
        period: typed.period,
    };
    let named = wishes.id()?;
    // Read the input before the token: a faulty input is reported without a token having to be plugged in.
    let given = without_a_person(typed.qr.as_deref(), world)?;
    let given = given.map(|text| wishes.account(&text)).transpose()?;
    let look = desk.token(None)?;
    let account = match given {
        Some(account) => account,
        None => asked(&desk, &wishes, named.as_ref(), typed.force, &look)?,
    };
    let (id, touch, doubt) = (account.id.clone(), account.touch, doubt(account.secret.length()));
    desk.change(&look, Change::Add { account, overwrite: typed.force })?;
    let touched = if touch { " Each code needs a touch." } else { "" };
    world.person.tell(&format!("Added {id} to {}.{touched}", name(&look)));
    doubt.iter().for_each(|doubt| world.person.tell(doubt));
    if is_of_aws(&id) {
        world.person.tell(&next(&id));
    }
    Ok(())
}

/// Asks the person for the secret, once it is certain that the account can be added.
fn asked(
    desk: &TokenDesk,
    wishes: &Wishes,
    id: Option<&AccountId>,
    force: bool,
    look: &TokenInfo,
) -> Result<NewAccount, AccountsError> {
    if let Some(preconditions) = look.preconditions() {
        let allowed = match id {
            Some(id) => preconditions.can_add(id, force, wishes.touch),
            None if force => Ok(()),
            None => preconditions.has_room(),
        };
        allowed.map_err(|refusal| refused(look, refusal))?;
    }
    let question = match id {
        Some(id) => format!("Secret of {id}, or its otpauth:// URI (hidden): "),
        None => "otpauth:// URI of the account (hidden): ".to_owned(),
    };
    let mut tried = 0;
    loop {
        let text = desk.ask(&question, false).map_err(AccountsError::NoSecret)?;
        tried += 1;
        match wishes.account(&text) {
            Err(AccountFault::Issued(OtpauthError::NotASecret)) if tried < TRIES => {
                desk.person.must_know("That is neither base32 nor an otpauth:// URI. Try again.");
            }
            outcome => return Ok(outcome?),
        }
    }
}

fn algorithm(typed: cli::AlgorithmArg) -> Algorithm {
    match typed {
        cli::AlgorithmArg::Sha1 => Algorithm::Sha1,
        cli::AlgorithmArg::Sha256 => Algorithm::Sha256,
        cli::AlgorithmArg::Sha512 => Algorithm::Sha512,
    }
}

/// Returns the next step after adding an account of AWS: IAM wants two consecutive codes before it accepts the MFA
/// device.
fn next(id: &AccountId) -> String {
    let Some(device) = mfa_device(id) else {
        return "next: give the IAM console two consecutive codes".to_owned();
    };
    let device = printable(&device, 200);
    format!(
        "next: `aws configure set mfa_serial {device} --profile PROFILE`; then run `aws-mfa-key code PROFILE` twice, for the two consecutive codes that the IAM console asks for"
    )
}
