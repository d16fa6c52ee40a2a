//! The arguments of `doctor`: those options of a login that change what is checked.

use super::headings::{AWS, OUTPUT, SESSION, TOKEN};
use super::{LoginOptions, OutputArgs, ProfileArgs};
use clap::{Arg, Args};

/// Arguments of `doctor`.
#[derive(Args)]
#[command(mut_args(of_doctor))]
pub struct DoctorArgs {
    /// The profile whose login is checked.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// Session length to check [default: 12h]
    #[arg(short, long, value_name = "LENGTH", help_heading = SESSION)]
    pub duration: Option<String>,

    /// Profile for the session [default: PROFILE-mfa]
    #[arg(short = 'u', long, value_name = "NAME", alias = "update-profile", help_heading = SESSION)]
    pub session_profile: Option<String>,

    /// Sources of the code, in order [default: token, prompt]
    #[arg(long, value_name = "LIST", help_heading = TOKEN)]
    pub source: Option<String>,

    /// Token serial number [default: the one with the account]
    #[arg(long, value_name = "SERIAL", alias = "device", help_heading = TOKEN)]
    pub token: Option<String>,

    /// Exact account name on the token [default: automatic]
    #[arg(long, value_name = "ID", help_heading = TOKEN)]
    pub account: Option<String>,

    /// Use readers whose name contains this (for unrecognised tokens)
    #[arg(long, value_name = "TEXT", help_heading = TOKEN)]
    pub reader: Option<String>,

    /// Serial number of the MFA device [default: mfa_serial]
    #[arg(long, value_name = "ARN", alias = "serial-number", help_heading = AWS)]
    pub mfa_serial: Option<String>,

    /// Region of the STS endpoint [default: the profile's]
    #[arg(long, help_heading = AWS)]
    pub region: Option<String>,

    /// Amount of output.
    #[command(flatten)]
    pub output: OutputArgs,

    /// Print JSON
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}

impl DoctorArgs {
    /// Returns the settings of the login that is checked.
    #[must_use]
    pub fn how(&self) -> LoginOptions {
        LoginOptions {
            duration: self.duration.clone(),
            mfa_serial: self.mfa_serial.clone(),
            token: self.token.clone(),
            account: self.account.clone(),
            source: self.source.clone(),
            session_profile: self.session_profile.clone(),
            region: self.region.clone(),
            reader: self.reader.clone(),
            output: self.output,
            ..LoginOptions::default()
        }
    }
}

/// Adjusts the options of [`OutputArgs`] for `doctor`, which never prompts: they say which login is checked, and which
/// lines are printed.
fn of_doctor(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "non_interactive" => arg.help("Check a login that must not prompt"),
        "quiet" => arg.help("Print only problems"),
        "verbose" => arg.hide(true),
        _ => arg,
    }
}
