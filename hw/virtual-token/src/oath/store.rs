//! The stored accounts: PUT, DELETE, RENAME and LIST (YKOATH), and changing them without a command.

use zeroize::Zeroizing;

use super::{AccountRecord, INITIAL_COUNTER, KEY, LIST_ENTRY, NAME, OathState, PROPERTY};
use crate::account::{HashAlgorithm, StoredAccount, read_type};
use crate::apdu::{AppletError, status};
use crate::persona::{Duplicate, Sha512Support};
use crate::tlv;

const LONGEST_NAME: usize = 64;
const LONGEST_SECRET: usize = 64;
const ONLY_INCREASING: u8 = 1;
const TOUCH: u8 = 2;

impl OathState {
    /// Adds an account without a command, replacing the one with the same id if there is one. The limits of PUT do
    /// not apply.
    pub(crate) fn add(&mut self, account: StoredAccount) {
        let entry = AccountRecord::new(account);
        match self.position(&entry.account.id) {
            Ok(at) => self.accounts[at] = entry,
            Err(_) => self.accounts.push(entry),
        }
    }

    /// Removes an account directly, without a DELETE command. Returns false if there is none with this id.
    pub(crate) fn remove(&mut self, id: &[u8]) -> bool {
        self.position(id).map(|at| self.accounts.remove(at)).is_ok()
    }

    /// Returns the accounts, with the current values of their counters.
    pub(crate) fn accounts(&self) -> Vec<StoredAccount> {
        let now = |entry: &AccountRecord| StoredAccount { counter: entry.counter as u32, ..entry.account.clone() };
        self.accounts.iter().map(now).collect()
    }

    pub(super) fn position(&self, id: &[u8]) -> Result<usize, AppletError> {
        let found = self.accounts.iter().position(|entry| entry.account.id == id);
        found.ok_or(AppletError::Status(self.persona.no_such_account))
    }

    pub(super) fn put(&mut self, data: &[u8], touched: bool) -> Result<Vec<u8>, AppletError> {
        let mut account = read_put(data).ok_or(status::WRONG_DATA)?;
        if account.algorithm == HashAlgorithm::Sha512 && self.persona.sha512 == Sha512Support::IsNotPut {
            return Err(status::WRONG_DATA.into());
        }
        if account.touch && self.persona.touch_to_write && !touched {
            return Err(AppletError::NeedsTouch);
        }
        if let (Duplicate::IsRefused(status), Ok(_)) = (self.persona.duplicate, self.position(&account.id)) {
            return Err(status.into());
        }
        account.touch &= self.persona.keeps_touch_flag;
        let others = self.accounts.iter().map(|entry| &entry.account.id).filter(|&id| *id != account.id);
        if !self.persona.capacity.holds(others.map(Vec::len).chain([account.id.len()])) {
            return Err(self.persona.full.into());
        }
        if self.persona.duplicate == Duplicate::IsSecond {
            self.accounts.push(AccountRecord::new(account));
            return Ok(Vec::new());
        }
        let mistaken = |entry: &AccountRecord| entry.account.id.starts_with(&account.id);
        match self.accounts.iter().position(mistaken) {
            Some(at) if self.persona.mistakes_beginnings => self.accounts[at] = AccountRecord::new(account),
            _ => self.add(account),
        }
        Ok(Vec::new())
    }

    pub(super) fn delete(&mut self, data: &[u8], touched: bool) -> Result<Vec<u8>, AppletError> {
        let id = read_names::<1>(data).ok_or(status::WRONG_DATA)?[0];
        if self.persona.touch_to_write && !touched {
            return Err(AppletError::NeedsTouch);
        }
        let at = self.position(id)?;
        self.accounts.remove(at);
        Ok(Vec::new())
    }

    /// Executes RENAME. A new name that is in use is refused with the status word of a CanoKey. It is not known how a
    /// YubiKey responds.
    pub(super) fn rename(&mut self, data: &[u8]) -> Result<Vec<u8>, AppletError> {
        let [old, new] = read_names(data).ok_or(status::WRONG_DATA)?;
        let at = self.position(old)?;
        if self.position(new).is_ok_and(|other| other != at) {
            return Err(status::CONDITIONS.into());
        }
        self.accounts[at].account.id = new.to_vec();
        Ok(Vec::new())
    }

    pub(super) fn list(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for AccountRecord { account, .. } in self.accounts.iter().filter(|entry| !entry.account.behind_pin) {
            tlv::push(&mut out, LIST_ENTRY, &[&[account.type_byte()], &account.id[..]].concat());
        }
        out
    }
}

impl AccountRecord {
    fn new(account: StoredAccount) -> Self {
        Self { counter: account.counter.into(), last_challenge: Vec::new(), account }
    }
}

/// Parses `N` names. `None` if anything follows them.
fn read_names<const N: usize>(mut data: &[u8]) -> Option<[&[u8]; N]> {
    let mut names = [&[][..]; N];
    for name in &mut names {
        *name = tlv::take(&mut data, NAME).filter(|name| (1..=LONGEST_NAME).contains(&name.len()))?;
    }
    data.is_empty().then_some(names)
}

fn read_put(mut data: &[u8]) -> Option<StoredAccount> {
    let name = tlv::take(&mut data, NAME).filter(|name| (1..=LONGEST_NAME).contains(&name.len()))?;
    let &[type_byte, digits, ref secret @ ..] = tlv::take(&mut data, KEY)? else {
        return None;
    };
    let (kind, algorithm) = read_type(type_byte)?;
    if !(1..=LONGEST_SECRET).contains(&secret.len()) {
        return None;
    }
    let mut flags = 0;
    // The property is the only entry without a length.
    if let &[PROPERTY, value, ref rest @ ..] = data {
        (flags, data) = (value, rest);
    }
    let mut counter = 0;
    if !data.is_empty() {
        counter = u32::from_be_bytes(tlv::take(&mut data, INITIAL_COUNTER)?.try_into().ok()?);
    }
    data.is_empty().then(|| StoredAccount {
        id: name.to_vec(),
        kind,
        algorithm,
        digits,
        secret: Zeroizing::new(secret.to_vec()),
        touch: flags & TOUCH != 0,
        only_increasing: flags & ONLY_INCREASING != 0,
        behind_pin: false,
        counter,
    })
}
