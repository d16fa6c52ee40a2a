//! The machine's clocks: the time of day, and two clocks that nobody can set, one that counts time asleep and one
//! that does not.

use super::Clock;
#[cfg(target_os = "linux")]
use super::Uptime;
#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};
#[cfg(target_os = "linux")]
use std::time::Duration;
use std::time::SystemTime;

/// The clocks of the machine that this program runs on.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    #[cfg(target_os = "linux")]
    fn uptime(&self) -> Option<Uptime> {
        let start = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let time = Duration::try_from(clock_gettime(ClockId::Boottime)).ok()?;
        Some(Uptime { start, time })
    }

    #[cfg(target_os = "linux")]
    fn awake(&self) -> Option<Duration> {
        Duration::try_from(clock_gettime(ClockId::Monotonic)).ok()
    }
}
