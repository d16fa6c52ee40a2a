//! Tests of a token that stays at the desk: both commands of the README, over a real `sshd` on loopback.

use crate::harness::aws_clients::AwsClient;
use crate::harness::client_process::ClientProcess;
use crate::harness::events::until;
use crate::harness::running_agent::agent;
use crate::harness::stack::{PATIENCE, ProgramOutput, RealStack, clients, program, write_script};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use virtual_token::SimulatedTouch;
use virtual_token::pcscd::free_pair;

const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

/// A machine reached by SSH, with only the given environment and none of the tester's.
struct SshMachine {
    sshd: Child,
    port: u16,
    home: TempDir,
}

impl SshMachine {
    /// Starts an `sshd` that accepts `key` and sets these environment variables.
    fn start(key: &Path, env: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
        generate_key(Path::new(&path("host_key")));
        let mut set: String = env.iter().map(|(name, value)| format!(" \"{name}={value}\"")).collect();
        if !env.iter().any(|(name, _)| *name == "HOME") {
            set.push_str(&format!(" \"HOME={}\"", home.path().display()));
        }
        let port = free_pair().unwrap();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}.pub\nPidFile none\nUsePAM no\n\
             StrictModes no\nSetEnv{set}\n",
            path("host_key"),
            key.display()
        );
        fs::write(path("config"), config).unwrap();
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f", &path("config")]).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut sshd = command.spawn().unwrap();
        let mut lines = BufReader::new(sshd.stderr.take().unwrap()).lines().map(Result::unwrap);
        let said: Vec<String> =
            lines.by_ref().take(5).take_while(|line| !line.starts_with("Server listening")).collect();
        assert!(said.is_empty(), "{said:?}");
        std::thread::spawn(move || lines.for_each(drop));
        Self { sshd, port, home }
    }
}

impl Drop for SshMachine {
    /// Ends all connections first: a tunnel in the background ends with its connection.
    fn drop(&mut self) {
        let ours = self.sshd.id().to_string();
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:\t"));
            if parent == Some(&ours) {
                let pid = process.file_name().into_string().unwrap().parse().unwrap();
                let _already_ended = rustix::process::kill_process(
                    rustix::process::Pid::from_raw(pid).unwrap(),
                    rustix::process::Signal::TERM,
                );
            }
        }
        let _already_ended = self.sshd.kill();
        self.sshd.wait().unwrap();
    }
}

fn generate_key(path: &Path) {
    let done = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
    assert!(done.success());
}

/// The desk, where the agent runs and the token is plugged in, and a remote machine.
struct DeskAndRemote {
    stack: RealStack,
    desk: SshMachine,
    elsewhere: SshMachine,
    folder: TempDir,
}

impl DeskAndRemote {
    fn new() -> Self {
        let stack = RealStack::new();
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        generate_key(&key);
        let path = search_path(folder.path());
        let home = stack.bench.home.path().to_str().unwrap().to_owned();
        let desk = SshMachine::start(&key, &[("PATH", &path), ("HOME", &home), ("XDG_RUNTIME_DIR", &home)]);
        let elsewhere = SshMachine::start(&key, &[("PATH", &path), ("AWS_EC2_METADATA_DISABLED", "true")]);
        let config = folder.path().join("config");
        let host = |name: &str, port: u16| format!("Host {name}\nPort {port}\n");
        let text = format!(
            "{}{}Host *\nHostName 127.0.0.1\nIdentityFile {}\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n\
             LogLevel ERROR\n",
            host("DESK", desk.port),
            host("HOST", elsewhere.port),
            key.display()
        );
        fs::write(&config, text).unwrap();
        let script = |name: &str, line: &str| {
            write_script(&folder.path().join(name), &format!("#!/bin/sh\nexec {line} \"$@\"\n"));
        };
        script("ssh", &format!("/usr/bin/ssh -F {}", config.display()));
        script("aws-mfa-key", &program());
        Self { stack, desk, elsewhere, folder }
    }

    /// Runs a shell command as a user of `machine`.
    fn shell(&self, machine: &SshMachine, line: &str) -> ProgramOutput {
        let mut command = self.stack.command("sh", &["-c", line]);
        let home = if std::ptr::eq(machine, &self.desk) { self.stack.bench.home.path() } else { machine.home.path() };
        command.env("PATH", search_path(self.folder.path())).env("HOME", home).env("XDG_RUNTIME_DIR", home);
        ProgramOutput::from(command.output().unwrap())
    }
}

/// Returns a search path that starts with the test's `ssh` and the program under test.
fn search_path(folder: &Path) -> String {
    format!("{}:{}:/usr/bin:/bin", folder.display(), clients().join("bin").display())
}

/// Returns the README's command that contains `part`, with a free port and the folder of this desk.
fn command(part: &str, port: u16, desk: &Path) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let mut blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let block = blocks.find(|block| block.contains(part)).unwrap();
    block.replace("4711", &port.to_string()).replace("/run/user/1000", desk.to_str().unwrap())
}

#[test]
fn the_command_from_the_desk_works() {
    let both = DeskAndRemote::new();
    let mut agent = agent(&both.stack, &[]);
    agent.until("Logged in as alice");
    let line = command("HOST sh", free_pair().unwrap(), both.stack.bench.home.path());
    let told = both.shell(&both.desk, &line);
    assert!(told.code == Some(0) && told.out.contains("touched-the-key"), "{line}{told:?}");
    assert!(!both.elsewhere.home.path().join(".aws").exists(), "nothing stays there");
}

#[test]
fn failed_tunnels_run_nothing_and_reveal_nothing() {
    let both = DeskAndRemote::new();
    let desk = both.stack.bench.home.path();
    let without_agent = both.shell(&both.desk, &command("HOST sh", free_pair().unwrap(), desk));
    assert!(without_agent.out.is_empty() && without_agent.err.contains("no agent is running"), "{without_agent:?}");
    let mut agent = agent(&both.stack, &[]);
    agent.until("Logged in as alice");
    let asked = both.stack.bench.aws.requests().len();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let port = other.local_addr().unwrap().port();
    for (machine, part) in [(&both.desk, "HOST sh"), (&both.elsewhere, "-fNL")] {
        let line = format!("{} && aws sts get-caller-identity", command(part, port, desk).trim_end());
        let told = both.shell(machine, &line);
        assert!(told.code != Some(0) && told.out.is_empty(), "{line}{told:?}");
    }
    assert_eq!(both.stack.bench.aws.requests().len(), asked);
    assert_eq!(other.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody came to tell");
}

#[test]
fn the_command_from_the_remote_works_across_a_renewal() {
    let both = DeskAndRemote::new();
    let stack = &both.stack;
    let mut agent = agent(stack, &[]);
    agent.until("Logged in as alice");
    let line = command("-fNL", free_pair().unwrap(), stack.bench.home.path());
    let told = both.shell(&both.elsewhere, &format!("{} && env", line.trim_end()));
    assert_eq!(told.code, Some(0), "{line}{told:?}");
    let long_term = stack.bench.read(".aws/credentials");
    let long_term = long_term.lines().find_map(|line| line.strip_prefix("aws_secret_access_key = ")).unwrap();
    assert!(!told.out.contains(long_term) && !told.out.contains("AKIA"), "{told:?}");
    let env: Vec<(String, String)> = told
        .out
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.starts_with("AWS_") || *name == "HOME")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert!(
        env.iter().any(|(name, value)| name == "HOME" && Path::new(value) == both.elsewhere.home.path()),
        "{env:?}"
    );
    // The session at the desk is about to expire, and nobody has touched the token.
    stack.bench.token.set_touch_timeout(PATIENCE);
    stack.bench.token.set_touch(SimulatedTouch::OnCommand);
    stack.bench.sessions_end_in(Duration::from_mins(5));
    assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
    let mut caller = ClientProcess::pointed(AwsClient::Boto3, stack, &env);
    assert_eq!(caller.call()["arn"], ALICE);
    let used = || stack.bench.aws.requests().last().unwrap().access_key_id.clone();
    let first = used();
    assert!(stack.bench.token.touch());
    agent.until("Logged in as alice");
    until("the new session is used", || {
        assert_eq!(caller.call()["arn"], ALICE);
        used() != first
    });
    caller.end();
}
