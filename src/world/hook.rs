//! Runs the person's own command (the hook) when a touch is needed, and again when the touch is no longer needed.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Shell line that starts the command in the background, so that a program that reads our output does not wait for
/// the command, and a program that replaces us by exec inherits no unexpected child. If the system has `timeout`, the
/// command is ended after 30 seconds.
const LET_GO: &str = r#"if command -v timeout >/dev/null 2>&1; then timeout 30 sh -c "$1" & else sh -c "$1" & fi"#;

/// Time limit for the shell to start the command; normally this takes about two milliseconds.
const STARTING: Duration = Duration::from_millis(200);

/// Environment variables that are not passed to the command: credentials, and the variable that would make the
/// command call itself.
const LEFT_OUT: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_MFA_KEY_ON_TOUCH",
];

/// Starts the command. `variables` are environment variables that describe the touch and its outcome to the command.
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
    // The command gets a process group of its own, since Ctrl-C is meant for us. It must not write to our standard
    // output, which belongs to the program that called us.
    shell.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut shell = shell.spawn()?;
    let begun = Instant::now();
    while shell.try_wait()?.is_none() && begun.elapsed() < STARTING {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
