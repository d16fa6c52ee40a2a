//! Sessions that the agent serves to other programs, if there is a runtime directory.

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

/// The sessions that are served, and the lock that keeps other agents from starting.
#[derive(Default)]
pub(super) struct Serving {
    /// Directory with the socket that the sessions are served from; `None` if they are not served.
    pub(super) runtime_folder: Option<RuntimeFolder>,
    /// Lock on the state directory, held in place of one on the runtime directory if there is none.
    _alone: Option<RuntimeFolder>,
    sessions: ServedSessions,
}

impl Serving {
    /// Starts to serve. If that is not possible, logs the reason and goes on without it.
    ///
    /// # Errors
    /// [`Failure::AgentRuns`] if another agent is running.
    pub(super) fn begin(world: &World, journal: &Journal) -> Result<Self, Failure> {
        let sessions = ServedSessions::default();
        let Some(folder) = folder::find(&world.env) else {
            // Two agents would both ask the person, so only one may run.
            let alone = match plan::state_folder(&world.env).map(RuntimeFolder::take) {
                Ok(Err(FolderFault::Taken { pid })) => return Err(Failure::AgentRuns { pid }),
                Ok(taken) => taken.ok(),
                Err(_) => None,
            };
            let why = "cannot serve sessions to programs, or report to `status`: XDG_RUNTIME_DIR is not set; next: set it to a folder that you own, such as /run/user/$(id -u)";
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
        journal.note(Weight::Warning, &format!("cannot serve sessions to programs: {why}"));
        Ok(Self { runtime_folder: None, _alone: None, sessions })
    }

    /// Serves each profile's session, or none for those that have none.
    pub(super) fn serve(&self, sessions: Vec<(ProfileName, Option<ObtainedSession>)>, now: SystemTime) {
        self.sessions.fill(sessions.into_iter().map(|(profile, got)| (profile, got.map(|got| got.served(now)))));
    }
}

impl ObtainedSession {
    /// Returns the part of a session that programs get.
    fn served(self, now: SystemTime) -> Served {
        let account = self.identity.as_deref().and_then(|arn| arn.split(':').nth(4));
        let account = account.filter(|account| !account.is_empty()).map(str::to_owned);
        Served { session: self.session, account, ends: now + self.left }
    }
}
