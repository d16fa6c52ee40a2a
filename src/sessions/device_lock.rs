//! The lock that allows one login at a time per MFA device. A login that waited for the lock may find that another
//! login has obtained the session.

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

/// Text shown while another login is using the MFA device.
const WAITING: &str = "Waiting for another login with the same MFA device";

/// Outcome of waiting until no other login uses an MFA device.
pub(super) enum Turn {
    /// This login has locked the MFA device's ledger.
    Ours(Held),
    /// Another login has obtained the session, so this one needs no code.
    Served(Box<ObtainedSession>),
}

/// A login that waits for its MFA device.
pub(super) struct DeviceLock<'a> {
    pub(super) world: &'a World,
    pub(super) writer: &'a SessionWriter,
    /// Stamp of the credentials file when it was last read.
    pub(super) seen: Option<FileStamp>,
}

impl DeviceLock<'_> {
    /// Waits until no other login has locked the MFA device's ledger, or until another login has obtained the
    /// session.
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

    /// Returns the plan's session if the credentials file was changed and now has the session. A file that cannot be
    /// read is read again only after its next change.
    fn look(&mut self, plan: &Plan) -> Option<ObtainedSession> {
        let now = file::stamp_of(&self.writer.locations().credentials);
        if now == std::mem::replace(&mut self.seen, now) {
            return None;
        }
        good(plan, &Profiles::read(&self.world.env).ok()?, &*self.world.clock)
    }
}

/// Locks the ledger of an MFA device for work other than a login, after waiting until no login has locked it.
///
/// # Errors
/// [`LoginError::Ledger`] if the ledger cannot be written, or is not released in time.
pub async fn wait_for_ledger(plan: &Plan, serial: &MfaSerial, world: &World) -> Result<Held, LoginError> {
    let (wait, begun) = (world.person.wait(), Instant::now());
    let mut waiting = |left| show(&wait, begun, left);
    ledger::hold(&plan.state, serial, &world.clock, &mut waiting).await.map_err(LoginError::Ledger)
}

/// Shows that another login is using the MFA device, once [`MOMENT`] has passed.
fn show(wait: &Wait<'_>, begun: Instant, left: Duration) {
    if begun.elapsed() > MOMENT {
        wait.show(WAITING, Some(left));
    }
}
