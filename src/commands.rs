//! One line for each subcommand.

mod login;

use crate::cli::Command;
use crate::report::Failure;
use crate::world::World;

/// Does what was typed.
///
/// # Errors
/// [`Failure`], for [`crate::report::report`].
pub fn run(command: Command, world: &mut World) -> Result<(), Failure> {
    match command {
        Command::Login(typed) => login::run(&typed, world),
    }
}
