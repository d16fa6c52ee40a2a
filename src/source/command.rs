//! Codes from a command: run by `sh`, bounded in time, ended with all that it started.

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

/// What the environment of a command has, so that it is noticed where it would run itself.
pub const INSIDE: &str = "AWS_MFA_KEY_IN_COMMAND";
/// How long a command may take, with what a person does for it.
const LIMIT: Duration = Duration::from_mins(1);
/// How long its last words may take.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// More than any code is long, in bytes.
const LONGEST: usize = 4096;

/// Runs a command so that nothing of it is left, however either of us ends: what waits for the end of its standard input,
/// which is ours to close, ends the whole group then. Its line is no argument, which others could read.
const WATCHED: &str = r#"exec 3<&0
(read -r _ <&3; kill -s KILL -- "-$$") >/dev/null 2>&1 &
exec sh -c 'line=$AWS_MFA_KEY_COMMAND; unset AWS_MFA_KEY_COMMAND; eval "$line"' </dev/null 3<&-"#;

/// Why a command gave no code.
#[derive(Debug)]
pub enum CommandFault {
    /// `sh` could not be run.
    NotRun(io::Error),
    /// `sh` found no such command.
    NotFound,
    /// It failed, with an exit code, or by a signal.
    Failed(Option<i32>),
    /// It did not end.
    Late {
        /// How long it was waited for.
        waited: Duration,
    },
    /// It printed nothing.
    Nothing,
    /// What it printed first is no code.
    NotACode {
        /// Whether it is what a YubiKey types when it is touched.
        yubico_otp: bool,
    },
    /// It is a code, and not one of AWS's, which have six digits.
    NotSixDigits {
        /// How many it has.
        digits: usize,
    },
}

/// A command that prints a code. What it is is not told to anybody: people write secrets into such lines.
#[derive(Clone)]
pub struct CodeCommand {
    /// For `sh`.
    pub line: String,
    /// Where it stands, as one names it to a person.
    pub origin: String,
    /// Its environment.
    pub env: Environment,
}

impl CodeCommand {
    /// Runs it, and takes the first line that it prints: 6 to 8 digits.
    ///
    /// # Errors
    /// [`CommandFault`].
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

    /// Waits, and shows what for; `None` if it takes too long.
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

/// What a command prints first, and how it ends.
async fn work(child: &mut Child, stdout: Option<ChildStdout>) -> (Printed, io::Result<ExitStatus>) {
    let Some(mut stdout) = stdout else { return (Printed::default(), child.wait().await) };
    let line = first_line(&mut stdout).await;
    // What more there is is nobody's business; without a reader the command would wait, or be ended by it.
    let mut rest = [0; 512];
    let mut reading = pin!(async { while matches!(stdout.read(&mut rest).await, Ok(1..)) {} }.fuse());
    let waiting = pin!(child.wait());
    let status = match future::select(waiting, &mut reading).await {
        Either::Left((status, _)) => status,
        Either::Right(((), waiting)) => waiting.await,
    };
    (line, status)
}

/// The first line that is not empty, or as much as there is.
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

/// Says what a command says on standard error, line by line.
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

/// Ends a command that does not end by itself, and all of its group.
async fn end(child: &mut Child) {
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    // It is not waited for yet, so the number is still its own.
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
