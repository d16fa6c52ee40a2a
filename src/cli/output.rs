//! How a person is dealt with: what most commands have in common, whether they log in or not.

use clap::Args;
use std::ffi::OsString;

/// Whether they are asked, and how much is said.
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

/// For commands that ask nobody in any case; scripts say it everywhere.
#[derive(Args, Clone, Copy, Default)]
pub struct NonInteractiveArg {
    /// Never ask, which this command does not do anyway
    #[arg(long)]
    pub non_interactive: bool,
}

/// How they are called when a touch is wanted.
#[derive(Args, Clone, Default)]
pub struct TouchNoticeArgs {
    /// Command that a shell runs when a touch is wanted, and when it is not any more (AWS_MFA_KEY_TOUCH_EVENT: start, end)
    #[arg(long, value_name = "COMMAND")]
    pub on_touch: Option<OsString>,

    /// Show nothing on the desktop, only at the terminal
    #[arg(long)]
    pub no_notifications: bool,
}
