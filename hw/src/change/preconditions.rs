//! Facts about a token that decide whether a change can be made, and whether it was made as intended.

use std::fmt;

use super::Change;
use crate::device::Version;
use crate::oath::{Account, AccountId, Algorithm, LONGEST_ID, SelectResponse};

/// Feature of the OATH applet that older firmware lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Codes that require a touch.
    Touch,
    /// Accounts that use SHA-512.
    Sha512,
    /// Renaming accounts.
    Rename,
}

impl Feature {
    /// Returns the first version of a YubiKey's firmware that has the feature.
    ///
    /// Sources: yubikit's `oath.py`; Yubico's technical manual.
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
            Self::Touch => "requiring a touch",
            Self::Sha512 => "SHA-512",
            Self::Rename => "renaming accounts",
        })
    }
}

/// Reason why a change was not tried, or was not made as intended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeRefusal {
    /// An account with this id exists, and overwriting it was not requested.
    Exists {
        /// Id of the account.
        id: AccountId,
    },
    /// The token never overwrites accounts.
    KeepsWhatItHas {
        /// Id of the account.
        id: AccountId,
    },
    /// No account has this id.
    NoSuchAccount {
        /// The id that was requested.
        id: AccountId,
        /// Ids of the accounts on the token, except hidden ones.
        present: Vec<AccountId>,
    },
    /// The id is empty, or longer than an applet can store (64 bytes).
    IdLength {
        /// Length of the id in bytes.
        length: usize,
    },
    /// The token has no room for another account.
    Full {
        /// Number of accounts on the token.
        used: usize,
    },
    /// The firmware is too old for a feature.
    TooOld {
        /// The missing feature.
        feature: Feature,
        /// Version that the applet reports.
        has: Version,
    },
    /// The firmware would overwrite another account, whose id begins with the new id.
    Ambiguous {
        /// The new id.
        id: AccountId,
        /// Id of the account that would be overwritten.
        other: AccountId,
    },
    /// The token confirmed the change but did not make it.
    NotKept,
    /// The token did not overwrite the account, but now has two with this id.
    Doubled {
        /// Id of both accounts.
        id: AccountId,
    },
    /// The caller no longer waits for the change, so the command was not sent.
    GivenUp,
    /// The account was added, but the token computes its codes without a touch.
    NoTouch {
        /// Id of the account.
        id: AccountId,
    },
}

/// Facts about a token that decide whether a change can be made.
#[derive(Clone, Copy, Debug)]
pub struct Preconditions<'a> {
    /// The applet's response to SELECT.
    pub select_response: &'a SelectResponse,
    /// The accounts on the token.
    pub accounts: &'a [Account],
    /// Number of accounts the token has room for; `None` if unknown.
    pub capacity: Option<usize>,
    /// True for a YubiKey. Only a YubiKey's version shows which [`Feature`]s the token has.
    pub is_yubikey: bool,
}

impl Preconditions<'_> {
    pub(super) fn of(&self, id: &AccountId) -> impl Iterator<Item = &Account> {
        self.accounts.iter().filter(move |account| account.id == *id)
    }

    pub(super) fn has(&self, id: &AccountId) -> bool {
        self.of(id).next().is_some()
    }

    pub(super) fn is_neo(&self) -> bool {
        self.is_yubikey && self.select_response.version.is_some_and(|version| version.major < 4)
    }

    fn supports(&self, feature: Feature) -> Result<(), ChangeRefusal> {
        match self.select_response.version {
            Some(has) if self.is_yubikey && has < feature.since() => Err(ChangeRefusal::TooOld { feature, has }),
            _ => Ok(()),
        }
    }

    /// Checks whether an account can be added; the account's secret and hash function are not checked. `touch` is
    /// true if each of its codes is to require a touch.
    ///
    /// # Errors
    /// [`ChangeRefusal::TooOld`] if the firmware cannot require a touch; [`ChangeRefusal::IdLength`] if the id is
    /// empty or too long; [`ChangeRefusal::Exists`] if the id is taken and `overwrite` is false;
    /// [`ChangeRefusal::Full`] if there is no room; [`ChangeRefusal::Ambiguous`] if the firmware would overwrite
    /// another account.
    pub fn can_add(&self, id: &AccountId, overwrite: bool, touch: bool) -> Result<(), ChangeRefusal> {
        if touch {
            self.supports(Feature::Touch)?;
        }
        has_good_length(id)?;
        match self.has(id) {
            true if !overwrite => return Err(ChangeRefusal::Exists { id: id.clone() }),
            false => self.has_room()?,
            true => {}
        }
        let longer = |other: &&Account| other.id != *id && other.id.as_bytes().starts_with(id.as_bytes());
        match self.accounts.iter().find(longer) {
            Some(other) if self.mistakes_beginnings() => {
                Err(ChangeRefusal::Ambiguous { id: id.clone(), other: other.id.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Checks whether there is room for one more account. If the capacity is unknown, there is assumed to be room.
    ///
    /// # Errors
    /// [`ChangeRefusal::Full`] if there is no room.
    pub fn has_room(&self) -> Result<(), ChangeRefusal> {
        let used = self.accounts.len();
        if self.capacity.is_some_and(|capacity| used >= capacity) { Err(ChangeRefusal::Full { used }) } else { Ok(()) }
    }

    /// Returns true if the firmware has this bug: adding an account overwrites another account whose id begins with
    /// the new id (versions after 4.0.0 and before 4.3.5). Source: ykman.
    fn mistakes_beginnings(&self) -> bool {
        let version = |major, minor, patch| Version { major, minor, patch };
        let is_one_of_them = |has| has > version(4, 0, 0) && has < version(4, 3, 5);
        self.is_yubikey && self.select_response.version.is_some_and(is_one_of_them)
    }

    /// Checks whether an account can be removed.
    ///
    /// # Errors
    /// [`ChangeRefusal::NoSuchAccount`] if no account has this id.
    pub fn can_remove(&self, id: &AccountId) -> Result<(), ChangeRefusal> {
        if self.has(id) {
            return Ok(());
        }
        let present = self.accounts.iter().filter(|account| !account.id.is_hidden());
        Err(ChangeRefusal::NoSuchAccount {
            id: id.clone(),
            present: present.map(|account| account.id.clone()).collect(),
        })
    }

    /// Checks whether a change can be made.
    ///
    /// # Errors
    /// [`ChangeRefusal`] with the first fact that forbids the change.
    pub fn allows(&self, change: &Change) -> Result<(), ChangeRefusal> {
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
                if self.has(new) { Err(ChangeRefusal::Exists { id: new.clone() }) } else { Ok(()) }
            }
            Change::SetPassword { .. } | Change::ClearPassword => Ok(()),
        }
    }

    /// Returns true if the list of accounts is as it must be after the change. False for a change to the password,
    /// which the list does not show.
    pub(super) fn shows(&self, change: &Change) -> bool {
        match change {
            Change::Add { account, .. } => self.has(&account.id),
            Change::Remove { id } => !self.has(id),
            Change::Rename { old, new } => !self.has(old) && self.has(new),
            Change::SetPassword { .. } | Change::ClearPassword => false,
        }
    }

    /// Checks in the list of accounts whether a change that the token confirmed was made as intended.
    pub(super) fn keeps(&self, change: &Change) -> Result<(), ChangeRefusal> {
        if !self.shows(change) {
            return Err(ChangeRefusal::NotKept);
        }
        let Change::Add { account: new, .. } = change else { return Ok(()) };
        let id = || new.id.clone();
        match self.of(&new.id).collect::<Vec<_>>().as_slice() {
            [_, _, ..] => Err(ChangeRefusal::Doubled { id: id() }),
            [Account { touch: Some(false), .. }] if new.touch => Err(ChangeRefusal::NoTouch { id: id() }),
            _ => Ok(()),
        }
    }
}

fn has_good_length(id: &AccountId) -> Result<(), ChangeRefusal> {
    let length = id.as_bytes().len();
    if (1..=LONGEST_ID).contains(&length) { Ok(()) } else { Err(ChangeRefusal::IdLength { length }) }
}
