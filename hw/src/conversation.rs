//! A whole conversation with a token, from connecting to letting go, run again where that can help.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::apdu::ExchangeError;
use crate::oath::OathError;
use crate::transport::{Bus, CarrierError, Transport};

/// How often a conversation is run again after another program reset the token.
const MOST_RESETS: u32 = 2;

/// How long to wait before asking again for a token that is held by another program.
const BUSY_PAUSE: Duration = Duration::from_millis(200);

/// How long to wait before asking again for a token that is not yet awake.
const WAKING_PAUSE: Duration = Duration::from_millis(100);

/// How long a service may take to notice that a token was pulled out, on a machine that has much else to do.
const NOTICING: Duration = Duration::from_secs(3);

/// How long to wait before looking again whether it has noticed.
const NOTICING_PAUSE: Duration = Duration::from_millis(50);

/// How long to go on asking for a token that cannot be had at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How often to ask again for one that another program holds; 200 ms lie between.
    pub busy_tries: u32,
    /// How long to wait for one that is there and does not speak yet: right after it is plugged in, or after it was used
    /// through another of its interfaces.
    pub waking: Duration,
}

impl Patience {
    /// Ask once.
    pub const NONE: Self = Self { busy_tries: 0, waking: Duration::ZERO };
    /// What a person would grant: a second for another program, three for a token that wakes up.
    pub const USUAL: Self = Self { busy_tries: 5, waking: Duration::from_secs(3) };
}

/// Runs `work` in one exclusive conversation with the token in `reader`. The conversation is run again, from connecting
/// on, where what went wrong is not of our making and may well go right: another program reset the token (at most twice);
/// the service was restarted, bytes were lost, an answer was cut short, made no sense or was not the selected applet's (once,
/// all taken together). So `work` must select its applet itself, and must be harmless to repeat. However it ends, the token
/// is let go as it was.
///
/// # Errors
/// What `work` or the carrier said last. Where a token that spoke falls silent, it takes up to three seconds to find out
/// whether it was [`Removed`](CarrierError::Removed).
pub fn converse<T>(
    bus: &dyn Bus,
    reader: &str,
    patience: Patience,
    work: &mut dyn FnMut(&mut dyn Transport) -> Result<T, OathError>,
) -> Result<T, OathError> {
    let haste = bus.haste();
    let mut budget = RetryBudget::new(patience, haste);
    loop {
        match once(bus, reader, &mut budget.began, work) {
            Ok(done) => return Ok(done),
            Err(why) => match budget.pause_before_another(&why) {
                Some(pause) => sleep(pause / haste),
                None if budget.began && is_silence(&why) && is_gone(bus, reader) => {
                    return Err(CarrierError::Removed.into());
                }
                None => return Err(why),
            },
        }
    }
}

/// Whether an error is one that a token makes by being pulled out.
fn is_silence(why: &OathError) -> bool {
    match why {
        OathError::Exchange(ExchangeError::Carrier(why)) => {
            matches!(why, CarrierError::Broken | CarrierError::Empty | CarrierError::Mute)
        }
        OathError::Exchange(ExchangeError::TooShort { length: 0 }) => true,
        _ => false,
    }
}

/// Whether a token that spoke is gone by now, or turns out to be while we watch.
fn is_gone(bus: &dyn Bus, reader: &str) -> bool {
    let haste = bus.haste();
    let until = Instant::now() + NOTICING / haste;
    loop {
        match bus.open(reader).err() {
            Some(CarrierError::Empty | CarrierError::Removed) => return true,
            _ if Instant::now() >= until => return false,
            _ => sleep(NOTICING_PAUSE / haste),
        }
    }
}

/// One conversation, and whether it got as far as beginning.
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

/// Attempts that are left, by the kind of failure that costs one.
struct RetryBudget {
    resets: u32,
    accidents: u32,
    busy_tries: u32,
    waking_until: Instant,
    /// Whether a conversation has begun, so that the token is known to be awake.
    began: bool,
}

impl RetryBudget {
    fn new(patience: Patience, haste: u32) -> Self {
        Self {
            resets: MOST_RESETS,
            accidents: 1,
            busy_tries: patience.busy_tries,
            waking_until: Instant::now() + patience.waking / haste,
            began: false,
        }
    }

    /// How long to wait before the next conversation, or `None` if `why` is final.
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
                CarrierError::Busy => spend(&mut self.busy_tries).map(|()| BUSY_PAUSE),
                CarrierError::Empty | CarrierError::Mute => {
                    (!self.began && Instant::now() < self.waking_until).then_some(WAKING_PAUSE)
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
