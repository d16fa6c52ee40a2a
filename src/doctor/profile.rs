//! The profile: which is meant and why, its long-term key, its role, the session that there is.

use super::Finding;
use super::subject::Subject;
use crate::aws::SessionProfile;
use crate::aws::credentials_file::{Stored, rfc3339};
use crate::ledger;
use crate::plan::{self, ChoiceReason, PlanError};
use std::rc::Rc;
use std::time::Duration;

/// What was found of a profile.
pub enum ProfileFinding {
    /// It is there.
    Meant {
        /// The profile.
        profile: String,
        /// Why this one.
        reason: ChoiceReason,
        /// Where its session goes, if that is known.
        session_profile: Option<String>,
    },
    /// Something that keeps it from having a session.
    Fault(Rc<PlanError>),
    /// Its long-term key.
    Key {
        /// The end of its id.
        end: String,
    },
    /// Its role.
    Role {
        /// The role.
        arn: String,
        /// The profile whose session it is assumed with; `None`: with a code of its own.
        source: Option<String>,
    },
    /// The session that there is.
    Session {
        /// Where it stands.
        session_profile: String,
        /// How long it is good.
        left: Duration,
        /// Until when; RFC 3339.
        expires: String,
    },
    /// There is none, or none that is good.
    NoSession {
        /// The profile.
        profile: String,
    },
}

pub(super) fn look(subject: &Subject<'_>) -> Vec<Finding> {
    // Without files there are no profiles; the files are told of.
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

/// The end of a key's id: enough to know it again among one's own, and no more.
pub(super) fn ending(id: &str) -> String {
    const KEPT: usize = 4;
    let skipped = id.chars().count().saturating_sub(KEPT);
    id.chars().skip(skipped).collect()
}

/// Why there is no plan, and what else would keep one from being made.
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
