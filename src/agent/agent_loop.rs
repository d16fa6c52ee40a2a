//! The agent's loop without its waits: doing what is due, and recording what happened.

use super::clocks::{Clocks, Since};
use super::journal::{Journal, Weight};
use super::logout_on_removal::LogoutOnRemoval;
use super::managed_profile::{LoginAttempt, ManagedProfile, PersonAsked, chance};
use super::plans::{self, Plans};
use super::publish::Publisher;
use super::schedule::{Asking, Next, Obstacle};
use super::serving::Serving;
use super::token_presence::{PresenceChange, TokenPresence};
use super::{shutdown, systemd};
use crate::aws::ProfileName;
use crate::aws::config_file::{Locations, Profiles};
use crate::cli;
use crate::file::{self, FileStamp};
use crate::plan::{self, Plan, PlanError};
use crate::report::{self, Failure, length};
use crate::sessions::{ObtainedSession, obtain_all, present};
use crate::source::Source;
use crate::world::alarm::{Event, Last};
use crate::world::{Interaction, Level, World, printable};
use hw::transport::Present;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// Time until another attempt after AWS's files could not be read.
const UNREADABLE: Duration = Duration::from_mins(10);

/// State of the agent's loop.
pub(super) struct AgentLoop<'w> {
    world: &'w World,
    typed: &'w cli::AgentArgs,
    interaction: Interaction,
    journal: Journal,
    managed: Vec<ManagedProfile>,
    /// Errors that were logged for profiles without a plan.
    broken: Vec<String>,
    /// Error that was logged for files that could not be read.
    unreadable: Option<String>,
    asking: Asking,
    presence: TokenPresence,
    logout_on_removal: LogoutOnRemoval,
    /// State of the files with secrets, when they were last looked at.
    secrets: BTreeMap<PathBuf, Option<FileStamp>>,
    /// Reading of the clocks when the last event was recorded.
    clocks: Clocks,
    serving: Serving,
    publisher: Publisher,
    turns: systemd::Turns,
    began: Instant,
}

impl<'w> AgentLoop<'w> {
    pub(super) fn start(typed: &'w cli::AgentArgs, world: &'w World) -> Result<Self, Failure> {
        let interaction = plan::interaction(typed.output, &typed.touch_notice, &world.env)?;
        let (journal, began) =
            (Journal::new(&world.person, &world.clock, &world.env, interaction.level), Instant::now());
        let askable = interaction.askable;
        let mut agent = Self {
            world,
            typed,
            interaction,
            journal,
            managed: Vec::new(),
            broken: Vec::new(),
            unreadable: None,
            asking: Asking { never: !askable, ..Asking::default() },
            presence: TokenPresence::default(),
            logout_on_removal: LogoutOnRemoval::new(plan::logout_on_removal(typed.logout_on_removal, &world.env)?),
            secrets: BTreeMap::new(),
            clocks: Clocks::read(world),
            serving: Serving::default(),
            publisher: Publisher::new(typed, &world.env),
            turns: systemd::Turns::default(),
            began,
        };
        agent.address(agent.interaction.level, false);
        agent.plan()?;
        if agent.managed.is_empty() {
            return Err(PlanError::NoneUsable.into());
        }
        agent.serving = Serving::begin(world, &agent.journal)?;
        agent.journal.stamp_all();
        systemd::keep_alive(&agent.turns, began);
        let names: Vec<&str> = agent.managed.iter().map(|managed| managed.plan.profile.as_str()).collect();
        agent.journal.note(Weight::Info, &format!("renewing the sessions of {}", listed(&names)));
        Ok(agent)
    }

    /// Returns the agent's last actions as a closure, which is called by the thread that ends the agent.
    pub(super) fn last(&self) -> Last {
        let (person, journal) = (self.world.person.clone(), self.journal.clone());
        let folder = self.serving.runtime_folder.as_ref().map(|runtime_folder| runtime_folder.folder.clone());
        Box::new(move || shutdown::run(&person, &journal, folder.as_deref()))
    }

    /// Returns the files whose changes matter to the agent.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let locations = Locations::find(&self.world.env).ok();
        let aws = locations.into_iter().flat_map(|locations| [locations.config, locations.credentials]);
        aws.chain(self.secrets.keys().cloned()).collect()
    }

    /// Returns true if any profile has a source that is `wanted`.
    pub(super) fn needs(&self, wanted: impl Fn(&Source) -> bool) -> bool {
        self.managed.iter().any(|managed| managed.plan.sources.iter().any(&wanted))
    }

    /// Makes all plans again; the renewal state of each profile is kept.
    fn plan(&mut self) -> Result<(), Failure> {
        let profiles = Profiles::read(&self.world.env)?;
        let Plans { plans, broken } = plans::decide(self.typed, &profiles, self.world)?;
        let told = |(profile, failure): &(ProfileName, Failure)| format!("{profile}: {}", report::in_one_line(failure));
        let lines: Vec<String> = broken.iter().map(told).collect();
        for line in lines.iter().filter(|line| !self.broken.contains(line)) {
            self.journal.note(Weight::Error, line);
        }
        self.broken = lines;
        let mut before: BTreeMap<ProfileName, ManagedProfile> =
            self.managed.drain(..).map(|managed| (managed.plan.profile.clone(), managed)).collect();
        for plan in plans {
            let old = before.remove(&plan.profile);
            self.managed.push(ManagedProfile::of(plan, old));
        }
        for mut managed in broken.iter().filter_map(|(profile, _)| before.remove(profile)) {
            managed.renewal_state.is_broken = true;
            self.managed.push(managed);
        }
        self.look_at_secrets();
        Ok(())
    }

    /// Lets profiles try again if a file with a secret was created or changed.
    fn look_at_secrets(&mut self) {
        let files = self.managed.iter().flat_map(ManagedProfile::secret_files);
        let secrets: BTreeMap<PathBuf, Option<FileStamp>> =
            files.map(|path| (path.clone(), file::stamp_of(path))).collect();
        let before = std::mem::replace(&mut self.secrets, secrets);
        for managed in &mut self.managed {
            let is_new = managed.secret_files().any(|path| before.get(path) != self.secrets.get(path));
            managed.renewal_state.hope(|obstacle| is_new && matches!(obstacle, Obstacle::Sources | Obstacle::Settings));
        }
    }

    /// Reads the present sessions from the credentials file, and serves them.
    fn look(&mut self) -> Result<(), Failure> {
        let profiles = Profiles::read(&self.world.env)?;
        let (clock, now) = (&*self.world.clock, self.world.clock.now());
        let present = self.managed.iter().map(|managed| present(&managed.plan, &profiles, clock));
        let sessions: Vec<Option<ObtainedSession>> = present.collect();
        for (managed, got) in self.managed.iter_mut().zip(&sessions) {
            managed.look(got.as_ref(), now);
        }
        let names = self.managed.iter().map(|managed| managed.plan.profile.clone());
        self.serving.serve(names.zip(sessions).collect(), now);
        Ok(())
    }

    /// Does everything that is due, and returns the time at which something is due again.
    pub(super) fn turn(&mut self) -> Option<SystemTime> {
        self.turns.begin(self.began);
        let change = self.presence.wait(self.world.clock.now());
        self.take(&change);
        let again = self.logout_on_removal.act(&mut self.managed, self.world, &self.journal);
        let until = self.do_what_is_due();
        self.turns.end();
        let now = self.world.clock.now();
        let left = until.and_then(|until| until.duration_since(now).ok());
        self.publisher.tell(&self.managed, (now, left), self.serving.runtime_folder.as_ref(), &self.journal);
        [until, self.presence.settles_at(), again].into_iter().flatten().min()
    }

    fn do_what_is_due(&mut self) -> Option<SystemTime> {
        loop {
            if let Err(failure) = self.look() {
                self.go_on_without(&failure, false);
                return Some(self.world.clock.now() + UNREADABLE);
            }
            let now = self.world.clock.now();
            let next: Vec<Next> =
                self.managed.iter().map(|managed| managed.renewal_state.next(&self.asking, now)).collect();
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
            let device = self.managed[*first].device();
            let group: Vec<usize> = asks.iter().copied().filter(|at| self.managed[*at].device() == device).collect();
            self.run(&group, true);
        }
    }

    /// Tries to obtain sessions for some profiles, asking a person if `ask` is true.
    fn run(&mut self, whose: &[usize], ask: bool) {
        if ask {
            let (now, runtime_folder) = (self.world.clock.now(), self.serving.runtime_folder.as_ref());
            self.publisher.tell_those_who_ask(&self.managed, now, runtime_folder, &self.journal);
        }
        let plans: Vec<&Plan> = whose.iter().map(|at| &self.managed[*at].plan).collect();
        let names: Vec<&str> = plans.iter().map(|plan| plan.profile.as_str()).collect();
        if ask {
            // Log it once only: asking is repeated after each failure, such as a network that is down.
            let is_news = whose
                .iter()
                .all(|at| self.managed[*at].renewal_state.met.is_none_or(|(met, _)| met == Obstacle::Person));
            let weight = if is_news { Weight::Info } else { Weight::Debug };
            self.journal.note(weight, &format!("asking for a touch or a password for {}", listed(&names)));
            systemd::status(&format!("waiting for a touch or a password for {}", listed(&names)));
        }
        self.address(if ask { self.interaction.level } else { Level::Quiet }, ask);
        let asked = match (ask, self.asking.never) {
            (true, _) => PersonAsked::InVain { before: self.asking.missed > 0 },
            (false, true) => PersonAsked::Never,
            (false, false) => PersonAsked::Next,
        };
        let calls = self.world.person.calls();
        let outcomes = obtain_all(&plans, self.world);
        let was_asked = self.world.person.calls() > calls;
        self.address(self.interaction.level, false);
        whose.iter().for_each(|at| self.managed[*at].metrics.asked += u64::from(was_asked));
        let now = self.world.clock.now();
        let mut missed = None;
        match outcomes {
            Ok(outcomes) => {
                let mut told: Vec<Failure> = Vec::new();
                for (at, outcome) in whose.iter().zip(outcomes) {
                    match outcome {
                        Ok(got) => self.managed[*at].got(&got, was_asked, now, &self.journal),
                        Err(failure) => {
                            let is_told = told.iter().any(|other| other.is_same(&failure));
                            let met =
                                self.managed[*at].meet(&failure, LoginAttempt { asked, is_told }, now, &self.journal);
                            missed = missed.or(ask.then_some(met));
                            told.push(failure);
                        }
                    }
                }
            }
            Err(failure) => {
                for (count, at) in whose.iter().enumerate() {
                    let how = LoginAttempt { asked, is_told: count > 0 };
                    let met = self.managed[*at].meet(&failure, how, now, &self.journal);
                    missed = missed.or(ask.then_some(met));
                }
            }
        }
        match missed {
            Some(Obstacle::Person) => {
                self.asking.miss(now, chance());
                self.tell_when_again(whose, now);
            }
            None if was_asked => self.asking.is_there(),
            _ => {}
        }
    }

    /// Logs when a person will be asked again, and the command for logging in at once.
    fn tell_when_again(&self, whose: &[usize], now: SystemTime) {
        let Some(pause) = self.asking.not_before.and_then(|then| then.duration_since(now).ok()) else { return };
        let pause = length::about(pause);
        let names: Vec<&str> = whose.iter().map(|at| self.managed[*at].plan.profile.as_str()).collect();
        let what = format!("asking again for {} in {pause}, or as soon as a token is plugged in", listed(&names));
        let login = names.first().map_or_else(String::new, |name| report::quoted(name));
        self.journal.note(Weight::Info, &format!("{what}; to be asked now: `aws-mfa-key login {login}`"));
    }

    /// Records an event.
    pub(super) fn hear(&mut self, event: &Event) {
        let clocks = Clocks::read(self.world);
        let before = std::mem::replace(&mut self.clocks, clocks);
        match event {
            Event::Due | Event::ClockSet | Event::End => {}
            Event::Files => self.read_again(false),
            Event::Reload => {
                self.journal.note(Weight::Info, "reloading AWS's files");
                self.read_again(true);
            }
            Event::Tokens(tokens) => self.plug(tokens.as_deref()),
        }
        self.compare_clocks(&before);
    }

    fn read_again(&mut self, forced: bool) {
        match self.plan() {
            Ok(()) => self.unreadable = None,
            Err(failure) => self.go_on_without(&failure, forced),
        }
        if forced {
            self.hope(|_| true);
            self.asking.is_there();
        }
    }

    /// Logs that the old settings stay in force: once for each reason, or each time if a person asked for the files
    /// to be read.
    fn go_on_without(&mut self, failure: &Failure, is_asked: bool) {
        let why = report::in_one_line(failure);
        if is_asked || self.unreadable.as_ref() != Some(&why) {
            self.journal.note(Weight::Error, &format!("still using the old settings: {why}"));
        }
        self.unreadable = Some(why);
    }

    /// Detects that somebody set the clock, or that the machine was suspended.
    fn compare_clocks(&mut self, before: &Clocks) {
        let Since { set, slept } = self.clocks.since(before);
        if let Some((direction, set)) = set {
            let set = humantime::format_duration(Duration::from_secs(set.as_secs()));
            self.journal.note(Weight::Info, &format!("the clock was set {direction} by {set}"));
            // All pauses end at a time of the old clock.
            self.managed.iter_mut().for_each(|managed| managed.renewal_state.forget_pauses());
            self.asking.not_before = None;
            self.presence.wait_anew(self.world.clock.now());
        }
        if slept {
            self.journal.note(Weight::Info, "the machine woke from sleep: whoever woke it can be asked now");
            self.hope(|obstacle| matches!(obstacle, Obstacle::Network | Obstacle::Person));
            self.asking.is_there();
        }
    }

    /// Records which tokens are plugged in; `None` if the smart card service does not answer.
    fn plug(&mut self, tokens: Option<&[Present]>) {
        let was_silent = self.presence.is_silent();
        let change = self.presence.hear(tokens, self.world.clock.now());
        if self.presence.is_silent() {
            self.journal.note(
                Weight::Info,
                "the smart card service does not respond, so it is unknown which tokens are plugged in",
            );
        } else if was_silent {
            self.journal.note(Weight::Info, "the smart card service responds again");
        }
        self.take(&change);
    }

    /// Acts on a change in what is plugged in.
    fn take(&mut self, change: &PresenceChange) {
        self.logout_on_removal.hear(change);
        let PresenceChange { came, went, is_back, .. } = change;
        for (what, tokens) in [("unplugged", went), ("plugged in", came)] {
            for token in tokens {
                self.journal.note(Weight::Info, &format!("{what}: {}", printable(&token.reader, 100)));
            }
        }
        if *is_back {
            // A token that may have been plugged in all the time helps only where no token was seen before.
            self.hope(|obstacle| matches!(obstacle, Obstacle::Token | Obstacle::Sources | Obstacle::Trouble));
        }
        if !came.is_empty() {
            self.hope(|obstacle| !matches!(obstacle, Obstacle::Network | Obstacle::Refusal));
            self.asking.is_there();
        }
    }

    /// Sets how much the person is told, and if anything may be asked.
    fn address(&self, level: Level, askable: bool) {
        self.world.person.adjust(&Interaction { level, askable, ..self.interaction.clone() });
    }

    fn hope(&mut self, is_gone: impl Fn(Obstacle) -> bool) {
        self.managed.iter_mut().for_each(|managed| managed.renewal_state.hope(&is_gone));
    }
}

/// Joins names for a log line, and cuts a long list short.
fn listed(names: &[&str]) -> String {
    /// Number of names that are listed.
    const MOST: usize = 8;
    let mut text = names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}
