//! What unlocks an applet: the password, and the key that an applet knows it by.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::DeviceId;

/// How often the password is stirred to make the key.
const ROUNDS: u32 = 1000;

/// An applet's password as a person types it. It is a secret: it has no `Debug`, and is wiped when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes over what was typed, without its line end. Any text is a password; it is not normalised.
    #[must_use]
    pub fn new(typed: String) -> Self {
        Self(Zeroizing::new(typed))
    }
}

/// The key made of a password for one applet, which is all that the applet ever learns. It is a secret: it has no
/// `Debug`, and is wiped when dropped; it has a place of its own, so that handing it on leaves no copies behind.
#[derive(Clone)]
pub struct AccessKey(Box<Zeroizing<[u8; 16]>>);

impl AccessKey {
    /// The key of `password` on the applet that calls itself `device_id`: PBKDF2 with HMAC-SHA-1, 1000 rounds.
    ///
    /// YKOATH: SET CODE.
    #[must_use]
    pub fn derive(password: &Password, device_id: &DeviceId) -> Self {
        let mut key = Box::new(Zeroizing::new([0; 16]));
        pbkdf2::pbkdf2_hmac::<Sha1>(password.0.as_bytes(), device_id.as_bytes(), ROUNDS, key.as_mut_slice());
        Self(key)
    }

    /// A key that was derived earlier and remembered.
    #[must_use]
    pub fn from_bytes(key: Zeroizing<[u8; 16]>) -> Self {
        Self(Box::new(key))
    }

    /// The key's bytes, to remember it by.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// What proves, to somebody who knows the key and asked with `challenge`, that we know it too.
    ///
    /// YKOATH: VALIDATE.
    pub(super) fn proof(&self, challenge: &[u8]) -> Zeroizing<[u8; 20]> {
        // A key shorter than the hash's block of 64 bytes is filled up with zeros (RFC 2104, 2).
        let mut block = Zeroizing::new([0; 64]);
        block[..16].copy_from_slice(self.as_bytes());
        let mut mac = Hmac::<Sha1>::new((&*block).into());
        mac.update(challenge);
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// Whether `proof` shows that its maker knows the key; takes the same time wherever the first wrong byte is.
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
    fn the_key_is_the_one_that_the_vendor_derives() {
        assert_eq!(u128::from_be_bytes(*key("correct horse").as_bytes()), 0x49561f12fb17065dd680fc5a61d740a6);
        assert_eq!(u128::from_be_bytes(*key("wrong").as_bytes()), 0xab147d7b003e5e00915995a3f5259a04);
    }

    #[test]
    fn a_proof_is_good_for_its_key_and_challenge_only() {
        let (right, wrong) = (key("correct horse"), key("wrong"));
        let proof = right.proof(b"challenge");
        assert!(right.is_proven_by(&*proof, b"challenge"));
        assert!(!right.is_proven_by(&*proof, b"another"));
        assert!(!wrong.is_proven_by(&*proof, b"challenge"));
        assert!(!right.is_proven_by(&proof[..19], b"challenge"));
        assert!(!right.is_proven_by(&[], b"challenge"));
    }
}
