//! What changes a token: accounts put there, taken away and renamed, the password set and cleared.
//!
//! One command each, which an applet carries out whole or not at all. [`change`](crate::change) looks before and after.

use std::time::Instant;

use zeroize::Zeroizing;

use super::ready::{TOUCH_WAS_AWAITED, refusal};
use super::{AccessKey, AccountId, AccountSecret, Algorithm, OathError, OathType, Ready};
use crate::apdu::{self, StatusWord};
use crate::tlv;

/// TOTP or HOTP, and the hash: the type of the password's key, as the vendor's client has it. Some applets take no other.
const KEY_TYPE: u8 = 0x21;

/// An account that is to be put on a token. It holds a secret, so it has no `Debug`.
pub struct NewAccount {
    /// What the applet will know it by: 1 to 64 bytes, with the period in front where that is not 30 seconds.
    pub id: AccountId,
    /// TOTP or HOTP.
    pub kind: OathType,
    /// Its hash function.
    pub algorithm: Algorithm,
    /// How many digits its codes have: 6 to 8.
    pub digits: u8,
    /// The secret.
    pub secret: AccountSecret,
    /// Whether each code is to need a touch.
    pub touch: bool,
    /// Where the counter of an HOTP account begins.
    pub counter: u32,
}

impl Ready<'_> {
    /// Puts an account there. One that has its id is overwritten, on most tokens without a word.
    ///
    /// YKOATH: PUT.
    ///
    /// # Errors
    /// [`OathError::Full`] and others of [`OathError`]; after [`OathError::Exchange`] alone, it may be there all the same.
    pub fn put(&mut self, account: &NewAccount) -> Result<(), OathError> {
        let secret = account.secret.for_applet(account.algorithm);
        let kind = match account.kind {
            OathType::Hotp => 0x10,
            OathType::Totp => 0x20,
        };
        let mut key = Zeroizing::new(Vec::with_capacity(2 + secret.len()));
        key.extend_from_slice(&[kind | account.algorithm.nibble(), account.digits]);
        key.extend_from_slice(&secret);
        // Room for all of it, since a vector that grows leaves its old bytes behind.
        let mut data = Zeroizing::new(Vec::with_capacity(32 + account.id.as_bytes().len() + key.len()));
        tlv::write(&mut data, 0x71, account.id.as_bytes());
        tlv::write(&mut data, 0x73, &key);
        if account.touch {
            // The one entry that has no length.
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

    /// Takes an account away, and its secret for good.
    ///
    /// YKOATH: DELETE.
    ///
    /// # Errors
    /// [`OathError::NoSuchAccount`] and others; after [`OathError::Exchange`] alone, it may be gone all the same.
    pub fn delete(&mut self, id: &AccountId) -> Result<(), OathError> {
        let mut data = Vec::with_capacity(80);
        tlv::write(&mut data, 0x71, id.as_bytes());
        match self.write(0x02, &data, "DELETE")? {
            StatusWord::SUCCESS => Ok(()),
            StatusWord::NO_SUCH_OBJECT | StatusWord::NOT_FOUND => Err(OathError::NoSuchAccount { id: id.clone() }),
            status => Err(refusal("DELETE", status)),
        }
    }

    /// Gives an account another id.
    ///
    /// YKOATH: RENAME, since firmware 5.3.1.
    ///
    /// # Errors
    /// [`OathError::Unsupported`], [`OathError::NoSuchAccount`] and others; after [`OathError::Exchange`] alone, it may be
    /// renamed all the same.
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

    /// Sets the password's key, in the place of another if there is one. Some applets are locked at once, others only when
    /// they are selected again, so nothing else can be done with this one.
    ///
    /// YKOATH: SET CODE.
    ///
    /// # Errors
    /// [`OathError::Unsupported`], [`OathError::NoRandomness`] and others; after [`OathError::Exchange`] alone, it may be
    /// set all the same.
    pub fn set_password(self, key: &AccessKey) -> Result<(), OathError> {
        let mut ours = [0; 8];
        getrandom::fill(&mut ours).map_err(|_| OathError::NoRandomness)?;
        self.set_password_challenging(key, ours)
    }

    /// As [`Ready::set_password`], with the challenge `ours`, so that a recorded conversation can be replayed.
    ///
    /// YKOATH: SET CODE.
    ///
    /// # Errors
    /// As [`Ready::set_password`].
    pub fn set_password_challenging(mut self, key: &AccessKey, ours: [u8; 8]) -> Result<(), OathError> {
        let mut typed = Zeroizing::new(Vec::with_capacity(17));
        typed.push(KEY_TYPE);
        typed.extend_from_slice(key.as_bytes());
        let mut data = Zeroizing::new(Vec::with_capacity(64));
        tlv::write(&mut data, 0x73, &typed);
        tlv::write(&mut data, 0x74, &ours);
        tlv::write(&mut data, 0x75, key.proof(&ours).as_slice());
        // From here on it has a password, as far as we know, and is not to be left unlocked.
        self.open.may_be_unlocked = true;
        let status = self.write(0x03, &data, "SET CODE")?;
        Self::password_answer(status)
    }

    /// Takes the password away.
    ///
    /// YKOATH: SET CODE.
    ///
    /// # Errors
    /// As [`Ready::set_password`].
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

    /// Sends a command that changes something. Some tokens want a touch even for that.
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
