//! The password that unlocks an applet, and the key that is derived from it.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::DeviceId;

/// Number of PBKDF2 iterations (YKOATH: SET CODE).
const ROUNDS: u32 = 1000;

/// Password of an applet, as a person types it. Has no `Debug`; is wiped when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Wraps the typed text, from which the caller has removed the line ending. Any text is a valid password; it is
    /// not normalised.
    #[must_use]
    pub fn new(typed: String) -> Self {
        Self(Zeroizing::new(typed))
    }
}

/// Key derived from a password for one applet; the applet never learns the password itself. Has no `Debug`; is wiped
/// when dropped. It is boxed, so that moving it leaves no copies behind.
#[derive(Clone)]
pub struct AccessKey(Box<Zeroizing<[u8; 16]>>);

impl AccessKey {
    /// Derives the key of `password` for the applet with the id `device_id`: PBKDF2 with HMAC-SHA-1, 1000 iterations.
    ///
    /// Source: YKOATH, SET CODE.
    #[must_use]
    pub fn derive(password: &Password, device_id: &DeviceId) -> Self {
        let mut key = Box::new(Zeroizing::new([0; 16]));
        pbkdf2::pbkdf2_hmac::<Sha1>(password.0.as_bytes(), device_id.as_bytes(), ROUNDS, key.as_mut_slice());
        Self(key)
    }

    /// Creates a key from bytes that were derived and stored earlier.
    #[must_use]
    pub fn from_bytes(key: Zeroizing<[u8; 16]>) -> Self {
        Self(Box::new(key))
    }

    /// Returns the bytes of the key, to be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the response to `challenge` that proves knowledge of the key: its HMAC-SHA-1.
    ///
    /// Source: YKOATH, VALIDATE.
    pub(super) fn proof(&self, challenge: &[u8]) -> Zeroizing<[u8; 20]> {
        // A key shorter than the hash's block of 64 bytes is padded with zeros (RFC 2104, 2).
        let mut block = Zeroizing::new([0; 64]);
        block[..16].copy_from_slice(self.as_bytes());
        let mut mac = Hmac::<Sha1>::new((&*block).into());
        mac.update(challenge);
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// Returns true if `proof` is the response to `challenge` that this key produces. Compares in constant time.
    pub(super) fn is_proven_by(&self, proof: &[u8], challenge: &[u8]) -> bool {
        self.proof(challenge).as_slice().ct_eq(proof).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(password: &str) -> AccessKey {
        let device_id = DeviceId::from_bytes(&[1, 2, 3, 4, 5, 6, 7, 8]);
        AccessKey::derive(&Password::new(password.to_owned()), &device_id)
    }

    #[test]
    fn keys_are_the_ones_that_yubicos_client_derives() {
        assert_eq!(u128::from_be_bytes(*key("correct horse").as_bytes()), 0x49561f12fb17065dd680fc5a61d740a6);
        assert_eq!(u128::from_be_bytes(*key("wrong").as_bytes()), 0xab147d7b003e5e00915995a3f5259a04);
    }

    #[test]
    fn a_proof_is_valid_for_its_key_and_challenge_only() {
        let (right, wrong) = (key("correct horse"), key("wrong"));
        let proof = right.proof(b"challenge");
        assert!(right.is_proven_by(&*proof, b"challenge"));
        assert!(!right.is_proven_by(&*proof, b"another"));
        assert!(!wrong.is_proven_by(&*proof, b"challenge"));
        assert!(!right.is_proven_by(&proof[..19], b"challenge"));
        assert!(!right.is_proven_by(&[], b"challenge"));
    }
}
