//! The sessions served to programs, as long as there is a place for it.

use crate::agent;
use crate::agent::endpoint::{self, ServeFault, Served, Shelf};
use crate::agent::journal::{Journal, Weight};
use crate::agent::place::{Place, PlaceFault};
use crate::commands::session::Got;
use crate::plan;
use crate::report::{self, Failure};
use crate::world::World;
use std::sync::Arc;
use std::time::SystemTime;

/// See the module.
#[derive(Default)]
pub(super) struct Serving {
    /// Where they are served from.
    pub(super) place: Option<Place>,
    /// The right to ask, where there is no such place.
    _alone: Option<Place>,
    shelf: Shelf,
}

impl Serving {
    /// Begins to serve, or says why not.
    ///
    /// # Errors
    /// [`Failure::AgentRuns`]: another one does it.
    pub(super) fn begin(world: &World, journal: &Journal) -> Result<Self, Failure> {
        let shelf = Shelf::default();
        let Some(folder) = agent::folder(&world.env) else {
            // Two of them would both ask.
            let alone = match plan::state_folder(&world.env).map(Place::take) {
                Ok(Err(PlaceFault::Taken { pid })) => return Err(Failure::AgentRuns { pid }),
                Ok(taken) => taken.ok(),
                Err(_) => None,
            };
            let why = "the sessions are not served to programs, and `status` is not told: XDG_RUNTIME_DIR is not set; next: set it to a folder of your own, such as /run/user/$(id -u)";
            journal.note(Weight::Warning, why);
            return Ok(Self { place: None, _alone: alone, shelf });
        };
        let served = match Place::take(folder) {
            Ok(place) => endpoint::serve(&place, shelf.clone(), Arc::clone(&world.clock)).map(|()| place),
            Err(PlaceFault::Taken { pid }) => return Err(Failure::AgentRuns { pid }),
            Err(PlaceFault::File(error)) => Err(ServeFault::File(error)),
        };
        let why = match served {
            Ok(place) => return Ok(Self { place: Some(place), _alone: None, shelf }),
            Err(ServeFault::System(error)) => error.to_string(),
            Err(ServeFault::File(error)) => report::in_one_line(&Failure::File(error)),
        };
        journal.note(Weight::Warning, &format!("the sessions are not served to programs: {why}"));
        Ok(Self { place: None, _alone: None, shelf })
    }

    /// Serves what there is of each profile's session.
    pub(super) fn serve(&self, sessions: Vec<(String, Option<Got>)>, now: SystemTime) {
        self.shelf.fill(sessions.into_iter().map(|(profile, got)| (profile, got.map(|got| got.served(now)))));
    }
}

impl Got {
    /// What programs are given of it.
    fn served(self, now: SystemTime) -> Served {
        let account = self.identity.as_deref().and_then(|arn| arn.split(':').nth(4));
        let account = account.filter(|account| !account.is_empty()).map(str::to_owned);
        Served { session: self.session, account, ends: now + self.left }
    }
}
