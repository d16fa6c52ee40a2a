//! `accounts rename`: another id for an account.

use super::{Desk, Stop, refused};
use crate::accounts::renamed;
use crate::cli;
use crate::source::token::name;
use crate::world::World;
use hw::change::Change;

pub(super) fn run(typed: &cli::Rename, world: &mut World) -> Result<(), Stop> {
    let desk = Desk::new(&typed.plugged, world)?;
    let change = renamed(&typed.old, &typed.new)?;
    let look = desk.token(None)?;
    if let Some(standing) = look.standing() {
        standing.allows(&change).map_err(|refusal| refused(&look, refusal))?;
    }
    let said = match &change {
        Change::Rename { old, new } => format!("renamed {old} to {new} on {}", name(&look)),
        _ => String::new(),
    };
    desk.change(&look, change)?;
    world.person.tell(&said);
    Ok(())
}
