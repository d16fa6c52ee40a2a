//! A change to a token that was looked at.

use super::{TokenError, Tokens, name, on_a_thread};
use crate::world::{Person, TokenLimits};
use hw::change::{self, Change};
use hw::survey::TokenInfo;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

impl Tokens {
    /// Makes one change to a token, with what was unlocked so far; the next look is a new one.
    ///
    /// # Errors
    /// [`TokenError::Change`], [`TokenError::Unanswered`].
    pub async fn change(&self, look: &TokenInfo, change: Change, person: &Person) -> Result<(), TokenError> {
        let token = name(look);
        let (bus, keys, target) = (Arc::clone(&self.bus), self.keys.clone(), look.target());
        let TokenLimits { patience, answer: most, answer_announced: moment, .. } = self.limits;
        let stage = Arc::new(Stage::default());
        let theirs = Arc::clone(&stage);
        let changing = on_a_thread(move || {
            change::change(&*bus, &target, patience, &|id| keys.find(id), &change, &|| theirs.begin())
        });
        let what = format!("Waiting for {token}: touch it if it blinks; another program may be using it");
        let changing = person.wait_for(moment, changing, |wait| wait.show(&what, None));
        let outcome = tokio::time::timeout(most, changing).await.ok().and_then(Result::ok);
        *self.seen.lock().await = None;
        let outcome = outcome.ok_or_else(|| {
            let begun = !stage.give_up();
            TokenError::Unanswered { token: token.clone(), waited: most, begun }
        })?;
        outcome.map_err(|why| TokenError::Change { token, why })
    }
}

/// How far a change got: who makes it and who waits for it do not decide differently.
#[derive(Default)]
struct Stage(AtomicU8);

const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Stage {
    /// Whether it may begin, or has begun already.
    fn begin(&self) -> bool {
        self.go_to(BEGUN)
    }

    /// Whether it can be given up, which it cannot any more once it has begun.
    fn give_up(&self) -> bool {
        self.go_to(GIVEN_UP)
    }

    fn go_to(&self, next: u8) -> bool {
        let was = self.0.compare_exchange(0, next, Ordering::SeqCst, Ordering::SeqCst);
        was.unwrap_or_else(|was| was) == next || was.is_ok()
    }
}
