//! The agent's loop without its waits: what is due is done, what happened is taken in.

use super::plans::{self, Plans};
use super::{manager, note};
use crate::agent;
use crate::agent::address::Place;
use crate::agent::endpoint::{self, ServeFault, Served, Shelf};
use crate::agent::journal::{Journal, Weight};
use crate::agent::metrics::{self, Tally};
use crate::agent::schedule::{Asking, Next, Obstacle, Standing, renewal};
use crate::aws::config_file::{Locations, Profiles};
use crate::cli;
use crate::commands::login::sentence;
use crate::commands::logout;
use crate::commands::round::obtain_all;
use crate::commands::session::{Got, present};
use crate::file::{self, Stamp};
use crate::plan::{self, Plan, PlanError};
use crate::report::{self, Exit, Failure};
use crate::source::Source;
use crate::world::alarm::{Event, Last};
use crate::world::{Level, Manner, World, printable};
use hw::transport::Present;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How far two clocks may run apart although nobody set one.
const DOUBT: Duration = Duration::from_secs(5);
/// What is tried again after files could not be read.
const UNREADABLE: Duration = Duration::from_mins(10);

/// One profile whose session is kept.
struct Kept {
    plan: Plan,
    standing: Standing,
    /// How long its sessions last.
    life: Duration,
    /// How much of the present one is left, at the last look.
    left: Duration,
    /// What is told of it in numbers.
    tally: Tally,
}

/// See the module.
pub(super) struct Keeper<'w> {
    world: &'w World,
    typed: &'w cli::Agent,
    manner: Manner,
    logout_on_removal: bool,
    journal: Journal,
    kept: Vec<Kept>,
    /// What was told of profiles for which there is no plan.
    broken: Vec<String>,
    asking: Asking,
    /// What is plugged in, once that is known.
    tokens: Option<Vec<Present>>,
    /// What the config file was when the plans were made.
    config: Option<Stamp>,
    /// What the clocks said last.
    clocks: Clocks,
    /// Where the sessions are served from, and what.
    place: Option<Place>,
    shelf: Shelf,
    /// Where numbers are told, and what went wrong with that last.
    metrics: Option<PathBuf>,
    unwritten: Option<String>,
    turns: manager::Turns,
    began: Instant,
    is_ready: bool,
}

/// The time of day, how long the machine has been running, and how long of that it was awake.
struct Clocks {
    day: SystemTime,
    uptime: Option<Duration>,
    awake: Option<Duration>,
}

impl Clocks {
    fn read(world: &World) -> Self {
        let uptime = world.clock.uptime().map(|uptime| uptime.time);
        Self { day: world.clock.now(), uptime, awake: world.clock.awake() }
    }
}

impl<'w> Keeper<'w> {
    pub(super) fn start(typed: &'w cli::Agent, world: &'w World) -> Result<Self, Failure> {
        let how = cli::How {
            non_interactive: typed.non_interactive,
            quiet: typed.quiet,
            verbose: typed.verbose,
            no_notifications: typed.no_notifications,
            on_touch: typed.on_touch.clone(),
            ..cli::How::default()
        };
        let manner = plan::manner(&how, &world.env)?;
        let (journal, began) = (Journal::new(&world.person, &world.clock, &world.env, manner.level), Instant::now());
        let askable = manner.askable;
        let mut keeper = Self {
            world,
            typed,
            manner,
            logout_on_removal: plan::logout_on_removal(typed.logout_on_removal, &world.env)?,
            journal,
            kept: Vec::new(),
            broken: Vec::new(),
            asking: Asking { never: !askable, ..Asking::default() },
            tokens: None,
            config: None,
            clocks: Clocks::read(world),
            place: None,
            shelf: Shelf::default(),
            metrics: typed.metrics_file.clone().or_else(|| world.env.os("AWS_MFA_KEY_METRICS_FILE").map(PathBuf::from)),
            unwritten: None,
            turns: manager::Turns::default(),
            began,
            is_ready: false,
        };
        keeper.plan()?;
        if keeper.kept.is_empty() {
            return Err(PlanError::NoneUsable.into());
        }
        keeper.serve();
        manager::keep_alive(&keeper.turns, began);
        let names: Vec<&str> = keeper.kept.iter().map(|kept| kept.plan.profile.as_str()).collect();
        keeper.journal.note(Weight::Info, &format!("keeping the sessions of {}", listed(&names)));
        Ok(keeper)
    }

    /// Begins to serve the sessions, where there is a place for it.
    fn serve(&mut self) {
        let Some(folder) = agent::folder(&self.world.env) else {
            let why = "XDG_RUNTIME_DIR is not set: the sessions are not served to programs, and `status` is not told";
            return self.journal.note(Weight::Warning, why);
        };
        let served = Place::take(folder).map_err(ServeFault::File).and_then(|place| {
            endpoint::serve(&place, self.shelf.clone(), Arc::clone(&self.world.clock))?;
            Ok(place)
        });
        match served {
            Ok(place) => self.place = Some(place),
            Err(ServeFault::System(error)) => {
                self.journal.note(Weight::Warning, &format!("the sessions are not served to programs: {error}"));
            }
            Err(ServeFault::File(error)) => {
                let why = in_one_line(&Failure::File(error));
                self.journal.note(Weight::Warning, &format!("the sessions are not served to programs: {why}"));
            }
        }
    }

    /// What is done last, from whichever thread.
    pub(super) fn last(&self) -> Last {
        let (person, journal) = (self.world.person.clone(), self.journal.clone());
        let folder = self.place.as_ref().map(|place| place.folder.clone());
        Box::new(move || {
            // What was got already is written.
            person.do_chore();
            person.clear();
            manager::stopping();
            if let Some(folder) = &folder {
                note::remove(folder);
            }
            journal.note(Weight::Info, "ended");
        })
    }

    /// The files whose changes matter.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let locations = Locations::find(&self.world.env);
        locations.map(|locations| vec![locations.config, locations.credentials]).unwrap_or_default()
    }

    /// Whether any of the profiles has such a source.
    pub(super) fn needs(&self, wanted: impl Fn(&Source) -> bool) -> bool {
        self.kept.iter().any(|kept| kept.plan.sources.iter().any(&wanted))
    }

    /// Makes the plans anew; what is known of each profile is kept.
    fn plan(&mut self) -> Result<(), Failure> {
        let profiles = Profiles::read(&self.world.env)?;
        let config = file::stamp_of(&profiles.locations.config);
        let is_new = config != self.config;
        let Plans { plans, broken } = plans::decide(self.typed, &profiles, self.world)?;
        self.config = config;
        let told = |(profile, failure): &(String, Failure)| format!("{profile}: {}", in_one_line(failure));
        let broken: Vec<String> = broken.iter().map(told).collect();
        for line in broken.iter().filter(|line| !self.broken.contains(line)) {
            self.journal.note(Weight::Error, line);
        }
        self.broken = broken;
        let mut before: BTreeMap<String, Kept> =
            self.kept.drain(..).map(|kept| (kept.plan.profile.clone(), kept)).collect();
        for plan in plans {
            let old = before.remove(&plan.profile);
            self.kept.push(Kept::of(plan, old, is_new));
        }
        Ok(())
    }

    /// What the file says of each session.
    fn look(&mut self) -> Result<(), Failure> {
        let profiles = Profiles::read(&self.world.env)?;
        let (clock, now) = (&*self.world.clock, self.world.clock.now());
        let mut served = Vec::new();
        for kept in &mut self.kept {
            let got = present(&kept.plan, &profiles, clock);
            served.push((kept.plan.profile.clone(), got.as_ref().map(|got| got.served(now))));
            kept.left = got.as_ref().map_or(Duration::ZERO, |got| got.left);
            let spare = kept.left.checked_sub(renewal(kept.life)).filter(|spare| !spare.is_zero());
            kept.standing.renew_at = spare.map(|spare| now + spare);
            if spare.is_some() && kept.standing.met.is_some() {
                // Somebody else got it.
                kept.standing.got(now + spare.unwrap_or_default(), now);
            }
        }
        self.shelf.fill(served);
        Ok(())
    }

    /// Does what is due, and says until when nothing is.
    pub(super) fn turn(&mut self) -> Option<SystemTime> {
        self.turns.begin(self.began);
        let until = self.do_what_is_due();
        self.turns.end();
        self.tell(until);
        until
    }

    fn do_what_is_due(&mut self) -> Option<SystemTime> {
        loop {
            if let Err(failure) = self.look() {
                self.journal.note(Weight::Error, &in_one_line(&failure));
                return Some(self.world.clock.now() + UNREADABLE);
            }
            let now = self.world.clock.now();
            let next: Vec<Next> = self.kept.iter().map(|kept| kept.standing.next(&self.asking, now)).collect();
            let of = |wanted: Next| -> Vec<usize> { (0..next.len()).filter(|at| next[*at] == wanted).collect() };
            let tries = of(Next::Try);
            if !tries.is_empty() {
                self.run(&tries, false);
                continue;
            }
            let asks = of(Next::Ask);
            let Some(first) = asks.first() else {
                let times = next.iter().filter_map(|next| if let Next::At(then) = next { Some(*then) } else { None });
                return times.min();
            };
            let device = device_of(&self.kept[*first].plan);
            let group: Vec<usize> =
                asks.iter().copied().filter(|at| device_of(&self.kept[*at].plan) == device).collect();
            self.run(&group, true);
        }
    }

    /// Tries to get the sessions of some profiles.
    fn run(&mut self, whose: &[usize], ask: bool) {
        whose.iter().for_each(|at| self.kept[*at].tally.asked += u64::from(ask));
        let plans: Vec<&Plan> = whose.iter().map(|at| &self.kept[*at].plan).collect();
        let names: Vec<&str> = plans.iter().map(|plan| plan.profile.as_str()).collect();
        if ask {
            // Again and again only where they really are: a network that is away is met before.
            let is_news =
                whose.iter().all(|at| self.kept[*at].standing.met.is_none_or(|(met, _)| met == Obstacle::Person));
            let weight = if is_news { Weight::Info } else { Weight::Debug };
            self.journal.note(weight, &format!("asking for a touch, or a password, for {}", listed(&names)));
            manager::status(&format!("waiting for a touch, or a password, for {}", listed(&names)));
        }
        self.address(if ask { self.manner.level } else { Level::Quiet }, ask);
        let outcomes = obtain_all(&plans, self.world);
        self.address(self.manner.level, false);
        let now = self.world.clock.now();
        let mut missed = None;
        match outcomes {
            Ok(outcomes) => {
                let mut told: Vec<Failure> = Vec::new();
                for (at, outcome) in whose.iter().zip(outcomes) {
                    match outcome {
                        Ok(got) => self.kept[*at].got(&got, now, &self.journal),
                        Err(failure) => {
                            let is_told = told.iter().any(|other| other.is_same(&failure));
                            missed = missed.or(self.meet(*at, &failure, is_told).filter(|_| ask));
                            told.push(failure);
                        }
                    }
                }
            }
            Err(failure) => {
                for (count, at) in whose.iter().enumerate() {
                    missed = missed.or(self.meet(*at, &failure, count > 0).filter(|_| ask));
                }
            }
        }
        match missed {
            Some(Obstacle::Person) => self.asking.miss(now, chance()),
            None if ask => self.asking.is_there(),
            _ => {}
        }
    }

    /// Takes in that a session could not be had.
    fn meet(&mut self, at: usize, failure: &Failure, is_told: bool) -> Option<Obstacle> {
        let (obstacle, now) = (obstacle_of(failure), self.world.clock.now());
        let kept = &mut self.kept[at];
        kept.tally.refusals += u64::from(obstacle == Obstacle::Refusal);
        let wanted_person = kept.standing.wants_person;
        let is_new = kept.standing.meet(obstacle, now, chance());
        // That a person is needed is worth a word when they are asked.
        let weight = match obstacle {
            Obstacle::Person if !wanted_person => Weight::Debug,
            _ if !is_new || is_told => Weight::Debug,
            _ if kept.left.is_zero() => Weight::Error,
            _ => Weight::Warning,
        };
        self.journal.note(weight, &format!("{}: {}", kept.plan.profile, in_one_line(failure)));
        Some(obstacle)
    }

    /// Takes in what happened.
    pub(super) fn hear(&mut self, event: &Event) {
        let clocks = Clocks::read(self.world);
        let before = std::mem::replace(&mut self.clocks, clocks);
        match event {
            Event::Due | Event::ClockSet | Event::End => {}
            Event::Files => self.read_again(false),
            Event::Reload => {
                self.journal.note(Weight::Info, "reading AWS's files again");
                self.read_again(true);
            }
            Event::Tokens(tokens) => self.plug(tokens),
        }
        self.compare_clocks(&before);
    }

    fn read_again(&mut self, forced: bool) {
        if let Err(failure) = self.plan() {
            self.journal.note(Weight::Error, &format!("the old settings go on: {}", in_one_line(&failure)));
        }
        if forced {
            self.hope(|_| true);
            self.asking.is_there();
        }
    }

    /// Notices that somebody set the clock, or that the machine slept.
    fn compare_clocks(&mut self, before: &Clocks) {
        let (now, then) = (&self.clocks, before);
        let (Some(up_now), Some(up_then)) = (now.uptime, then.uptime) else { return };
        let passed = up_now.saturating_sub(up_then);
        let awake = now.awake.zip(then.awake).map(|(now, then)| now.saturating_sub(then));
        let slept = awake.map_or(Duration::ZERO, |awake| passed.saturating_sub(awake));
        let expected = then.day + passed;
        let set = now.day.duration_since(expected).unwrap_or_else(|behind| behind.duration());
        if set > DOUBT {
            let direction = if now.day > expected { "ahead" } else { "back" };
            let set = humantime::format_duration(Duration::from_secs(set.as_secs()));
            self.journal.note(Weight::Info, &format!("the clock was set {direction} by {set}"));
            // Pauses were counted on it.
            self.kept.iter_mut().for_each(|kept| kept.standing.forget_pauses());
            self.asking.not_before = None;
        }
        if slept > DOUBT {
            self.journal.note(Weight::Info, "the machine slept; whoever woke it is there to be asked");
            self.hope(|obstacle| matches!(obstacle, Obstacle::Network | Obstacle::Person));
            self.asking.is_there();
        }
    }

    /// What is plugged in now.
    fn plug(&mut self, tokens: &[Present]) {
        let before = self.tokens.replace(tokens.to_vec());
        let known = before.as_deref().unwrap_or(tokens);
        let came = tokens.iter().filter(|token| !known.contains(token));
        let went = known.iter().filter(|token| !tokens.contains(token));
        let (came, went): (Vec<&Present>, Vec<&Present>) = (came.collect(), went.collect());
        for (what, readers) in [("pulled out", &went), ("plugged in", &came)] {
            for token in readers {
                self.journal.note(Weight::Info, &format!("{what}: {}", printable(&token.reader, 100)));
            }
        }
        if before.is_none() && !tokens.is_empty() {
            // What was there from the beginning is no news, unless it was not seen yet.
            self.hope(|obstacle| obstacle == Obstacle::Token);
        }
        if !came.is_empty() {
            self.hope(|obstacle| !matches!(obstacle, Obstacle::Network | Obstacle::Refusal));
            self.asking.is_there();
        }
        if self.logout_on_removal && tokens.is_empty() && !went.is_empty() {
            self.log_out();
        }
    }

    /// Removes the sessions whose codes come from a token, until one is plugged in.
    fn log_out(&mut self) {
        let Ok(profiles) = Profiles::read(&self.world.env) else { return };
        self.address(Level::Quiet, false);
        for kept in &mut self.kept {
            if !kept.plan.sources.iter().any(|source| matches!(source, Source::Token)) {
                continue;
            }
            let name = &kept.plan.session_profile;
            match logout::remove(name, &profiles, self.world) {
                Ok(()) => self.journal.note(Weight::Info, &format!("removed the session in profile {name}")),
                Err(failure) => self.journal.note(Weight::Error, &in_one_line(&failure)),
            }
            kept.standing.lock_out();
        }
    }

    /// How much is said, and whether anything is asked.
    fn address(&self, level: Level, askable: bool) {
        self.world.person.adjust(&Manner { level, askable, ..self.manner.clone() });
    }

    fn hope(&mut self, is_gone: impl Fn(Obstacle) -> bool) {
        self.kept.iter_mut().for_each(|kept| kept.standing.hope(&is_gone));
    }

    /// Tells the service manager, and notes for `status`, how it goes.
    fn tell(&mut self, until: Option<SystemTime>) {
        let fresh = self.kept.iter().filter(|kept| kept.standing.renew_at.is_some()).count();
        let mut waits: BTreeMap<&str, String> = BTreeMap::new();
        for kept in self.kept.iter().filter(|kept| kept.standing.renew_at.is_none()) {
            let met = kept.standing.met.map(|(obstacle, _)| obstacle);
            let obstacle = met.or(kept.standing.wants_person.then_some(Obstacle::Person));
            waits.extend(obstacle.map(|obstacle| (kept.plan.profile.as_str(), obstacle.waits_for().to_owned())));
        }
        let mut text = format!("{fresh} of {} sessions are fresh", self.kept.len());
        for (profile, what) in waits.iter().take(5) {
            text.push_str(&format!("; {profile} waits for {what}"));
        }
        if let Some(left) = until.and_then(|until| until.duration_since(self.world.clock.now()).ok()) {
            let left = humantime::format_duration(Duration::from_secs(left.as_secs().div_ceil(60) * 60));
            text.push_str(&format!("; next in {left}"));
        }
        manager::status(&text);
        if let Some(place) = &self.place
            && let Err(error) = note::write(place, &waits)
        {
            self.journal.note(Weight::Debug, &in_one_line(&Failure::File(error)));
        }
        self.write_metrics();
        if !std::mem::replace(&mut self.is_ready, true) {
            manager::ready();
        }
    }
}

impl Keeper<'_> {
    /// Tells the numbers, if they are wanted. What stands against it is told once.
    fn write_metrics(&mut self) {
        let Some(path) = &self.metrics else { return };
        let now = self.world.clock.now();
        let tally = |kept: &Kept| Tally {
            ends: (!kept.left.is_zero()).then(|| now + kept.left),
            waits_for_person: kept.standing.renew_at.is_none() && kept.standing.wants_person,
            ..kept.tally.clone()
        };
        let tallies: Vec<Tally> = self.kept.iter().map(tally).collect();
        let outcome = metrics::write(path, &tallies).map_err(|error| error.to_string());
        let fault = outcome.err();
        if let Some(fault) = fault.as_ref().filter(|fault| self.unwritten.as_ref() != Some(fault)) {
            let path = printable(&path.to_string_lossy(), 200);
            self.journal.note(Weight::Warning, &format!("{path} could not be written: {fault}"));
        }
        self.unwritten = fault;
    }
}

impl Got {
    /// What programs are given of it.
    fn served(&self, now: SystemTime) -> Served {
        let account = self.identity.as_deref().and_then(|arn| arn.split(':').nth(4));
        let account = account.filter(|account| !account.is_empty()).map(str::to_owned);
        Served { session: self.session.clone(), account, ends: now + self.left }
    }
}

impl Kept {
    /// What is known of a profile goes on, unless its settings or its key are others now.
    fn of(plan: Plan, before: Option<Self>, is_new: bool) -> Self {
        let life = plan.duration;
        let Some(mut before) = before else {
            let tally = Tally { profile: plan.profile.clone(), ..Tally::default() };
            return Self { plan, standing: Standing::default(), life, left: Duration::ZERO, tally };
        };
        let is_other = key_of(&before.plan) != key_of(&plan) || before.plan.duration != plan.duration;
        if is_new || is_other {
            before.standing.hope(|obstacle| !matches!(obstacle, Obstacle::Network | Obstacle::Token));
            before.standing.wants_person = false;
            before.life = life;
        }
        let min_ttl = renewal(before.life);
        Self { plan: Plan { min_ttl, ..plan }, ..before }
    }

    /// There is a session: a fresh one, or one that somebody else got.
    fn got(&mut self, got: &Got, now: SystemTime, journal: &Journal) {
        if got.fresh {
            // AWS may give less than was asked for.
            self.life = self.plan.duration.min(got.left);
            self.plan.min_ttl = renewal(self.life);
            (self.tally.renewed, self.tally.renewals) = (Some(now), self.tally.renewals + 1);
            journal.note(Weight::Info, &sentence(got));
        }
        let is_assumed = self.plan.role.as_ref().is_some_and(|role| role.source.is_some());
        // A role needs nobody as long as the session lasts that it is assumed with.
        self.standing.wants_person &= !is_assumed;
        self.left = got.left;
        self.standing.got(now + got.left.saturating_sub(renewal(self.life)), now);
    }
}

/// Which plans are served by one touch.
fn device_of(plan: &Plan) -> (Option<&str>, Option<&str>) {
    let root = plan.role.as_ref().and_then(|role| role.source.as_deref()).unwrap_or(plan);
    (key_of(root), root.mfa_serial.as_ref().map(crate::aws::MfaSerial::as_str))
}

fn key_of(plan: &Plan) -> Option<&str> {
    plan.key.as_ref().map(|key| key.id.as_str())
}

fn obstacle_of(failure: &Failure) -> Obstacle {
    match report::report(failure).exit {
        Exit::Person => Obstacle::Person,
        Exit::NoToken => Obstacle::Token,
        Exit::Unreachable => Obstacle::Network,
        Exit::Refused => Obstacle::Refusal,
        Exit::Change => Obstacle::Settings,
        Exit::Done | Exit::Failed | Exit::NotRunnable | Exit::NoCommand => Obstacle::Trouble,
    }
}

fn in_one_line(failure: &Failure) -> String {
    let report = report::report(failure);
    format!("{}: {}; next: {}", report.error, report.cause, report.next)
}

/// Between 0 and 1; it need not be secret.
fn chance() -> f64 {
    f64::from(RandomState::new().build_hasher().finish() as u32) / f64::from(u32::MAX)
}

/// Names for a line, cut where it gets long.
fn listed(names: &[&str]) -> String {
    /// The most of them.
    const MOST: usize = 8;
    let mut text = names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}
