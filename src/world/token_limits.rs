//! Time limits of everything that waits for a token; a test may shorten them.

use hw::conversation::Patience;
use std::time::Duration;

/// Time limits of everything that waits for a token.
#[derive(Clone, Copy, Debug)]
pub struct TokenLimits {
    /// Limits for a token that another program holds, that does not answer yet, or that was pulled out.
    pub patience: Patience,
    /// Upper bound for reading all tokens. Another program that talks to a token makes us wait, and so does a token
    /// that still blinks for a program that was ended, for up to 30 seconds.
    pub look: Duration,
    /// Delay before the wait for reading all tokens is announced.
    pub look_announced: Duration,
    /// Upper bound for a code or a change. Tokens themselves give up on a touch after 15 to 30 seconds.
    pub answer: Duration,
    /// Delay before a wait for a code or a change is announced; also the time that a code waits for its conversation
    /// with the token to end before it is used anyway.
    pub answer_announced: Duration,
    /// Silence after which a token is assumed to wait for a touch, if the account does not say.
    pub silence: Duration,
}

impl TokenLimits {
    /// The limits that the program uses; tests may divide them.
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
