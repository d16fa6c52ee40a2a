//! A change to a token that was looked at.

use super::{TokenError, Tokens, name, on_a_thread};
use crate::world::Person;
use hw::change::{self, Change};
use hw::survey::Look;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a change may take. Some tokens want a touch for it, and give up on that after 30 seconds by themselves.
const CHANGE: Duration = Duration::from_secs(45);
/// Silence after which it is said what is waited for.
const MOMENT: Duration = Duration::from_secs(2);

impl Tokens {
    /// Makes one change to a token, with what was unlocked so far; the next look is a new one.
    ///
    /// # Errors
    /// [`TokenError::Change`], [`TokenError::Unanswered`].
    pub async fn change(&self, look: &Look, change: Change, person: &Person) -> Result<(), TokenError> {
        let token = name(look);
        let (bus, keys, target) = (Arc::clone(&self.bus), self.keys.clone(), look.target());
        let mut changing = on_a_thread(move || change::change(&*bus, &target, &|id| keys.find(id), &change));
        let (begun, wait) = (Instant::now(), person.wait());
        let outcome = loop {
            let passed = begun.elapsed();
            if passed >= CHANGE {
                break None;
            }
            let pause = MOMENT.checked_sub(passed).filter(|left| !left.is_zero());
            if pause.is_none() {
                wait.show(
                    &format!("Waiting for {token}: touch it if it blinks; another program may be using it"),
                    None,
                );
            }
            if let Ok(outcome) = tokio::time::timeout(pause.unwrap_or(Duration::from_secs(1)), &mut changing).await {
                break outcome.ok();
            }
        };
        drop(wait);
        *self.seen.lock().await = None;
        let outcome = outcome.ok_or_else(|| TokenError::Unanswered { token: token.clone(), waited: CHANGE })?;
        outcome.map_err(|why| TokenError::Change { token, why })
    }
}
