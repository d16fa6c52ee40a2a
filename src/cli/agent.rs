//! The grammar of the agent.

use clap::Args;
use std::ffi::OsString;

/// `agent`: whose sessions are kept fresh, and how.
#[derive(Args)]
#[command(
    after_help = "Each session is renewed when a third of it is left. What needs a touch is asked for at once when a token is plugged in,
else with growing pauses; all else goes on in silence. SIGHUP makes it read AWS's files again; it notices by itself, too."
)]
pub struct Agent {
    /// Profiles whose sessions are kept fresh [default: all that are configured, as for `login --all`]
    #[arg(value_name = "PROFILE")]
    pub named: Vec<String>,

    /// The same, as a flag
    #[arg(short, long)]
    pub profile: Option<String>,

    /// Remove the sessions when the last token is pulled out, until one is plugged in again
    #[arg(long)]
    pub logout_on_removal: bool,

    /// Only readers with this in their name, for tokens that are not known by name
    #[arg(long, value_name = "SUBSTRING")]
    pub reader: Option<String>,

    /// Never ask: only sessions that need nobody are kept fresh
    #[arg(long)]
    pub non_interactive: bool,

    /// Command that a shell runs when a touch is wanted, and when it is not any more (AWS_MFA_KEY_TOUCH_EVENT: start, end)
    #[arg(long, value_name = "COMMAND")]
    pub on_touch: Option<OsString>,

    /// Show nothing on the desktop
    #[arg(long)]
    pub no_notifications: bool,

    /// Say nothing but warnings and errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say what is done, step by step
    #[arg(short, long)]
    pub verbose: bool,
}
