//! Codes from a secret in software, wherever it is kept.

mod place;

pub use place::{Keep, SecretPlace, in_keyring};

use super::keyring::KeyringFault;
use super::private_file::{self, Guard, PrivateFault};
use super::{Code, DIGITS, PERIOD};
use secrecy::SecretString;
use std::path::Path;
use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::Zeroizing;

/// Why there is no code from a secret.
#[derive(Debug)]
pub enum SecretFault {
    /// The file is not taken.
    File(PrivateFault),
    /// systemd handed this process no credentials at all.
    NoCredentials,
    /// The keyring has none of that name.
    NotKept,
    /// The keyring cannot be asked.
    Keyring(KeyringFault),
    /// Its first line is neither base32 nor an `otpauth://totp/` URI.
    Malformed,
    /// Its codes are not of AWS's kind: six digits, thirty seconds, SHA-1.
    Unlike {
        /// How many digits.
        digits: u8,
        /// For how many seconds.
        period: u64,
        /// The hash, such as `SHA1`.
        algorithm: String,
    },
}

impl SecretFault {
    /// Whether there is nothing where it should be, as opposed to something that cannot be used.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match self {
            Self::File(fault) => matches!(fault, PrivateFault::Absent),
            Self::Keyring(fault) => matches!(fault, KeyringFault::NoBus | KeyringFault::NoKeyring),
            Self::NoCredentials | Self::NotKept => true,
            Self::Malformed | Self::Unlike { .. } => false,
        }
    }
}

/// A secret, read and ready to give codes. It is wiped when it is let go.
pub struct SoftwareSecret(Totp);

impl SoftwareSecret {
    /// Reads a secret file.
    ///
    /// # Errors
    /// [`SecretFault`].
    pub fn read(path: &Path) -> Result<Self, SecretFault> {
        Self::parse(&private_file::read(path, Guard::Bits).map_err(SecretFault::File)?)
    }

    /// Takes the first line that is not empty, as base32 (SHA-1; case, spaces and padding do not matter) or as an
    /// `otpauth://` URI.
    ///
    /// # Errors
    /// [`SecretFault::Malformed`].
    pub fn parse(text: &str) -> Result<Self, SecretFault> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).ok_or(SecretFault::Malformed)?;
        let totp = if line.to_ascii_lowercase().starts_with("otpauth://") {
            Totp::from_url_unchecked(line).map_err(|_| SecretFault::Malformed)?
        } else {
            let secret = from_base32(line).ok_or(SecretFault::Malformed)?;
            Builder::new().with_secret(secret).build_noncompliant()
        };
        // Codes of another length, or for no time at all, are made by nobody.
        let is_sound = (6..=8).contains(&totp.digits()) && totp.step() > 0 && !totp.secret().as_bytes().is_empty();
        if is_sound { Ok(Self(totp)) } else { Err(SecretFault::Malformed) }
    }

    /// Whether its codes are of AWS's kind.
    ///
    /// # Errors
    /// [`SecretFault::Unlike`].
    pub fn check(&self) -> Result<(), SecretFault> {
        let (digits, period, algorithm) = (self.0.digits(), self.0.step(), self.0.algorithm());
        if usize::from(digits) == DIGITS && period == PERIOD && algorithm == Algorithm::SHA1 {
            return Ok(());
        }
        Err(SecretFault::Unlike { digits, period, algorithm: algorithm.to_string() })
    }

    /// What to say of it if it is shorter than secrets are.
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        doubt(self.0.secret().as_bytes().len())
    }

    /// The code of a time step of AWS's, in which its own period is of whatever length (RFC 6238).
    #[must_use]
    pub fn code(&self, step: u64) -> Code {
        let digits = Zeroizing::new(self.0.generate(step.saturating_mul(PERIOD)).to_string());
        Code { digits: SecretString::from(digits.as_str()), step }
    }
}

/// What to say of a secret of so many bytes, if issuers give longer ones: a part of it may not have been copied.
#[must_use]
pub fn doubt(bytes: usize) -> Option<String> {
    /// The shortest that are usual: 16 characters of base32.
    const USUAL: usize = 10;
    (bytes < USUAL).then(|| format!("note: the secret has only {bytes} bytes; look whether all of it was copied"))
}

/// A secret as people write it down: base32, whose case, blanks, hyphens and padding do not matter.
#[must_use]
pub fn from_base32(text: &str) -> Option<Secret> {
    let kept = text.chars().filter(|c| !c.is_whitespace() && *c != '=' && *c != '-');
    let mut base32 = Zeroizing::new(String::with_capacity(text.len()));
    base32.extend(kept.map(|c| c.to_ascii_uppercase()));
    Secret::try_from_base32(&*base32).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    fn code(line: &str) -> Result<String, SecretFault> {
        // 1111111109 seconds, RFC 6238 appendix B, cut to six digits.
        SoftwareSecret::parse(line).map(|secret| secret.code(1_111_111_109 / 30).digits.expose_secret().to_owned())
    }

    #[test]
    fn every_way_to_write_a_secret() {
        for line in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ======",
            "otpauth://totp/Amazon%20Web%20Services:alice@alias?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Amazon%20Web%20Services",
        ] {
            assert_eq!(code(line).unwrap(), "081804", "{line}");
        }
    }

    #[test]
    fn what_is_no_secret() {
        for line in ["1", "not base32!", "otpauth://hotp/x?secret=GEZDGNBV", "otpauth://totp/x", "===="] {
            assert!(matches!(code(line), Err(SecretFault::Malformed)), "{line}");
        }
        for line in ["otpauth://totp/x?secret=GEZDGNBV&digits=5", "otpauth://totp/x?secret=GEZDGNBV&period=0", "\n \n"]
        {
            assert!(code(line).is_err(), "{line}");
        }
    }

    #[test]
    fn codes_of_every_kind_are_made_and_known_from_those_of_aws() {
        // RFC 6238, appendix B: each hash has a secret of its own length.
        let secrets: [(&str, &[u8], &str); 3] = [
            ("SHA1", b"12345678901234567890", "07081804"),
            ("SHA256", b"12345678901234567890123456789012", "68084774"),
            ("SHA512", b"1234567890123456789012345678901234567890123456789012345678901234", "25091201"),
        ];
        for (algorithm, secret, expected) in secrets {
            let secret = Secret::from(secret.to_vec()).to_base32().to_string();
            let uri = |more: &str| format!("otpauth://totp/x?secret={secret}&algorithm={algorithm}{more}");
            assert_eq!(code(&uri("&digits=8")).unwrap(), expected);
            assert_eq!(code(&uri("&digits=7")).unwrap(), expected[1..]);
            assert_eq!(code(&uri("")).unwrap(), expected[2..]);
            let parsed = |more: &str| SoftwareSecret::parse(&uri(more)).unwrap();
            assert_eq!(parsed("").check().is_ok(), algorithm == "SHA1");
            assert!(matches!(
                parsed("&digits=8&period=60").check(),
                Err(SecretFault::Unlike { digits: 8, period: 60, .. })
            ));
            // Half as many steps, each twice as long.
            assert_eq!(code(&uri("&period=60")).unwrap(), {
                let digits = parsed("").code(1_111_111_109 / 60).digits;
                digits.expose_secret().to_owned()
            });
        }
    }

    proptest! {
        #[test]
        fn any_line_is_taken_or_refused(line in "\\PC{0,80}|otpauth://totp/\\PC{0,40}") {
            let _ = code(&line);
        }
    }
}
