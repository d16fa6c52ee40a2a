//! The built program in a realistic environment: a real pcscd with a virtual token, AWS over HTTP, and AWS's own
//! clients.

use super::test_world::{ACCOUNT, SEED, TestWorld};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use virtual_token::pcscd::{Pcscd, YUBIKEY};
use virtual_token::vpcd::Inserted;
use virtual_token::{SimulatedTouch, StoredAccount};

/// Upper bound for every wait in the tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct RealStack {
    // Fields are dropped in this order: the token is removed before its reader ends.
    pub inserted: Option<Inserted>,
    pub pcscd: Pcscd,
    pub bench: TestWorld,
}

impl RealStack {
    /// Creates a stack whose account requires a touch, which the virtual token gives by itself after 0.1 s.
    pub fn new() -> Self {
        let bench = TestWorld::new();
        bench.aws.add_bucket(ACCOUNT, "touched-the-key");
        bench.token.remove(b"Amazon Web Services:alice@example");
        bench.token.add(StoredAccount::totp("Amazon Web Services:alice@example", SEED).with_touch());
        bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_millis(100)));
        let pcscd = Pcscd::start(&[YUBIKEY]).unwrap();
        let inserted = Some(pcscd.insert(0, &bench.token).unwrap());
        Self { inserted, pcscd, bench }
    }

    /// Removes the token, and waits until pcscd has noticed.
    pub fn pull_out(&mut self) {
        drop(self.inserted.take());
        let begun = Instant::now();
        while !self.run(&["tokens"]).err.contains("cause: no token is plugged in\n") {
            assert!(begun.elapsed() < PATIENCE, "the service does not see that the token is gone");
        }
    }

    /// Builds a command without a controlling terminal, and with none of the tester's environment variables.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command.args(["--wait", program]).args(arguments).env_clear().envs(&self.bench.env);
        command.env("PATH", format!("{}:/usr/bin:/bin", clients().join("bin").display()));
        command.env("PCSCLITE_CSOCK_NAME", self.pcscd.socket()).env("AWS_EC2_METADATA_DISABLED", "true");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Sets the clock of programs started from now on, in the syntax of `faketime`: `+86400`, `+0 x10`. Only the time
    /// of day changes, as if the clock had been set; monotonic time does not.
    pub fn set_clock(&mut self, time: &str) {
        let library = faketime();
        let library = ("LD_PRELOAD", library.to_str().unwrap());
        let settings = [library, ("FAKETIME", time), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        self.bench.env.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    /// Builds a command that runs the program under test.
    pub fn program(&self, arguments: &[&str]) -> Command {
        self.command(&program(), arguments)
    }

    /// Runs the program under test to its end.
    pub fn run(&self, arguments: &[&str]) -> ProgramOutput {
        ProgramOutput::from(self.program(arguments).output().unwrap())
    }

    /// Runs the AWS CLI to its end.
    pub fn aws(&self, arguments: &[&str]) -> ProgramOutput {
        ProgramOutput::from(self.command("aws", arguments).output().unwrap())
    }

    /// Runs a Python script, which can import boto3.
    pub fn python(&self, text: &str) -> ProgramOutput {
        ProgramOutput::from(self.command("python", &["-c", text]).output().unwrap())
    }

    /// Runs the program under test on a terminal of its own, which types each answer once its question is shown:
    /// `[("password", "horse\n")]`.
    pub fn on_a_terminal(&self, arguments: &[&str], answers: &[(&str, &str)]) -> ProgramOutput {
        let answers = serde_json::to_string(answers).unwrap();
        let (script, program) = (on_a_terminal(), program());
        let all = [&[script.as_str(), answers.as_str(), program.as_str()], arguments].concat();
        ProgramOutput::from(self.command("python", &all).output().unwrap())
    }
}

/// Returns the path of the script that runs a program on a terminal of its own.
pub fn on_a_terminal() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/harness/on_a_terminal.py").to_owned()
}

/// Returns the path of the program under test: the one just built, or the one that `AWS_MFA_KEY_PROGRAM` names.
pub fn program() -> String {
    std::env::var("AWS_MFA_KEY_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_aws-mfa-key").to_owned())
}

/// Copies the program under test.
pub fn copy_program(to: &Path) {
    make_program(to, "cat <\"$1\"", &program());
}

/// Writes an executable script.
pub fn write_script(path: &Path, text: &str) {
    make_program(path, "printf %s \"$1\"", text);
}

/// Writes an executable file through a child process. If this process wrote it, a child forked by another test at
/// that moment could hold the file open for writing, and executing it would fail with ETXTBSY.
fn make_program(path: &Path, by: &str, from: &str) {
    let line = format!("{by} >\"$0\" && chmod 755 \"$0\"");
    assert!(Command::new("sh").args(["-c", &line]).arg(path).arg(from).status().unwrap().success());
}

/// Returns the folder of the Python environment with AWS's and the token vendor's clients.
pub fn clients() -> PathBuf {
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-env");
    let folder = PathBuf::from(std::env::var_os("AWS_MFA_KEY_TEST_ENV").unwrap_or_else(|| made.into()));
    assert!(folder.join("bin/aws").exists(), "there is no {}: `make test` sets it up", folder.display());
    folder
}

/// Returns the path of libfaketime, which changes the clock of programs.
fn faketime() -> PathBuf {
    let folders = ["/usr/lib", "/usr/lib64"].into_iter().flat_map(|folder| {
        let inner = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        inner.chain([PathBuf::from(folder)])
    });
    let found = folders.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|path| path.exists());
    found.expect("there is no libfaketime.so.1: `make test` sets it up")
}

/// Exit code and output of a program.
#[derive(Debug)]
pub struct ProgramOutput {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl ProgramOutput {
    /// Asserts that exit code and stderr match a file of `tests/vm/faces`. `make test-vm` checks the same fault at a
    /// USB port against the same file, so virtual reader and real port agree.
    #[track_caller]
    pub fn assert_face(&self, face: &str) {
        let wanted = face.replace("PROFILE", "dev").replace("SERIAL", "12345678");
        let (words, code) = wanted.split_once("exit code ").unwrap();
        assert_eq!(self.code, code.trim().parse().ok(), "{self:?}");
        assert!(self.err.contains(words.trim_end()), "{self:?}");
    }
}

impl From<Output> for ProgramOutput {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Sends a signal to a program that the test started.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh").args(["-c", "kill -s $0 $1", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}
