//! Comparison of the machine's clocks, which shows if somebody set the time of day or the machine was suspended.

use crate::world::World;
use std::time::{Duration, SystemTime};

/// Difference between two clocks that counts as normal drift.
const DOUBT: Duration = Duration::from_secs(5);

/// Readings of three clocks: the time of day, the time since boot, and the part of it without suspension.
pub(super) struct Clocks {
    day: SystemTime,
    uptime: Option<Duration>,
    awake: Option<Duration>,
}

/// Events between two readings of the clocks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Since {
    /// Direction in which the time of day was set (`ahead` or `back`), and by how much; `None` if nobody set it.
    pub(super) set: Option<(&'static str, Duration)>,
    /// True if the machine was suspended.
    pub(super) slept: bool,
}

impl Clocks {
    pub(super) fn read(world: &World) -> Self {
        let uptime = world.clock.uptime().map(|uptime| uptime.time);
        Self { day: world.clock.now(), uptime, awake: world.clock.awake() }
    }

    /// Returns the events since an earlier reading.
    pub(super) fn since(&self, then: &Self) -> Since {
        let (Some(up_now), Some(up_then)) = (self.uptime, then.uptime) else { return Since::default() };
        let passed = up_now.saturating_sub(up_then);
        let awake = self.awake.zip(then.awake).map(|(now, then)| now.saturating_sub(then));
        let slept = awake.map_or(Duration::ZERO, |awake| passed.saturating_sub(awake));
        let expected = then.day + passed;
        let set = self.day.duration_since(expected).unwrap_or_else(|behind| behind.duration());
        let direction = if self.day > expected { "ahead" } else { "back" };
        Since { set: (set > DOUBT).then_some((direction, set)), slept: slept > DOUBT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_set_clock_from_a_suspended_machine() {
        let at = |day: u64, uptime: u64, awake: u64| Clocks {
            day: SystemTime::UNIX_EPOCH + Duration::from_secs(day),
            uptime: Some(Duration::from_secs(uptime)),
            awake: Some(Duration::from_secs(awake)),
        };
        let before = at(10_000, 500, 400);
        let set = |direction, seconds| Some((direction, Duration::from_secs(seconds)));
        for (now, since) in [
            (at(10_100, 600, 500), Since::default()),
            (at(10_104, 600, 500), Since::default()),
            (at(13_700, 600, 500), Since { set: set("ahead", 3600), slept: false }),
            (at(6_500, 600, 500), Since { set: set("back", 3600), slept: false }),
            (at(10_100, 600, 420), Since { set: None, slept: true }),
            (at(13_700, 600, 420), Since { set: set("ahead", 3600), slept: true }),
            (Clocks { uptime: None, ..at(13_700, 600, 420) }, Since::default()),
        ] {
            assert_eq!(now.since(&before), since);
        }
    }
}
