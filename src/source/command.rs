//! Codes from a command, which `sh` runs with a time limit. No process that a command started outlives the command or
//! this program.

use crate::world::{Environment, MOMENT, Person, printable};
use futures_util::FutureExt;
use futures_util::future::{self, Either, FusedFuture};
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::SecretString;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdout, Command};
use zeroize::Zeroizing;

/// Environment variable set for each command. Where it is set, a `command:` source is refused, so that a command
/// cannot end up running itself.
pub const INSIDE: &str = "AWS_MFA_KEY_IN_COMMAND";
/// Time limit for a command, including the time that a person needs to respond to it.
const LIMIT: Duration = Duration::from_mins(1);
/// Time limit for reading the rest of standard error after a command ended, and for the command to end after SIGKILL.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Upper bound for one line of a command's output, in bytes; far longer than any code.
const LONGEST: usize = 4096;

/// Shell script that runs a command so that none of its processes outlives the command or this program: a background
/// process waits for the end of standard input, which this program holds open, then kills the process group. The
/// command line is passed in an environment variable, because arguments are visible to other users.
const WATCHED: &str = r#"exec 3<&0
(read -r _ <&3; kill -s KILL -- "-$$") >/dev/null 2>&1 &
exec sh -c 'line=$AWS_MFA_KEY_COMMAND; unset AWS_MFA_KEY_COMMAND; eval "$line"' </dev/null 3<&-"#;

/// Reason why no code could be obtained from a command.
#[derive(Debug)]
pub enum CommandFault {
    /// `sh` could not be started, or waiting for it failed.
    NotRun(io::Error),
    /// `sh` did not find the command (exit code 127).
    NotFound,
    /// The command failed with this exit code, or was ended by a signal (`None`).
    Failed(Option<i32>),
    /// The command did not end in time.
    Late {
        /// The time limit that passed.
        waited: Duration,
    },
    /// The command printed nothing.
    Nothing,
    /// The first line of the output is not a code.
    NotACode {
        /// True if the line ends in a Yubico OTP, which a YubiKey types when it is touched.
        yubico_otp: bool,
    },
    /// The command printed a code of more than AWS's six digits.
    NotSixDigits {
        /// Number of digits: 7 or 8.
        digits: usize,
    },
}

/// A command that prints a code. Its command line is never shown to anybody, because people write secrets into such
/// lines.
#[derive(Clone)]
pub struct CodeCommand {
    /// Command line, which `sh` runs.
    pub line: String,
    /// Setting that holds the command line, as shown to a person.
    pub origin: String,
    /// Environment that the command runs in.
    pub env: Environment,
}

impl CodeCommand {
    /// Runs the command and returns the first non-empty line of its output, which must be 6 to 8 digits. While the
    /// command runs, its standard error is shown to the person.
    ///
    /// # Errors
    /// [`CommandFault`] if the command cannot be run, fails, takes longer than a minute, or prints anything else
    /// first.
    pub async fn code(&self, person: &Person) -> Result<SecretString, CommandFault> {
        let mut child = self.spawn().map_err(CommandFault::NotRun)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut talk = pin!(said_on(stderr, person).fuse());
        let outcome = {
            let work = pin!(self.shown(person, work(&mut child, stdout)));
            match future::select(work, &mut talk).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(((), work)) => work.await,
            }
        };
        if outcome.is_none() {
            end(&mut child).await;
        }
        drop(stdin);
        if !talk.is_terminated() {
            let _ = tokio::time::timeout(LAST_WORDS, talk).await;
        }
        let (line, status) = outcome.ok_or(CommandFault::Late { waited: LIMIT })?;
        judge(&line, status.map_err(CommandFault::NotRun)?)
    }

    fn spawn(&self) -> io::Result<Child> {
        let mut command = Command::new("sh");
        command.args(["-c", WATCHED]);
        command.env_clear().envs(self.env.iter()).env(INSIDE, "1").env("AWS_MFA_KEY_COMMAND", &self.line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true).spawn()
    }

    /// Waits for `work`, and tells the person that the command is being waited for. Returns `None` if [`LIMIT`]
    /// passes first.
    async fn shown<T>(&self, person: &Person, work: impl Future<Output = T>) -> Option<T> {
        let begun = Instant::now();
        let waiting = person.wait_for(MOMENT, work, |wait| {
            let left = LIMIT.saturating_sub(begun.elapsed());
            wait.show(&format!("Waiting for the command in {}", self.origin), Some(left));
        });
        tokio::time::timeout(LIMIT, waiting).await.ok()
    }
}

type Printed = Zeroizing<Vec<u8>>;

/// Returns the first line that a command prints, and its exit status.
async fn work(child: &mut Child, stdout: Option<ChildStdout>) -> (Printed, io::Result<ExitStatus>) {
    let Some(mut stdout) = stdout else { return (Printed::default(), child.wait().await) };
    let line = first_line(&mut stdout).await;
    // Drain the rest of the output: a command whose output nobody reads would block, or be ended by SIGPIPE.
    let mut rest = [0; 512];
    let mut reading = pin!(async { while matches!(stdout.read(&mut rest).await, Ok(1..)) {} }.fuse());
    let waiting = pin!(child.wait());
    let status = match future::select(waiting, &mut reading).await {
        Either::Left((status, _)) => status,
        Either::Right(((), waiting)) => waiting.await,
    };
    (line, status)
}

/// Reads until the first non-empty line is complete, the output ends, or [`LONGEST`] bytes were read. The result may
/// go beyond that line.
async fn first_line(from: &mut (impl AsyncRead + Unpin)) -> Printed {
    let mut text = Zeroizing::new(Vec::with_capacity(2 * LONGEST));
    let has_line = |text: &[u8]| text.trim_ascii_start().contains(&b'\n');
    let mut chunk = Zeroizing::new([0; 512]);
    while text.len() < LONGEST && !has_line(&text) {
        match from.read(&mut chunk[..]).await {
            Ok(length @ 1..) => text.extend_from_slice(&chunk[..length]),
            _ => break,
        }
    }
    text
}

/// Shows the command's standard error to the person, line by line.
async fn said_on(stderr: Option<impl AsyncRead + Unpin>, person: &Person) {
    let Some(mut stderr) = stderr else { return };
    let (mut text, mut chunk) = (Vec::new(), [0; 512]);
    let say = |line: &[u8]| {
        let line = printable(&String::from_utf8_lossy(line), 300);
        if !line.is_empty() {
            person.must_know(&line);
        }
    };
    while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
        text.extend_from_slice(&chunk[..length]);
        while let Some(end) = text.iter().position(|&byte| byte == b'\n') {
            say(&text.drain(..=end).collect::<Vec<u8>>());
        }
        if text.len() > LONGEST {
            say(&std::mem::take(&mut text));
        }
    }
    say(&text);
}

/// Kills a command that exceeded its time limit, with its whole process group.
async fn end(child: &mut Child) {
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    // The child has not been reaped yet, so its process ID cannot have been reused.
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = tokio::time::timeout(LAST_WORDS, child.wait()).await;
}

fn judge(printed: &[u8], status: ExitStatus) -> Result<SecretString, CommandFault> {
    match status.code() {
        Some(0) => {}
        Some(127) => return Err(CommandFault::NotFound),
        code => return Err(CommandFault::Failed(code)),
    }
    let text = Zeroizing::new(String::from_utf8_lossy(printed).into_owned());
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).ok_or(CommandFault::Nothing)?;
    super::digits(&SecretString::from(line), 6..=8).map_err(|yubico_otp| CommandFault::NotACode { yubico_otp })
}
