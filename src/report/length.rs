//! Formatting of lengths of time in whole minutes, for people.

use humantime::FormattedDuration;
use std::time::Duration;

/// Formats a pause, or the lifetime of a new session, rounded up to whole minutes.
pub fn about(length: Duration) -> FormattedDuration {
    humantime::format_duration(Duration::from_secs(length.as_secs().div_ceil(60) * 60))
}

/// Formats a remaining time, rounded down to whole minutes so that at least this much is left.
pub fn at_least(length: Duration) -> FormattedDuration {
    humantime::format_duration(Duration::from_secs(length.as_secs() / 60 * 60))
}
