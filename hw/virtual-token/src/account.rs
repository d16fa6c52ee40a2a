//! One account: what a PUT brings, and what is computed from it.

use std::fmt;

use hmac::digest::{Digest, block_api::EagerHash};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

/// Moving factor of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// A counter on the token (RFC 4226).
    Hotp,
    /// The time step that the host sends (RFC 6238).
    Totp,
}

/// Hash function of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// SHA-1, the usual one.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512; not every persona has it.
    Sha512,
}

/// An account as it lies on the token. Its `Debug` leaves the secret out.
#[derive(Clone)]
pub struct StoredAccount {
    /// The whole name, `[period/][issuer:]account`, as raw bytes. A PUT takes 1 to 64 of them.
    pub id: Vec<u8>,
    /// Counter or time.
    pub kind: CodeKind,
    /// The hash.
    pub algorithm: HashAlgorithm,
    /// Digits of a code; the token only repeats the number.
    pub digits: u8,
    /// The secret as HMAC takes it. A PUT takes 1 to 64 bytes.
    pub secret: Zeroizing<Vec<u8>>,
    /// Each code needs a touch.
    pub touch: bool,
    /// A challenge may not be smaller than the one before.
    pub only_increasing: bool,
    /// Only who gives the token's PIN sees it (Nitrokey).
    pub behind_pin: bool,
    /// Where the counter of a [`CodeKind::Hotp`] account begins.
    pub counter: u32,
}

impl StoredAccount {
    /// A TOTP account with the usual parameters: SHA-1, six digits, no touch.
    pub fn totp(id: impl Into<Vec<u8>>, secret: impl Into<Vec<u8>>) -> Self {
        Self {
            id: id.into(),
            kind: CodeKind::Totp,
            algorithm: HashAlgorithm::Sha1,
            digits: 6,
            secret: Zeroizing::new(secret.into()),
            touch: false,
            only_increasing: false,
            behind_pin: false,
            counter: 0,
        }
    }

    /// The same, with a touch for each code.
    #[must_use]
    pub fn with_touch(mut self) -> Self {
        self.touch = true;
        self
    }

    /// The byte that stands for kind and hash on the wire.
    pub(crate) fn type_byte(&self) -> u8 {
        let kind = match self.kind {
            CodeKind::Hotp => 0x10,
            CodeKind::Totp => 0x20,
        };
        kind | match self.algorithm {
            HashAlgorithm::Sha1 => 1,
            HashAlgorithm::Sha256 => 2,
            HashAlgorithm::Sha512 => 3,
        }
    }
}

impl fmt::Debug for StoredAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, kind, algorithm, digits, secret: _, touch, only_increasing, behind_pin, counter } = self;
        f.debug_struct("StoredAccount")
            .field("id", &String::from_utf8_lossy(id))
            .field("kind", kind)
            .field("algorithm", algorithm)
            .field("digits", digits)
            .field("touch", touch)
            .field("only_increasing", only_increasing)
            .field("behind_pin", behind_pin)
            .field("counter", counter)
            .finish_non_exhaustive()
    }
}

/// What the type byte of a PUT means; `None` if nothing.
pub(crate) fn read_type(byte: u8) -> Option<(CodeKind, HashAlgorithm)> {
    let kind = match byte >> 4 {
        1 => CodeKind::Hotp,
        2 => CodeKind::Totp,
        _ => return None,
    };
    let algorithm = match byte & 0x0f {
        1 => HashAlgorithm::Sha1,
        2 => HashAlgorithm::Sha256,
        3 => HashAlgorithm::Sha512,
        _ => return None,
    };
    Some((kind, algorithm))
}

/// HMAC of `message`; `None` only where the hash's own library says that it cannot, which is to be answered as a failure.
pub(crate) fn hmac(algorithm: HashAlgorithm, secret: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    fn with<H: EagerHash + Digest>(secret: &[u8], message: &[u8]) -> Option<Vec<u8>>
    where
        Hmac<H>: KeyInit + Mac,
    {
        let mac = <Hmac<H> as KeyInit>::new_from_slice(secret).ok()?;
        Some(mac.chain_update(message).finalize().into_bytes().to_vec())
    }
    match algorithm {
        HashAlgorithm::Sha1 => with::<Sha1>(secret, message),
        HashAlgorithm::Sha256 => with::<Sha256>(secret, message),
        HashAlgorithm::Sha512 => with::<Sha512>(secret, message),
    }
}

/// The four bytes of a code, their top bit cleared (RFC 4226, 5.3).
pub(crate) fn truncate(hmac: &[u8]) -> Option<[u8; 4]> {
    let offset = usize::from(hmac.last()? & 0x0f);
    let (&[first, b, c, d], _) = hmac.get(offset..)?.split_first_chunk()?;
    Some([first & 0x7f, b, c, d])
}
