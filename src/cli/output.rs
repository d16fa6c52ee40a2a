//! How a person is dealt with: the options that most commands have in common, whether they log in or not.

use clap::{Arg, Args};
use std::ffi::OsString;

/// Whether a person may be asked, and how much they are told.
#[derive(Args, Clone, Copy, Default)]
pub struct OutputArgs {
    /// Never ask: what would need a person ends with its own exit code
    #[arg(long)]
    pub non_interactive: bool,

    /// Say nothing but errors and what a person must do
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say what is done, step by step
    #[arg(short, long)]
    pub verbose: bool,
}

/// Adjusts an option of [`OutputArgs`] for a command that asks nobody and has no steps to tell: it takes the options, since
/// scripts say them everywhere, and shows only those that make a difference.
pub(super) fn of_unasked(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "non_interactive" => arg.help("Never ask, which this command does not do anyway"),
        "quiet" => arg.help("Say nothing but errors"),
        "verbose" => arg.hide(true),
        _ => arg,
    }
}

/// How a person is called when a touch is wanted.
#[derive(Args, Clone, Default)]
pub struct TouchNoticeArgs {
    /// Command that a shell runs when a touch is wanted, and when it is not any more (AWS_MFA_KEY_TOUCH_EVENT: start, end)
    #[arg(long, value_name = "COMMAND")]
    pub on_touch: Option<OsString>,

    /// Show nothing on the desktop, only at the terminal
    #[arg(long)]
    pub no_notifications: bool,
}
