//! One change to a token: looked at before, made by one command, looked at afterwards.
//!
//! Nothing is written before everything that can be known speaks for it, and it is always known what was: either the change
//! was made, or nothing was changed, or the conversation broke off at the one command in between, which is said.

use std::fmt;

use crate::conversation::{Patience, converse};
use crate::device::Version;
use crate::fetch::unlocked;
use crate::oath::{self, AccessKey, Account, AccountId, Algorithm, Applet, Attempt, Greeting, NewAccount, OathError};
use crate::oath::{DeviceId, LONGEST_ID};
use crate::survey::{Keys, Look};
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

/// Something that not every applet can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Codes that need a touch.
    Touch,
    /// Accounts with SHA-512.
    Sha512,
    /// Renaming accounts.
    Rename,
}

impl Feature {
    /// The first version that has it.
    ///
    /// yubikit's `oath.py`; Yubico's technical manual.
    #[must_use]
    pub fn since(self) -> Version {
        let (major, minor, patch) = match self {
            Self::Touch => (4, 2, 6),
            Self::Sha512 => (4, 3, 1),
            Self::Rename => (5, 3, 1),
        };
        Version { major, minor, patch }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Touch => "codes that need a touch",
            Self::Sha512 => "accounts with SHA-512",
            Self::Rename => "renaming accounts",
        })
    }
}

/// Why a change was not even tried, or not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is an account with this id, and it was not to be overwritten.
    Exists {
        /// The id.
        id: AccountId,
    },
    /// The token does not overwrite accounts.
    KeepsWhatItHas {
        /// The id.
        id: AccountId,
    },
    /// There is no account with this id.
    NoSuchAccount {
        /// The id.
        id: AccountId,
        /// What there is.
        present: Vec<AccountId>,
    },
    /// An id is empty, or longer than an applet can store.
    IdLength {
        /// Its length in bytes.
        length: usize,
    },
    /// There is no room left.
    Full {
        /// How many accounts there are.
        used: usize,
    },
    /// The firmware is too old.
    TooOld {
        /// For what.
        feature: Feature,
        /// Which it has.
        has: Version,
    },
    /// The firmware mistakes one account for another whose id begins with its id.
    Ambiguous {
        /// The id.
        id: AccountId,
        /// The other one.
        other: AccountId,
    },
    /// The token said that it is done, and it is not.
    NotKept,
}

/// How a change failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// It was refused; nothing was changed.
    Refused(Refusal),
    /// It could not be made; nothing was changed.
    Failed(OathError),
    /// The conversation broke off in the middle: it was made, or it was not.
    Uncertain(OathError),
}

/// What is known of the token that is to be changed.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// What the applet says of itself.
    pub greeting: &'a Greeting,
    /// Its accounts.
    pub accounts: &'a [Account],
    /// How many it has room for, if that is known.
    pub capacity: Option<usize>,
}

impl Standing<'_> {
    fn has(&self, id: &AccountId) -> bool {
        self.accounts.iter().any(|account| account.id == *id)
    }

    fn supports(&self, feature: Feature) -> Result<(), Refusal> {
        match self.greeting.version {
            Some(has) if has < feature.since() => Err(Refusal::TooOld { feature, has }),
            _ => Ok(()),
        }
    }

    /// Whether an account can be added, as far as that can be known before its secret is.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn can_add(&self, id: &AccountId, overwrite: bool, touch: bool) -> Result<(), Refusal> {
        if touch {
            self.supports(Feature::Touch)?;
        }
        has_good_length(id)?;
        match self.has(id) {
            true if !overwrite => return Err(Refusal::Exists { id: id.clone() }),
            false => self.has_room()?,
            true => {}
        }
        let longer = |other: &&Account| other.id != *id && other.id.as_bytes().starts_with(id.as_bytes());
        match self.accounts.iter().find(longer) {
            Some(other) if self.mistakes_beginnings() => {
                Err(Refusal::Ambiguous { id: id.clone(), other: other.id.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Whether there is room for one more account.
    ///
    /// # Errors
    /// [`Refusal::Full`].
    pub fn has_room(&self) -> Result<(), Refusal> {
        let used = self.accounts.len();
        if self.capacity.is_some_and(|capacity| used >= capacity) { Err(Refusal::Full { used }) } else { Ok(()) }
    }

    /// Whether the firmware overwrites an account when another is added whose id is the beginning of its id. Seen in ykman.
    fn mistakes_beginnings(&self) -> bool {
        let version = |major, minor, patch| Version { major, minor, patch };
        self.greeting.version.is_some_and(|has| has > version(4, 0, 0) && has < version(4, 3, 5))
    }

    /// Whether an account can be removed.
    ///
    /// # Errors
    /// [`Refusal::NoSuchAccount`].
    pub fn can_remove(&self, id: &AccountId) -> Result<(), Refusal> {
        if self.has(id) {
            return Ok(());
        }
        let present = self.accounts.iter().filter(|account| !account.id.is_hidden());
        Err(Refusal::NoSuchAccount { id: id.clone(), present: present.map(|account| account.id.clone()).collect() })
    }

    /// Whether a change can be made.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn allows(&self, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Add { account, overwrite } => {
                if account.algorithm == Algorithm::Sha512 {
                    self.supports(Feature::Sha512)?;
                }
                self.can_add(&account.id, *overwrite, account.touch)
            }
            Change::Remove { id } => self.can_remove(id),
            Change::Rename { old, new } => {
                self.supports(Feature::Rename)?;
                self.can_remove(old)?;
                has_good_length(new)?;
                if self.has(new) { Err(Refusal::Exists { id: new.clone() }) } else { Ok(()) }
            }
            Change::SetPassword { .. } | Change::ClearPassword => Ok(()),
        }
    }

    /// Whether the accounts are as a change was to make them, as far as that can be seen.
    fn shows(&self, change: &Change) -> bool {
        match change {
            Change::Add { account, .. } => self.has(&account.id),
            Change::Remove { id } => !self.has(id),
            Change::Rename { old, new } => !self.has(old) && self.has(new),
            Change::SetPassword { .. } | Change::ClearPassword => false,
        }
    }
}

fn has_good_length(id: &AccountId) -> Result<(), Refusal> {
    let length = id.as_bytes().len();
    if (1..=LONGEST_ID).contains(&length) { Ok(()) } else { Err(Refusal::IdLength { length }) }
}

impl Look {
    /// The token that was looked at, as one that is to be changed.
    #[must_use]
    pub fn target(&self) -> Target {
        Target { reader: self.reader.clone(), device_id: self.device_id().cloned(), capacity: self.capacity() }
    }

    /// What is known of it, if its accounts could be seen.
    #[must_use]
    pub fn standing(&self) -> Option<Standing<'_>> {
        let (greeting, accounts) = (self.greeting()?, self.accounts()?);
        Some(Standing { greeting, accounts, capacity: self.capacity() })
    }
}

/// Makes one change in one conversation: what speaks against it is looked for first, and whether it was made last. A
/// conversation that breaks off is run again where [`converse`] does so; a change that turns out to be made by then is not
/// made twice.
///
/// # Errors
/// [`ChangeError`], which tells what is so now.
pub fn change(bus: &dyn Bus, target: &Target, keys: &Keys<'_>, change: &Change) -> Result<(), ChangeError> {
    let mut sent = false;
    let outcome = converse(bus, &target.reader, Patience::USUAL, &mut |transport| {
        attempt(transport, target, keys, change, &mut sent)
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
    keys: &Keys<'_>,
    change: &Change,
    sent: &mut bool,
) -> Result<Result<(), Refusal>, OathError> {
    if *sent && password_is(transport, change)? == Some(true) {
        return Ok(Ok(()));
    }
    let mut ready = unlocked(transport, target.device_id.as_ref(), keys)?;
    let is_password = matches!(change, Change::SetPassword { .. } | Change::ClearPassword);
    let accounts = if is_password { Vec::new() } else { ready.accounts()? };
    let greeting = ready.greeting().clone();
    let standing = Standing { greeting: &greeting, accounts: &accounts, capacity: target.capacity };
    // An account that is overwritten looks the same before and after: it is put there again.
    let overwrites = matches!(change, Change::Add { overwrite: true, .. });
    if *sent && !overwrites && standing.shows(change) {
        return Ok(Ok(()));
    }
    *sent = false;
    if let Err(refusal) = standing.allows(change) {
        return Ok(Err(refusal));
    }
    *sent = true;
    let outcome = match change {
        Change::Add { account, .. } => ready.put(account),
        Change::Remove { id } => ready.delete(id),
        Change::Rename { old, new } => ready.rename(old, new),
        Change::SetPassword { key } => {
            let outcome = ready.set_password(key);
            return finish(outcome, sent, change, &standing, || password_is(transport, change));
        }
        Change::ClearPassword => {
            let outcome = ready.clear_password();
            return finish(outcome, sent, change, &standing, || password_is(transport, change));
        }
    };
    finish(outcome, sent, change, &standing, || {
        let accounts = ready.accounts()?;
        Ok(Some(Standing { accounts: &accounts, ..standing }.shows(change)))
    })
}

/// What came of the command, and whether it shows.
fn finish(
    outcome: Result<(), OathError>,
    sent: &mut bool,
    change: &Change,
    before: &Standing<'_>,
    shows: impl FnOnce() -> Result<Option<bool>, OathError>,
) -> Result<Result<(), Refusal>, OathError> {
    // Whatever the token answered, its answer is clear.
    *sent = matches!(outcome, Err(OathError::Exchange(_)));
    match outcome {
        Ok(()) => match shows() {
            Ok(Some(false)) => Ok(Err(Refusal::NotKept)),
            // It said that it is done. Whoever pulls it out in this moment takes nothing back.
            Ok(_) | Err(_) => Ok(Ok(())),
        },
        Err(OathError::Full) => Ok(Err(Refusal::Full { used: before.accounts.len() })),
        Err(OathError::Status { command: "PUT", status }) => match change {
            Change::Add { account, .. } if status.keeps_what_is_there() && before.has(&account.id) => {
                Ok(Err(Refusal::KeepsWhatItHas { id: account.id.clone() }))
            }
            _ => Err(OathError::Status { command: "PUT", status }),
        },
        Err(why) => Err(why),
    }
}

/// Whether the applet has the password that a change was to give it, or none any more; `None` if the change is about
/// accounts. Selects the applet anew, and leaves it locked if it has a password.
fn password_is(transport: &mut dyn Transport, change: &Change) -> Result<Option<bool>, OathError> {
    Ok(match change {
        Change::SetPassword { key } => Some(match oath::select(transport)? {
            Applet::Ready(_) => false,
            Applet::Locked(locked) => matches!(locked.unlock(key)?, Attempt::Unlocked(_)),
        }),
        Change::ClearPassword => Some(matches!(oath::select(transport)?, Applet::Ready(_))),
        Change::Add { .. } | Change::Remove { .. } | Change::Rename { .. } => None,
    })
}
