//! Commands that change a token: adding, deleting and renaming accounts, setting and clearing the password.
//!
//! Each is one command, which an applet executes completely or not at all. [`change`](crate::change) adds checks
//! before and after.

use std::time::Instant;

use zeroize::Zeroizing;

use super::ready::{TOUCH_WAS_AWAITED, refusal};
use super::{AccessKey, AccountId, AccountSecret, Algorithm, OathError, OathType, Ready};
use crate::apdu::{self, StatusWord};
use crate::tlv;

/// Type of the password's key: TOTP with SHA-1, as Yubico's client sends it. Some applets accept no other.
const KEY_TYPE: u8 = 0x21;

/// An account to add to a token. Has no `Debug`, because it holds a secret.
pub struct NewAccount {
    /// Id of the account: 1 to 64 bytes, with the period in front if it is not 30 seconds.
    pub id: AccountId,
    /// Moving factor of the codes: TOTP or HOTP.
    pub kind: OathType,
    /// Hash function of the codes.
    pub algorithm: Algorithm,
    /// Number of digits of a code, 6 to 8.
    pub digits: u8,
    /// Secret that the codes are computed from; it cannot be read back from the token.
    pub secret: AccountSecret,
    /// True if each code is to require a touch.
    pub touch: bool,
    /// First value of the counter of an HOTP account; ignored for TOTP.
    pub counter: u32,
}

impl Ready<'_> {
    /// Adds an account. Most tokens silently overwrite an account that has the same id.
    ///
    /// Source: YKOATH, PUT.
    ///
    /// # Errors
    /// [`OathError::Full`] if there is no room; [`OathError::Unsupported`] if the token does not support SHA-512;
    /// [`OathError::TouchMissing`] if the token wants a touch that does not come; another [`OathError`] if the token
    /// refuses for another reason. After [`OathError::Exchange`], and only then, the account may have been added
    /// nevertheless.
    pub fn put(&mut self, account: &NewAccount) -> Result<(), OathError> {
        let secret = account.secret.for_applet(account.algorithm);
        let kind = match account.kind {
            OathType::Hotp => 0x10,
            OathType::Totp => 0x20,
        };
        let mut key = Zeroizing::new(Vec::with_capacity(2 + secret.len()));
        key.extend_from_slice(&[kind | account.algorithm.nibble(), account.digits]);
        key.extend_from_slice(&secret);
        // Reserved at full length, because a vector that grows leaves copies of its old bytes behind.
        let mut data = Zeroizing::new(Vec::with_capacity(32 + account.id.as_bytes().len() + key.len()));
        tlv::write(&mut data, 0x71, account.id.as_bytes());
        tlv::write(&mut data, 0x73, &key);
        if account.touch {
            // The property is the only entry without a length.
            data.extend_from_slice(&[0x78, 0x02]);
        }
        if account.kind == OathType::Hotp && account.counter > 0 {
            tlv::write(&mut data, 0x7A, &account.counter.to_be_bytes());
        }
        match self.write(0x01, &data, "PUT")? {
            StatusWord::SUCCESS => Ok(()),
            StatusWord::NO_SPACE => Err(OathError::Full),
            StatusWord::WRONG_DATA if account.algorithm == Algorithm::Sha512 => {
                Err(OathError::Unsupported { command: "SHA-512" })
            }
            status => Err(refusal("PUT", status)),
        }
    }

    /// Deletes an account and, irrecoverably, its secret.
    ///
    /// Source: YKOATH, DELETE.
    ///
    /// # Errors
    /// [`OathError::NoSuchAccount`] if the applet does not have the account; [`OathError::TouchMissing`] if the token
    /// wants a touch that does not come; another [`OathError`] if the token refuses for another reason. After
    /// [`OathError::Exchange`], and only then, the account may have been deleted nevertheless.
    pub fn delete(&mut self, id: &AccountId) -> Result<(), OathError> {
        let mut data = Vec::with_capacity(80);
        tlv::write(&mut data, 0x71, id.as_bytes());
        match self.write(0x02, &data, "DELETE")? {
            StatusWord::SUCCESS => Ok(()),
            StatusWord::NO_SUCH_OBJECT | StatusWord::NOT_FOUND => Err(OathError::NoSuchAccount { id: id.clone() }),
            status => Err(refusal("DELETE", status)),
        }
    }

    /// Changes the id of an account.
    ///
    /// Source: YKOATH, RENAME, since firmware 5.3.1.
    ///
    /// # Errors
    /// [`OathError::Unsupported`] if the firmware does not know the command; [`OathError::NoSuchAccount`] if the
    /// applet has no account `old`; another [`OathError`] if the token refuses for another reason. After
    /// [`OathError::Exchange`], and only then, the account may have been renamed nevertheless.
    pub fn rename(&mut self, old: &AccountId, new: &AccountId) -> Result<(), OathError> {
        let mut data = Vec::with_capacity(160);
        tlv::write(&mut data, 0x71, old.as_bytes());
        tlv::write(&mut data, 0x71, new.as_bytes());
        match self.write(0x05, &data, "RENAME")? {
            StatusWord::SUCCESS => Ok(()),
            StatusWord::NO_SUCH_OBJECT | StatusWord::NOT_FOUND => Err(OathError::NoSuchAccount { id: old.clone() }),
            StatusWord::UNKNOWN_INSTRUCTION => Err(OathError::Unsupported { command: "RENAME" }),
            status => Err(refusal("RENAME", status)),
        }
    }

    /// Sets the key of a password, replacing the current one if there is one. Some applets are locked at once, others
    /// only when they are selected again; so this value is consumed.
    ///
    /// Source: YKOATH, SET CODE.
    ///
    /// # Errors
    /// [`OathError::Unsupported`] if the applet has no passwords; [`OathError::NoRandomness`] if the system has no
    /// random bytes; another [`OathError`] if the token refuses for another reason. After [`OathError::Exchange`],
    /// and only then, the password may have been set nevertheless.
    pub fn set_password(self, key: &AccessKey) -> Result<(), OathError> {
        let mut ours = [0; 8];
        getrandom::fill(&mut ours).map_err(|_| OathError::NoRandomness)?;
        self.set_password_challenging(key, ours)
    }

    /// Sets a password as [`Ready::set_password`] does, but with the challenge `ours`, so that a recorded
    /// conversation can be replayed.
    ///
    /// Source: YKOATH, SET CODE.
    ///
    /// # Errors
    /// Those of [`Ready::set_password`], except [`OathError::NoRandomness`].
    pub fn set_password_challenging(mut self, key: &AccessKey, ours: [u8; 8]) -> Result<(), OathError> {
        let mut typed = Zeroizing::new(Vec::with_capacity(17));
        typed.push(KEY_TYPE);
        typed.extend_from_slice(key.as_bytes());
        let mut data = Zeroizing::new(Vec::with_capacity(64));
        tlv::write(&mut data, 0x73, &typed);
        tlv::write(&mut data, 0x74, &ours);
        tlv::write(&mut data, 0x75, key.proof(&ours).as_slice());
        // From here on the applet may have a password, so it must not be left unlocked.
        self.open.may_be_unlocked = true;
        let status = self.write(0x03, &data, "SET CODE")?;
        Self::password_answer(status)
    }

    /// Removes the password.
    ///
    /// Source: YKOATH, SET CODE.
    ///
    /// # Errors
    /// [`OathError::Unsupported`] if the applet has no passwords; another [`OathError`] if the token refuses for
    /// another reason. After [`OathError::Exchange`], and only then, the password may have been removed nevertheless.
    pub fn clear_password(mut self) -> Result<(), OathError> {
        let status = self.write(0x03, &[0x73, 0x00], "SET CODE")?;
        Self::password_answer(status)
    }

    fn password_answer(status: StatusWord) -> Result<(), OathError> {
        match status {
            StatusWord::SUCCESS => Ok(()),
            StatusWord::UNKNOWN_INSTRUCTION | StatusWord::CONDITIONS => {
                Err(OathError::Unsupported { command: "SET CODE" })
            }
            status => Err(refusal("SET CODE", status)),
        }
    }

    /// Sends a command that changes the token. Some tokens require a touch even for that.
    fn write(&mut self, instruction: u8, data: &[u8], command: &'static str) -> Result<StatusWord, OathError> {
        debug_assert_ne!(instruction, 0x04, "{command} would wipe the token");
        let asked = Instant::now();
        let status = apdu::send(self.open.transport, instruction, 0x00, 0x00, data)?.status;
        let waited = asked.elapsed();
        if status == StatusWord::SECURITY_STATUS && waited > TOUCH_WAS_AWAITED {
            return Err(OathError::TouchMissing { waited });
        }
        Ok(status)
    }
}
