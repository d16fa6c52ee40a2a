//! An account on the token: what PUT stores, and the codes that are computed from it.

use std::fmt;

use hmac::digest::{Digest, block_api::EagerHash};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

/// Moving factor of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// Codes from a counter on the token, which advances with each code (RFC 4226).
    Hotp,
    /// Codes from the time step that the host sends (RFC 6238).
    Totp,
}

/// Hash function of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// HMAC with SHA-1, the default.
    Sha1,
    /// HMAC with SHA-256.
    Sha256,
    /// HMAC with SHA-512, which not every persona supports.
    Sha512,
}

/// An account as the token stores it. Its `Debug` leaves the secret out.
#[derive(Clone)]
pub struct StoredAccount {
    /// Id of the account, `[period/][issuer:]account`, as raw bytes. PUT accepts 1 to 64 of them.
    pub id: Vec<u8>,
    /// Moving factor: counter or time.
    pub kind: CodeKind,
    /// Hash function of the codes.
    pub algorithm: HashAlgorithm,
    /// Number of digits of a code. The token only reports it and does not use it.
    pub digits: u8,
    /// Secret, as HMAC uses it. PUT accepts 1 to 64 bytes.
    pub secret: Zeroizing<Vec<u8>>,
    /// True if each code requires a touch.
    pub touch: bool,
    /// True if a challenge may not be smaller than the previous challenge.
    pub only_increasing: bool,
    /// True if the account is visible only after the token's PIN was entered (Nitrokey).
    pub behind_pin: bool,
    /// Counter of a [`CodeKind::Hotp`] account: the first value when the account is added, the current value when it
    /// is read.
    pub counter: u32,
}

impl StoredAccount {
    /// Returns a TOTP account with the usual parameters: SHA-1, six digits, no touch.
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

    /// Returns the account with a touch required for each code.
    #[must_use]
    pub fn with_touch(mut self) -> Self {
        self.touch = true;
        self
    }

    /// Returns the byte that encodes kind and hash function in commands and responses (YKOATH: types, algorithms).
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

/// Parses the type byte of a PUT; `None` if it is invalid.
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

/// Returns the HMAC of `message`. `None` only if the hash library fails, which the token reports as a memory failure.
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

/// Returns the four bytes of a code, with the top bit cleared (RFC 4226, 5.3).
pub(crate) fn truncate(hmac: &[u8]) -> Option<[u8; 4]> {
    let offset = usize::from(hmac.last()? & 0x0f);
    let (&[first, b, c, d], _) = hmac.get(offset..)?.split_first_chunk()?;
    Some([first & 0x7f, b, c, d])
}
