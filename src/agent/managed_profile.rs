//! One kept profile: how it stands, and what is known of its sessions.

use super::journal::{Journal, Weight};
use super::metrics::ProfileMetrics;
use super::schedule::{Obstacle, RenewalState, renewal};
use crate::plan::Plan;
use crate::report::{self, Exit, Failure};
use crate::sessions::{ObtainedSession, is_same_login, is_same_source};
use crate::source::Source;
use crate::source::secret::SecretPlace;
use secrecy::ExposeSecret;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// See the module.
pub(super) struct ManagedProfile {
    pub(super) plan: Plan,
    pub(super) renewal_state: RenewalState,
    /// How long its sessions last.
    life: Duration,
    /// How much of the present one is left, at the last look.
    pub(super) left: Duration,
    /// What is told of it in numbers.
    pub(super) metrics: ProfileMetrics,
}

/// How a session was tried to be had.
#[derive(Clone, Copy)]
pub(super) struct LoginAttempt {
    pub(super) asked: PersonAsked,
    /// Whether it was told of another profile that met the very same.
    pub(super) is_told: bool,
}

/// What a person had to do with it.
#[derive(Clone, Copy)]
pub(super) enum PersonAsked {
    /// Nobody is ever asked.
    Never,
    /// If one is needed, they are asked next.
    Next,
    /// They were; `before`: and missed it before.
    InVain { before: bool },
}

impl ManagedProfile {
    /// What is known of a profile goes on, unless its settings or its key are others now.
    pub(super) fn of(plan: Plan, before: Option<Self>) -> Self {
        let life = plan.duration;
        let Some(mut before) = before else {
            let metrics = ProfileMetrics { profile: plan.profile.to_string(), ..ProfileMetrics::default() };
            return Self { plan, renewal_state: RenewalState::default(), life, left: Duration::ZERO, metrics };
        };
        if !is_same(&before.plan, &plan) {
            before.renewal_state.hope(|obstacle| obstacle != Obstacle::Network);
            before.life = life;
        }
        before.renewal_state.is_broken = false;
        let min_ttl = renewal(before.life);
        Self { plan: Plan { min_ttl, ..plan }, ..before }
    }

    /// Takes in what the file says of its session.
    pub(super) fn look(&mut self, present: Option<&ObtainedSession>, now: SystemTime) {
        self.left = present.map_or(Duration::ZERO, |got| got.left);
        let spare = self.left.checked_sub(renewal(self.life)).filter(|spare| !spare.is_zero());
        self.renewal_state.renew_at = spare.map(|spare| now + spare);
        if spare.is_some() && self.renewal_state.met.is_some() {
            // Somebody else got it.
            self.renewal_state.got(now + spare.unwrap_or_default(), now);
        }
    }

    /// There is a session: a fresh one, or one that somebody else got.
    /// `was_asked`: whether a person had to do anything for it.
    pub(super) fn got(&mut self, got: &ObtainedSession, was_asked: bool, now: SystemTime, journal: &Journal) {
        if got.fresh {
            // AWS may give less than was asked for.
            self.life = self.plan.duration.min(got.left);
            self.plan.min_ttl = renewal(self.life);
            (self.metrics.renewed, self.metrics.renewals) = (Some(now), self.metrics.renewals + 1);
            journal.note(Weight::Info, &got.summary());
        }
        let is_assumed = self.plan.source().is_some();
        // A role needs nobody as long as the session lasts that it is assumed with; and what needed nobody this time may need
        // nobody the next.
        self.renewal_state.wants_person &= !is_assumed && (was_asked || !got.fresh);
        self.left = got.left;
        self.renewal_state.got(now + got.left.saturating_sub(renewal(self.life)), now);
    }

    /// A session could not be had.
    pub(super) fn meet(
        &mut self,
        failure: &Failure,
        how: LoginAttempt,
        now: SystemTime,
        journal: &Journal,
    ) -> Obstacle {
        let obstacle = self.obstacle_of(failure);
        self.metrics.refusals += u64::from(obstacle == Obstacle::Refusal);
        let is_new = self.renewal_state.meet(obstacle, now, chance());
        let is_told = match (obstacle, how.asked) {
            (Obstacle::Person, PersonAsked::InVain { before }) => before,
            (Obstacle::Person, PersonAsked::Next) => true,
            _ => !is_new,
        };
        let weight = match self.left.is_zero() {
            _ if is_told || how.is_told => Weight::Debug,
            true => Weight::Error,
            false => Weight::Warning,
        };
        let what = match (obstacle, how.asked) {
            (Obstacle::Person, PersonAsked::Next) => "a person is needed".to_owned(),
            _ => report::in_one_line_unattended(failure),
        };
        journal.note(weight, &format!("{}: {what}", self.plan.profile));
        obstacle
    }

    /// Which others are served by the same touch.
    pub(super) fn device(&self) -> (Option<&str>, Option<&str>) {
        let root = self.root();
        (key_of(root), root.mfa_serial.as_ref().map(crate::aws::MfaSerial::as_str))
    }

    /// The files that its code may come from.
    pub(super) fn secret_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.root().sources.iter().filter_map(|source| match source {
            Source::Secret(SecretPlace::File(path)) => Some(path),
            _ => None,
        })
    }

    /// Whether its code may come from a token.
    pub(super) fn is_from_a_token(&self) -> bool {
        self.root().sources.iter().any(|source| matches!(source, Source::Token))
    }

    /// The plan that the code is for.
    fn root(&self) -> &Plan {
        self.plan.source().unwrap_or(&self.plan)
    }

    /// What keeps it from a session.
    fn obstacle_of(&self, failure: &Failure) -> Obstacle {
        let is_secret = |source: &Source| matches!(source, Source::Secret(_));
        match report::report(failure).exit {
            Exit::Person => Obstacle::Person,
            _ if failure.is_without_source() && self.root().sources.iter().any(is_secret) => Obstacle::Sources,
            Exit::NoToken => Obstacle::Token,
            Exit::Unreachable => Obstacle::Network,
            Exit::Refused => Obstacle::Refusal,
            Exit::Change => Obstacle::Settings,
            Exit::Done | Exit::Failed | Exit::NotRunnable | Exit::NoCommand => Obstacle::Trouble,
        }
    }

    /// What it waits for, if there is no fresh session, or will be none.
    pub(super) fn waits_for(&self) -> Option<Obstacle> {
        if self.renewal_state.is_broken {
            return Some(Obstacle::Settings);
        }
        let met = self.renewal_state.met.map(|(obstacle, _)| obstacle);
        let obstacle = met.or(self.renewal_state.wants_person.then_some(Obstacle::Person));
        obstacle.filter(|_| self.renewal_state.renew_at.is_none())
    }
}

fn key_of(plan: &Plan) -> Option<&str> {
    plan.key.as_ref().map(|key| key.id.as_str())
}

/// Whether both get the same session, in the same way.
fn is_same(one: &Plan, other: &Plan) -> bool {
    fn secret(plan: &Plan) -> Option<&str> {
        plan.key.as_ref().map(|key| key.secret.expose_secret())
    }
    is_same_login(one, other)
        && is_same_source(one, other)
        && (&one.mfa_serial, &one.session_profile) == (&other.mfa_serial, &other.session_profile)
        && secret(one) == secret(other)
        && match (one.source(), other.source()) {
            (Some(one), Some(other)) => is_same(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
}

/// Between 0 and 1; it need not be secret.
pub(super) fn chance() -> f64 {
    f64::from(RandomState::new().build_hasher().finish() as u32) / f64::from(u32::MAX)
}
