//! Simulated touches, and the token's wait for one.

use std::time::{Duration, Instant};

/// The simulated person, who touches the token after a delay, on command, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatedTouch {
    /// Touches this long after the token begins to wait.
    ByItself(Duration),
    /// Touches when [`VirtualToken::touch`](crate::VirtualToken::touch) is called. This is the default.
    OnCommand,
    /// Never touches.
    Never,
}

/// A wait for a touch: when it began, and whether the touch has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TouchWait {
    began: Instant,
    pub(crate) touched: bool,
}

/// State of a wait for a touch: touched, timed out, or still waiting.
pub(crate) enum TouchProgress {
    /// The token was touched.
    Touched,
    /// Nobody touched the token in time.
    Over,
    /// The wait goes on, and has to be checked again after this time at the latest.
    Waiting(Duration),
}

impl TouchWait {
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), touched: false }
    }

    /// Returns the progress of the wait. Both arguments may change from call to call.
    pub(crate) fn progress(self, touch: SimulatedTouch, timeout: Duration) -> TouchProgress {
        let passed = self.began.elapsed();
        let until = match touch {
            SimulatedTouch::ByItself(delay) if delay < timeout => delay,
            _ => timeout,
        };
        match touch {
            _ if self.touched => TouchProgress::Touched,
            _ if passed < until => TouchProgress::Waiting(until - passed),
            SimulatedTouch::ByItself(delay) if delay < timeout => TouchProgress::Touched,
            _ => TouchProgress::Over,
        }
    }
}
