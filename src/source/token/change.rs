//! Changes to a token, each with a time limit.

use super::{TokenError, Tokens, name, on_a_thread};
use crate::world::{Person, TokenLimits};
use hw::change::{self, Change};
use hw::survey::TokenInfo;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

impl Tokens {
    /// Makes one change to a token, unlocking it with a known key, and discards the cached survey.
    ///
    /// # Errors
    /// [`TokenError::Change`] if the change fails; [`TokenError::Unanswered`] if it does not finish in time.
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

/// Progress of a change. The thread that makes it and the task that waits for it share this value, so that both agree
/// whether the change was begun or given up.
#[derive(Default)]
struct Stage(AtomicU8);

const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Stage {
    /// Marks the change as begun; returns false if the change was given up before.
    fn begin(&self) -> bool {
        self.go_to(BEGUN)
    }

    /// Gives the change up; returns false if the change has begun and can no longer be stopped.
    fn give_up(&self) -> bool {
        self.go_to(GIVEN_UP)
    }

    fn go_to(&self, next: u8) -> bool {
        let was = self.0.compare_exchange(0, next, Ordering::SeqCst, Ordering::SeqCst);
        was.unwrap_or_else(|was| was) == next || was.is_ok()
    }
}
