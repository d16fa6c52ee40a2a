//! How a touch comes about, and the wait for it.

use std::time::{Duration, Instant};

/// Who touches the token, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Somebody touches by himself, so long after he was asked.
    ByItself(Duration),
    /// [`VirtualToken::touch`](crate::VirtualToken::touch) touches. This is the default.
    OnCommand,
    /// Nobody ever does.
    Never,
}

/// One wait for a touch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    began: Instant,
    pub(crate) touched: bool,
}

/// How a wait stands.
pub(crate) enum Standing {
    /// Touched.
    Touched,
    /// Nobody touched in time.
    Over,
    /// It goes on, for so long at most before it has to be looked at again.
    Waiting(Duration),
}

impl Wait {
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), touched: false }
    }

    /// Looks at the wait. Both settings may change while it lasts.
    pub(crate) fn standing(self, touch: Touch, timeout: Duration) -> Standing {
        let passed = self.began.elapsed();
        let until = match touch {
            Touch::ByItself(delay) if delay < timeout => delay,
            _ => timeout,
        };
        match touch {
            _ if self.touched => Standing::Touched,
            _ if passed < until => Standing::Waiting(until - passed),
            Touch::ByItself(delay) if delay < timeout => Standing::Touched,
            _ => Standing::Over,
        }
    }
}
