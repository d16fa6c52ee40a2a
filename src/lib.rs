//! Touch your key, and AWS works: the program, from its grammar to its exit code.
//!
//! The layers, each of which knows only those below it:
//! 1. [`commands`]
//! 2. [`report`]
//! 3. [`agent`]
//! 4. [`doctor`]
//! 5. [`login`]
//! 6. [`codes`]
//! 7. [`plan`]
//! 8. [`accounts`]
//! 9. [`source`]
//! 10. [`ledger`]
//! 11. [`aws`]
//! 12. [`world`]
//! 13. [`file`]
//! 14. [`cli`]

pub mod accounts;
pub mod agent;
pub mod aws;
pub mod cli;
pub mod codes;
pub mod commands;
pub mod doctor;
pub mod file;
pub mod ledger;
pub mod login;
pub mod plan;
pub mod report;
pub mod source;
pub mod world;

use report::{Exit, Failure};
use std::ffi::OsString;
use std::io::ErrorKind;
use world::World;

/// Does what the command line says, tells how it went, and says with which code to end.
pub fn run(arguments: impl IntoIterator<Item = OsString>, world: &mut World) -> u8 {
    let typed: Vec<OsString> = arguments.into_iter().collect();
    let cli = match cli::Cli::read(&typed) {
        Ok(cli) => cli,
        Err(answer) => return explain(&answer, world),
    };
    match commands::run(cli.command, world) {
        Ok(()) => Exit::Done as u8,
        // They were told, each with what to do.
        Err(Failure::Faults) => Exit::Failed as u8,
        // Whoever reads our output has read enough.
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Exit::Done as u8,
        Err(failure) => {
            let report = report::report(&failure);
            world.person.must_know(&report.to_string());
            report.exit as u8
        }
    }
}

/// `--help` and `--version` are answers, anything else is a mistake in what was typed.
fn explain(answer: &clap::Error, world: &mut World) -> u8 {
    let text = answer.render().to_string();
    if answer.use_stderr() {
        world.person.must_know(text.trim_end());
        return Exit::Change as u8;
    }
    // A closed pipe is no error.
    let _ = world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush());
    Exit::Done as u8
}
