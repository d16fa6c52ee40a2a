//! Codes from a secret in software, which is kept in a file, a systemd credential or the keyring.

mod place;

pub use place::{Keep, SecretPlace, in_keyring};

use super::keyring::KeyringFault;
use super::private_file::{self, Guard, PrivateFault};
use super::{Code, DIGITS, PERIOD};
use hw::oath::{Algorithm, USUAL_PERIOD};
use hw::otpauth::{IssuedAccount, OtpauthError};
use secrecy::SecretString;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

/// Reason why no code can be computed from a software secret.
#[derive(Debug)]
pub enum SecretFault {
    /// The secret's file is missing, unreadable or not private.
    File(PrivateFault),
    /// systemd passed no credentials to this process: `CREDENTIALS_DIRECTORY` is not set.
    NoCredentials,
    /// The keyring has no secret of the name that the source gives.
    NotKept,
    /// The request to the keyring failed.
    Keyring(KeyringFault),
    /// The first line is neither base32 nor an `otpauth://` URI of a TOTP account.
    Malformed(OtpauthError),
    /// The secret is for codes of another kind than AWS's (six digits, 30 seconds, SHA-1).
    Unlike {
        /// Number of digits in the secret's codes.
        digits: u8,
        /// Length of a time step, in seconds.
        period: u64,
        /// Hash algorithm, such as `SHA1`.
        algorithm: String,
    },
}

impl From<OtpauthError> for SecretFault {
    fn from(fault: OtpauthError) -> Self {
        Self::Malformed(fault)
    }
}

impl SecretFault {
    /// Returns true if there is no secret at the place, so that the next source is tried; false if there is a secret
    /// that cannot be used.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match self {
            Self::File(fault) => matches!(fault, PrivateFault::Absent),
            Self::Keyring(fault) => matches!(fault, KeyringFault::NoBus | KeyringFault::NoKeyring),
            Self::NoCredentials | Self::NotKept => true,
            Self::Malformed(_) | Self::Unlike { .. } => false,
        }
    }
}

/// A secret that was parsed and can compute codes. Its memory is wiped when it is dropped.
pub struct SoftwareSecret(Totp);

impl SoftwareSecret {
    /// Reads and parses a secret file, which only its owner may be able to access.
    ///
    /// # Errors
    /// [`SecretFault::File`] if the file is missing or refused; [`SecretFault::Malformed`] if it holds no TOTP
    /// secret.
    pub fn read(path: &Path) -> Result<Self, SecretFault> {
        Ok(Self::parse(&private_file::read(path, Guard::Bits).map_err(SecretFault::File)?)?)
    }

    /// Parses the first non-empty line: base32 or an `otpauth://` URI (see [`IssuedAccount`]).
    ///
    /// # Errors
    /// [`OtpauthError`] if that line is not a TOTP secret.
    pub fn parse(text: &str) -> Result<Self, OtpauthError> {
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let issued = IssuedAccount::read_totp(line)?;
        let algorithm = match issued.algorithm {
            Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
            Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
            Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
        };
        let totp = Builder::new()
            .with_algorithm(algorithm)
            .with_digits(issued.digits)
            .with_step_duration(issued.period.unwrap_or(USUAL_PERIOD.get()).into())
            .with_secret(issued.secret.to_vec());
        Ok(Self(totp.build_noncompliant()))
    }

    /// Checks that the codes are of AWS's kind: six digits, 30 seconds, SHA-1.
    ///
    /// # Errors
    /// [`SecretFault::Unlike`] if the codes are of another kind.
    pub fn check(&self) -> Result<(), SecretFault> {
        let (digits, period, algorithm) = (self.0.digits(), self.0.step(), self.0.algorithm());
        if usize::from(digits) == DIGITS && period == PERIOD && algorithm == totp_rs::Algorithm::SHA1 {
            return Ok(());
        }
        Err(SecretFault::Unlike { digits, period, algorithm: algorithm.to_string() })
    }

    /// Returns a note for the person if this secret is shorter than 10 bytes (see the function [`doubt`]).
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        doubt(self.0.secret().as_bytes().len())
    }

    /// Computes the code for AWS's time step `step`. The code is that of the secret's own time step (RFC 6238) at
    /// `now`, or if `now` is outside of `step`, at the second of `step` that is closest to `now`.
    #[must_use]
    pub fn code(&self, step: u64, now: SystemTime) -> Code {
        let begun = step.saturating_mul(PERIOD);
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let time = now.clamp(begun, begun.saturating_add(PERIOD - 1));
        let digits = Zeroizing::new(self.0.generate(time).to_string());
        Code { digits: SecretString::from(digits.as_str()), step }
    }
}

/// Returns a note for the person if a secret has fewer than 10 bytes. Issuers give longer secrets, so a part of it
/// may not have been copied.
#[must_use]
pub fn doubt(bytes: usize) -> Option<String> {
    /// Shortest usual length in bytes: 16 characters of base32.
    const USUAL: usize = 10;
    (bytes < USUAL).then(|| format!("note: the secret has only {bytes} bytes; check that all of it was copied"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;
    use std::time::Duration;

    /// Seconds since the Unix epoch; a test time from RFC 6238, appendix B.
    const TIME: u64 = 1_111_111_109;

    fn code(line: &str) -> Result<String, OtpauthError> {
        code_at(line, TIME)
    }

    /// Returns the code that is computed at `time`, for the AWS time step that contains `time`.
    fn code_at(line: &str, time: u64) -> Result<String, OtpauthError> {
        let now = UNIX_EPOCH + Duration::from_secs(time);
        SoftwareSecret::parse(line).map(|secret| secret.code(time / 30, now).digits.expose_secret().to_owned())
    }

    #[test]
    fn accepts_every_way_to_write_a_secret() {
        for line in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ======",
            "otpauth://totp/Amazon%20Web%20Services:alice@alias?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Amazon%20Web%20Services",
            "otpauth://totp/x?secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq",
            "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ%3D%3D",
            "otpauth://totp/x?secret=GEZD+GNBV%20GY3T-QOJQ+GEZD+GNBV+GY3T+QOJQ",
            "OTPAUTH://TOTP/x?Secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "otpauth://totp/AWS:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=another",
            "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=HmacSHA1&digits=&period=&image=x",
            "\n  \n GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\nand more",
        ] {
            assert_eq!(code(line).unwrap(), "081804", "{line}");
        }
        assert_eq!(code("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&Digits=8").unwrap(), "07081804");
    }

    #[test]
    fn rejects_what_is_not_a_totp_secret() {
        for line in ["1", "not base32!", "====", "AA", "", "\n \n", "https://example.com/"] {
            assert_eq!(code(line), Err(OtpauthError::NotASecret), "{line}");
        }
        for (line, part) in [
            ("otpauth://hotp/x?secret=GEZDGNBV", "a counter (hotp) instead of a period (totp)"),
            ("otpauth://totp/x", "no secret"),
            ("otpauth://totp/x?secret=", "no secret"),
            ("otpauth://totp/x?secret=GEZDGNBV&digits=5", "digits other than 6 to 8"),
            ("otpauth://totp/x?secret=GEZDGNBV&period=0", "a period other than 1 to 3600 seconds"),
        ] {
            let Err(OtpauthError::Uri(fault)) = code(line) else { panic!("{line}") };
            assert_eq!(fault.to_string(), part, "{line}");
        }
        assert_eq!(code("otpauth-migration://offline?data=CjEKCg"), Err(OtpauthError::Export));
    }

    #[test]
    fn computes_codes_of_every_kind_and_checks_for_those_of_aws() {
        // RFC 6238, appendix B: each hash has a secret of its own length.
        let secrets: [(&str, &[u8], &str); 3] = [
            ("SHA1", b"12345678901234567890", "07081804"),
            ("SHA256", b"12345678901234567890123456789012", "68084774"),
            ("SHA512", b"1234567890123456789012345678901234567890123456789012345678901234", "25091201"),
        ];
        for (algorithm, secret, expected) in secrets {
            let secret = totp_rs::Secret::from(secret.to_vec()).to_base32().to_string();
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
            // With another period, the Nth time step gives the code that the Nth step of 30 seconds gives.
            for period in [10, 15, 45, 60, 90, 3600] {
                for time in (TIME..TIME + 120).step_by(7) {
                    let usual = code_at(&uri(""), time / period * 30).unwrap();
                    assert_eq!(code_at(&uri(&format!("&period={period}")), time).unwrap(), usual, "{period} {time}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn parsing_any_line_does_not_panic(line in "\\PC{0,80}|otpauth://totp/\\PC{0,40}") {
            let _ = code(&line);
        }
    }
}
