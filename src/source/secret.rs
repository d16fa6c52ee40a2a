//! Codes from a secret in a file that nobody else can read.

use super::private_file::{self, Guard, PrivateFault};
use super::{Code, DIGITS, PERIOD};
use secrecy::SecretString;
use std::path::Path;
use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::Zeroizing;

/// Why there is no code from a secret file.
#[derive(Debug)]
pub enum SecretFault {
    /// The file is not taken.
    File(PrivateFault),
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

/// A secret, read and ready to give codes. It is wiped when it is let go.
pub struct SoftwareSecret(Totp);

impl SoftwareSecret {
    /// Reads a secret file: its first line that is not empty, as base32 (SHA-1; case, spaces and padding do not matter) or
    /// as an `otpauth://` URI.
    ///
    /// # Errors
    /// [`SecretFault`].
    pub fn read(path: &Path) -> Result<Self, SecretFault> {
        let text = private_file::read(path, Guard::Bits).map_err(SecretFault::File)?;
        let line = text.lines().map(str::trim).find(|line| !line.is_empty());
        Self::parse(line.ok_or(SecretFault::Malformed)?)
    }

    fn parse(line: &str) -> Result<Self, SecretFault> {
        let totp = if line.to_ascii_lowercase().starts_with("otpauth://") {
            Totp::from_url_unchecked(line).map_err(|_| SecretFault::Malformed)?
        } else {
            let secret = from_base32(line).ok_or(SecretFault::Malformed)?;
            Builder::new().with_secret(secret).build_noncompliant()
        };
        if totp.secret().as_bytes().is_empty() {
            return Err(SecretFault::Malformed);
        }
        let (digits, period, algorithm) = (totp.digits(), totp.step(), totp.algorithm());
        if usize::from(digits) != DIGITS || period != PERIOD || algorithm != Algorithm::SHA1 {
            return Err(SecretFault::Unlike { digits, period, algorithm: algorithm.to_string() });
        }
        Ok(Self(totp))
    }

    /// The code of a time step (RFC 6238).
    #[must_use]
    pub fn code(&self, step: u64) -> Code {
        let digits = Zeroizing::new(self.0.generate(step.saturating_mul(PERIOD)).to_string());
        Code { digits: SecretString::from(digits.as_str()), step }
    }
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
        let eight = "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=8&period=60";
        assert!(matches!(code(eight), Err(SecretFault::Unlike { digits: 8, period: 60, .. })));
    }

    proptest! {
        #[test]
        fn any_line_is_taken_or_refused(line in "\\PC{0,80}|otpauth://totp/\\PC{0,40}") {
            let _ = code(&line);
        }
    }
}
