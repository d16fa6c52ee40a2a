//! A running agent: its messages, its memory and wake-ups, and requests to its endpoint.

use super::stack::{PATIENCE, ProgramOutput, RealStack, signal};
use super::test_world::SEED_BASE32;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// A running agent, and the lines it has written to stderr. Killed when dropped.
pub struct RunningAgent {
    child: Child,
    lines: Receiver<String>,
    pub said: Vec<String>,
}

impl RunningAgent {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || err.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child, lines, said: Vec::new() }
    }

    /// Waits until the agent writes a line that contains `text`.
    #[track_caller]
    pub fn until(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let Ok(line) = line else { panic!("it did not say {text:?}, but: {:#?}", self.said) };
            let is_it = line.contains(text);
            self.said.push(line);
            if is_it {
                return;
            }
        }
    }

    /// Returns the process id of the agent: `setsid` execs it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits until the agent has announced `count` more sessions, which are written by then.
    #[track_caller]
    pub fn until_sessions(&mut self, count: usize) {
        (0..count).for_each(|_| self.until("Logged in as "));
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.pid()))
    }

    /// Returns the number of voluntary context switches of all threads since the start.
    pub fn wake_ups(&self) -> u64 {
        let tasks = fs::read_dir(self.folder().join("task")).unwrap().flatten();
        tasks.map(|task| status(&task.path(), "voluntary_ctxt_switches").unwrap_or_default()).sum()
    }

    /// Returns the resident memory in KiB: in total, and the anonymous part, which no file backs.
    pub fn memory(&self) -> (u64, u64) {
        let read = |what| status(&self.folder(), what).unwrap();
        (read("VmRSS"), read("RssAnon"))
    }

    /// Sends SIGTERM and waits. Returns the exit code and the time from the signal to the exit.
    pub fn end(&mut self) -> (Option<i32>, Duration) {
        self.signal("TERM");
        // Measured from here: `kill` is a process too, which takes its time on a busy machine.
        let begun = Instant::now();
        (self.child.wait().unwrap().code(), begun.elapsed())
    }
}

impl Drop for RunningAgent {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal("KILL");
            let _already_ended = self.child.wait();
        }
    }
}

/// Creates a stack whose profile uses a secret file, so that no person is needed.
pub fn with_a_secret() -> RealStack {
    let stack = RealStack::new();
    let secret = stack.bench.path("secret");
    fs::write(&secret, SEED_BASE32).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    stack.bench.configure(&format!("mfa_key_source = secret:file:{}\n", secret.display()));
    stack
}

pub fn agent(stack: &RealStack, arguments: &[&str]) -> RunningAgent {
    let mut command = stack.program(&[&["agent"], arguments].concat());
    command.env("XDG_RUNTIME_DIR", stack.bench.home.path());
    RunningAgent::start(command)
}

/// Runs the program as a user whom the agent serves.
pub fn ours(stack: &RealStack, arguments: &[&str]) -> ProgramOutput {
    let mut command = stack.program(arguments);
    command.env("XDG_RUNTIME_DIR", stack.bench.home.path());
    ProgramOutput::from(command.output().unwrap())
}

/// Returns the variables that `agent env` prints.
pub fn env(stack: &RealStack, profile: &str) -> Vec<(String, String)> {
    let told = ours(stack, &["agent", "env", profile]);
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{told:?}");
    let set = told.out.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    set.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

pub fn value<'a>(env: &'a [(String, String)], name: &str) -> &'a str {
    &env.iter().find(|(set, _)| set == name).unwrap_or_else(|| panic!("{name} is not in {env:?}")).1
}

/// Host, path and authorization token for profile `dev` at the agent's endpoint.
pub struct EndpointClient {
    pub host: String,
    pub path: String,
    pub token: String,
}

impl EndpointClient {
    pub fn of(stack: &RealStack) -> Self {
        let env = env(stack, "dev");
        let url = value(&env, "AWS_CONTAINER_CREDENTIALS_FULL_URI").strip_prefix("http://").unwrap();
        let (host, path) = url.split_once('/').unwrap();
        let token = value(&env, "AWS_CONTAINER_AUTHORIZATION_TOKEN").to_owned();
        Self { host: host.to_owned(), path: format!("/{path}"), token }
    }

    pub fn say(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let mut answer = String::new();
        // A refused client may be disconnected while it still sends.
        let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        answer
    }

    /// Asserts that the endpoint answers within the promised 100 ms; two of fifty requests may exceed it on a busy
    /// machine.
    #[track_caller]
    pub fn assert_prompt(&self) {
        let times = self.times(50);
        assert!(times[47] < Duration::from_millis(100), "{times:?}");
    }

    /// Makes `count` requests and returns their durations, shortest first.
    pub fn times(&self, count: usize) -> Vec<Duration> {
        let request =
            format!("GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n", self.path, self.host, self.token);
        let once = || {
            let begun = Instant::now();
            assert!(self.say(&request).contains("\"Token\""));
            begun.elapsed()
        };
        let mut times: Vec<Duration> = (0..count).map(|_| once()).collect();
        times.sort_unstable();
        times
    }

    /// Returns the status code of a response.
    pub fn status(&self, method: &str, path: &str, lines: &str) -> String {
        let answer = self.say(&format!("{method} {path} HTTP/1.1\r\n{lines}\r\n"));
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

/// Returns a number from the `status` file of a process or thread (proc(5)).
fn status(of: &Path, what: &str) -> Option<u64> {
    let text = fs::read_to_string(of.join("status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
