//! Lengths of time in whole minutes, for people.

use humantime::FormattedDuration;
use std::time::Duration;

/// Rounds up to whole minutes: a pause, or the lifetime of a new session.
pub fn about(length: Duration) -> FormattedDuration {
    humantime::format_duration(Duration::from_secs(length.as_secs().div_ceil(60) * 60))
}

/// Rounds down to whole minutes: time that is certainly left.
pub fn at_least(length: Duration) -> FormattedDuration {
    humantime::format_duration(Duration::from_secs(length.as_secs() / 60 * 60))
}
