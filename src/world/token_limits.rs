//! Time limits of everything that waits for a token; a test may shorten them.

use hw::conversation::Patience;
use std::time::Duration;

/// Time limits of everything that waits for a token.
#[derive(Clone, Copy, Debug)]
pub struct TokenLimits {
    /// Waits for a token that another program holds, that does not answer yet, or that was pulled out.
    pub patience: Patience,
    /// Upper bound for a look at all tokens: another program that talks to a token makes us wait, and so does a token that
    /// still blinks for a program that was ended, up to 30 seconds.
    pub look: Duration,
    /// Delay before a wait for a look is announced.
    pub look_announced: Duration,
    /// Upper bound for a code or a change. Tokens give up on a touch after 15 to 30 seconds themselves.
    pub answer: Duration,
    /// Delay before a wait for a code or a change is announced; also the time between a code and the end of its conversation
    /// after which the code is used without waiting for that end.
    pub answer_announced: Duration,
    /// Silence after which a token is believed to wait for a touch, if the account does not tell.
    pub silence: Duration,
}

impl TokenLimits {
    /// The limits of the program.
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
