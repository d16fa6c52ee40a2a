//! The options that all commands with a login share: profiles, and the settings of the login.

use super::headings::{AWS, SESSION, TOKEN};
use super::{OutputArgs, TouchNoticeArgs};
use clap::Args;
use std::ffi::OsString;

/// Settings of a login, as typed.
#[derive(Args, Default)]
pub struct LoginOptions {
    /// Get a new session even if the present one is good
    #[arg(short, long)]
    pub force: bool,

    /// Session length, 15m to 36h [default: 12h]
    ///
    /// Examples: 12h, 45m, 1h30m, 900 (seconds). A session of a role lasts 15m to 12h, by default 1h.
    #[arg(short, long, value_name = "LENGTH", help_heading = SESSION)]
    pub duration: Option<String>,

    /// Save to this profile [default: PROFILE-mfa]
    #[arg(short = 'u', long, value_name = "NAME", alias = "update-profile", help_heading = SESSION)]
    pub session_profile: Option<String>,

    /// Renew if less time is left [default: 20m]
    ///
    /// Never counts for more than a third of the session's length.
    #[arg(long, value_name = "LENGTH", help_heading = SESSION)]
    pub min_ttl: Option<String>,

    /// Sources of the code, in order [default: token, prompt]
    ///
    /// Separated by commas: token, secret:keyring[:NAME], secret:file:PATH, secret:credential:NAME (a systemd credential),
    /// prompt, command:LINE. The next source is tried only if the one before does not exist (no token plugged in, no
    /// account, no file). command: runs LINE by sh, takes the code from its first line, and stands last.
    #[arg(long, value_name = "LIST", help_heading = TOKEN)]
    #[allow(rustdoc::broken_intra_doc_links, reason = "the help has brackets of its own")]
    pub source: Option<String>,

    /// Token serial number [default: the one with the account]
    ///
    /// Commands that change a token use the only one plugged in by default; `tokens` lists all.
    #[arg(long, value_name = "SERIAL", alias = "device", help_heading = TOKEN)]
    pub token: Option<String>,

    /// Exact account name on the token [default: automatic]
    ///
    /// By default, the account is found by the names of the MFA device and the IAM user.
    #[arg(long, value_name = "ID", help_heading = TOKEN)]
    pub account: Option<String>,

    /// MFA code, if you have one (- reads it from stdin)
    #[arg(long, value_name = "CODE", aliases = ["token-code", "mfa-token"], help_heading = TOKEN)]
    pub code: Option<OsString>,

    /// Use readers whose name contains this (for unrecognised tokens)
    #[arg(long, value_name = "TEXT", help_heading = TOKEN)]
    pub reader: Option<String>,

    /// Wait for the token to be plugged in (2m if no LENGTH)
    ///
    /// Without this option, a token that is not plugged in counts as missing at once.
    #[arg(long, value_name = "LENGTH", help_heading = TOKEN)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub wait: Option<String>,

    /// Serial number of the MFA device [default: mfa_serial]
    ///
    /// An ARN such as arn:aws:iam::123456789012:mfa/alice. If neither this option nor the profile names an MFA device, IAM
    /// is asked which ones the user has.
    #[arg(long, value_name = "ARN", alias = "serial-number", help_heading = AWS)]
    pub mfa_serial: Option<String>,

    /// Save an MFA device found in IAM as mfa_serial
    #[arg(long, help_heading = AWS)]
    pub remember: bool,

    /// Region of the STS endpoint [default: the profile's]
    ///
    /// AWS_REGION and AWS_DEFAULT_REGION come before the profile.
    #[arg(long, help_heading = AWS)]
    pub region: Option<String>,

    /// Options for telling a person that a touch is needed.
    #[command(flatten)]
    pub touch_notice: TouchNoticeArgs,

    /// Options that control how much is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// One profile, named by an argument or by `-p`.
#[derive(Args, Default)]
pub struct ProfileArgs {
    /// Profile name [default: AWS_PROFILE, else "default"]
    #[arg(value_name = "PROFILE")]
    pub named: Option<String>,

    /// Profile name (same as the argument)
    #[arg(short, long)]
    pub profile: Option<String>,
}

/// Any number of profiles, named by arguments, or one by `-p`.
#[derive(Args, Default)]
pub struct ProfilesArgs {
    /// Profile name [default: AWS_PROFILE, else "default"]
    #[arg(value_name = "PROFILE")]
    pub named: Vec<String>,

    /// Profile name (same as the argument)
    #[arg(short, long)]
    pub profile: Option<String>,
}

impl ProfilesArgs {
    /// Returns the profiles that were named by arguments.
    #[must_use]
    pub fn arguments(&self) -> Vec<&str> {
        self.named.iter().map(String::as_str).collect()
    }

    /// Returns the profile that was named by `-p`.
    #[must_use]
    pub fn flag(&self) -> Option<&str> {
        self.profile.as_deref()
    }
}
