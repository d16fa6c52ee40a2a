//! An agent that runs: what it says, and what it takes of the machine.

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

/// An agent that runs, and what it says line by line.
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

    /// Waits until it says something with this in it.
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

    /// Its process: `setsid` becomes it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits until it says of so many more sessions that they are there, which are all written then.
    #[track_caller]
    pub fn until_sessions(&mut self, count: usize) {
        (0..count).for_each(|_| self.until(" has a session in profile "));
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.pid()))
    }

    /// How often it was woken up since it began, all its threads together.
    pub fn wake_ups(&self) -> u64 {
        let tasks = fs::read_dir(self.folder().join("task")).unwrap().flatten();
        tasks.map(|task| status(&task.path(), "voluntary_ctxt_switches").unwrap_or_default()).sum()
    }

    /// KiB of memory: all that is resident, and what of it no file could give back.
    pub fn memory(&self) -> (u64, u64) {
        let read = |what| status(&self.folder(), what).unwrap();
        (read("VmRSS"), read("RssAnon"))
    }

    /// Ends it, and says how it ended and how long that took.
    pub fn end(&mut self) -> (Option<i32>, Duration) {
        self.signal("TERM");
        // What sends it is a program, too, and a busy machine takes its time to start one.
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

/// A stack whose codes need nobody.
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

/// Our program as whoever the agent serves runs it.
pub fn ours(stack: &RealStack, arguments: &[&str]) -> ProgramOutput {
    let mut command = stack.program(arguments);
    command.env("XDG_RUNTIME_DIR", stack.bench.home.path());
    ProgramOutput::from(command.output().unwrap())
}

/// What `agent env` sets.
pub fn env(stack: &RealStack, profile: &str) -> Vec<(String, String)> {
    let told = ours(stack, &["agent", "env", profile]);
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{told:?}");
    let set = told.out.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    set.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

pub fn value<'a>(env: &'a [(String, String)], name: &str) -> &'a str {
    &env.iter().find(|(set, _)| set == name).unwrap_or_else(|| panic!("{name} is not in {env:?}")).1
}

/// Where the endpoint is, and what opens profile `dev`.
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
        // Whoever is refused may be cut off, while they still speak, too.
        let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        answer
    }

    /// It answers within the tenth of a second that is promised; two of fifty times the machine may be busy.
    #[track_caller]
    pub fn assert_prompt(&self) {
        let times = self.times(50);
        assert!(times[47] < Duration::from_millis(100), "{times:?}");
    }

    /// How long so many answers take, in order, the shortest first.
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

    /// The status of an answer.
    pub fn status(&self, method: &str, path: &str, lines: &str) -> String {
        let answer = self.say(&format!("{method} {path} HTTP/1.1\r\n{lines}\r\n"));
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

/// A number that the kernel says of a process, or of a thread.
fn status(of: &Path, what: &str) -> Option<u64> {
    let text = fs::read_to_string(of.join("status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
