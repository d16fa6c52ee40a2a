//! The built program as it is installed: a real pcscd with a token in it, AWS over HTTP, AWS's own clients beside it.

use super::test_world::{ACCOUNT, SEED, TestWorld};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use virtual_token::pcscd::{Pcscd, YUBIKEY};
use virtual_token::vpcd::Inserted;
use virtual_token::{SimulatedTouch, StoredAccount};

/// Longest time that anything here may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct RealStack {
    // Dropped in this order: the token is pulled out, then its reader ends.
    pub inserted: Option<Inserted>,
    pub pcscd: Pcscd,
    pub bench: TestWorld,
}

impl RealStack {
    /// With a token whose account wants a touch, which comes by itself after a tenth of a second.
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

    /// Pulls out the token, and waits until the service has seen that, which takes it a moment.
    pub fn pull_out(&mut self) {
        drop(self.inserted.take());
        let begun = Instant::now();
        while !self.run(&["tokens"]).err.contains("cause: no token is plugged in\n") {
            assert!(begun.elapsed() < PATIENCE, "the service does not see that the token is gone");
        }
    }

    /// A command with nothing of the tester's own in its environment, and without their terminal.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command.args(["--wait", program]).args(arguments).env_clear().envs(&self.bench.env);
        command.env("PATH", format!("{}:/usr/bin:/bin", clients().join("bin").display()));
        command.env("PCSCLITE_CSOCK_NAME", self.pcscd.socket()).env("AWS_EC2_METADATA_DISABLED", "true");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// From now on the clock of what is started says another time, in the words of `faketime`: `+86400`, `+0 x10`. It is as
    /// if it were set: only the time of day changes.
    pub fn set_clock(&mut self, time: &str) {
        let library = faketime();
        let library = ("LD_PRELOAD", library.to_str().unwrap());
        let settings = [library, ("FAKETIME", time), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        self.bench.env.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    /// Our program, ready to start.
    pub fn program(&self, arguments: &[&str]) -> Command {
        self.command(&program(), arguments)
    }

    /// Our program, run to its end.
    pub fn run(&self, arguments: &[&str]) -> ProgramOutput {
        ProgramOutput::from(self.program(arguments).output().unwrap())
    }

    /// One of AWS's clients, run to its end.
    pub fn aws(&self, arguments: &[&str]) -> ProgramOutput {
        ProgramOutput::from(self.command("aws", arguments).output().unwrap())
    }

    /// A Python program with boto3 at hand.
    pub fn python(&self, text: &str) -> ProgramOutput {
        ProgramOutput::from(self.command("python", &["-c", text]).output().unwrap())
    }

    /// Our program on a terminal of its own, which gets each of `answers` once its question stands there:
    /// `[("password", "horse\n")]`.
    pub fn on_a_terminal(&self, arguments: &[&str], answers: &[(&str, &str)]) -> ProgramOutput {
        let answers = serde_json::to_string(answers).unwrap();
        let (script, program) = (on_a_terminal(), program());
        let all = [&[script.as_str(), answers.as_str(), program.as_str()], arguments].concat();
        ProgramOutput::from(self.command("python", &all).output().unwrap())
    }
}

/// What runs a program on a terminal of its own.
pub fn on_a_terminal() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/harness/on_a_terminal.py").to_owned()
}

/// The program: the one just built, or the one that a measurement names.
pub fn program() -> String {
    std::env::var("AWS_MFA_KEY_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_aws-mfa-key").to_owned())
}

/// Makes a copy of our program.
pub fn copy_program(to: &Path) {
    make_program(to, "cat <\"$1\"", &program());
}

/// Makes a script that can be run.
pub fn write_script(path: &Path, text: &str) {
    make_program(path, "printf %s \"$1\"", text);
}

/// Not by this process: a program that another test starts meanwhile would hold the file open for a moment, and it could not
/// be run.
fn make_program(path: &Path, by: &str, from: &str) {
    let line = format!("{by} >\"$0\" && chmod 755 \"$0\"");
    assert!(Command::new("sh").args(["-c", &line]).arg(path).arg(from).status().unwrap().success());
}

/// The Python environment with AWS's and the token vendor's clients.
pub fn clients() -> PathBuf {
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-env");
    let folder = PathBuf::from(std::env::var_os("AWS_MFA_KEY_TEST_ENV").unwrap_or_else(|| made.into()));
    assert!(folder.join("bin/aws").exists(), "there is no {}: `make test` sets it up", folder.display());
    folder
}

/// The library that tells programs another time.
fn faketime() -> PathBuf {
    let folders = ["/usr/lib", "/usr/lib64"].into_iter().flat_map(|folder| {
        let inner = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        inner.chain([PathBuf::from(folder)])
    });
    let found = folders.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|path| path.exists());
    found.expect("there is no libfaketime.so.1: `make test` sets it up")
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct ProgramOutput {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl ProgramOutput {
    /// Whether this is what is said of a fault in a virtual reader; `make test-vm` holds what is said of the same fault in a
    /// USB port to the same.
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

/// Sends a signal to a program that this test started.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh").args(["-c", "kill -s $0 $1", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}
