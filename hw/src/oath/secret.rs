//! The secret of a new account, and the form in which an applet accepts it.

use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use super::Algorithm;

/// Length of the shortest secret that an applet accepts, in bytes.
const SHORTEST: usize = 14;

/// Secret of a new account, as its issuer gives it. Has no `Debug`; is wiped when dropped.
pub struct AccountSecret(Zeroizing<Vec<u8>>);

impl AccountSecret {
    /// Wraps a secret of any length.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Returns the length of the secret in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// Returns the secret in a length that applets accept. The codes stay the same, because HMAC does this itself: a
    /// secret longer than the hash's block is replaced by its hash, and a short one is padded with zeros.
    ///
    /// Sources: RFC 2104, 2; yubikit's `hmac_shorten_key`.
    pub(super) fn for_applet(&self, algorithm: Algorithm) -> Zeroizing<Vec<u8>> {
        let block = if algorithm == Algorithm::Sha512 { 128 } else { 64 };
        let fit = match algorithm {
            _ if self.0.len() <= block => self.0.clone(),
            Algorithm::Sha1 => Zeroizing::new(Sha1::digest(&self.0).to_vec()),
            Algorithm::Sha256 => Zeroizing::new(Sha256::digest(&self.0).to_vec()),
            Algorithm::Sha512 => Zeroizing::new(Sha512::digest(&self.0).to_vec()),
        };
        let mut padded = Zeroizing::new(vec![0; fit.len().max(SHORTEST)]);
        padded[..fit.len()].copy_from_slice(&fit);
        padded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_secrets_are_hashed_and_short_ones_are_padded() {
        let made =
            |length, algorithm| AccountSecret::new(Zeroizing::new(vec![b'x'; length])).for_applet(algorithm).to_vec();
        for (algorithm, block, hashed) in
            [(Algorithm::Sha1, 64, 20), (Algorithm::Sha256, 64, 32), (Algorithm::Sha512, 128, 64)]
        {
            assert_eq!(made(2, algorithm), [&b"xx"[..], &[0; 12]].concat());
            assert_eq!(made(14, algorithm), [b'x'; 14]);
            assert_eq!(made(block, algorithm), vec![b'x'; block]);
            assert_eq!(made(block + 1, algorithm).len(), hashed);
        }
    }
}
