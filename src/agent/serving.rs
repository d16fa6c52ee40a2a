//! The sessions served to programs, as long as there is a place for it.

use super::journal::{Journal, Weight};
use crate::aws::ProfileName;
use crate::endpoint::folder::{self, FolderFault, RuntimeFolder};
use crate::endpoint::server::{self, ServeFault, Served, ServedSessions};
use crate::plan;
use crate::report::{self, Failure};
use crate::sessions::ObtainedSession;
use crate::world::World;
use std::sync::Arc;
use std::time::SystemTime;

/// See the module.
#[derive(Default)]
pub(super) struct Serving {
    /// Where they are served from.
    pub(super) runtime_folder: Option<RuntimeFolder>,
    /// The right to ask, where there is no such place.
    _alone: Option<RuntimeFolder>,
    sessions: ServedSessions,
}

impl Serving {
    /// Begins to serve, or says why not.
    ///
    /// # Errors
    /// [`Failure::AgentRuns`]: another one does it.
    pub(super) fn begin(world: &World, journal: &Journal) -> Result<Self, Failure> {
        let sessions = ServedSessions::default();
        let Some(folder) = folder::find(&world.env) else {
            // Two of them would both ask.
            let alone = match plan::state_folder(&world.env).map(RuntimeFolder::take) {
                Ok(Err(FolderFault::Taken { pid })) => return Err(Failure::AgentRuns { pid }),
                Ok(taken) => taken.ok(),
                Err(_) => None,
            };
            let why = "the sessions are not served to programs, and `status` is not told: XDG_RUNTIME_DIR is not set; next: set it to a folder of your own, such as /run/user/$(id -u)";
            journal.note(Weight::Warning, why);
            return Ok(Self { runtime_folder: None, _alone: alone, sessions });
        };
        let served = match RuntimeFolder::take(folder) {
            Ok(runtime_folder) => {
                server::serve(&runtime_folder, sessions.clone(), Arc::clone(&world.clock)).map(|()| runtime_folder)
            }
            Err(FolderFault::Taken { pid }) => return Err(Failure::AgentRuns { pid }),
            Err(FolderFault::File(error)) => Err(ServeFault::File(error)),
        };
        let why = match served {
            Ok(runtime_folder) => return Ok(Self { runtime_folder: Some(runtime_folder), _alone: None, sessions }),
            Err(ServeFault::System(error)) => error.to_string(),
            Err(ServeFault::File(error)) => report::in_one_line(&Failure::File(error)),
        };
        journal.note(Weight::Warning, &format!("the sessions are not served to programs: {why}"));
        Ok(Self { runtime_folder: None, _alone: None, sessions })
    }

    /// Serves what there is of each profile's session.
    pub(super) fn serve(&self, sessions: Vec<(ProfileName, Option<ObtainedSession>)>, now: SystemTime) {
        self.sessions.fill(sessions.into_iter().map(|(profile, got)| (profile, got.map(|got| got.served(now)))));
    }
}

impl ObtainedSession {
    /// What programs are given of it.
    fn served(self, now: SystemTime) -> Served {
        let account = self.identity.as_deref().and_then(|arn| arn.split(':').nth(4));
        let account = account.filter(|account| !account.is_empty()).map(str::to_owned);
        Served { session: self.session, account, ends: now + self.left }
    }
}
