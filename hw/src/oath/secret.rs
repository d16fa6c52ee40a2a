//! The secret of a new account, in the form in which an applet takes it.

use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use super::Algorithm;

/// The shortest secret that an applet takes, in bytes.
const SHORTEST: usize = 14;

/// Secret of a new account, as its issuer gives it. Has no `Debug`; is wiped when dropped.
pub struct AccountSecret(Zeroizing<Vec<u8>>);

impl AccountSecret {
    /// Takes over a secret; any number of bytes will do.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// What HMAC makes of it in any case, within the lengths that an applet takes: its hash where it is longer than the
    /// hash's block, and zeros behind it where it is short.
    ///
    /// RFC 2104, 2; yubikit's `hmac_shorten_key`.
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
    fn a_secret_is_hashed_from_its_block_on_and_filled_up() {
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
