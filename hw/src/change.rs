//! One change to a token: looked at before, made by one command, looked at afterwards.
//!
//! Nothing is written before everything that can be known speaks for it, and it is always known what was: either the change
//! was made, or nothing was changed, or the conversation broke off at the one command in between, which is said.

mod preconditions;

pub use preconditions::{ChangeRefusal, Feature, Preconditions};

use crate::apdu::StatusWord;
use crate::conversation::{Patience, converse};
use crate::fetch::unlocked;
use crate::oath::{self, AccessKey, AccountId, Attempt, DeviceId, NewAccount, OathApplet, OathError, Ready};
use crate::survey::{KeyLookup, TokenInfo, is_yubikey};
use crate::transport::{Bus, Transport};

/// What is to be changed.
pub enum Change {
    /// An account put there.
    Add {
        /// The account.
        account: NewAccount,
        /// Whether one that has its id is overwritten.
        overwrite: bool,
    },
    /// An account taken away.
    Remove {
        /// Its id.
        id: AccountId,
    },
    /// An account's id changed.
    Rename {
        /// What it is.
        old: AccountId,
        /// What it is to be.
        new: AccountId,
    },
    /// A password set, in the place of another if there is one.
    SetPassword {
        /// The key that it makes on this applet.
        key: AccessKey,
    },
    /// The password taken away.
    ClearPassword,
}

/// Which token is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The reader it is in.
    pub reader: String,
    /// What its applet calls itself; `None` takes whichever is in the reader.
    pub device_id: Option<DeviceId>,
    /// How many accounts it has room for, if that is known.
    pub capacity: Option<usize>,
}

/// How a change failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// It was refused, and nothing was changed, unless the refusal says otherwise.
    Refused(ChangeRefusal),
    /// It could not be made; nothing was changed.
    Failed(OathError),
    /// The conversation broke off in the middle: it was made, or it was not.
    Uncertain(OathError),
}

impl TokenInfo {
    /// The token that was looked at, as one that is to be changed.
    #[must_use]
    pub fn target(&self) -> Target {
        Target { reader: self.reader.clone(), device_id: self.device_id().cloned(), capacity: self.capacity() }
    }

    /// The facts that decide about a change; `None` if the applet is absent or locked.
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

/// Makes one change in one conversation: checks its preconditions first, and verifies its effect last. A conversation that
/// breaks off is run again where [`converse`] does so; a change that turns out to be made by then is not made twice. Calls
/// `may_begin` right before the one command that makes the change, which is not sent if it returns false.
///
/// # Errors
/// [`ChangeError::Refused`] and [`ChangeError::Failed`] if nothing was changed (but see the refusal),
/// [`ChangeError::Uncertain`] if the conversation broke off after the command was sent.
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

/// One attempt. `sent`: whether the command was sent, and how it went is not known.
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
    // An account that is overwritten looks the same before and after: it is put there again.
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

/// Takes an account away; some tokens have several of one id.
fn delete_all(ready: &mut Ready<'_>, id: &AccountId, count: usize) -> Result<(), OathError> {
    ready.delete(id)?;
    for _ in 1..count {
        match ready.delete(id) {
            Ok(()) => {}
            Err(why @ OathError::Exchange(_)) => return Err(why),
            // What is left is seen afterwards.
            Err(_) => break,
        }
    }
    Ok(())
}

/// What came of the command, and whether it shows.
fn finish(
    outcome: Result<(), OathError>,
    sent: &mut bool,
    change: &Change,
    before: &Preconditions<'_>,
    keeps: impl FnOnce() -> Result<Result<(), ChangeRefusal>, OathError>,
) -> Result<Result<(), ChangeRefusal>, OathError> {
    match outcome {
        // It said that it is done. Whoever pulls it out in this moment takes nothing back.
        Ok(()) => {
            *sent = false;
            Ok(keeps().unwrap_or(Ok(())))
        }
        // What it was told, and what it did, is not known.
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

/// What a token refuses for a reason of its own.
fn refusal(why: &OathError, change: &Change, before: &Preconditions<'_>) -> Option<ChangeRefusal> {
    let full = || ChangeRefusal::Full { used: before.accounts.len() };
    match (why, change) {
        (OathError::Full, _) => Some(full()),
        (OathError::Status { command: "PUT", status }, Change::Add { account, .. }) => match *status {
            status if status.keeps_what_is_there() && before.has(&account.id) => {
                Some(ChangeRefusal::KeepsWhatItHas { id: account.id.clone() })
            }
            // What some NEOs say for it.
            StatusWord::ABORTED if before.is_neo() => Some(full()),
            _ => None,
        },
        _ => None,
    }
}

/// What answered may have been another applet, or may have answered nonsense: whether the change was made is looked for.
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
        // An account that was overwritten looks as it did.
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

/// Whether the applet has the password that a change was to give it, or none any more; `None` if the change is about
/// accounts. Selects the applet anew, and leaves it locked if it has a password.
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
