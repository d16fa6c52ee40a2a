//! One login at a time per MFA device: whoever has to wait may find the session made meanwhile.

use super::present::{ObtainedSession, good};
use super::writer::SessionWriter;
use crate::aws::MfaSerial;
use crate::aws::config_file::Profiles;
use crate::file::{self, FileError, FileFault, FileStamp};
use crate::ledger::{self, Held};
use crate::login::LoginError;
use crate::plan::Plan;
use crate::world::{MOMENT, Wait, World};
use std::time::{Duration, Instant};

/// What is shown while somebody else logs in.
const WAITING: &str = "Waiting for another login with the same MFA device";

/// What waiting for one's turn came to.
pub(super) enum Turn {
    /// Nobody else has the ledger.
    Ours(Held),
    /// Somebody else has made the session.
    Served(Box<ObtainedSession>),
}

/// See the module.
pub(super) struct DeviceLock<'a> {
    pub(super) world: &'a World,
    pub(super) writer: &'a SessionWriter,
    /// What the credentials file was when it was last read.
    pub(super) seen: Option<FileStamp>,
}

impl DeviceLock<'_> {
    /// The ledger of an MFA device, once nobody else has it; or the session that somebody else has made meanwhile.
    pub(super) async fn turn(mut self, plan: &Plan, serial: &MfaSerial) -> Result<Turn, LoginError> {
        if let Some(ledger) = self.writer.take_back(serial) {
            return Ok(Turn::Ours(ledger));
        }
        let (writer, world) = (self.writer, self.world);
        let mut served = None;
        let mut look = || {
            served = self.look(plan);
            served.is_some()
        };
        let (wait, begun) = (world.person.wait(), Instant::now());
        let mut waiting = |left| {
            writer.deliver();
            if let Some(_attention) = world.person.free_attention() {
                show(&wait, begun, left);
            }
            !look()
        };
        let held = ledger::hold_unless(&plan.state, serial, &world.clock, &mut waiting).await;
        drop(wait);
        let held = held.map_err(LoginError::Ledger)?;
        match (held, served) {
            (None, Some(got)) => Ok(Turn::Served(Box::new(got))),
            (None, None) => Err(LoginError::Ledger(FileError { path: plan.state.clone(), fault: FileFault::Locked })),
            (Some(ledger), _) => Ok(self.look(plan).map_or(Turn::Ours(ledger), |got| Turn::Served(Box::new(got)))),
        }
    }

    /// The session, if it is there since the credentials file was changed. One that cannot be read just now is looked at
    /// again when it changes, or when it is our turn.
    fn look(&mut self, plan: &Plan) -> Option<ObtainedSession> {
        let now = file::stamp_of(&self.writer.locations().credentials);
        if now == std::mem::replace(&mut self.seen, now) {
            return None;
        }
        good(plan, &Profiles::read(&self.world.env).ok()?, &*self.world.clock)
    }
}

/// The ledger of an MFA device, for what is no login: once nobody else has it.
pub async fn wait_for_ledger(plan: &Plan, serial: &MfaSerial, world: &World) -> Result<Held, LoginError> {
    let (wait, begun) = (world.person.wait(), Instant::now());
    let mut waiting = |left| show(&wait, begun, left);
    ledger::hold(&plan.state, serial, &world.clock, &mut waiting).await.map_err(LoginError::Ledger)
}

/// Shows that another login is waited for, once a moment has passed.
fn show(wait: &Wait<'_>, begun: Instant, left: Duration) {
    if begun.elapsed() > MOMENT {
        wait.show(WAITING, Some(left));
    }
}
