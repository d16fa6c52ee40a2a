//! Touch your key, and AWS works: the program, from its grammar to its exit code.
//!
//! The rooms, from top to bottom. A room uses only those below it, which a test checks:
//! 1. [`commands`]: one file per subcommand.
//! 2. [`agent`]: the unattended loop that keeps sessions fresh.
//! 3. [`sessions`]: sessions for one or many plans: present, obtained, written, removed.
//! 4. [`report`]: any error as three lines and an exit code.
//! 5. [`endpoint`]: the container credentials endpoint: server, address, folder.
//! 6. [`doctor`]: a look at everything that a login goes through.
//! 7. [`login`]: one login, on values: writes no file, prints nothing.
//! 8. [`mfa_code`]: one code, from the first source that answers.
//! 9. [`plan`]: decisions, from flags, environment variables and AWS's files.
//! 10. [`accounts`]: new accounts and passwords for a token, checked before it is touched.
//! 11. [`source`]: where a code comes from: token, secret, command, prompt.
//! 12. [`ledger`]: the time steps spent for each MFA device, and the offset of AWS's clock.
//! 13. [`aws`]: the words shared with AWS, its files, and the SDK as a client.
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
