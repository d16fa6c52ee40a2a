//! The seam between applets and what carries their bytes: a bus, the tokens on it, one exclusive conversation with one of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What is plugged in. One bus serves several threads, one conversation each.
pub trait Bus: Send + Sync {
    /// Names of the readers that belong to known OATH tokens (or match the name the bus was told to look for), in the
    /// order of the bus. A name is good for [`Bus::open`] now; it is no identity, since it depends on the order of plugging in.
    ///
    /// # Errors
    /// [`CarrierError`] if the service behind the bus does not answer. No reader at all is an empty list.
    fn readers(&self) -> Result<Vec<String>, CarrierError>;

    /// Connects to the token in `reader`, shared with other programs. Tries once: how patient to be is decided by
    /// [`converse`](crate::conversation::converse), which is the same for every carrier.
    ///
    /// # Errors
    /// [`CarrierError`] if it is gone, mute, held by another program, or not ours to use.
    fn open(&self, reader: &str) -> Result<Box<dyn Token + '_>, CarrierError>;

    /// Begins to watch what is plugged in and pulled out.
    fn watch(&self) -> Box<dyn Watch>;
}

/// Sees what is plugged in and pulled out, of the readers that its bus looks at. One thread waits for news, for days if need
/// be: nothing wakes up while nothing happens, where the system can do that. Whoever else wants to end the wait has a
/// [`Stopper`].
pub trait Watch: Send {
    /// The first call tells at once what is plugged in; each later one waits until that is another than was told last, for
    /// `limit` at most. A service that does not answer is asked again with growing pauses, and what is plugged in is told
    /// when it is back. One that has just been started may not have seen all of it yet.
    fn news(&mut self, limit: Option<Duration>) -> News;

    /// Ends the waiting from another thread, for good: every later call answers [`News::Stopped`].
    fn stopper(&self) -> Stopper;
}

/// What a [`Watch`] has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// These tokens are plugged in now, in the order of the bus.
    Tokens(Vec<Present>),
    /// The service that knows what is plugged in does not answer.
    Unknown,
    /// Nothing changed within the limit.
    Nothing,
    /// The watch was stopped.
    Stopped,
}

/// A token that is plugged in. Pulled out and plugged in again, it is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// The reader that it is in.
    pub reader: String,
    /// How often something was put into that reader or taken out, as far as the bus counts; on macOS always the same.
    pub events: u64,
}

/// Ends the waiting of a [`Watch`].
pub type Stopper = Arc<dyn Fn() + Send + Sync>;

/// One token, connected. Dropping it leaves the token as it is: it is never reset.
pub trait Token {
    /// Begins an exclusive conversation, which ends when the answer is dropped. Waits while another program is in one.
    ///
    /// # Errors
    /// [`CarrierError`]. A reset by another program since the last conversation is no error: nothing of ours is lost.
    fn begin(&mut self) -> Result<Box<dyn Transport + '_>, CarrierError>;
}

/// One exclusive conversation with a token: nobody else's command comes between ours.
pub trait Transport {
    /// Sends one command and waits for its answer, data and status word as they came (they may be missing: a token
    /// that is pulled out can answer nothing at all). Takes as long as the token does, a touch included.
    ///
    /// # Errors
    /// [`CarrierError`] if no answer came.
    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, CarrierError>;
}

/// Why bytes did not get through to a token and back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CarrierError {
    /// The PC/SC service does not run.
    NoService,
    /// The PC/SC service stopped, or speaks another version of its protocol.
    ServiceStopped,
    /// This user or session may not use tokens (polkit).
    Refused,
    /// Another program holds the token for itself.
    Busy,
    /// Another program reset the token; what was selected and unlocked is lost.
    Reset,
    /// The token was pulled out, or its reader is gone.
    Removed,
    /// The reader is there, the token in it is not.
    Empty,
    /// The token does not start, or does not speak.
    Mute,
    /// Bytes were lost on the way.
    Broken,
    /// Anything else: PC/SC's own code for it, and its text.
    Other {
        /// PC/SC's error number, such as `0x8010_0001`.
        code: u32,
        /// PC/SC's words for it.
        text: String,
    },
}

impl fmt::Display for CarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoService => f.write_str("the smart card service (pcscd) is not running"),
            Self::ServiceStopped => f.write_str("the smart card service (pcscd) stopped"),
            Self::Refused => f.write_str("the smart card service refuses this user or session"),
            Self::Busy => f.write_str("another program is using the token"),
            Self::Reset => f.write_str("another program reset the token"),
            Self::Removed => f.write_str("the token was removed"),
            Self::Empty => f.write_str("there is no token in the reader"),
            Self::Mute => f.write_str("the token does not answer"),
            Self::Broken => f.write_str("the conversation with the token broke off"),
            Self::Other { code, text } => write!(f, "{text} (PC/SC error {code:#010x})"),
        }
    }
}

impl std::error::Error for CarrierError {}
