//! `accounts remove`: removes an account after a person has confirmed it.

use super::{AccountsFailure, TokenDesk, refused, tell_profiles};
use crate::accounts::AccountsError;
use crate::cli;
use crate::source::token::name;
use crate::world::World;
use hw::change::Change;
use hw::oath::AccountId;
use secrecy::ExposeSecret;

pub(super) fn run(typed: &cli::RemoveArgs, world: &mut World) -> Result<(), AccountsFailure> {
    let desk = TokenDesk::new(&typed.plugged, world)?;
    let id = AccountId::from_bytes(typed.id.as_bytes());
    let look = desk.token(None)?;
    let token = name(&look);
    if let Some(preconditions) = look.preconditions() {
        preconditions.can_remove(&id).map_err(|refusal| refused(&look, refusal))?;
    }
    if !typed.yes {
        let question = format!("Remove {id} from {token}? Its secret cannot be recovered. [y/N] ");
        let unconfirmed = |answer| AccountsError::Unconfirmed { id: id.clone(), answer };
        let answer = desk.ask(&question, true).map_err(|answer| unconfirmed(Some(answer)))?;
        if !["y", "yes"].contains(&answer.expose_secret().trim().to_lowercase().as_str()) {
            return Err(unconfirmed(None).into());
        }
    }
    desk.change(&look, Change::Remove { id: id.clone() })?;
    world.person.tell(&format!("Removed {id} from {token}."));
    tell_profiles(&id, None, world);
    Ok(())
}
