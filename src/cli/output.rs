//! The options that most commands have: how much is printed, and how a person is asked.

use super::headings::OUTPUT;
use clap::{Arg, Args};
use std::ffi::OsString;

/// Options that control how much is printed, and whether a person may be prompted.
#[derive(Args, Clone, Copy, Default)]
pub struct OutputArgs {
    /// Never prompt; exit with code 4 instead
    #[arg(long, help_heading = OUTPUT)]
    pub non_interactive: bool,

    /// Print only errors and what you must do
    #[arg(short, long, help_heading = OUTPUT, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print each step
    #[arg(short, long, help_heading = OUTPUT)]
    pub verbose: bool,
}

/// Adjusts the options of [`OutputArgs`] for a command that never prompts and has no steps to print. The command accepts
/// all of them, since scripts pass them everywhere; its help shows only those that make a difference.
pub(super) fn of_unasked(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "non_interactive" => arg.help("Accepted for scripts; this command never prompts"),
        "quiet" => arg.help("Print only errors"),
        "verbose" => arg.hide(true),
        _ => arg,
    }
}

/// Options for telling a person that a touch is needed.
#[derive(Args, Clone, Default)]
pub struct TouchNoticeArgs {
    /// Command to run when a touch is needed and after it
    ///
    /// sh runs LINE twice for each touch, with AWS_MFA_KEY_TOUCH_EVENT set to start, then to end. aws-mfa-key does not wait
    /// for it.
    #[arg(long, value_name = "LINE", help_heading = OUTPUT)]
    pub on_touch: Option<OsString>,

    /// Show no desktop notifications
    #[arg(long, help_heading = OUTPUT)]
    pub no_notifications: bool,
}
