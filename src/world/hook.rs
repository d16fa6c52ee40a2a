//! The person's own command that is run when a touch is wanted, and again when it no longer is.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Shell line that starts the command in the background: a program that reads our output does not wait for the
/// command, and a program that replaces us by exec gets no child that it does not know. The command is ended after 30
/// seconds, where the system has `timeout`.
const LET_GO: &str = r#"if command -v timeout >/dev/null 2>&1; then timeout 30 sh -c "$1" & else sh -c "$1" & fi"#;

/// Time that the shell has to start the command; it needs about a hundredth of that.
const STARTING: Duration = Duration::from_millis(200);

/// Variables that the command does not get: credentials, and the one that would make it call itself.
const LEFT_OUT: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_MFA_KEY_ON_TOUCH",
];

/// Starts the command, with `variables` that tell it what happens.
///
/// # Errors
/// If the shell cannot be started.
pub(super) fn run(command: &OsStr, variables: &[(&'static str, String)]) -> std::io::Result<()> {
    let mut shell = Command::new("sh");
    shell.args(["-c", LET_GO, "sh"]).arg(command);
    for name in LEFT_OUT {
        shell.env_remove(name);
    }
    shell.envs(variables.iter().map(|(name, value)| (name, value)));
    // A process group of its own, since Ctrl-C is meant for us. Standard output belongs to the program that called
    // us.
    shell.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut shell = shell.spawn()?;
    let begun = Instant::now();
    while shell.try_wait()?.is_none() && begun.elapsed() < STARTING {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
