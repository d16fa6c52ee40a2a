//! Why there is no plan: what has to change on the command line, in the environment or in AWS's files.

use super::Origin;
use crate::aws::SerialFault;
use crate::file::FileError;
use std::path::PathBuf;
use std::time::Duration;

/// Why there is no plan.
#[derive(Debug)]
pub enum PlanError {
    /// One of AWS's files.
    File(FileError),
    /// Argument and `-p` name different profiles.
    TwoProfiles,
    /// No such profile in either file.
    NoProfile {
        /// Its name.
        profile: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The profile has no long-term key, or half of one.
    NoLongTermKey {
        /// The profile.
        profile: String,
        /// A key that says why there is none, such as `sso_session` or `role_arn`.
        instead: Option<&'static str>,
    },
    /// The profile holds a session, which cannot get another one.
    HoldsSession {
        /// The profile.
        profile: String,
    },
    /// The serial number cannot work.
    BadSerial {
        /// As given.
        given: String,
        /// By whom.
        origin: Origin,
        /// Why.
        fault: SerialFault,
    },
    /// A length of time cannot be read, or is out of its range.
    BadLength {
        /// As given.
        given: String,
        /// By whom.
        origin: Origin,
        /// How long a session can be, if it is a session's; at least 15 minutes.
        longest: Option<Duration>,
    },
    /// How long to wait for a token cannot be read, or is more than a day.
    BadWait {
        /// As given.
        given: String,
        /// By whom.
        origin: Origin,
    },
    /// A switch that is neither on nor off.
    BadSwitch {
        /// As given.
        given: String,
        /// The variable.
        origin: Origin,
    },
    /// The token's serial number is no number.
    BadToken {
        /// As given.
        given: String,
        /// By whom.
        origin: Origin,
    },
    /// A source that we do not know.
    BadSource {
        /// As given.
        given: String,
        /// By whom.
        origin: Origin,
    },
    /// A source's command runs this program, which would run a command again.
    CommandInCommand {
        /// By whom.
        origin: Origin,
    },
    /// What was given as a code is none.
    BadCode {
        /// Whether it is what a YubiKey types when it is touched: a Yubico OTP.
        yubico_otp: bool,
    },
    /// A profile name that AWS's clients do not all read alike.
    BadName {
        /// The name.
        name: String,
    },
    /// The session would be written over its own long-term key.
    OwnProfile {
        /// The profile.
        profile: String,
    },
    /// AWS's clients would not use a session in that profile.
    Outranked {
        /// The session profile.
        profile: String,
        /// What they would use.
        key: &'static str,
    },
    /// A key in the config file's `[DEFAULT]` would win over the session for Python's clients.
    Overruled {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// The key there.
        key: &'static str,
    },
    /// An endpoint beyond this machine without TLS.
    PlainHttp {
        /// The endpoint.
        endpoint: String,
    },
    /// An endpoint that is no URL.
    BadEndpoint {
        /// As given.
        given: String,
    },
    /// A chain of roles leads back to itself, or to a profile that is not there.
    BadChain {
        /// The profile.
        profile: String,
        /// What is wrong.
        fault: ChainFault,
    },
    /// AWS gives no more than an hour for a role that another role or a session assumes.
    ChainTooLong {
        /// The profile.
        profile: String,
    },
    /// One MFA device is named for profiles with different long-term keys.
    OneSerialForMany,
    /// One code is given for profiles with different MFA devices or long-term keys.
    OneCodeForMany,
    /// The sessions of two profiles would go to the same one.
    OneSessionProfile {
        /// The session profile.
        session_profile: String,
        /// Whose sessions they are.
        profiles: [String; 2],
    },
    /// `--all`, and no profile has an MFA device.
    NothingToDo,
    /// There are profiles, and none of them is as it has to be. What is wrong with each was told already.
    NoneUsable,
    /// The MFA device has to be known, and AWS may not be asked.
    NoSerial {
        /// The profile.
        profile: String,
    },
    /// Nothing says where the ledger can be.
    NoState,
}

/// What is wrong with the way from a role's profile to a long-term key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// Neither `source_profile` nor a long-term key of its own.
    NoSource,
    /// It gets its credentials from a machine's or container's role, which have no MFA.
    CredentialSource,
    /// `source_profile` names no profile that there is.
    Missing {
        /// The name.
        source: String,
    },
    /// It leads back to itself.
    Loop,
    /// `role_arn` is not a role's ARN.
    BadArn {
        /// As given.
        given: String,
    },
}

impl From<FileError> for PlanError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}
