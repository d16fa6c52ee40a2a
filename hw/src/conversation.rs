//! Exclusive conversations with a token, from connecting to disconnecting, with retries.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::apdu::ExchangeError;
use crate::oath::OathError;
use crate::transport::{Bus, CarrierError, Transport};

/// Maximum number of times that a conversation is repeated because another program reset the token.
const MOST_RESETS: u32 = 2;

/// Number and length of the waits for a token that cannot be used at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Further attempts to reach a token that another program holds.
    pub busy_tries: u32,
    /// Pause before each attempt to reach a token that another program holds.
    pub busy_pause: Duration,
    /// Time to wait for a token that is plugged in but does not respond yet, because it was just plugged in or just
    /// used through another of its interfaces.
    pub waking: Duration,
    /// Pause between attempts to reach a token that does not respond yet.
    pub waking_pause: Duration,
    /// Time for the PC/SC service to notice that a token which fell silent was pulled out.
    pub noticing: Duration,
    /// Pause between checks whether a token which fell silent was pulled out.
    pub noticing_pause: Duration,
}

impl Patience {
    /// The default waits: up to 1 s for a token that another program holds, up to 3 s for a token that does not
    /// respond yet.
    pub const USUAL: Self = Self {
        busy_tries: 5,
        busy_pause: Duration::from_millis(200),
        waking: Duration::from_secs(3),
        waking_pause: Duration::from_millis(100),
        noticing: Duration::from_secs(3),
        noticing_pause: Duration::from_millis(50),
    };
    /// Like [`USUAL`](Self::USUAL), but without waiting for a token that is busy or does not respond yet.
    pub const NONE: Self = Self::USUAL.without_waiting();

    /// Removes the waits for a token that is busy or does not respond yet.
    #[must_use]
    pub const fn without_waiting(self) -> Self {
        Self { busy_tries: 0, waking: Duration::ZERO, ..self }
    }

    /// Divides every wait by `divisor`; for tests.
    ///
    /// # Panics
    /// If `divisor` is 0.
    #[must_use]
    pub fn divided_by(self, divisor: u32) -> Self {
        Self {
            busy_tries: self.busy_tries,
            busy_pause: self.busy_pause / divisor,
            waking: self.waking / divisor,
            waking_pause: self.waking_pause / divisor,
            noticing: self.noticing / divisor,
            noticing_pause: self.noticing_pause / divisor,
        }
    }
}

/// Runs `work` in one exclusive conversation with the token in `reader`, and leaves the token as it was, whatever the
/// outcome.
///
/// If another program resets the token, the conversation is repeated at most twice, with a new connection. It is
/// repeated once in total if the service was restarted, bytes were lost, or a response was cut short, made no sense
/// or came from another applet. `work` must therefore select its applet itself, and must be harmless to repeat.
/// `patience` sets how long to wait for a token that is busy or does not respond yet.
///
/// # Errors
/// The last error of `work` or of the carrier. [`Removed`](CarrierError::Removed) if a token that had responded falls
/// silent and turns out, within [`Patience::noticing`], to be pulled out.
pub fn converse<T>(
    bus: &dyn Bus,
    reader: &str,
    patience: Patience,
    work: &mut dyn FnMut(&mut dyn Transport) -> Result<T, OathError>,
) -> Result<T, OathError> {
    let mut budget = RetryBudget::new(patience);
    loop {
        match once(bus, reader, &mut budget.began, work) {
            Ok(done) => return Ok(done),
            Err(why) => match budget.pause_before_another(&why) {
                Some(pause) => sleep(pause),
                None if budget.began && is_silence(&why) && is_gone(bus, reader, patience) => {
                    return Err(CarrierError::Removed.into());
                }
                None => return Err(why),
            },
        }
    }
}

/// Returns true if pulling out a token can cause this error.
fn is_silence(why: &OathError) -> bool {
    match why {
        OathError::Exchange(ExchangeError::Carrier(why)) => {
            matches!(why, CarrierError::Broken | CarrierError::Empty | CarrierError::Mute)
        }
        OathError::Exchange(ExchangeError::TooShort { length: 0 }) => true,
        _ => false,
    }
}

/// Waits, for at most [`Patience::noticing`], until the token is gone. Returns true if it is.
fn is_gone(bus: &dyn Bus, reader: &str, patience: Patience) -> bool {
    let until = Instant::now() + patience.noticing;
    loop {
        match bus.open(reader).err() {
            Some(CarrierError::Empty | CarrierError::Removed) => return true,
            _ if Instant::now() >= until => return false,
            _ => sleep(patience.noticing_pause),
        }
    }
}

/// Runs `work` in one conversation, without retries. Sets `began` when the conversation has begun.
fn once<T>(
    bus: &dyn Bus,
    reader: &str,
    began: &mut bool,
    work: &mut dyn FnMut(&mut dyn Transport) -> Result<T, OathError>,
) -> Result<T, OathError> {
    let mut token = bus.open(reader)?;
    let mut transport = token.begin()?;
    *began = true;
    work(&mut *transport)
}

/// The retries that remain for each kind of failure.
struct RetryBudget {
    resets: u32,
    accidents: u32,
    busy_tries: u32,
    busy_pause: Duration,
    waking_pause: Duration,
    waking_until: Instant,
    /// True after a conversation has begun, which shows that the token is awake.
    began: bool,
}

impl RetryBudget {
    fn new(patience: Patience) -> Self {
        Self {
            resets: MOST_RESETS,
            accidents: 1,
            busy_tries: patience.busy_tries,
            busy_pause: patience.busy_pause,
            waking_pause: patience.waking_pause,
            waking_until: Instant::now() + patience.waking,
            began: false,
        }
    }

    /// Returns the pause before the conversation is repeated, or `None` if `why` must not be retried. Uses up one of
    /// the retries for this kind of failure.
    fn pause_before_another(&mut self, why: &OathError) -> Option<Duration> {
        let spend = |left: &mut u32| -> Option<()> {
            *left = left.checked_sub(1)?;
            Some(())
        };
        match why {
            OathError::Exchange(ExchangeError::Carrier(why)) => match why {
                CarrierError::Reset => spend(&mut self.resets).map(|()| Duration::ZERO),
                CarrierError::ServiceStopped | CarrierError::Broken => {
                    spend(&mut self.accidents).map(|()| Duration::ZERO)
                }
                CarrierError::Busy => spend(&mut self.busy_tries).map(|()| self.busy_pause),
                CarrierError::Empty | CarrierError::Mute => {
                    (!self.began && Instant::now() < self.waking_until).then_some(self.waking_pause)
                }
                CarrierError::NoService
                | CarrierError::Refused
                | CarrierError::Removed
                | CarrierError::Other { .. } => None,
            },
            OathError::Exchange(ExchangeError::TooShort { .. })
            | OathError::Malformed { .. }
            | OathError::OtherApplet { .. }
            | OathError::Unsupported { .. }
            | OathError::NotPermitted => spend(&mut self.accidents).map(|()| Duration::ZERO),
            _ => None,
        }
    }
}
