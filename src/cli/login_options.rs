//! Whose session, and how to log in where that is needed: what most commands have in common.

use super::{OutputArgs, TouchNoticeArgs};
use clap::Args;
use std::ffi::OsString;

/// How to log in, where that is needed.
#[derive(Args, Default)]
pub struct LoginOptions {
    /// How long the session lasts: 12h, 45m or seconds; 15m to 36h [default: 12h; a role: 1h]
    #[arg(short, long, value_name = "LENGTH")]
    pub duration: Option<String>,

    /// Serial number (ARN) of the MFA device [default: mfa_serial of the profile, else the one that IAM lists]
    #[arg(long, value_name = "ARN", alias = "serial-number")]
    pub mfa_serial: Option<String>,

    /// A code that you have already; `-` reads it from stdin
    #[arg(long, value_name = "CODE", aliases = ["token-code", "mfa-token"])]
    pub code: Option<OsString>,

    /// Serial number of the token to use [default: the one that has the account]
    #[arg(long, value_name = "SERIAL", alias = "device")]
    pub token: Option<String>,

    /// Account on the token, byte for byte [default: found by the MFA device's and the user's name]
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,

    /// Where the code comes from, first that can answer wins: token, secret:keyring[:NAME], secret:file:PATH,
    /// secret:credential:NAME, command:LINE, prompt [default: token, prompt]
    #[arg(long, value_name = "LIST")]
    #[allow(rustdoc::broken_intra_doc_links, reason = "the help has brackets of its own")]
    pub source: Option<String>,

    /// Profile that the session is written to [default: PROFILE-mfa]
    #[arg(short = 'u', long, value_name = "NAME", alias = "update-profile")]
    pub session_profile: Option<String>,

    /// AWS region whose STS is asked [default: AWS_REGION, else the profile's]
    #[arg(long)]
    pub region: Option<String>,

    /// Only readers with this in their name, for tokens that are not known by name
    #[arg(long, value_name = "SUBSTRING")]
    pub reader: Option<String>,

    /// Wait for a token that is not plugged in, 2m if no LENGTH is given
    #[arg(long, value_name = "LENGTH", num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub wait: Option<String>,

    /// A session with at least this much time left is good enough [default: 20m, at most a third of its length]
    #[arg(long, value_name = "LENGTH")]
    pub min_ttl: Option<String>,

    /// Log in even if the present session is still good
    #[arg(short, long)]
    pub force: bool,

    /// Write down the MFA device that was found, where the profile names none (mfa_serial)
    #[arg(long)]
    pub remember: bool,

    /// How to call for a touch.
    #[command(flatten)]
    pub touch_notice: TouchNoticeArgs,

    /// How to talk.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// One profile, named in one of two ways.
#[derive(Args, Default)]
pub struct ProfileArgs {
    /// Profile [default: AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default"]
    #[arg(value_name = "PROFILE")]
    pub named: Option<String>,

    /// The same, as a flag
    #[arg(short, long)]
    pub profile: Option<String>,
}

/// Several profiles, or the one named by a flag.
#[derive(Args, Default)]
pub struct ProfilesArgs {
    /// Profiles [default: AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default"]
    #[arg(value_name = "PROFILE")]
    pub named: Vec<String>,

    /// The same, as a flag
    #[arg(short, long)]
    pub profile: Option<String>,
}

impl ProfilesArgs {
    /// The profiles that were named as arguments.
    #[must_use]
    pub fn arguments(&self) -> Vec<&str> {
        self.named.iter().map(String::as_str).collect()
    }

    /// The profile that was named by `-p`.
    #[must_use]
    pub fn flag(&self) -> Option<&str> {
        self.profile.as_deref()
    }
}
