//! Removal of sessions when the last token is pulled out, if that is switched on.

use super::journal::{Journal, Weight};
use super::managed_profile::ManagedProfile;
use super::token_presence::PresenceChange;
use crate::aws::config_file::Profiles;
use crate::report::{self, Failure};
use crate::sessions;
use crate::world::World;
use std::time::{Duration, SystemTime};

/// Time until another attempt to remove sessions that could not be removed.
const AGAIN: Duration = Duration::from_secs(30);

/// State of the removal of sessions when the last token is pulled out.
pub(super) struct LogoutOnRemoval {
    is_wanted: bool,
    /// True if sessions have yet to be removed.
    is_due: bool,
}

impl LogoutOnRemoval {
    pub(super) fn new(is_wanted: bool) -> Self {
        Self { is_wanted, is_due: false }
    }

    /// Records a change in what is plugged in: sessions are due for removal once no token is left, until one is
    /// plugged in.
    pub(super) fn hear(&mut self, change: &PresenceChange) {
        let is_there = change.is_back || !change.came.is_empty();
        self.is_due = (self.is_due || change.none_is_left && self.is_wanted) && !is_there;
    }

    /// Removes the sessions whose codes come from a token, if that is due. No session is obtained again until a token
    /// is plugged in. Returns the time of the next attempt if some could not be removed.
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
                journal
                    .note(Weight::Error, &format!("could not remove a session after its token was unplugged: {why}"));
            }
        }
        self.is_due.then(|| world.clock.now() + AGAIN)
    }
}

/// Removes as many sessions as possible; returns the last error if some could not be removed.
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
