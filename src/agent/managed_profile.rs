//! A profile whose session the agent renews.

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

/// A profile whose session the agent renews: plan, renewal state and metrics.
pub(super) struct ManagedProfile {
    pub(super) plan: Plan,
    pub(super) renewal_state: RenewalState,
    /// Length of the profile's sessions. AWS may have given less than was requested.
    life: Duration,
    /// Time left of the present session, when it was last looked at.
    pub(super) left: Duration,
    /// Metrics for Prometheus.
    pub(super) metrics: ProfileMetrics,
}

/// Circumstances of an attempt to obtain a session.
#[derive(Clone, Copy)]
pub(super) struct LoginAttempt {
    pub(super) asked: PersonAsked,
    /// True if the same failure was logged for another profile.
    pub(super) is_told: bool,
}

/// Part of a person in an attempt.
#[derive(Clone, Copy)]
pub(super) enum PersonAsked {
    /// A person is never asked.
    Never,
    /// A person was not asked, and will be if the attempt needs one.
    Next,
    /// A person was asked. `before` is true if they had missed an earlier prompt.
    InVain { before: bool },
}

impl ManagedProfile {
    /// Makes the profile for a new plan. The state of `before` is kept; its obstacles are dropped if settings or key
    /// changed.
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

    /// Records the session that the credentials file has.
    pub(super) fn look(&mut self, present: Option<&ObtainedSession>, now: SystemTime) {
        self.left = present.map_or(Duration::ZERO, |got| got.left);
        let spare = self.left.checked_sub(renewal(self.life)).filter(|spare| !spare.is_zero());
        self.renewal_state.renew_at = spare.map(|spare| now + spare);
        if spare.is_some() && self.renewal_state.met.is_some() {
            // Another program obtained a session meanwhile.
            self.renewal_state.got(now + spare.unwrap_or_default(), now);
        }
    }

    /// Records an obtained session, fresh or from elsewhere. `was_asked` is true if a person had to do something for
    /// it.
    pub(super) fn got(&mut self, got: &ObtainedSession, was_asked: bool, now: SystemTime, journal: &Journal) {
        if got.fresh {
            // AWS may give less than was requested.
            self.life = self.plan.duration.min(got.left);
            self.plan.min_ttl = renewal(self.life);
            (self.metrics.renewed, self.metrics.renewals) = (Some(now), self.metrics.renewals + 1);
            journal.note(Weight::Info, &got.summary());
        }
        let is_assumed = self.plan.source().is_some();
        // Assuming a role needs no person while the session that it is assumed with is valid. If no person was
        // needed this time, probably none will be next time.
        self.renewal_state.wants_person &= !is_assumed && (was_asked || !got.fresh);
        self.left = got.left;
        self.renewal_state.got(now + got.left.saturating_sub(renewal(self.life)), now);
    }

    /// Records that no session could be obtained, logs the reason, and returns the obstacle.
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
            (Obstacle::Person, PersonAsked::Next) => "needs a touch or a password".to_owned(),
            _ => report::in_one_line_unattended(failure),
        };
        journal.note(weight, &format!("{}: {what}", self.plan.profile));
        obstacle
    }

    /// Returns the ids of long-term key and MFA device. One touch serves all profiles with the same two.
    pub(super) fn device(&self) -> (Option<&str>, Option<&str>) {
        let root = self.root();
        (key_of(root), root.mfa_serial.as_ref().map(crate::aws::MfaSerial::as_str))
    }

    /// Returns the files with secrets that a code may come from.
    pub(super) fn secret_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.root().sources.iter().filter_map(|source| match source {
            Source::Secret(SecretPlace::File(path)) => Some(path),
            _ => None,
        })
    }

    /// Returns true if a code may come from a token.
    pub(super) fn is_from_a_token(&self) -> bool {
        self.root().sources.iter().any(|source| matches!(source, Source::Token))
    }

    /// Returns the plan that a code is needed for: that of the source session, for a role.
    fn root(&self) -> &Plan {
        self.plan.source().unwrap_or(&self.plan)
    }

    /// Returns the obstacle that a failure means for this profile.
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

    /// Returns what the profile waits for; `None` if it has a session that is not due for renewal.
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

/// Returns true if both plans get the same session in the same way.
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

/// Returns a random number between 0 and 1, which need not be unpredictable.
pub(super) fn chance() -> f64 {
    f64::from(RandomState::new().build_hasher().finish() as u32) / f64::from(u32::MAX)
}
