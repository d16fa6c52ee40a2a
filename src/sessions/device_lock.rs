//! One login at a time per MFA device: a login that waited may find that another one has made the session.

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

/// Text shown while another login has the MFA device.
const WAITING: &str = "Waiting for another login with the same MFA device";

/// The outcome of waiting for an MFA device.
pub(super) enum Turn {
    /// No other login has the ledger.
    Ours(Held),
    /// Another login has made the session.
    Served(Box<ObtainedSession>),
}

/// The wait of one login for its MFA device.
pub(super) struct DeviceLock<'a> {
    pub(super) world: &'a World,
    pub(super) writer: &'a SessionWriter,
    /// Stamp of the credentials file when it was last read.
    pub(super) seen: Option<FileStamp>,
}

impl DeviceLock<'_> {
    /// Waits until no other login has the MFA device's ledger, or until another login has made the session.
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

    /// Returns the session if the credentials file was changed and has it now. A file that cannot be read just now is
    /// read again after its next change.
    fn look(&mut self, plan: &Plan) -> Option<ObtainedSession> {
        let now = file::stamp_of(&self.writer.locations().credentials);
        if now == std::mem::replace(&mut self.seen, now) {
            return None;
        }
        good(plan, &Profiles::read(&self.world.env).ok()?, &*self.world.clock)
    }
}

/// Waits until no login has the ledger of an MFA device, for work other than a login.
///
/// # Errors
/// [`LoginError::Ledger`] if the ledger cannot be written, or is not released in time.
pub async fn wait_for_ledger(plan: &Plan, serial: &MfaSerial, world: &World) -> Result<Held, LoginError> {
    let (wait, begun) = (world.person.wait(), Instant::now());
    let mut waiting = |left| show(&wait, begun, left);
    ledger::hold(&plan.state, serial, &world.clock, &mut waiting).await.map_err(LoginError::Ledger)
}

/// Announces that another login is waited for, once [`MOMENT`] has passed.
fn show(wait: &Wait<'_>, begun: Instant, left: Duration) {
    if begun.elapsed() > MOMENT {
        wait.show(WAITING, Some(left));
    }
}
