//! `accounts rename`: changes the id of an account.

use super::{AccountsFailure, TokenDesk, refused, tell_profiles};
use crate::accounts::renamed;
use crate::cli;
use crate::source::token::name;
use crate::world::World;
use hw::change::Change;

pub(super) fn run(typed: &cli::RenameArgs, world: &mut World) -> Result<(), AccountsFailure> {
    let desk = TokenDesk::new(&typed.plugged, world)?;
    let (old, new) = renamed(&typed.old, &typed.new)?;
    let change = Change::Rename { old: old.clone(), new: new.clone() };
    let look = desk.token(None)?;
    if let Some(preconditions) = look.preconditions() {
        preconditions.allows(&change).map_err(|refusal| refused(&look, refusal))?;
    }
    desk.change(&look, change)?;
    world.person.tell(&format!("Renamed {old} to {new} on {}.", name(&look)));
    tell_profiles(&old, Some(&new), world);
    Ok(())
}
