//! The grammar of `doctor`: of `login`'s flags, those that change what is looked at.

use super::{LoginOptions, OutputArgs, ProfileArgs};
use clap::{Arg, Args};

/// `doctor`: whose, and with which settings.
#[derive(Args)]
#[command(
    after_help = "Exit code 1 if there is a fault, 0 if there are warnings at most. No code is made, nobody is asked for \
    anything, and what is printed may be shown to others: it has no secret, key, password or code in it.",
    mut_args(of_doctor)
)]
pub struct DoctorArgs {
    /// Whose.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// For programs
    #[arg(long)]
    pub json: bool,

    /// How long a session would last
    #[arg(short, long, value_name = "LENGTH")]
    pub duration: Option<String>,

    /// Serial number (ARN) of the MFA device
    #[arg(long, value_name = "ARN", alias = "serial-number")]
    pub mfa_serial: Option<String>,

    /// Serial number of the token to use
    #[arg(long, value_name = "SERIAL", alias = "device")]
    pub token: Option<String>,

    /// Account on the token, byte for byte
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,

    /// Where the code would come from
    #[arg(long, value_name = "LIST")]
    pub source: Option<String>,

    /// Profile that a session would be written to
    #[arg(short = 'u', long, value_name = "NAME", alias = "update-profile")]
    pub session_profile: Option<String>,

    /// AWS region whose STS is asked
    #[arg(long)]
    pub region: Option<String>,

    /// Only readers with this in their name, for tokens that are not known by name
    #[arg(long, value_name = "SUBSTRING")]
    pub reader: Option<String>,

    /// How much is told.
    #[command(flatten)]
    pub output: OutputArgs,
}

impl DoctorArgs {
    /// What is said of a login.
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

/// `doctor` asks nobody: its options say what a login would do, and which lines are shown.
fn of_doctor(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "non_interactive" => arg.help("As it would be where nobody can be asked"),
        "quiet" => arg.help("Show only what is not as it should be"),
        "verbose" => arg.hide(true),
        _ => arg,
    }
}
