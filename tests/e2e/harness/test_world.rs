//! The program inside the test: a virtual token without pcscd, AWS on loopback, a home folder of its own, and a
//! scripted person.

use aws_mfa_key::world::alarm::Alarms;
use aws_mfa_key::world::{Clock, Machine, NoAnswer, Person, PersonContext, Terminal, TokenLimits, World};
use fake_aws::{AwsUser, FakeAws};
use hw::memory_bus::MemoryBus;
use secrecy::SecretString;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Cursor, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;
use virtual_token::{Persona, SimulatedTouch, StoredAccount, VirtualToken};

pub const ACCOUNT: &str = "123456789012";
pub const SEED: &[u8] = b"12345678901234567890";
pub const READER: &str = "Yubico YubiKey OTP+FIDO+CCID 00 00";
/// `SEED` in base32.
pub const SEED_BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// A Python program that prints the current code of [`SEED`], using only Python's standard library.
pub const TOTP: &str = "import hmac, struct, time
proof = hmac.new(b'12345678901234567890', struct.pack('>Q', int(time.time()) // 30), 'sha1').digest()
at = proof[-1] & 15
print('%06d' % ((struct.unpack('>I', proof[at:at + 4])[0] & 0x7fffffff) % 1000000))
";

/// A person with a profile `dev`, a token that holds the matching account, and an AWS that knows both.
pub struct TestWorld {
    pub home: TempDir,
    pub aws: FakeAws,
    pub alice: AwsUser,
    pub serial: String,
    pub token: VirtualToken,
    pub bus: Arc<MemoryBus>,
    pub token_limits: TokenLimits,
    pub env: BTreeMap<String, String>,
    /// Lines that the person types, one for each question; `None`: there is no terminal.
    pub typed: Option<Vec<&'static str>>,
    /// Time that the person takes for each answer.
    pub thinking: Duration,
    pub input: &'static str,
    /// Seconds by which the machine's clock is ahead of AWS's.
    pub clock_ahead: i64,
    /// Clock of the machine; `None` for the system's clock, shifted by `clock_ahead`.
    pub clock: Option<Arc<dyn Clock>>,
    /// Creates the alarm that wakes the agent.
    pub alarm: Alarms,
    /// Speed of time on the machine and at AWS, and the moment since which it applies.
    pace: (u32, Instant),
}

/// Exit code and output of a command.
#[derive(Debug)]
pub struct CommandOutcome {
    pub code: u8,
    pub out: String,
    pub err: String,
    /// Text written to the terminal; empty if there is none.
    pub terminal: String,
}

impl TestWorld {
    pub fn new() -> Self {
        let aws = FakeAws::start().unwrap();
        let alice = aws.add_user(ACCOUNT, "alice");
        let serial = aws.add_mfa(&alice, "alice", SEED);
        let token = VirtualToken::builder(Persona::named("5.4.3").unwrap()).serial(Some(12_345_678)).build();
        token.add(StoredAccount::totp("Amazon Web Services:alice@example", SEED));
        token.set_touch(SimulatedTouch::ByItself(Duration::ZERO));
        let mut bench = Self {
            home: tempfile::tempdir().unwrap(),
            aws,
            alice,
            serial,
            token,
            bus: Arc::new(MemoryBus::new()),
            token_limits: TokenLimits::USUAL,
            env: BTreeMap::new(),
            typed: Some(Vec::new()),
            thinking: Duration::ZERO,
            input: "",
            clock_ahead: 0,
            clock: None,
            alarm: Arc::new(|| Err(io::ErrorKind::Unsupported.into())),
            pace: (1, Instant::now()),
        };
        bench.env.insert("HOME".to_owned(), bench.home.path().to_str().unwrap().to_owned());
        let token = bench.token.clone();
        bench.bus.insert(READER, move |command| Ok(token.exchange(command)));
        let key = bench.aws.add_key(&bench.alice);
        fs::create_dir(bench.path(".aws")).unwrap();
        bench.write(
            ".aws/credentials",
            &format!(
                "# keep me\n[dev]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
                key.access_key_id, key.secret_access_key
            ),
        );
        fs::set_permissions(bench.path(".aws/credentials"), fs::Permissions::from_mode(0o600)).unwrap();
        bench.configure("");
        bench
    }

    /// Rewrites the config file, with additional lines for profile `dev`.
    pub fn configure(&self, more: &str) {
        let text = format!(
            "[profile dev]\nregion = eu-central-1\nendpoint_url = {}\nmfa_serial = {}\n{more}",
            self.aws.endpoint(),
            self.serial
        );
        self.write(".aws/config", &text);
    }

    /// Adds a user with a key, an MFA device, an account on the token, and these profiles.
    pub fn add_user(&self, name: &str, profiles: &[&str], touch: bool) {
        let user = self.aws.add_user(ACCOUNT, name);
        let (key, seed) = (self.aws.add_key(&user), format!("the seed of {name:>10}"));
        let serial = self.aws.add_mfa(&user, name, seed.as_bytes());
        let account = StoredAccount::totp(serial.as_bytes(), seed.as_bytes());
        self.token.add(if touch { account.with_touch() } else { account });
        let (mut config, mut credentials) = (self.read(".aws/config"), self.read(".aws/credentials"));
        let (id, secret, endpoint) = (key.access_key_id, key.secret_access_key, self.aws.endpoint());
        for profile in profiles {
            config.push_str(&format!("[profile {profile}]\nmfa_serial = {serial}\nendpoint_url = {endpoint}\n"));
            credentials.push_str(&format!("[{profile}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
        }
        self.write(".aws/config", &config);
        self.write(".aws/credentials", &credentials);
    }

    /// Adds users `user0` to `user19`, each with this many profiles: `p0-0`, `p0-1`, …
    pub fn add_twenty_users(&self, profiles: usize) {
        for user in 0..20 {
            let profiles: Vec<String> = (0..profiles).map(|profile| format!("p{user}-{profile}")).collect();
            let profiles: Vec<&str> = profiles.iter().map(String::as_str).collect();
            self.add_user(&format!("user{user}"), &profiles, false);
        }
    }

    /// Edits the credentials file so that all its sessions end after `left`. Returns their end.
    pub fn sessions_end_in(&self, left: Duration) -> SystemTime {
        let at = SystemTime::now() + left;
        let key = "x_security_token_expires = ";
        let ends = aws_smithy_types::DateTime::from(at).fmt(aws_smithy_types::date_time::Format::DateTime).unwrap();
        let text = self.read(".aws/credentials");
        let with_end = |line: &str| if line.starts_with(key) { format!("{key}{ends}\n") } else { format!("{line}\n") };
        self.write(".aws/credentials", &text.lines().map(with_end).collect::<String>());
        at
    }

    /// Makes time pass `times` as fast, on the machine and at AWS.
    pub fn hurry(&mut self, times: u32) {
        let (begun, now) = (Instant::now(), self.aws.now());
        self.pace = (times, begun);
        self.aws.set_clock_source(move || now + i64::try_from((begun.elapsed() * times).as_secs()).unwrap());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Replaces a part of a file. Fails if the part is missing.
    pub fn edit(&self, name: &str, old: &str, new: &str) {
        let text = self.read(name);
        assert!(text.contains(old), "{old} is not in {text}");
        self.write(name, &text.replace(old, new));
    }

    /// Makes the machine appear to run a program of this user, in a simulated `/proc`.
    pub fn process(&self, name: &str, pid: u32) {
        let folder = self.path(&format!("machine/proc/{pid}"));
        fs::create_dir_all(&folder).unwrap();
        let user = fs::metadata(&folder).unwrap().uid();
        fs::write(folder.join("status"), format!("Name:\t{name}\nUid:\t{user}\t{user}\t{user}\t{user}\n")).unwrap();
    }

    pub fn login(&self, arguments: &[&str]) -> CommandOutcome {
        self.run(&[&["login", "dev"], arguments].concat())
    }

    pub fn run(&self, arguments: &[&str]) -> CommandOutcome {
        let (out, err, screen) = (CapturedOutput::default(), CapturedOutput::default(), CapturedOutput::default());
        let terminal = self.typed.as_ref().map(|typed| -> Box<dyn Terminal> {
            let (lines, thinking) = (typed.iter().copied().collect(), self.thinking);
            Box::new(ScriptedTerminal { lines, thinking, screen: screen.clone() })
        });
        let bus = Arc::clone(&self.bus);
        let mut world = World {
            env: self.env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect(),
            clock: self.clock.clone().unwrap_or_else(|| Arc::new(OffsetClock(self.clock_ahead, self.pace))),
            out: Box::new(out.clone()),
            person: Person::new(Box::new(err.clone()), terminal, PersonContext::default()),
            input: Some(Box::new(Cursor::new(self.input))),
            piped: !self.input.is_empty(),
            bus: Arc::new(move |_| Arc::clone(&bus) as Arc<dyn hw::transport::Bus>),
            token_limits: self.token_limits,
            machine: Machine::at(&self.path("machine")),
            alarm: Arc::clone(&self.alarm),
            before_exec: || {},
        };
        let arguments = std::iter::once("aws-mfa-key").chain(arguments.iter().copied()).map(OsString::from);
        let code = aws_mfa_key::run(arguments, &mut world);
        CommandOutcome { code, out: out.text(), err: err.text(), terminal: screen.text() }
    }
}

/// Returns a word of six digits, which looks like a code. Six digits inside an identifier or a hash do not count.
pub fn code_in(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_alphanumeric()).find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
}

struct OffsetClock(i64, (u32, Instant));

impl Clock for OffsetClock {
    fn now(&self) -> SystemTime {
        let by = Duration::from_secs(self.0.unsigned_abs());
        let (times, begun) = self.1;
        let now = SystemTime::now() + begun.elapsed() * (times - 1);
        if self.0 < 0 { now - by } else { now + by }
    }
}

#[derive(Clone, Default)]
struct CapturedOutput(Arc<Mutex<Vec<u8>>>);

impl CapturedOutput {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for CapturedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct ScriptedTerminal {
    lines: VecDeque<&'static str>,
    thinking: Duration,
    screen: CapturedOutput,
}

impl Terminal for ScriptedTerminal {
    fn write(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).unwrap();
    }

    fn is_ours(&self) -> bool {
        true
    }

    fn width(&self) -> usize {
        120
    }

    fn read_line(&mut self, _echo: bool, _limit: Duration) -> Result<SecretString, NoAnswer> {
        std::thread::sleep(self.thinking);
        self.lines.pop_front().filter(|line| !line.is_empty()).map(SecretString::from).ok_or(NoAnswer::Nothing)
    }
}
