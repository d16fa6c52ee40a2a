//! One session as `login` and `status` tell it to programs.

use serde_json::{Value, json};
use std::time::Duration;

/// What is known of one session; what is not is `null`.
#[derive(Default)]
pub(super) struct SessionJson {
    /// The profile whose session it is.
    pub(super) profile: Option<String>,
    /// Where it stands; without that there is none.
    pub(super) session_profile: Option<String>,
    /// Who one is with it, as an ARN.
    pub(super) identity: Option<String>,
    /// RFC 3339.
    pub(super) expires: Option<String>,
    /// None, once it is over.
    pub(super) left: Duration,
    /// Where the code came from.
    pub(super) source: Option<String>,
}

impl SessionJson {
    /// Whether AWS takes it.
    pub(super) fn is_valid(&self) -> bool {
        !self.left.is_zero()
    }

    /// The object that scripts rely on.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "profile": self.profile,
            "session_profile": self.session_profile,
            "identity": self.identity,
            // All that we write were made with a code.
            "mfa": self.session_profile.as_ref().map(|_| true),
            "expires": self.expires,
            "seconds_left": self.expires.as_ref().map(|_| self.left.as_secs()),
            "source": self.source,
            "valid": self.is_valid(),
        })
    }
}
