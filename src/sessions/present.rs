//! The session that the credentials file has for a plan, and the check that it lasts long enough.

use crate::aws::config_file::Profiles;
use crate::aws::credentials_file::{Stored, rfc3339};
use crate::aws::{MfaSerial, Session, SessionProfile, short_name};
use crate::ledger;
use crate::plan::Plan;
use crate::report::{length, quoted};
use crate::world::{Clock, printable};
use aws_smithy_types::DateTime;
use std::time::{Duration, SystemTime};

/// A session of a profile, either fresh or found in the credentials file.
#[derive(Clone)]
pub struct ObtainedSession {
    /// Profile that holds the session.
    pub session_profile: SessionProfile,
    /// ARN of the user or role that the session acts as; `None` if the credentials file does not say.
    pub identity: Option<String>,
    /// Keys and expiry of the session.
    pub session: Session,
    /// Serial number of the MFA device whose code the session was made with; `None` if the credentials file does not
    /// say.
    pub mfa_serial: Option<String>,
    /// Time until the session expires. The offset of AWS's clock is taken into account, if it is known.
    pub left: Duration,
    /// Source of the code, as shown to a person; `None` if no code was needed.
    pub source: Option<String>,
    /// True if the session was obtained just now, false if it was found in the credentials file.
    pub fresh: bool,
}

impl ObtainedSession {
    /// Returns a line about the session, for the person who asked for it.
    #[must_use]
    pub fn summary(&self) -> String {
        let (profile, expires) = (&self.session_profile, rfc3339(&self.session.expires));
        let left = length::about(self.left);
        if self.fresh {
            let user = self.identity.as_deref().map(|arn| printable(short_name(arn), 128));
            let who = user.map_or(String::new(), |user| format!(" as {user}"));
            let word = quoted(profile);
            format!("Logged in{who} for {left}, until {expires}. Use it: aws --profile {word} …")
        } else {
            format!(
                "The session in profile {profile} is valid for another {left}, until {expires} (--force renews it)."
            )
        }
    }
}

/// Returns the present session if it belongs to the plan and is valid for at least the plan's `min_ttl`; `None` also
/// if the plan forces a fresh session. The offset of AWS's clock is taken into account, if it is known.
pub(super) fn good(plan: &Plan, profiles: &Profiles, clock: &dyn Clock) -> Option<ObtainedSession> {
    let got = present(plan, profiles, clock)?;
    (!plan.force && got.left >= plan.min_ttl).then_some(got)
}

/// Returns the session in the credentials file if it belongs to the plan and has not expired.
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

/// Returns the time until `end`, on a clock that is `behind` seconds behind AWS's.
pub(super) fn left_until(end: &DateTime, now: SystemTime, behind: i64) -> Duration {
    let seconds = end.secs() - DateTime::from(now).secs() - behind;
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}
