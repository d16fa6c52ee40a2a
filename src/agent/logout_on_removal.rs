//! Sessions leave with the last token, where that is wanted.

use super::journal::{Journal, Weight};
use super::managed_profile::ManagedProfile;
use super::token_presence::PresenceChange;
use crate::aws::config_file::Profiles;
use crate::report::{self, Failure};
use crate::sessions;
use crate::world::World;
use std::time::{Duration, SystemTime};

/// When it is tried again to remove what could not be.
const AGAIN: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct LogoutOnRemoval {
    is_wanted: bool,
    /// Whether some of them have still to be removed.
    is_due: bool,
}

impl LogoutOnRemoval {
    pub(super) fn new(is_wanted: bool) -> Self {
        Self { is_wanted, is_due: false }
    }

    /// Takes in what is new of the tokens.
    pub(super) fn hear(&mut self, change: &PresenceChange) {
        let is_there = change.is_back || !change.came.is_empty();
        self.is_due = (self.is_due || change.none_is_left && self.is_wanted) && !is_there;
    }

    /// Removes, if that is due, the sessions whose codes come from a token, until one is plugged in. Says when to come again.
    pub(super) fn act(
        &mut self,
        managed: &mut [ManagedProfile],
        world: &World,
        journal: &Journal,
    ) -> Option<SystemTime> {
        if self.is_due {
            let removed = remove(managed, world);
            self.is_due = removed.is_err();
            if let Err(failure) = removed {
                let why = report::in_one_line(&failure);
                journal.note(Weight::Error, &format!("a session is still there although no token is: {why}"));
            }
        }
        self.is_due.then(|| world.clock.now() + AGAIN)
    }
}

/// Removes as many as it can; says what stood against the last that it could not.
fn remove(managed: &mut [ManagedProfile], world: &World) -> Result<(), Failure> {
    let profiles = Profiles::read(&world.env)?;
    let mut outcome = Ok(());
    for managed in managed.iter_mut().filter(|managed| managed.is_from_a_token()) {
        let removed = sessions::remove(&managed.plan.session_profile, &profiles, world);
        outcome = removed.and(outcome);
        managed.renewal_state.lock_out();
    }
    outcome
}
