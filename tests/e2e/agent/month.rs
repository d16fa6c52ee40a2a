//! Tests of the agent over a simulated month: late or missing touches, removed tokens, network and service outages,
//! clock changes, suspend, restarts; and over a week without a person. They count the time in which a session could
//! have been had but was missing.

use crate::harness::test_world::{READER, SEED_BASE32, TestWorld};
use aws_mfa_key::world::alarm::{Alarm, Bell, Event, Last};
use aws_mfa_key::world::{Clock, Uptime};
use fake_aws::{Action, AwsRole, Lie, Times};
use hw::memory_bus::Step;
use hw::transport::CarrierError;
use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use virtual_token::SimulatedTouch;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The month's clock: it jumps from one event to the next, and otherwise runs in real time.
struct MonthClock {
    now: Mutex<(u64, Instant)>,
    start: SystemTime,
    /// Seconds by which this machine's clock was set wrong.
    set: Mutex<i64>,
    /// Seconds for which the machine was suspended.
    asleep: Mutex<u64>,
}

impl MonthClock {
    /// Returns the seconds since the month began.
    fn passed(&self) -> u64 {
        let (at, since) = *self.now.lock().unwrap();
        at + since.elapsed().as_secs()
    }

    fn jump(&self, to: u64) {
        let mut now = self.now.lock().unwrap();
        *now = (to.max(now.0 + now.1.elapsed().as_secs()), Instant::now());
    }
}

/// The clock of this machine, as the agent sees it.
struct MachineClock(Arc<MonthClock>);

impl Clock for MachineClock {
    fn now(&self) -> SystemTime {
        let right = self.0.start + Duration::from_secs(self.0.passed());
        let set = *self.0.set.lock().unwrap();
        let by = Duration::from_secs(set.unsigned_abs());
        if set < 0 { right - by } else { right + by }
    }

    fn uptime(&self) -> Option<Uptime> {
        Some(Uptime { start: "once".to_owned(), time: Duration::from_secs(DAY + self.0.passed()) })
    }

    fn awake(&self) -> Option<Duration> {
        Some(Duration::from_secs(DAY + self.0.passed() - *self.0.asleep.lock().unwrap()))
    }
}

/// The state of the network between this machine and AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NetworkState {
    Up,
    /// Connections are closed without a response.
    Cut,
    /// AWS responds with 503.
    Busy,
    /// A captive portal responds instead of AWS.
    Portal,
}

impl NetworkState {
    const fn lie(self) -> Option<Lie> {
        match self {
            Self::Up => None,
            Self::Cut => Some(Lie::DropBefore),
            Self::Busy => Some(Lie::ServiceUnavailable),
            Self::Portal => Some(Lie::HtmlPortal),
        }
    }
}

/// An event of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MonthEvent {
    Network(NetworkState),
    /// The person touches the token after this many milliseconds; `None`: is away.
    Person(Option<u64>),
    Token(bool),
    /// The token gets a password, which nobody types, or loses it.
    Password(bool),
    /// The file with the software secret exists.
    Secret(bool),
    Service(bool),
    /// The machine's clock is set this many seconds off the right time.
    Clock(i64),
    /// A person logs out of this profile.
    Logout(&'static str),
    /// The machine is suspended for this many seconds.
    Sleep(u64),
    /// The agent ends and starts again.
    Restart,
    End,
}

/// Time in which a session could have existed, and did, in seconds.
#[derive(Default)]
struct Coverage {
    possible: u64,
    there: u64,
    /// Each period without a possible session: its start and length in seconds, and the event before it.
    missing: Vec<(u64, u64, MonthEvent)>,
}

/// A profile whose coverage is measured.
struct WatchedProfile {
    profile: &'static str,
    /// The requirements of a session of the profile, besides the network.
    needs: SessionNeeds,
    coverage: Coverage,
}

enum SessionNeeds {
    /// A software secret, which is used only if the token is not locked.
    Secret,
    /// A token without a password, and a person if the account requires a touch.
    Token,
    /// A session of this profile, or its requirements.
    Session(&'static str),
}

struct MonthScript {
    month: Arc<MonthClock>,
    deeds: VecDeque<(u64, MonthEvent)>,
    last: MonthEvent,
    /// True if the agent has just started: it learns which tokens are plugged in before any other event.
    begins: bool,
    network: bool,
    person: bool,
    token: bool,
    password: bool,
    secret: bool,
    service: bool,
    watched: Vec<WatchedProfile>,
    bench: Arc<TestWorld>,
    rung: Arc<(Mutex<Vec<Event>>, Condvar)>,
}

impl MonthScript {
    /// Returns when the profile's session ends, in seconds since the start of the month.
    fn ends(&self, profile: &str) -> u64 {
        let text = fs::read_to_string(self.bench.path(".aws/credentials")).unwrap();
        let Some((_, section)) = text.split_once(&format!("[{profile}-mfa]\n")) else { return 0 };
        let line = section.lines().find_map(|line| line.strip_prefix("x_security_token_expires = ")).unwrap();
        let ends = aws_smithy_types::DateTime::from_str(line, aws_smithy_types::date_time::Format::DateTime).unwrap();
        let began = self.month.start.duration_since(UNIX_EPOCH).unwrap().as_secs();
        u64::try_from(ends.secs()).unwrap().saturating_sub(began)
    }

    /// Counts the coverage from now to `to`, then moves the clock to `to`.
    fn go(&mut self, to: u64) {
        let now = self.month.passed();
        let to = to.max(now);
        let token = self.person && self.token && !self.password && self.service;
        // Seconds for which a session exists.
        let kept = |profile| self.ends(profile).clamp(now, to) - now;
        let told: Vec<(u64, u64)> = self
            .watched
            .iter()
            .map(|watched| {
                let there = kept(watched.profile);
                let could_be_had = match watched.needs {
                    _ if !self.network => 0,
                    SessionNeeds::Secret if !self.secret || self.token && self.password => 0,
                    SessionNeeds::Token if !token => 0,
                    SessionNeeds::Session(of) if !token => kept(of),
                    _ => to - now,
                };
                (there, could_be_had.max(there))
            })
            .collect();
        for (watched, (there, possible)) in self.watched.iter_mut().zip(told) {
            watched.coverage.possible += possible;
            watched.coverage.there += there;
            let missing = &mut watched.coverage.missing;
            match missing.last_mut() {
                _ if possible == there => {}
                // A failed attempt does not end the period.
                Some((at, long, _)) if *at + *long == now + there => *long += possible - there,
                _ => missing.push((now + there, possible - there, self.last)),
            }
        }
        self.month.jump(to);
    }

    fn does(&mut self, deed: MonthEvent) -> Vec<Event> {
        self.last = deed;
        say(&format!("day {:.2}: {deed:?}", self.month.passed() as f64 / DAY as f64));
        let bench = &self.bench;
        match deed {
            MonthEvent::Network(line) => {
                self.network = line == NetworkState::Up;
                bench.aws.honest();
                for action in [Action::GetCallerIdentity, Action::GetSessionToken, Action::AssumeRole] {
                    line.lie().into_iter().for_each(|lie| bench.aws.lie(action, lie, Times::Always));
                }
            }
            MonthEvent::Person(takes) => {
                self.person = takes.is_some();
                bench.token.set_touch(
                    takes.map_or(SimulatedTouch::Never, |takes| SimulatedTouch::ByItself(Duration::from_millis(takes))),
                );
            }
            MonthEvent::Token(there) => {
                self.token = there;
                let token = bench.token.clone();
                if there {
                    bench.bus.insert(READER, move |command| Ok(token.exchange(command)));
                } else {
                    bench.bus.remove(READER);
                }
                return self.heard();
            }
            MonthEvent::Password(on) => {
                self.password = on;
                bench.token.set_password(on.then_some("horse"));
            }
            MonthEvent::Secret(there) => {
                self.secret = there;
                let (from, to) = if there { ("away", "secret") } else { ("secret", "away") };
                fs::rename(bench.path(from), bench.path(to)).unwrap();
            }
            MonthEvent::Service(on) => {
                self.service = on;
                let gate = move |_: &str| if on { Ok(()) } else { Err(CarrierError::NoService) };
                bench.bus.guard(Step::Readers, gate);
                return self.heard();
            }
            MonthEvent::Clock(by) => {
                *self.month.set.lock().unwrap() = by;
                return vec![Event::ClockSet];
            }
            MonthEvent::Logout(profile) => {
                assert_eq!(bench.run(&["logout", profile]).code, 0);
                return vec![Event::Files];
            }
            MonthEvent::Sleep(seconds) => {
                let passed = self.month.passed();
                self.month.jump(passed + seconds);
                *self.month.asleep.lock().unwrap() += seconds;
                return vec![Event::ClockSet];
            }
            MonthEvent::Restart | MonthEvent::End => {
                self.begins = true;
                self.rung.0.lock().unwrap().clear();
                return vec![Event::End];
            }
        }
        Vec::new()
    }

    /// Waits until the token watch has reported the current state, and returns its events.
    fn heard(&self) -> Vec<Event> {
        let (rung, changed) = &*self.rung;
        let there = self.token && self.service;
        let is_so = |tokens: &Option<Vec<_>>| tokens.as_ref().is_some_and(|tokens| !tokens.is_empty()) == there;
        let is_it = |event: &Event| matches!(event, Event::Tokens(tokens) if is_so(tokens));
        let is_old = |rung: &mut Vec<Event>| !rung.last().is_some_and(is_it);
        let (mut rung, late) =
            changed.wait_timeout_while(rung.lock().unwrap(), Duration::from_secs(60), is_old).unwrap();
        assert!(!late.timed_out(), "the watch does not tell that the token is there: {there}");
        std::mem::take(&mut *rung)
    }

    /// Plays events until the agent has to be woken.
    fn go_on(&mut self, until: Option<SystemTime>) -> Vec<Event> {
        if std::mem::take(&mut self.begins) {
            return self.heard();
        }
        loop {
            let here = MachineClock(Arc::clone(&self.month)).now();
            let due = until.map(|until| self.month.passed() + until.duration_since(here).unwrap_or_default().as_secs());
            let next = self.deeds.front().map_or(u64::MAX, |(at, _)| *at);
            if let Some(due) = due.filter(|due| *due < next) {
                // A real alarm is not more exact than that.
                self.go(due + 1);
                return vec![Event::Due];
            }
            let (at, deed) = self.deeds.pop_front().unwrap();
            self.go(at);
            let events = self.does(deed);
            if !events.is_empty() {
                return events;
            }
        }
    }
}

/// The alarm of every agent in the month: it plays the script.
struct ScriptedAlarm(Arc<Mutex<MonthScript>>);

impl Alarm for ScriptedAlarm {
    fn watch(&mut self, _files: &[PathBuf]) {}

    fn wait(&mut self, until: Option<SystemTime>) -> Vec<Event> {
        self.0.lock().unwrap().go_on(until)
    }

    fn bell(&self) -> Bell {
        let rung = Arc::clone(&self.0.lock().unwrap().rung);
        Arc::new(move |event| {
            rung.0.lock().unwrap().push(event);
            rung.1.notify_all();
        })
    }

    fn before_end(&mut self, _last: Last) {}
}

/// Prints progress, which is shown if the test fails or with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the test's own output is what is kept back until then")]
fn say(what: &str) {
    println!("{what}");
}

/// Runs the agent for some days, with a person or with `--non-interactive`, and returns each profile's coverage.
fn live(days: u64, is_attended: bool, deeds: &[(u64, MonthEvent)]) -> Vec<(&'static str, Coverage)> {
    let mut bench = TestWorld::new();
    let account =
        virtual_token::StoredAccount::totp("Amazon Web Services:alice@example", crate::harness::test_world::SEED);
    bench.token.remove(b"Amazon Web Services:alice@example");
    bench.token.add(if is_attended { account.with_touch() } else { account });
    bench.typed = None;
    // The virtual token would take anything below five seconds for a refusal, not a missed touch.
    bench.token.set_touch_timeout(Duration::from_millis(5200));
    // A second user, with a software secret.
    let secret = bench.path("secret");
    fs::write(&secret, SEED_BASE32).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let bob = bench.aws.add_user(crate::harness::test_world::ACCOUNT, "bob");
    let (key, serial) = (bench.aws.add_key(&bob), bench.aws.add_mfa(&bob, "bob", crate::harness::test_world::SEED));
    let endpoint = bench.aws.endpoint();
    let config = bench.read(".aws/config").replace("[profile dev]", "[profile touch]");
    // The token, which is tried first, has no account of this user.
    let first = if is_attended { "" } else { "token, " };
    let source = format!("{first}secret:file:{}", secret.display());
    let silent =
        format!("[profile silent]\nmfa_serial = {serial}\nendpoint_url = {endpoint}\nmfa_key_source = {source}\n");
    let mut role = AwsRole::new("role");
    (role.trusts, role.needs_mfa) = (vec!["alice".to_owned()], true);
    let role = bench.aws.add_role(crate::harness::test_world::ACCOUNT, role);
    let role = format!("[profile role]\nrole_arn = {role}\nsource_profile = touch\nendpoint_url = {endpoint}\n");
    bench.write(".aws/config", &format!("{config}{silent}{role}"));
    let credentials = bench.read(".aws/credentials").replace("[dev]", "[touch]");
    let (id, secret) = (key.access_key_id, key.secret_access_key);
    let silent = format!("[silent]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    bench.write(".aws/credentials", &format!("{credentials}{silent}"));
    let start = SystemTime::now();
    let month =
        Arc::new(MonthClock { now: Mutex::new((0, Instant::now())), start, set: Mutex::new(0), asleep: Mutex::new(0) });
    let theirs = Arc::clone(&month);
    let began = i64::try_from(start.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    bench.aws.set_clock_source(move || began + i64::try_from(theirs.passed()).unwrap());
    bench.clock = Some(Arc::new(MachineClock(Arc::clone(&month))));
    let watch = |profile, needs| WatchedProfile { profile, needs, coverage: Coverage::default() };
    let mut deeds: VecDeque<(u64, MonthEvent)> = deeds.iter().copied().collect();
    deeds.push_back((days * DAY, MonthEvent::End));
    let slot: Arc<Mutex<Option<Arc<Mutex<MonthScript>>>>> = Arc::default();
    let theirs = Arc::clone(&slot);
    bench.alarm =
        Arc::new(move || Ok(Box::new(ScriptedAlarm(theirs.lock().unwrap().clone().unwrap())) as Box<dyn Alarm>));
    let bench = Arc::new(bench);
    let script = Arc::new(Mutex::new(MonthScript {
        month,
        deeds,
        last: MonthEvent::Restart,
        begins: true,
        network: true,
        person: true,
        token: true,
        password: false,
        secret: true,
        service: true,
        watched: vec![
            watch("silent", SessionNeeds::Secret),
            watch("touch", SessionNeeds::Token),
            watch("role", SessionNeeds::Session("touch")),
        ],
        bench: Arc::clone(&bench),
        rung: Arc::default(),
    }));
    *slot.lock().unwrap() = Some(Arc::clone(&script));
    while script.lock().unwrap().last != MonthEvent::End {
        let manner: &[&str] = if is_attended { &[] } else { &["--non-interactive"] };
        let told = bench.run(&[&["agent", "silent", "touch", "role"], manner].concat());
        assert_eq!(told.code, 0, "{told:?}");
        say(&told.err);
    }
    let watched = std::mem::take(&mut script.lock().unwrap().watched);
    let done: Vec<_> = watched.into_iter().map(|one| (one.profile, one.coverage)).collect();
    for (profile, coverage) in &done {
        let Coverage { possible, there, missing } = coverage;
        let share = 100.0 * *there as f64 / *possible as f64;
        say(&format!("{profile}: {share:.3} % of {} minutes", possible / MINUTE));
        for (at, long, deed) in missing {
            say(&format!("  missing {long} s on day {:.2} after {deed:?}", *at as f64 / DAY as f64));
        }
    }
    done
}

#[test]
fn sessions_exist_whenever_possible_for_a_month() {
    use MonthEvent::{Clock, Logout, Network, Person, Restart, Service, Sleep, Token};
    let at = |day: u64, hour: u64| day * DAY + hour * HOUR;
    let deeds = [
        (at(1, 9), Network(NetworkState::Busy)),
        (at(1, 12), Network(NetworkState::Up)),
        (at(3, 2), Token(false)),
        (at(3, 9), Token(true)),
        (at(5, 0), Network(NetworkState::Cut)),
        (at(5, 20), Network(NetworkState::Up)),
        (at(6, 1), Person(Some(1500))),
        (at(6, 20), Person(Some(0))),
        (at(7, 3), Clock(-7200)),
        (at(8, 3), Clock(0)),
        (at(9, 4), Clock(86_400)),
        (at(10, 4), Clock(0)),
        (at(11, 1), Logout("silent")),
        (at(12, 0), Service(false)),
        (at(12, 15), Service(true)),
        (at(14, 0), Token(false)),
        (at(15, 7), Restart),
        (at(16, 0), Token(true)),
        (at(19, 0), Person(None)),
        (at(19, 0) + MINUTE, Logout("touch")),
        (at(19, 0) + 12 * MINUTE, Person(Some(0))),
        (at(21, 14), Token(false)),
        (at(21, 15) + 1, Token(true)),
        (at(21, 20), Sleep(15 * HOUR)),
        (at(22, 12), Network(NetworkState::Portal)),
        (at(23, 3), Network(NetworkState::Up)),
        (at(24, 1), Network(NetworkState::Cut)),
        (at(24, 1) + 30, Network(NetworkState::Up)),
        (at(25, 2), Restart),
        (at(27, 5), Network(NetworkState::Cut)),
        (at(27, 6), Service(false)),
        (at(27, 7), Network(NetworkState::Up)),
        (at(27, 8), Service(true)),
    ];
    // Each missed touch takes its time in this test too.
    let away = [
        (at(18, 0), Person(None)),
        (at(18, 10), Person(Some(0))),
        (at(21, 0), Person(None)),
        (at(21, 15), Person(Some(0))),
    ];
    let in_full = std::env::var_os("AWS_MFA_KEY_SOAK").is_some();
    let mut deeds: Vec<(u64, MonthEvent)> = deeds.into_iter().chain(away.into_iter().filter(|_| in_full)).collect();
    deeds.sort_by_key(|(at, _)| *at);
    fared_well(&live(30, true, &deeds), 25 * DAY, 2 * HOUR);
}

#[test]
fn sessions_exist_whenever_possible_for_an_unattended_week() {
    use MonthEvent::{Network, Password, Restart, Secret, Token};
    let at = |day: u64, hour: u64| day * DAY + hour * HOUR;
    let deeds = [
        (at(0, 12), Password(true)),
        (at(1, 12), Password(false)),
        (at(2, 1), Secret(false)),
        (at(2, 20), Secret(true)),
        (at(3, 0), Password(true)),
        (at(3, 1), Secret(false)),
        (at(3, 2), Restart),
        (at(3, 20), Secret(true)),
        (at(4, 0), Password(false)),
        (at(5, 0), Password(true)),
        (at(5, 20), Token(false)),
        (at(5, 21), Password(false)),
        (at(5, 22), Token(true)),
        (at(6, 1), Network(NetworkState::Cut)),
        (at(6, 20), Network(NetworkState::Up)),
    ];
    fared_well(&live(7, false, &deeds), 3 * DAY, 4 * HOUR);
}

/// Asserts that sessions were missing only for as long as it takes to notice that they became possible again.
fn fared_well(all: &[(&str, Coverage)], least: u64, most: u64) {
    // No event announces these changes; they are noticed at the next attempt.
    let longest = |deed: &MonthEvent| match deed {
        MonthEvent::Person(Some(0)) | MonthEvent::Password(false) | MonthEvent::Token(false) => 80 * MINUTE,
        MonthEvent::Secret(true) => 15 * MINUTE,
        _ => 10 * MINUTE,
    };
    for (profile, Coverage { possible, there, missing }) in all {
        assert!(*possible > least, "{profile}: {possible}");
        assert!(possible - there < most, "{profile}: {missing:?}");
        assert!(missing.iter().all(|(_, long, deed)| *long < longest(deed)), "{profile}: {missing:?}");
    }
}
