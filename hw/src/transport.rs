//! Interface between applets and the carrier of their bytes: a bus, the tokens on it, and exclusive conversations
//! with one token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Access to the tokens that are plugged in. Several threads can share a bus, each with its own conversation.
pub trait Bus: Send + Sync {
    /// Returns the names of the readers that belong to known OATH tokens (or that match the bus's name filter), in
    /// the order of the bus. A name can be passed to [`Bus::open`] now, but does not identify a token, because it
    /// depends on the order in which tokens were plugged in.
    ///
    /// # Errors
    /// [`CarrierError`] if the service behind the bus does not respond. A bus without readers returns an empty list.
    fn readers(&self) -> Result<Vec<String>, CarrierError>;

    /// Connects to the token in `reader`, shared with other programs. Tries once;
    /// [`converse`](crate::conversation::converse) does the retries, in the same way for every carrier.
    ///
    /// # Errors
    /// [`CarrierError`] if the token is gone, does not respond or is held by another program, or if this user may not
    /// use it.
    fn open(&self, reader: &str) -> Result<Box<dyn Token + '_>, CarrierError>;

    /// Returns a watch that reports which tokens are plugged in.
    fn watch(&self) -> Box<dyn Watch>;
}

/// Observer of the readers that its bus uses. One thread waits for news, possibly for days; where the system allows
/// it, that thread does not wake up while nothing happens. A [`Stopper`] ends the wait from another thread.
pub trait Watch: Send {
    /// Returns the next report. The first call returns at once with the tokens that are plugged in. Each later call
    /// waits until they differ from the last report, for at most `limit` (`None`: without a limit).
    ///
    /// A service that does not respond is reported once, as [`News::Unknown`], and asked again until it is back. A
    /// service that was just started may not know all tokens yet.
    fn news(&mut self, limit: Option<Duration>) -> News;

    /// Returns a function that stops the watch permanently, from any thread. A wait in progress ends, and every later
    /// call of [`news`](Self::news) returns [`News::Stopped`].
    fn stopper(&self) -> Stopper;
}

/// Report of a [`Watch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The tokens that are plugged in now, in the order of the bus.
    Tokens(Vec<Present>),
    /// The service behind the bus does not respond, so it is not known which tokens are plugged in.
    Unknown,
    /// Nothing changed within the limit.
    Nothing,
    /// The watch was stopped.
    Stopped,
}

/// A token that is plugged in. If the token is pulled out and plugged in again, the value of `events` changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Name of the token's reader.
    pub reader: String,
    /// Number of insertions and removals in the reader, as far as the bus counts them; constant on macOS.
    pub events: u64,
}

/// Function that ends the wait of a [`Watch`], callable from any thread.
pub type Stopper = Arc<dyn Fn() + Send + Sync>;

/// Connection to one token. Dropping it leaves the token as it is: it is never reset.
pub trait Token {
    /// Begins an exclusive conversation, which ends when the returned value is dropped. Waits while another program
    /// has a conversation with the token.
    ///
    /// # Errors
    /// [`CarrierError`] if the token is gone, does not respond or is held by another program. A reset by another
    /// program since the last conversation is not an error, because between conversations there is no state to lose.
    fn begin(&mut self) -> Result<Box<dyn Transport + '_>, CarrierError>;
}

/// Exclusive conversation with a token: no command of another program comes in between.
pub trait Transport {
    /// Sends one command and returns its response as received: data, then status word. The response of a token that
    /// is pulled out may be empty. Blocks for as long as the token takes, including the wait for a touch.
    ///
    /// # Errors
    /// [`CarrierError`] if there was no response.
    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, CarrierError>;
}

/// Reason why bytes did not get through to a token and back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CarrierError {
    /// The PC/SC service is not running.
    NoService,
    /// The PC/SC service stopped, or speaks another version of its protocol.
    ServiceStopped,
    /// The PC/SC service refuses this user or session (polkit).
    Refused,
    /// Another program holds the token exclusively.
    Busy,
    /// Another program reset the token; the selected applet and its unlocked state are lost.
    Reset,
    /// The token was pulled out, or its reader is gone.
    Removed,
    /// The reader is connected, but has no token in it.
    Empty,
    /// The token does not power up, or does not respond.
    Mute,
    /// Bytes were lost on the way, or a PC/SC call timed out.
    Broken,
    /// Any other PC/SC error.
    Other {
        /// PC/SC's error number, such as `0x8010_0001`.
        code: u32,
        /// PC/SC's text for the error.
        text: String,
    },
}

impl fmt::Display for CarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoService => f.write_str("the smart card service (pcscd) is not running"),
            Self::ServiceStopped => f.write_str("the smart card service (pcscd) stopped"),
            Self::Refused => f.write_str("the smart card service (pcscd) denies access to this user or session"),
            Self::Busy => f.write_str("another program is using the token"),
            Self::Reset => f.write_str("another program reset the token"),
            Self::Removed => f.write_str("the token was removed"),
            Self::Empty => f.write_str("there is no token in the reader"),
            Self::Mute => f.write_str("the token does not respond"),
            Self::Broken => f.write_str("the connection to the token was lost"),
            Self::Other { code, text } => write!(f, "{text} (PC/SC error {code:#010x})"),
        }
    }
}

impl std::error::Error for CarrierError {}
