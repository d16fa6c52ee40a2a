//! Checks of the profile: which one was chosen and why, its long-term key, its role, and its present session.

use super::Finding;
use super::subject::Subject;
use crate::aws::SessionProfile;
use crate::aws::credentials_file::{Stored, rfc3339};
use crate::ledger;
use crate::plan::{self, ChoiceReason, PlanError};
use std::rc::Rc;
use std::time::Duration;

/// Finding about the chosen profile: its settings, key, role or session.
pub enum ProfileFinding {
    /// The profile that was chosen, which exists.
    Meant {
        /// Name of the chosen profile.
        profile: String,
        /// Reason why this profile was chosen.
        reason: ChoiceReason,
        /// Name of the session profile; `None` if no plan could be made.
        session_profile: Option<String>,
    },
    /// A fault that prevents a session of the profile.
    Fault(Rc<PlanError>),
    /// The profile's long-term key.
    Key {
        /// Last four characters of the key's id.
        end: String,
    },
    /// The profile's role.
    Role {
        /// ARN of the role.
        arn: String,
        /// Name of the profile with whose session the role is assumed; `None` if it is assumed with the long-term key
        /// and a code.
        source: Option<String>,
    },
    /// A session that is still valid.
    Session {
        /// Name of the profile that holds the session.
        session_profile: String,
        /// Time until the session expires.
        left: Duration,
        /// Time at which the session expires, as RFC 3339.
        expires: String,
    },
    /// No session of the profile is valid.
    NoSession {
        /// Name of the profile without a valid session.
        profile: String,
    },
}

pub(super) fn look(subject: &Subject<'_>) -> Vec<Finding> {
    // Without AWS's files there are no profiles. Another check reports the files.
    if subject.unreadable.is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    match &subject.which {
        Err(error) => found.push(ProfileFinding::Fault(Rc::clone(error))),
        Ok((which, reason)) => {
            let session_profile = subject.session_profile().map(ToString::to_string);
            if subject.profiles.get(which.name()).is_some() {
                found.push(ProfileFinding::Meant {
                    profile: which.name().to_string(),
                    reason: *reason,
                    session_profile,
                });
            }
            found.extend(faults(subject).into_iter().map(ProfileFinding::Fault));
        }
    }
    let end = |id: &str| ending(id);
    found.extend(subject.key().map(|key| ProfileFinding::Key { end: end(&key.id) }));
    let role = subject.plan.as_ref().ok().and_then(|plan| plan.role.as_ref());
    found.extend(role.and_then(|role| {
        let (arn, source) =
            (role.steps.last()?.arn.clone(), role.source.as_ref().map(|source| source.profile.to_string()));
        Some(ProfileFinding::Role { arn, source })
    }));
    if subject.which.is_ok() && subject.profiles.get(subject.name()).is_some() {
        found.push(session(subject));
    }
    found.into_iter().map(Finding::Profile).collect()
}

/// Returns the last four characters of a key's id: enough to recognize one's own key, and no more.
pub(super) fn ending(id: &str) -> String {
    const KEPT: usize = 4;
    let skipped = id.chars().count().saturating_sub(KEPT);
    id.chars().skip(skipped).collect()
}

/// Returns the reason why there is no plan, and any further faults that would prevent one.
fn faults(subject: &Subject<'_>) -> Vec<Rc<PlanError>> {
    let Err(plan) = &subject.plan else { return Vec::new() };
    let mut faults = vec![Rc::clone(plan)];
    let key = subject.key.as_ref().and_then(|key| key.as_ref().err());
    let route = subject.network.as_ref().and_then(|route| route.as_ref().err());
    for error in key.into_iter().chain(route) {
        let kind = std::mem::discriminant(&**error);
        if faults.iter().all(|fault| std::mem::discriminant(&**fault) != kind) {
            faults.push(Rc::clone(error));
        }
    }
    faults
}

fn session(subject: &Subject<'_>) -> ProfileFinding {
    let profile = subject.name();
    let (profiles, world) = (&subject.profiles, subject.world);
    let state = plan::state_folder(&world.env).ok();
    let stored = |name: &SessionProfile| Some((profiles.get(name).and_then(Stored::read)?, name.to_string()));
    let theirs = plan::sessions_of(Some(&profile.into()), profiles);
    let good = theirs.iter().filter_map(stored).find_map(|(stored, session_profile)| {
        let left = ledger::time_left(&stored, state.as_deref(), &*world.clock);
        let expires = rfc3339(stored.expires.as_ref()?);
        (!left.is_zero()).then_some(ProfileFinding::Session { session_profile, left, expires })
    });
    good.unwrap_or_else(|| ProfileFinding::NoSession { profile: profile.to_owned() })
}
