//! One change to a token: its preconditions are checked first, one command makes it, and its effect is verified.
//!
//! Nothing is written unless all known facts allow the change. The result always says whether the change was made,
//! nothing was changed, or the outcome is uncertain because the conversation broke off during the command.

mod preconditions;

pub use preconditions::{ChangeRefusal, Feature, Preconditions};

use crate::apdu::StatusWord;
use crate::conversation::{Patience, converse};
use crate::fetch::unlocked;
use crate::oath::{self, AccessKey, AccountId, Attempt, DeviceId, NewAccount, OathApplet, OathError, Ready};
use crate::survey::{KeyLookup, TokenInfo, is_yubikey};
use crate::transport::{Bus, Transport};

/// A change to make on a token.
pub enum Change {
    /// Adds an account.
    Add {
        /// The new account, with its secret.
        account: NewAccount,
        /// True to overwrite an account that has the same id; false to refuse the change in that case.
        overwrite: bool,
    },
    /// Removes an account and, irrecoverably, its secret.
    Remove {
        /// Id of the account.
        id: AccountId,
    },
    /// Changes the id of an account.
    Rename {
        /// Current id.
        old: AccountId,
        /// New id.
        new: AccountId,
    },
    /// Sets a password, replacing the current one if there is one.
    SetPassword {
        /// Key derived from the new password and the applet's device id.
        key: AccessKey,
    },
    /// Removes the password, so that the applet is no longer locked by SELECT.
    ClearPassword,
}

/// The token to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name of the token's reader.
    pub reader: String,
    /// Device id of the applet to change; `None` accepts whichever token is in the reader.
    pub device_id: Option<DeviceId>,
    /// Number of accounts that the token has room for; `None` if unknown.
    pub capacity: Option<usize>,
}

/// Reason why a change failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// The change was refused. Nothing was changed, unless the refusal says otherwise.
    Refused(ChangeRefusal),
    /// The change could not be made; nothing was changed.
    Failed(OathError),
    /// The conversation broke off in the middle: the change may or may not have been made.
    Uncertain(OathError),
}

impl TokenInfo {
    /// Returns the inspected token as the target of a change.
    #[must_use]
    pub fn target(&self) -> Target {
        Target { reader: self.reader.clone(), device_id: self.device_id().cloned(), capacity: self.capacity() }
    }

    /// Returns the facts that decide whether a change can be made, or `None` if the applet is absent or locked.
    #[must_use]
    pub fn preconditions(&self) -> Option<Preconditions<'_>> {
        let (select_response, accounts) = (self.select_response()?, self.accounts()?);
        Some(Preconditions {
            select_response,
            accounts,
            capacity: self.capacity(),
            is_yubikey: is_yubikey(&self.reader),
        })
    }
}

/// Makes one change in one conversation: checks its preconditions, sends the command, and verifies the effect.
/// [`converse`] repeats a conversation that breaks off. If the token then shows that the change was made, it is not
/// made again. Calls `may_begin` right before the command that makes the change, and does not send it if the result
/// is false.
///
/// # Errors
/// [`ChangeError::Refused`] if the preconditions or the token forbid the change; [`ChangeError::Failed`] if the
/// change could not be made; [`ChangeError::Uncertain`] if the conversation broke off after the command was sent.
pub fn change(
    bus: &dyn Bus,
    target: &Target,
    patience: Patience,
    keys: &KeyLookup<'_>,
    change: &Change,
    may_begin: &dyn Fn() -> bool,
) -> Result<(), ChangeError> {
    let mut sent = false;
    let outcome = converse(bus, &target.reader, patience, &mut |transport| {
        attempt(transport, target, keys, change, may_begin, &mut sent)
    });
    match outcome {
        Ok(done) => done.map_err(ChangeError::Refused),
        Err(why) if sent => Err(ChangeError::Uncertain(why)),
        Err(why) => Err(ChangeError::Failed(why)),
    }
}

/// Makes one attempt at the change. `sent` is true from sending the command until its outcome is known.
fn attempt(
    transport: &mut dyn Transport,
    target: &Target,
    keys: &KeyLookup<'_>,
    change: &Change,
    may_begin: &dyn Fn() -> bool,
    sent: &mut bool,
) -> Result<Result<(), ChangeRefusal>, OathError> {
    if *sent && password_is(transport, change)? == Some(true) {
        return Ok(Ok(()));
    }
    let mut ready = unlocked(transport, target.device_id.as_ref(), keys)?;
    let is_password = matches!(change, Change::SetPassword { .. } | Change::ClearPassword);
    let accounts = if is_password { Vec::new() } else { ready.accounts()? };
    let select_response = ready.select_response().clone();
    let is_yubikey = is_yubikey(&target.reader);
    let preconditions =
        Preconditions { select_response: &select_response, accounts: &accounts, capacity: target.capacity, is_yubikey };
    // An account that is overwritten looks the same before and after, so it is written again.
    let overwrites = matches!(change, Change::Add { overwrite: true, .. });
    if *sent && !overwrites && preconditions.shows(change) {
        return Ok(preconditions.keeps(change));
    }
    *sent = false;
    if let Err(refusal) = preconditions.allows(change) {
        return Ok(Err(refusal));
    }
    if !may_begin() {
        return Ok(Err(ChangeRefusal::GivenUp));
    }
    *sent = true;
    let outcome = match change {
        Change::Add { account, .. } => ready.put(account),
        Change::Remove { id } => delete_all(&mut ready, id, preconditions.of(id).count()),
        Change::Rename { old, new } => ready.rename(old, new),
        Change::SetPassword { key } => {
            let outcome = ready.set_password(key);
            return finish(outcome, sent, change, &preconditions, || password_kept(transport, change));
        }
        Change::ClearPassword => {
            let outcome = ready.clear_password();
            return finish(outcome, sent, change, &preconditions, || password_kept(transport, change));
        }
    };
    finish(outcome, sent, change, &preconditions, || {
        let accounts = ready.accounts()?;
        Ok(Preconditions { accounts: &accounts, ..preconditions }.keeps(change))
    })
}

/// Deletes an account. Some tokens can have several accounts with the same id, so `count` deletions are sent.
fn delete_all(ready: &mut Ready<'_>, id: &AccountId, count: usize) -> Result<(), OathError> {
    ready.delete(id)?;
    for _ in 1..count {
        match ready.delete(id) {
            Ok(()) => {}
            Err(why @ OathError::Exchange(_)) => return Err(why),
            // The verification afterwards shows the accounts that are left.
            Err(_) => break,
        }
    }
    Ok(())
}

/// Turns the outcome of the command into that of the change. `keeps` reads the token again to verify the effect.
fn finish(
    outcome: Result<(), OathError>,
    sent: &mut bool,
    change: &Change,
    before: &Preconditions<'_>,
    keeps: impl FnOnce() -> Result<Result<(), ChangeRefusal>, OathError>,
) -> Result<Result<(), ChangeRefusal>, OathError> {
    match outcome {
        // The token confirmed the change, so pulling the token out from here on does not undo it.
        Ok(()) => {
            *sent = false;
            Ok(keeps().unwrap_or(Ok(())))
        }
        // The token may or may not have received and executed the command.
        Err(why @ OathError::Exchange(_)) => Err(why),
        Err(why) => match refusal(&why, change, before) {
            Some(refusal) => {
                *sent = false;
                Ok(Err(refusal))
            }
            None => seen(why, sent, change, before, keeps()),
        },
    }
}

/// Translates a token's error into a refusal. `None` if only reading the token again can show whether the change was
/// made.
fn refusal(why: &OathError, change: &Change, before: &Preconditions<'_>) -> Option<ChangeRefusal> {
    let full = || ChangeRefusal::Full { used: before.accounts.len() };
    match (why, change) {
        (OathError::Full, _) => Some(full()),
        (OathError::Status { command: "PUT", status }, Change::Add { account, .. }) => match *status {
            status if status.keeps_what_is_there() && before.has(&account.id) => {
                Some(ChangeRefusal::KeepsWhatItHas { id: account.id.clone() })
            }
            // Some NEOs respond with this status word if there is no room.
            StatusWord::ABORTED if before.is_neo() => Some(full()),
            _ => None,
        },
        _ => None,
    }
}

/// Decides whether the change was made if the response made no sense or may have come from another applet. `kept` is
/// the result of reading the token again.
fn seen(
    why: OathError,
    sent: &mut bool,
    change: &Change,
    before: &Preconditions<'_>,
    kept: Result<Result<(), ChangeRefusal>, OathError>,
) -> Result<Result<(), ChangeRefusal>, OathError> {
    let is_hidden = matches!(change, Change::Add { account, .. } if before.has(&account.id));
    match (kept, &why) {
        (Ok(Err(ChangeRefusal::NotKept)), _) => *sent = false,
        // Reading back cannot show whether the account was overwritten, because it looks the same either way.
        (Ok(_), OathError::Status { status, .. }) if is_hidden => *sent = !status.is_plain_refusal(),
        (Ok(_), OathError::TouchMissing { .. } | OathError::Unsupported { .. }) if is_hidden => *sent = false,
        (Ok(_), _) if is_hidden => {}
        (Ok(kept), _) => {
            *sent = false;
            return Ok(kept);
        }
        (Err(unseen), _) => return Err(unseen),
    }
    Err(why)
}

fn password_kept(transport: &mut dyn Transport, change: &Change) -> Result<Result<(), ChangeRefusal>, OathError> {
    Ok(if password_is(transport, change)? == Some(false) { Err(ChangeRefusal::NotKept) } else { Ok(()) })
}

/// Returns true if the applet has the password that the change sets, or no password if the change removes it; `None`
/// if the change is about accounts. Selects the applet again, and leaves it locked if it has a password.
fn password_is(transport: &mut dyn Transport, change: &Change) -> Result<Option<bool>, OathError> {
    Ok(match change {
        Change::SetPassword { key } => Some(match oath::select(transport)? {
            OathApplet::Ready(_) => false,
            OathApplet::Locked(locked) => matches!(locked.unlock(key)?, Attempt::Unlocked(_)),
        }),
        Change::ClearPassword => Some(matches!(oath::select(transport)?, OathApplet::Ready(_))),
        Change::Add { .. } | Change::Remove { .. } | Change::Rename { .. } => None,
    })
}
