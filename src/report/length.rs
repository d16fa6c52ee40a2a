//! Lengths of time as people read them: in whole minutes.

use humantime::FormattedDuration;
use std::time::Duration;

/// A pause, or what a new session is good for: a minute that has begun counts.
pub fn about(length: Duration) -> FormattedDuration {
    humantime::format_duration(Duration::from_secs(length.as_secs().div_ceil(60) * 60))
}

/// What is left: there is no less.
pub fn at_least(length: Duration) -> FormattedDuration {
    humantime::format_duration(Duration::from_secs(length.as_secs() / 60 * 60))
}
