//! The `aws-mfa-key` program as a library: everything from the command line's grammar to the exit code.
//!
//! The modules, from top to bottom. A module uses only those below it, which a test checks:
//! 1. [`commands`]: one file per subcommand.
//! 2. [`agent`]: the unattended loop that keeps sessions fresh.
//! 3. [`sessions`]: the sessions of one or many plans: found, obtained, written, removed.
//! 4. [`report`]: any error as three lines (error, cause, next) and an exit code.
//! 5. [`endpoint`]: the container credentials endpoint: server, address, folder.
//! 6. [`doctor`]: checks of everything that a login goes through.
//! 7. [`login`]: one login, from a code to a session; writes no AWS file and nothing to standard output.
//! 8. [`mfa_code`]: one code, from the first source that can answer.
//! 9. [`plan`]: decisions made from flags, environment variables and AWS's files.
//! 10. [`accounts`]: new accounts and passwords for a token, validated before the token is used.
//! 11. [`source`]: where a code comes from: token, secret, command, prompt.
//! 12. [`ledger`]: the time steps spent for each MFA device, and the offset of AWS's clock.
//! 13. [`aws`]: AWS's identities, sessions and serial numbers, its files, and a client for STS and IAM.
//! 14. [`world`]: everything outside the program: environment, clock, terminal, desktop, signals.
//! 15. [`file`]: one file on disk: vetted, locked, replaced in one step.
//! 16. [`cli`]: the grammar of the command line.
//!
//! [`file`]: mod@file

pub mod accounts;
pub mod agent;
pub mod aws;
pub mod cli;
pub mod commands;
pub mod doctor;
pub mod endpoint;
pub mod file;
pub mod ledger;
pub mod login;
pub mod mfa_code;
pub mod plan;
pub mod report;
pub mod sessions;
pub mod source;
pub mod world;

use report::{Exit, Failure};
use std::ffi::OsString;
use std::io::ErrorKind;
use world::World;

/// Runs the command in `arguments` (the program's name first), reports a failure to the person, and returns the exit
/// code.
pub fn run(arguments: impl IntoIterator<Item = OsString>, world: &mut World) -> u8 {
    let typed: Vec<OsString> = arguments.into_iter().collect();
    let cli = match cli::Cli::read(&typed) {
        Ok(cli) => cli,
        Err(answer) => return explain(&answer, world),
    };
    match commands::run(cli.command, world) {
        Ok(()) => Exit::Done as u8,
        // `doctor` has printed the faults, each with a fix.
        Err(Failure::Faults) => Exit::Failed as u8,
        // A closed pipe means that the reader has read enough.
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Exit::Done as u8,
        Err(failure) => {
            let report = report::report(&failure);
            world.person.must_know(&report.to_string());
            report.exit as u8
        }
    }
}

/// Prints clap's answer: help and version to standard output with exit code 0, a usage error to standard error with
/// exit code 2.
fn explain(answer: &clap::Error, world: &mut World) -> u8 {
    let text = answer.render().to_string();
    if answer.use_stderr() {
        world.person.must_know(text.trim_end());
        return Exit::Change as u8;
    }
    // It is not an error if the reader closes the pipe early.
    let _ = world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush());
    Exit::Done as u8
}
