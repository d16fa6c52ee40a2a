//! How a touch comes about, and the wait for it.

use std::time::{Duration, Instant};

/// The simulated person: touches the token after a delay, on command, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatedTouch {
    /// Touches this long after the token begins to blink.
    ByItself(Duration),
    /// [`VirtualToken::touch`](crate::VirtualToken::touch) touches. This is the default.
    OnCommand,
    /// Never touches.
    Never,
}

/// One wait for a touch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TouchWait {
    began: Instant,
    pub(crate) touched: bool,
}

/// Progress of a wait.
pub(crate) enum TouchProgress {
    /// Touched.
    Touched,
    /// Nobody touched in time.
    Over,
    /// It goes on, for so long at most before it has to be looked at again.
    Waiting(Duration),
}

impl TouchWait {
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), touched: false }
    }

    /// Looks at the wait. Both settings may change while it lasts.
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
