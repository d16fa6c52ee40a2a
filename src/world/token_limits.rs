//! Time limits for everything that waits for a token. Tests may shorten them.

use hw::conversation::Patience;
use std::time::Duration;

/// Time limits of everything that waits for a token.
#[derive(Clone, Copy, Debug)]
pub struct TokenLimits {
    /// Limits for waiting for a token that another program is using, that does not answer yet, or that was pulled
    /// out.
    pub patience: Patience,
    /// Timeout for reading all tokens. A token is not available while another program talks to it, nor for up to 30
    /// seconds if it still waits for a touch on behalf of a program that has ended.
    pub look: Duration,
    /// How long reading all tokens may take before the person is told to wait.
    pub look_announced: Duration,
    /// Timeout for getting a code from a token or making a change to it. Tokens themselves stop waiting for a touch
    /// after 15 to 30 seconds.
    pub answer: Duration,
    /// How long getting a code or making a change may take before the person is told to wait. Also how long a
    /// received code is held back until the conversation with the token has ended; after that, the code is used
    /// anyway.
    pub answer_announced: Duration,
    /// How long a token may be silent before it is assumed to wait for a touch. Used if it is not known whether the
    /// account requires a touch.
    pub silence: Duration,
}

impl TokenLimits {
    /// The limits that the program uses. Tests may shorten them with [`Self::divided_by`].
    pub const USUAL: Self = Self {
        patience: Patience::USUAL,
        look: Duration::from_secs(35),
        look_announced: Duration::from_secs(1),
        answer: Duration::from_secs(45),
        answer_announced: Duration::from_secs(2),
        silence: Duration::from_millis(500),
    };

    /// Divides every limit by `divisor`, which must not be 0; for tests.
    #[must_use]
    pub fn divided_by(self, divisor: u32) -> Self {
        Self {
            patience: self.patience.divided_by(divisor),
            look: self.look / divisor,
            look_announced: self.look_announced / divisor,
            answer: self.answer / divisor,
            answer_announced: self.answer_announced / divisor,
            silence: self.silence / divisor,
        }
    }
}
