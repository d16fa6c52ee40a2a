//! The session that a profile has already: whose it is, and whether it lasts long enough.

use crate::aws::config_file::Profiles;
use crate::aws::credentials_file::{Stored, rfc3339};
use crate::aws::{MfaSerial, Session, SessionProfile, short_name};
use crate::ledger;
use crate::plan::Plan;
use crate::report::length;
use crate::world::{Clock, printable};
use aws_smithy_types::DateTime;
use std::time::{Duration, SystemTime};

/// A session of a profile, fresh or found in the credentials file.
#[derive(Clone)]
pub struct ObtainedSession {
    /// The profile that holds it.
    pub session_profile: SessionProfile,
    /// ARN of the user or role that it acts as; `None` if the credentials file does not say.
    pub identity: Option<String>,
    /// The keys.
    pub session: Session,
    /// Serial number of the MFA device whose code it was made with.
    pub mfa_serial: Option<String>,
    /// Time until it expires, by AWS's clock as far as it is known.
    pub left: Duration,
    /// Where the code came from; `None` if no code was needed.
    pub source: Option<String>,
    /// True if it was obtained just now, false if it was there before.
    pub fresh: bool,
}

impl ObtainedSession {
    /// One line for the person who asked for it.
    #[must_use]
    pub fn summary(&self) -> String {
        let (profile, expires) = (&self.session_profile, rfc3339(&self.session.expires));
        let left = length::about(self.left);
        if self.fresh {
            let who = printable(self.identity.as_deref().map_or("the user", short_name), 128);
            format!(
                "{who} has a session in profile {profile} for {left}, until {expires}; use it with --profile {profile}"
            )
        } else {
            format!("the session in profile {profile} is good for another {left}, until {expires} (--force renews it)")
        }
    }
}

/// The present session, if it is the plan's and has enough time left, by AWS's clock as far as it is known.
pub(super) fn good(plan: &Plan, profiles: &Profiles, clock: &dyn Clock) -> Option<ObtainedSession> {
    let got = present(plan, profiles, clock)?;
    (!plan.force && got.left >= plan.min_ttl).then_some(got)
}

/// The present session, if it is the plan's and not over.
pub fn present(plan: &Plan, profiles: &Profiles, clock: &dyn Clock) -> Option<ObtainedSession> {
    let section = profiles.get(&plan.session_profile)?;
    let stored = Stored::read(section)?;
    let session = stored.session(section)?;
    let left = ledger::time_left(&stored, Some(&plan.state), clock);
    let serial = plan.mfa_serial.as_ref().map(MfaSerial::as_str);
    let same_device = serial.is_none_or(|serial| stored.mfa_serial.as_deref() == Some(serial));
    (stored.owner == plan.profile && same_device && !left.is_zero()).then(|| ObtainedSession {
        session_profile: plan.session_profile.clone(),
        identity: stored.identity,
        session,
        mfa_serial: stored.mfa_serial,
        left,
        source: None,
        fresh: false,
    })
}

/// Time until `end`, on a clock that is so many seconds behind AWS's.
pub(super) fn left_until(end: &DateTime, now: SystemTime, behind: i64) -> Duration {
    let seconds = end.secs() - DateTime::from(now).secs() - behind;
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}
