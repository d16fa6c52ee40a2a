//! What the service manager is told: ready, how it goes, still alive (systemd's sd_notify; where there is none, nobody is).

use sd_notify::NotifyState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long one turn may take: many logins, each of which may wait for another program's.
const LONGEST_TURN: Duration = Duration::from_mins(15);

/// Tells how it goes.
pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// All sessions that can be had at once are there.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    // Without a manager there is nobody to tell.
    let _ = sd_notify::notify(states);
}

/// When the turn that is going on began, as long as one is.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<AtomicU64>);

impl Turns {
    pub(super) fn begin(&self, began: Instant) {
        self.0.store(began.elapsed().as_secs().saturating_add(1), Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Tells a manager that wants to know it again and again, unless a turn does not come to its end. `began` is what turns are
/// counted from.
pub(super) fn keep_alive(turns: &Turns, began: Instant) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let turns = turns.clone();
    // Without a thread the manager starts us anew.
    let _ = std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
        loop {
            let turn = turns.0.load(Ordering::Relaxed);
            if turn == 0 || began.elapsed().as_secs().saturating_sub(turn) < LONGEST_TURN.as_secs() {
                tell(&[NotifyState::Watchdog]);
            }
            std::thread::sleep(limit / 2);
        }
    });
}
