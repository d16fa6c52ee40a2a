//! A command of the person's own that is run where a touch is wanted, and again where it is not any more.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts it and lets it go: whoever reads our output does not wait for it, and a program that takes our place has no child
/// that it does not know. It ends after half a minute, where the system has `timeout`.
const LET_GO: &str = r#"if command -v timeout >/dev/null 2>&1; then timeout 30 sh -c "$1" & else sh -c "$1" & fi"#;

/// How long a shell is waited for to start it, which takes a hundredth of that.
const STARTING: Duration = Duration::from_millis(200);

/// What it has no business to know, and what would have it call itself.
const LEFT_OUT: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_MFA_KEY_ON_TOUCH",
];

/// Runs it, told by variables what happens.
///
/// # Errors
/// If no shell could be started.
pub(super) fn run(command: &OsStr, variables: &[(&'static str, String)]) -> std::io::Result<()> {
    let mut shell = Command::new("sh");
    shell.args(["-c", LET_GO, "sh"]).arg(command);
    for name in LEFT_OUT {
        shell.env_remove(name);
    }
    shell.envs(variables.iter().map(|(name, value)| (name, value)));
    // Ctrl-C is for us, and standard output for whoever called us.
    shell.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut shell = shell.spawn()?;
    let begun = Instant::now();
    while shell.try_wait()?.is_none() && begun.elapsed() < STARTING {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
