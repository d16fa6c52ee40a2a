//! AWS's vocabulary: long-term keys, sessions, identities, and serial numbers of MFA devices.

pub mod client;
pub mod config_file;
pub mod credentials_file;
mod profile_name;
pub mod sections;

pub use profile_name::{ProfileName, SessionProfile, is_portable};

use crate::world::printable;
use aws_smithy_types::DateTime;
use secrecy::SecretString;
use std::fmt;

/// A long-term key: an AWS access key ID and its secret, which stay valid until somebody deactivates or deletes them.
pub struct LongTermKey {
    /// Access key ID, `AKIA…`; not a secret.
    pub id: String,
    /// Secret access key, which signs requests and must never be shown.
    pub secret: SecretString,
}

/// A session: the temporary keys that STS issues for a code or an assumed role.
#[derive(Clone)]
pub struct Session {
    /// Access key ID, `ASIA…`; not a secret.
    pub access_key_id: String,
    /// Secret access key, which signs requests.
    pub secret_access_key: SecretString,
    /// Session token, which every request must carry; up to a few thousand characters long.
    pub session_token: SecretString,
    /// Time at which AWS stops accepting the session, by AWS's clock.
    pub expires: DateTime,
}

/// The user, root user or role that a key belongs to, as STS reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// ARN, such as `arn:aws:iam::123456789012:user/team/alice`.
    pub arn: String,
    /// AWS account number, twelve digits.
    pub account: String,
}

impl Identity {
    /// Returns the name of the IAM user, without its path; `None` for any other identity, such as the root user or a
    /// role.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        let resource = self.arn.splitn(6, ':').nth(5)?;
        resource.strip_prefix("user/")?.rsplit('/').next()
    }

    /// Returns true if the key belongs to the account's root user.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }
}

/// Returns the part of an ARN by which a person knows the identity: `alice` for a user, `reader/alice` for a role
/// session.
#[must_use]
pub fn short_name(arn: &str) -> &str {
    match (arn.split_once(":assumed-role/"), arn.rsplit_once('/')) {
        (Some((_, role)), _) => role,
        (None, Some((_, user))) => user,
        (None, None) => arn.rsplit(':').next().unwrap_or(arn),
    }
}

/// Formats an identity for a person, safe for a terminal: `alice@123456789012`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.user_name() {
            Some(name) => write!(f, "{}@{}", printable(name, 128), printable(&self.account, 12)),
            None if self.is_root() => write!(f, "root@{}", printable(&self.account, 12)),
            None => f.write_str(&printable(&self.arn, 300)),
        }
    }
}

/// Serial number of an MFA device whose codes STS accepts: the ARN of a virtual device, or the number printed on a
/// hardware device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaSerial(String);

/// Reasons why a serial number cannot work, found without asking AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialFault {
    /// A FIDO security key or passkey, which makes no codes.
    Fido,
    /// An MFA device that gets its codes by text message.
    Sms,
    /// The ARN of a user, where the ARN of an MFA device belongs (`:mfa/` instead of `:user/`).
    User,
    /// The ARN of neither an MFA device nor a user.
    OtherArn,
    /// Text that is shorter than 9 or longer than 256 characters, or has characters other than letters, digits and
    /// `+=/:,.@-_`.
    Malformed,
}

impl MfaSerial {
    /// Parses a serial number that STS could accept (STS API: GetSessionToken, SerialNumber; IAM: identifiers).
    ///
    /// # Errors
    /// [`SerialFault`] if STS would certainly refuse the serial number.
    pub fn parse(text: &str) -> Result<Self, SerialFault> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "+=/:,.@-_".contains(c);
        if !(9..=256).contains(&text.len()) || !text.chars().all(allowed) {
            return Err(SerialFault::Malformed);
        }
        if !text.starts_with("arn:") {
            return Ok(Self(text.to_owned()));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [_, partition, "iam", "", account, resource] = parts[..] else { return Err(SerialFault::OtherArn) };
        if !partition.starts_with("aws") || account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(SerialFault::OtherArn);
        }
        match resource.split_once('/') {
            Some(("mfa", name)) if !name.is_empty() && !name.ends_with('/') => Ok(Self(text.to_owned())),
            Some(("u2f", _)) => Err(SerialFault::Fido),
            Some(("sms-mfa", _)) => Err(SerialFault::Sms),
            Some(("user", _)) => Err(SerialFault::User),
            _ => Err(SerialFault::OtherArn),
        }
    }

    /// Returns the serial number as AWS writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the AWS account number from the ARN; `None` for a hardware device, which has no ARN.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.0.strip_prefix("arn:")?.split(':').nth(3)
    }

    /// Returns the partition from the ARN, such as `aws` or `aws-us-gov`; `None` for a hardware device, which has no
    /// ARN.
    #[must_use]
    pub fn partition(&self) -> Option<&str> {
        self.0.strip_prefix("arn:")?.split(':').next()
    }

    /// Returns the MFA device's name from the ARN, without its path; `None` for a hardware device, which has no ARN.
    #[must_use]
    pub fn device_name(&self) -> Option<&str> {
        self.0.strip_prefix("arn:")?.rsplit('/').next()
    }
}

impl fmt::Display for MfaSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_that_can_and_cannot_work() {
        let cases = [
            ("arn:aws:iam::123456789012:mfa/alice", None),
            ("arn:aws-us-gov:iam::123456789012:mfa/team/alice", None),
            ("arn:aws-cn:iam::123456789012:mfa/a", None),
            ("GAHT12345678", None),
            ("arn:aws:iam::123456789012:u2f/user/alice/key-ABC", Some(SerialFault::Fido)),
            ("arn:aws:iam::123456789012:sms-mfa/alice", Some(SerialFault::Sms)),
            ("arn:aws:iam::123456789012:user/alice", Some(SerialFault::User)),
            ("arn:aws:iam::12345:mfa/alice", Some(SerialFault::OtherArn)),
            ("arn:aws:iam::123456789012:mfa/", Some(SerialFault::OtherArn)),
            ("arn:aws:sts::123456789012:mfa/alice", Some(SerialFault::OtherArn)),
            ("arn:aws", Some(SerialFault::Malformed)),
            ("alice's phone", Some(SerialFault::Malformed)),
            ("", Some(SerialFault::Malformed)),
        ];
        for (text, fault) in cases {
            assert_eq!(MfaSerial::parse(text).err(), fault, "{text}");
        }
    }

    #[test]
    fn an_arn_tells_account_partition_and_name() {
        let serial = MfaSerial::parse("arn:aws-cn:iam::123456789012:mfa/team/alice").unwrap();
        assert_eq!(serial.account(), Some("123456789012"));
        assert_eq!(serial.partition(), Some("aws-cn"));
        assert_eq!(serial.device_name(), Some("alice"));
        let hardware = MfaSerial::parse("GAHT12345678").unwrap();
        assert_eq!((hardware.account(), hardware.device_name()), (None, None));
    }

    #[test]
    fn identities_are_formatted_for_a_person() {
        let name = |arn: &str| Identity { arn: arn.into(), account: "123456789012".into() }.to_string();
        assert_eq!(name("arn:aws:iam::123456789012:user/alice"), "alice@123456789012");
        assert_eq!(name("arn:aws:iam::123456789012:user/a/b/alice"), "alice@123456789012");
        assert_eq!(name("arn:aws:iam::123456789012:root"), "root@123456789012");
        assert!(name("arn:aws:sts::123456789012:assumed-role/r/s").starts_with("arn:"));
    }
}
