//! The subcommands, each in a file of its own.

mod accounts;
mod agent_env;
mod code;
mod credential_process;
mod doctor;
mod env;
mod exec;
mod generate;
mod login;
mod logout;
mod profile_plan;
mod secret;
mod secret_input;
mod session_json;
mod status;
mod table;
mod tokens;

use crate::agent;
use crate::cli::{AgentCommand, Command};
use crate::report::Failure;
use crate::world::World;

/// Runs the subcommand that was typed.
///
/// # Errors
/// [`Failure`] of the subcommand, for [`crate::report::report`].
pub fn run(command: Command, world: &mut World) -> Result<(), Failure> {
    match command {
        Command::Login(typed) => login::run(&typed, world),
        Command::Status(typed) => status::run(&typed, world),
        Command::CredentialProcess(typed) => credential_process::run(&typed, world),
        Command::Env(typed) => env::run(&typed, world),
        Command::Exec(typed) => exec::run(&typed, world),
        Command::Code(typed) => code::run(&typed, world),
        Command::Logout(typed) => logout::run(&typed, world),
        Command::Agent(typed) => match typed.command {
            Some(AgentCommand::Env(typed)) => agent_env::run(&typed, world),
            None => agent::run(&typed, world),
        },
        Command::Tokens(typed) => tokens::run(&typed, world),
        Command::Secret(typed) => secret::run(&typed.command, world),
        Command::Accounts(typed) => accounts::run(&typed.command, world),
        Command::Doctor(typed) => doctor::run(&typed, world),
        Command::Generate(typed) => generate::run(&typed.what, world),
    }
}
