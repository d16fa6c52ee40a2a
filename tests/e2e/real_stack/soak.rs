//! A soak test: simulated days of logins by several programs, profiles and MFA devices, with random kills and lies.

use crate::harness::dice::{Dice, is_soak_run, say};
use crate::harness::stack::{PATIENCE, ProgramOutput, RealStack};
use crate::harness::test_world::{ACCOUNT, SEED};
use aws_mfa_key::source::secret::SoftwareSecret;
use fake_aws::{Action, AwsRole, Lie, RequestOutcome, Times};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};
use virtual_token::{SimulatedTouch, StoredAccount};

/// The profiles to log in to, and the user whose MFA device they share.
const PROFILES: [(&str, &str); 10] = [
    ("dev", "alice"),
    ("short", "alice"),
    ("reader", "alice"),
    ("bob", "bob"),
    ("bob-writer", "bob"),
    ("carol", "carol"),
    ("carol-short", "carol"),
    ("carol-reader", "carol"),
    ("carol-writer", "carol"),
    ("dave", "dave"),
];
const STATE: &str = ".local/state/aws-mfa-key";
/// Number of codes of one MFA device that are available without waiting.
const FREE: u64 = 3;
/// Largest number of codes that one program sends.
const CODES: u64 = 2;
/// Shortest time between two rounds, in seconds: five steps, after which the free codes are available again.
const APART: u64 = 5 * 30;

/// A running program and its expected result.
struct StartedProgram {
    child: Child,
    what: Vec<String>,
    /// The profile that must have a session afterwards.
    profile: &'static str,
    killed_after: Option<Duration>,
    begun: Instant,
}

/// Counts over the whole test.
#[derive(Default, Debug)]
struct SoakTally {
    logins: u64,
    codes_asked_for: u64,
    killed: u64,
    failed: u64,
    lies: u64,
    codes_sent: u64,
    sessions_made: u64,
    checked_by_awscli: u64,
    seconds: u64,
}

struct Soak {
    stack: RealStack,
    dice: Dice,
    tally: SoakTally,
    /// Steps that reached AWS or were printed for a person, with their MFA device.
    gone: HashSet<(String, i64)>,
    /// Upper bound of the codes used for each user since the clock last advanced.
    taken: BTreeMap<&'static str, u64>,
    /// Serial number of each user's MFA device.
    devices: HashMap<&'static str, String>,
    /// The credentials file at the start, with all long-term keys.
    original: String,
}

fn seed_of(user: &str) -> Vec<u8> {
    if user == "alice" { SEED.to_vec() } else { format!("the seed of {user:>8}").into_bytes() }
}

fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let letter = |bits: &[u8]| {
        let bits = format!("{:0<5}", std::str::from_utf8(bits).unwrap());
        char::from(LETTERS[usize::from_str_radix(&bits, 2).unwrap()])
    };
    bits.as_bytes().chunks(5).map(letter).collect()
}

/// Shifts the boot time recorded in a ledger. The uptime cannot be faked, so after a jump of the faked clock the
/// ledger would take the clock to have been set. The file's modification time is kept.
fn started_later(ledger: &Path, seconds: i64) {
    let (text, file) = (fs::read_to_string(ledger).unwrap(), File::options().write(true).open(ledger).unwrap());
    let modified = file.metadata().unwrap().modified().unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let Some(at) = value["started"]["at"].as_i64() else { return };
    let moved = text.replace(&format!("\"at\":{at}"), &format!("\"at\":{}", at + seconds));
    fs::write(ledger, moved).unwrap();
    file.set_modified(modified).unwrap();
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path())
}

impl Soak {
    fn new() -> Self {
        let stack = RealStack::new();
        stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_millis(5)));
        let (aws, endpoint) = (&stack.bench.aws, stack.bench.aws.endpoint());
        let mut credentials = stack.bench.read(".aws/credentials");
        let role = |name: &str, max_session_duration| {
            let trusts = Vec::new();
            aws.add_role(ACCOUNT, AwsRole { trusts, needs_mfa: true, max_session_duration, ..AwsRole::new(name) })
        };
        let (reader, writer) = (role("reader", 3_600), role("writer", 43_200));
        let mut config = String::new();
        let mut devices = HashMap::from([("alice", stack.bench.serial.clone())]);
        let long_term = credentials.split_once('\n').unwrap().1.split_once('\n').unwrap().1.to_owned();
        write!(credentials, "\n[short]\n{long_term}").unwrap();
        writeln!(
            config,
            "[profile short]\nmfa_serial = {}\nendpoint_url = {endpoint}\nmfa_key_duration = 30m",
            stack.bench.serial
        )
        .unwrap();
        for user in ["bob", "carol", "dave"] {
            let owner = aws.add_user(ACCOUNT, user);
            let (key, serial) = (aws.add_key(&owner), aws.add_mfa(&owner, user, &seed_of(user)));
            let (id, secret) = (key.access_key_id, key.secret_access_key);
            let long_term = format!("aws_access_key_id={id}\naws_secret_access_key = {secret}\n");
            write!(credentials, "\n# {user}'s\n[{user}]\n{long_term}").unwrap();
            let source = if user == "bob" { "token".to_owned() } else { format!("secret:file:~/{user}") };
            let mut profile = |name: &str, more: &str| {
                let all = format!("mfa_serial = {serial}\nendpoint_url = {endpoint}\nmfa_key_source = {source}");
                writeln!(config, "[profile {name}]\n{all}\n{more}").unwrap();
            };
            profile(user, "region = eu-central-1");
            if user == "carol" {
                write!(credentials, "[carol-short]\n{long_term}").unwrap();
                profile("carol-short", "mfa_key_duration = 2h");
            }
            devices.insert(user, serial);
        }
        for (name, source, arn, more) in [
            ("reader", "dev", &reader, ""),
            ("carol-reader", "carol", &reader, "duration_seconds = 1800\n"),
            ("bob-writer", "bob", &writer, "duration_seconds = 14400\nmfa_key_source = token\n"),
            ("carol-writer", "carol", &writer, "duration_seconds = 14400\nmfa_key_source = secret:file:~/carol\n"),
        ] {
            writeln!(
                config,
                "[profile {name}]\nrole_arn = {arn}\nsource_profile = {source}\nendpoint_url = {endpoint}\n{more}"
            )
            .unwrap();
        }
        stack.bench.token.add(StoredAccount::totp(devices["bob"].as_bytes(), seed_of("bob")));
        for user in ["alice", "bob", "carol", "dave"] {
            stack.bench.write(user, &base32(&seed_of(user)));
            fs::set_permissions(stack.bench.path(user), fs::Permissions::from_mode(0o600)).unwrap();
        }
        stack.bench.write(".aws/credentials", &credentials);
        stack.bench.configure(&config);
        Self {
            stack,
            dice: Dice::new(),
            tally: SoakTally::default(),
            gone: HashSet::new(),
            taken: BTreeMap::new(),
            devices,
            original: credentials,
        }
    }

    /// Advances the clocks of this machine and of AWS alike: mostly by minutes, at times by a night.
    fn sleep(&mut self) {
        let seconds = match self.dice.below(8) {
            0 => self.dice.below(14 * 3_600),
            1 | 2 => self.dice.below(2 * 3_600),
            _ => self.dice.below(1_200),
        } + APART;
        self.stack.bench.aws.advance_clock(i64::try_from(seconds).unwrap());
        self.tally.seconds += seconds;
        self.taken.clear();
        self.stack.set_clock(&format!("+{}", self.tally.seconds));
        for path in
            files(&self.stack.bench.path(STATE)).filter(|path| path.extension().is_some_and(|end| end == "json"))
        {
            started_later(&path, i64::try_from(seconds).unwrap());
        }
    }

    /// Orders a random lie, in one round of four. Returns true if it did.
    fn lie(&mut self) -> bool {
        if self.dice.below(4) > 0 {
            return false;
        }
        let lie = match self.dice.below(16) {
            0..=2 => Lie::DropBefore,
            3..=5 => Lie::DropAfter,
            6 => Lie::CutBody,
            7 => Lie::CutXml,
            8 => Lie::EmptyBody,
            9 => Lie::HtmlPortal,
            10 => Lie::HtmlBadGateway,
            11 => Lie::NanosecondExpiration,
            12 => Lie::Latency(Duration::from_millis(200)),
            13 => Lie::S3ShapedError("AccessDenied".to_owned()),
            // After these two, the program waits for two seconds before it tries again.
            14 => Lie::InternalFailureAfter,
            _ => Lie::Throttling,
        };
        let actions = [Action::GetSessionToken, Action::GetSessionToken, Action::AssumeRole, Action::GetCallerIdentity];
        let action = actions[usize::try_from(self.dice.below(4)).unwrap()];
        let times = Times::Next(1 + u32::try_from(self.dice.below(2)).unwrap());
        self.stack.bench.aws.lie(action, lie, times);
        self.tally.lies += 1;
        true
    }

    /// Runs one to four programs at the same time, which together need no more codes of an MFA device than are
    /// available without waiting.
    fn round(&mut self) {
        // Half of the time, the next programs start right after the previous ones, which may have been killed.
        if self.taken.is_empty() || self.dice.below(2) == 0 {
            self.sleep();
        }
        let is_lying = self.lie();
        let mut all = Vec::new();
        let programs = if self.dice.below(3) == 0 { 2 + self.dice.below(3) } else { 1 };
        for _ in 0..programs {
            let (profile, user) = PROFILES[usize::try_from(self.dice.below(10)).unwrap()];
            let codes = if is_lying { CODES } else { 1 };
            let taken = self.taken.entry(user).or_default();
            if *taken + codes > FREE {
                continue;
            }
            *taken += codes;
            all.push(self.start(profile));
        }
        if all.is_empty() {
            self.taken.clear();
        }
        let mut handed = Vec::new();
        for started in all {
            handed.extend(self.finish(started, is_lying));
        }
        // Requests of a killed program belong to this round.
        assert!(self.stack.bench.aws.until_quiet(PATIENCE).unwrap());
        self.stack.bench.aws.honest();
        self.look_at_aws(handed);
        assert!(self.stack.bench.read(".aws/credentials").starts_with(&self.original), "the long-term keys stay");
    }

    fn start(&mut self, profile: &'static str) -> StartedProgram {
        let is_role = profile.ends_with("reader") || profile.ends_with("writer");
        let what: Vec<&str> = match self.dice.below(10) {
            0..=3 => vec!["login", profile],
            4..=6 => vec!["login", profile, "--force"],
            7 => vec!["credential-process", profile],
            8 => vec!["exec", profile, "--", "/bin/true"],
            _ if is_role => vec!["login", profile],
            _ => vec!["code", profile],
        };
        if what[0] == "code" {
            self.tally.codes_asked_for += 1
        } else {
            self.tally.logins += 1
        }
        let killed_after = (self.dice.below(5) == 0).then(|| Duration::from_millis(self.dice.below(160)));
        let child = self.stack.program(&what).spawn().unwrap();
        let what = what.into_iter().map(str::to_owned).collect();
        StartedProgram { child, what, profile, killed_after, begun: Instant::now() }
    }

    /// Waits for a program. Returns the profile and the code if it printed one.
    fn finish(&mut self, started: StartedProgram, is_lying: bool) -> Option<(String, String)> {
        let StartedProgram { mut child, what, profile, killed_after, begun } = started;
        if let Some(after) = killed_after {
            thread::sleep(after.saturating_sub(begun.elapsed()));
            child.kill().unwrap();
        }
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("{what:?} hangs: {:?}", ProgramOutput::from(child.wait_with_output().unwrap()));
            }
            thread::sleep(Duration::from_millis(2));
        }
        let output = child.wait_with_output().unwrap();
        if output.status.signal() == Some(9) {
            self.tally.killed += 1;
            return None;
        }
        let told = ProgramOutput::from(output);
        if told.code != Some(0) {
            assert!(is_lying && matches!(told.code, Some(1 | 5 | 6)), "{what:?}: {told:?}");
            self.tally.failed += 1;
            return None;
        }
        if what[0] == "code" {
            return Some((profile.to_owned(), told.out.trim().to_owned()));
        }
        self.look_at_session(profile, &what, &told);
        None
    }

    /// Asserts that AWS knows the session in the file, with the same expiry.
    fn look_at_session(&mut self, profile: &str, what: &[String], told: &ProgramOutput) {
        let credentials = self.stack.bench.read(".aws/credentials");
        let section = credentials.split_once(&format!("\n[{profile}-mfa]\n")).map(|(_, rest)| rest);
        let section = section.unwrap_or_else(|| panic!("{what:?} left no session: {told:?}"));
        let section = section.split("\n[").next().unwrap();
        let value = |key: &str| section.lines().find_map(|line| line.strip_prefix(&format!("{key} = "))).unwrap();
        let (session, expires) = self.stack.bench.aws.session(value("aws_access_key_id")).unwrap();
        assert!(session.secret_access_key == value("aws_secret_access_key"), "{what:?}");
        assert!(session.session_token == value("aws_session_token"), "{what:?}");
        let said = aws_smithy_types::DateTime::from_str(
            value("x_security_token_expires"),
            aws_smithy_types::date_time::Format::DateTime,
        );
        assert_eq!(said.unwrap().secs(), expires, "{what:?}");
        // The shortest time left that a login accepts: 20 minutes, or a third of the session's life, which is at
        // least half an hour.
        let left = expires - self.stack.bench.aws.now();
        assert!(left >= 590, "{what:?} left a session with {left} s: {told:?}");
    }

    /// Lists buckets with the AWS CLI and one of the sessions, chosen at random.
    fn let_awscli_judge(&mut self) {
        let credentials = self.stack.bench.read(".aws/credentials");
        let now = self.stack.bench.aws.now();
        for (profile, _) in PROFILES {
            let Some((_, section)) = credentials.split_once(&format!("\n[{profile}-mfa]\n")) else { continue };
            let id = section.lines().find_map(|line| line.strip_prefix("aws_access_key_id = "));
            let lasts = self.stack.bench.aws.session(id.unwrap()).is_some_and(|(_, end)| end > now + 60);
            if lasts && self.dice.below(4) == 0 {
                let (endpoint, profile) = (self.stack.bench.aws.endpoint(), format!("{profile}-mfa"));
                let told = self.stack.aws(&["s3", "ls", "--profile", &profile, "--endpoint-url", &endpoint]);
                assert!(told.out.ends_with(" touched-the-key\n"), "{profile}: {told:?}");
                self.tally.checked_by_awscli += 1;
                return;
            }
        }
    }

    /// Asserts that no step of an MFA device was used twice, and that AWS refused no code.
    fn look_at_aws(&mut self, handed: Vec<(String, String)>) {
        let now = u64::try_from(self.stack.bench.aws.now()).unwrap() / 30;
        for (profile, code) in handed {
            let user = PROFILES.iter().find(|(name, _)| *name == profile).unwrap().1;
            let secret = SoftwareSecret::read(&self.stack.bench.path(user)).unwrap();
            let step = (now - 2..=now + 1).find(|step| secret.code(*step, UNIX_EPOCH).digits.expose_secret() == code);
            let step = i64::try_from(step.expect("the code is of now")).unwrap();
            assert!(
                self.gone.insert((self.devices[user].clone(), step)),
                "{profile}: step {step} was handed out twice"
            );
        }
        for request in self.stack.bench.aws.requests().iter().filter(|request| request.had_code) {
            let (serial, step) = (request.parameter("SerialNumber").unwrap().to_owned(), request.step.unwrap());
            assert!(!matches!(request.outcome, RequestOutcome::Refused(_)), "a code was refused: {request:?}");
            assert!(self.gone.insert((serial, step)), "step {step} arrived twice: {request:?}");
            self.tally.codes_sent += 1;
            self.tally.sessions_made += u64::from(request.outcome == RequestOutcome::Done);
        }
        self.stack.bench.aws.clear_requests();
    }

    /// Asserts that all profiles can log in, and that no temporary file or lock is left.
    fn look_at_leftovers(&mut self) {
        self.sleep();
        let told = self.stack.run(&["login", "--all", "--force"]);
        assert_eq!(told.code, Some(0), "{told:?}");
        self.look_at_aws(Vec::new());
        for folder in [".aws", STATE] {
            for path in files(&self.stack.bench.path(folder)) {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                assert!(!name.contains(".new-"), "{name}");
                assert!(!name.contains(".lock") || File::open(&path).unwrap().try_lock().is_ok(), "{name} is held");
            }
        }
    }
}

#[test]
fn days_of_random_logins_lose_nothing() {
    let mut soak = Soak::new();
    let logins = if is_soak_run() { 600 } else { 70 };
    let mut rounds = 0;
    while soak.tally.logins < logins {
        soak.round();
        rounds += 1;
        if rounds % 20 == 0 {
            soak.let_awscli_judge();
        }
    }
    soak.look_at_leftovers();
    let SoakTally { codes_sent, sessions_made, .. } = soak.tally;
    assert!(codes_sent >= logins / 4 && sessions_made >= logins / 5, "{:?}", soak.tally);
    say(&format!("{rounds} rounds in {} days: {:?}", soak.tally.seconds / 86_400, soak.tally));
}
