//! JSON object for a session, as `login` and `status` print it.

use serde_json::{Value, json};
use std::time::Duration;

/// Facts about a session. Unknown ones are `null` in JSON.
#[derive(Default)]
pub(super) struct SessionJson {
    /// Name of the profile that the session is for.
    pub(super) profile: Option<String>,
    /// Name of the profile that holds the session; `None` if there is no session.
    pub(super) session_profile: Option<String>,
    /// ARN of the identity that the session is for.
    pub(super) identity: Option<String>,
    /// Time at which the session expires, as RFC 3339.
    pub(super) expires: Option<String>,
    /// Time until the session expires; zero if it has expired, or there is none.
    pub(super) left: Duration,
    /// Source of the code, as shown to a person.
    pub(super) source: Option<String>,
}

impl SessionJson {
    /// Returns true if the session has not expired.
    pub(super) fn is_valid(&self) -> bool {
        !self.left.is_zero()
    }

    /// Returns the object in the format that scripts rely on.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "profile": self.profile,
            "session_profile": self.session_profile,
            "identity": self.identity,
            // Every session that we write was requested with a code.
            "mfa": self.session_profile.as_ref().map(|_| true),
            "expires": self.expires,
            "seconds_left": self.expires.as_ref().map(|_| self.left.as_secs()),
            "source": self.source,
            "valid": self.is_valid(),
        })
    }
}
