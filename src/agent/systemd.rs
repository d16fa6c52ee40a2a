//! Notifications to the service manager: ready, status, stopping, watchdog (sd_notify(3)). Without a service manager
//! they are dropped.

use sd_notify::NotifyState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Upper bound for one turn of the agent's loop: many logins, each of which may wait for a login by another program.
const LONGEST_TURN: Duration = Duration::from_mins(15);

/// Sets the status line that `systemctl status` shows.
pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// Reports that the agent is ready: every session that can be obtained at once has been obtained.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Reports that the agent is about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    // Ignore errors: without a service manager, nobody needs to know.
    let _ = sd_notify::notify(states);
}

/// Start of the loop's current turn, in seconds since the agent began plus one; 0 between turns.
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

/// Notifies the watchdog, if the service manager wants that, unless a turn takes too long. Turns are timed from
/// `began`.
pub(super) fn keep_alive(turns: &Turns, began: Instant) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let turns = turns.clone();
    // Without a thread, the service manager restarts the agent.
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
