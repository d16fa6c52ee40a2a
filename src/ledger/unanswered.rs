//! A note, stored beside the ledger, that a person was asked and did not respond, so that they are not asked again at
//! once.

use super::path_of;
use crate::aws::MfaSerial;
use crate::file::{self, own};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Delay before anybody is asked again after a request went unanswered.
const LASTS: Duration = Duration::from_mins(1);
/// Version of the note's file format.
const VERSION: u64 = 1;

/// The note that a person left a request for one MFA device unanswered.
pub struct UnansweredPrompt {
    path: PathBuf,
}

impl UnansweredPrompt {
    /// Returns the note for an MFA device; nothing is read yet.
    #[must_use]
    pub fn of(folder: &Path, serial: &MfaSerial) -> Self {
        Self { path: path_of(folder, serial).with_extension("silence") }
    }

    /// Returns true if a request stayed unanswered within the last minute. A note from the future, after the clock
    /// was set back, does not count.
    #[must_use]
    pub fn is_recent(&self, now: SystemTime) -> bool {
        let text = file::read(&self.path).ok().flatten().unwrap_or_default();
        let at = |value: &Value| {
            let is_ours = value.get("version")?.as_u64()? == VERSION;
            value.get("at")?.as_u64().filter(|_| is_ours)
        };
        let at = serde_json::from_slice(&text).ok().as_ref().and_then(at).map(Duration::from_secs);
        let since = at.and_then(|at| SystemTime::UNIX_EPOCH.checked_add(at)).map(|at| now.duration_since(at));
        matches!(since, Some(Ok(since)) if since < LASTS)
    }

    /// Records that nobody responded. If this fails, the person is asked again the next time, which does no harm.
    pub fn begin(&self, now: SystemTime) {
        let at = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let _ = own::overwrite(&self.path, json!({ "version": VERSION, "at": at }).to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unanswered_request_counts_as_recent_for_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let serial = MfaSerial::parse("arn:aws:iam::123456789012:mfa/alice").unwrap();
        let (unanswered, now) = (UnansweredPrompt::of(folder.path(), &serial), SystemTime::now());
        assert!(!unanswered.is_recent(now));
        unanswered.begin(now);
        let after = |seconds| unanswered.is_recent(now + Duration::from_secs(seconds));
        assert!(after(1) && after(50) && !after(61));
        assert!(!unanswered.is_recent(now - Duration::from_secs(10)));
        std::fs::write(&unanswered.path, "{").unwrap();
        assert!(!after(1));
    }
}
