//! Reasons why no plan could be made; each says what is wrong on the command line, in the environment or in AWS's
//! files.

use super::Origin;
use crate::aws::SerialFault;
use crate::file::FileError;
use std::path::PathBuf;
use std::time::Duration;

/// Reason why no plan could be made.
#[derive(Debug)]
pub enum PlanError {
    /// One of AWS's files cannot be read or parsed.
    File(FileError),
    /// Argument and `-p` name different profiles.
    TwoProfiles,
    /// Neither of AWS's files has the profile.
    NoProfile {
        /// Name of the profile that does not exist.
        profile: String,
        /// Names of the profiles that exist.
        known: Vec<String>,
    },
    /// The profile has no long-term key, or only half of one.
    NoLongTermKey {
        /// Name of the profile without a usable long-term key.
        profile: String,
        /// A key that explains the absence, such as `sso_session` or `role_arn`; `None` if there is none.
        instead: Option<&'static str>,
    },
    /// The profile holds a session, with which no other session can be requested.
    HoldsSession {
        /// Name of the profile that holds a session.
        profile: String,
    },
    /// The MFA device's serial number is not valid.
    BadSerial {
        /// The invalid value, as it was given.
        given: String,
        /// The flag, variable or key that gave the value.
        origin: Origin,
        /// The reason why the serial number is not valid.
        fault: SerialFault,
    },
    /// A length of time cannot be parsed, or is out of its range.
    BadLength {
        /// The invalid value, as it was given.
        given: String,
        /// The flag, variable or key that gave the value.
        origin: Origin,
        /// Upper bound for a session's length (the lower bound is 15 minutes); `None` if the length is not a
        /// session's.
        longest: Option<Duration>,
    },
    /// The time to wait for a token cannot be parsed, or is more than a day.
    BadWait {
        /// The invalid value, as it was given.
        given: String,
        /// The flag or variable that gave the value.
        origin: Origin,
    },
    /// An environment variable for a switch is neither on nor off.
    BadSwitch {
        /// The invalid value, as it was given.
        given: String,
        /// The environment variable with the invalid value.
        origin: Origin,
    },
    /// The token's serial number is not a number.
    BadToken {
        /// The invalid value, as it was given.
        given: String,
        /// The flag, variable or key that gave the value.
        origin: Origin,
    },
    /// The source is unknown.
    BadSource {
        /// The source as given, shortened so that it shows no secret.
        given: String,
        /// The flag, variable or key that gave the value.
        origin: Origin,
    },
    /// A `command:` source is set, but such a command has started this program, so that the command might run itself.
    CommandInCommand {
        /// The flag, variable or key that names the command.
        origin: Origin,
    },
    /// The value of `--code` is not a code.
    BadCode {
        /// True if the value ends in a Yubico OTP, which a YubiKey types when it is touched.
        yubico_otp: bool,
    },
    /// AWS's clients do not all parse this profile name in the same way.
    BadName {
        /// The ambiguous name.
        name: String,
    },
    /// The session would overwrite the long-term key that it is requested with.
    OwnProfile {
        /// Name of the profile, which was also named as the session profile.
        profile: String,
    },
    /// AWS's clients would not use a session in the session profile, because it has a key that they prefer.
    Outranked {
        /// Name of the session profile that has such a key.
        profile: String,
        /// The key in that profile which AWS's clients prefer to a session.
        key: &'static str,
    },
    /// AWS's Python clients would prefer a key in the config file's `[DEFAULT]` to the session.
    Overruled {
        /// Path of the config file.
        path: PathBuf,
        /// Number of the key's line, from 1.
        line: usize,
        /// The key that AWS's Python clients prefer.
        key: &'static str,
    },
    /// The endpoint is on another machine, and its URL uses no TLS (`http://`).
    PlainHttp {
        /// URL of the endpoint.
        endpoint: String,
    },
    /// The endpoint is not a URL.
    BadEndpoint {
        /// The endpoint as given.
        given: String,
    },
    /// The chain of roles does not lead to a long-term key.
    BadChain {
        /// Name of the profile that the chain begins with.
        profile: String,
        /// The reason why the chain does not lead to a long-term key.
        fault: ChainFault,
    },
    /// A session longer than an hour is wanted, which AWS refuses for a role that another role assumes.
    ChainTooLong {
        /// Name of the profile with the role.
        profile: String,
    },
    /// One MFA device is given for several profiles with different long-term keys.
    OneSerialForMany,
    /// One code is given for several profiles with different MFA devices or long-term keys.
    OneCodeForMany,
    /// The sessions of two profiles would be written to one session profile.
    OneSessionProfile {
        /// Name of the session profile that both would use.
        session_profile: String,
        /// Names of the two profiles.
        profiles: [String; 2],
    },
    /// `--all` was given, and no profile has an MFA device.
    NothingToDo,
    /// None of the profiles can be used. The fault of each was reported before.
    NoneUsable,
    /// The MFA device's serial number is needed, and AWS may not be asked for it.
    NoSerial {
        /// Name of the profile whose MFA device is not known.
        profile: String,
    },
    /// No directory for the ledger is known, not even a home directory.
    NoState,
}

/// Fault in the chain from a profile with a role to a long-term key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// The profile has neither `source_profile` nor a long-term key of its own.
    NoSource,
    /// The role is assumed with credentials of a machine or container (`credential_source`), which have no MFA.
    CredentialSource,
    /// No profile has the name in `source_profile`.
    Missing {
        /// The name in `source_profile`.
        source: String,
    },
    /// The chain leads back to itself.
    Loop,
    /// The value of `role_arn` is not a role's ARN.
    BadArn {
        /// The invalid value, as it was given.
        given: String,
    },
}

impl From<FileError> for PlanError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}
