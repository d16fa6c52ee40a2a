//! The password: SET CODE and VALIDATE (YKOATH), and setting it without a command.

use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use zeroize::Zeroizing;

use super::{CHALLENGE, FULL, KEY, OathState, PICO};
use crate::account::{HashAlgorithm, hmac};
use crate::apdu::{AppletError, status};
use crate::persona::SelectLayout;
use crate::tlv;

const PROOF: usize = 20;
/// Type byte that Yubico's client sends: TOTP with SHA-1.
const TYPE: u8 = 0x21;

/// Password as the token stores it: the derived key, which both sides must prove that they know.
pub(crate) struct StoredPassword {
    pub(super) type_byte: u8,
    key: Zeroizing<Vec<u8>>,
}

impl OathState {
    /// Sets or clears the password without a command. An applet that was unlocked becomes locked.
    pub(crate) fn set_password(&mut self, password: Option<&str>) {
        self.selection.validated = false;
        self.password = password.map(|password| StoredPassword { type_byte: TYPE, key: self.key(password) });
    }

    /// Returns true if `password` is the token's, or if it is `None` and the token has none.
    pub(crate) fn has_password(&self, password: Option<&str>) -> bool {
        match (&self.password, password) {
            (Some(set), Some(password)) => set.key == self.key(password),
            (set, password) => set.is_none() && password.is_none(),
        }
    }

    fn key(&self, password: &str) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; 16]);
        let salt = if self.persona.select_layout == SelectLayout::OutOfStep { PICO } else { &self.device_id };
        pbkdf2_hmac::<Sha1>(password.as_bytes(), salt, 1000, &mut key);
        key
    }

    pub(super) fn set_code(&mut self, mut data: &[u8]) -> Result<Vec<u8>, AppletError> {
        let key = tlv::take(&mut data, KEY).ok_or(status::WRONG_DATA)?;
        let Some((&type_byte, key)) = key.split_first() else {
            return self.clear_code(data);
        };
        let (challenge, proof) = read_proof(data, CHALLENGE, FULL).ok_or(status::WRONG_DATA)?;
        let bare = type_byte >> 4 == 0;
        if bare && !self.persona.bare_password_type || !proves(key, challenge, proof) {
            return Err(status::NO_SUCH_OBJECT.into());
        }
        if key.is_empty() || type_byte & 0x0f != 1 {
            return Err(status::WRONG_DATA.into());
        }
        self.password = Some(StoredPassword { type_byte, key: Zeroizing::new(key.to_vec()) });
        self.selection.validated = !self.persona.locks_after_set_code;
        Ok(Vec::new())
    }

    fn clear_code(&mut self, rest: &[u8]) -> Result<Vec<u8>, AppletError> {
        if !rest.is_empty() {
            return Err(status::WRONG_DATA.into());
        }
        self.password = None;
        Ok(Vec::new())
    }

    pub(super) fn validate(&mut self, data: &[u8]) -> Result<Vec<u8>, AppletError> {
        let (proof, challenge) = read_proof(data, FULL, CHALLENGE).ok_or(status::WRONG_DATA)?;
        let password = self.password.as_ref().ok_or(status::NO_SUCH_OBJECT)?;
        if !proves(&password.key, &self.selection.challenge, proof) {
            return Err(self.persona.wrong_password.into());
        }
        let ours = hmac(HashAlgorithm::Sha1, &password.key, challenge).ok_or(status::MEMORY_FAILURE)?;
        self.selection.validated = true;
        let mut out = Vec::new();
        tlv::push(&mut out, FULL, &ours);
        Ok(out)
    }
}

/// Parses a challenge and a proof, which must come in the order of the tags `first` and `second`. `None` if anything
/// follows them.
fn read_proof(mut data: &[u8], first: u8, second: u8) -> Option<(&[u8], &[u8])> {
    let mut next = |tag| {
        let value = tlv::take(&mut data, tag)?;
        let fits = if tag == FULL { value.len() == PROOF } else { (1..=64).contains(&value.len()) };
        fits.then_some(value)
    };
    let pair = (next(first)?, next(second)?);
    data.is_empty().then_some(pair)
}

/// Returns true if `proof` is the response to `challenge` that `key` produces. Compares in constant time.
fn proves(key: &[u8], challenge: &[u8], proof: &[u8]) -> bool {
    <Hmac<Sha1> as KeyInit>::new_from_slice(key)
        .is_ok_and(|mac| mac.chain_update(challenge).verify_slice(proof).is_ok())
}
