//! AWS's clock: this machine's clock, corrected by the `Date` header of AWS's responses.

use crate::world::Clock;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// This machine's clock, with the correction that turns its time into AWS's time.
pub(super) struct AwsClock {
    here: Arc<dyn Clock>,
    /// Seconds to add to this machine's clock; negative if the clock is ahead of AWS's.
    behind: AtomicI64,
}

impl AwsClock {
    pub(super) fn new(here: Arc<dyn Clock>) -> Self {
        Self { here, behind: AtomicI64::new(0) }
    }

    pub(super) fn now(&self) -> SystemTime {
        shifted(self.here.now(), self.behind())
    }

    pub(super) fn behind(&self) -> i64 {
        self.behind.load(Ordering::Relaxed)
    }

    /// Updates the correction from a response. `sent` is when its request was sent, `date` is its `Date` header, both
    /// in seconds since 1970.
    ///
    /// The header has whole seconds, and the transfer takes time. A difference too small to measure under these
    /// conditions counts as zero.
    fn learn(&self, sent: f64, date: f64) {
        let received = seconds(self.here.now());
        let difference = date + 0.5 - f64::midpoint(sent, received);
        let doubt = 1.5 + (received - sent) / 2.0;
        #[allow(clippy::cast_possible_truncation, reason = "dates of this and the next millennia fit")]
        let behind = if difference.abs() <= doubt { 0 } else { difference.round() as i64 };
        self.behind.store(behind, Ordering::Relaxed);
    }
}

/// Returns AWS's time, given this machine's time and the number of seconds by which its clock is behind AWS's.
#[must_use]
pub fn shifted(here: SystemTime, behind: i64) -> SystemTime {
    let by = Duration::from_secs(behind.unsigned_abs());
    let there = if behind < 0 { here.checked_sub(by) } else { here.checked_add(by) };
    there.unwrap_or(here)
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or_else(|before| -before.duration().as_secs_f64(), |since| since.as_secs_f64())
}

/// Returns AWS's time as a time source for the SDK, which signs requests with it.
pub(super) fn shared(clock: &Arc<AwsClock>) -> SharedTimeSource {
    SharedTimeSource::new(Signing(Arc::clone(clock)))
}

struct Signing(Arc<AwsClock>);

impl TimeSource for Signing {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signing")
    }
}

/// An interceptor that learns AWS's time from every response, including refusals.
pub(super) struct Listener {
    clock: Arc<AwsClock>,
    sent: Mutex<f64>,
}

impl Listener {
    pub(super) fn new(clock: &Arc<AwsClock>) -> Self {
        Self { clock: Arc::clone(clock), sent: Mutex::new(0.0) }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

#[dyn_dispatch_hint]
impl Intercept for Listener {
    fn name(&self) -> &'static str {
        "Listener"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = seconds(self.clock.here.now());
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        // A response from a cache has an old time; a captive portal's page has the portal's time.
        let cached = headers.get("age").is_some() || headers.get("x-amzn-requestid").is_none();
        let date = headers.get("date").and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        if let (Some(date), false) = (date, cached) {
            self.clock.learn(*self.sent.lock().unwrap_or_else(PoisonError::into_inner), date.as_secs_f64());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Still(u64);

    impl Clock for Still {
        fn now(&self) -> SystemTime {
            UNIX_EPOCH + Duration::from_secs(self.0)
        }
    }

    #[test]
    fn a_response_tells_how_far_off_this_clock_is() {
        let cases = [
            (1000.0, 1000.0, 0),
            (1000.0, 1001.0, 0),
            (1000.0, 1003.0, 4),
            (1000.0, 990.0, -10),
            (1000.0, 87400.0, 86401),
        ];
        for (sent, date, behind) in cases {
            let clock = AwsClock::new(Arc::new(Still(1000)));
            clock.learn(sent, date);
            assert_eq!(clock.behind(), behind, "{date}");
            assert_eq!(seconds(clock.now()), 1000.0 + behind as f64);
        }
    }

    #[test]
    fn a_slow_response_is_less_exact() {
        let clock = AwsClock::new(Arc::new(Still(1010)));
        clock.learn(1000.0, 1009.0);
        assert_eq!(clock.behind(), 0);
    }
}
