//! The faults, and the points at which each can occur.

use hw::transport::CarrierError;

/// A point on the way to a token at which a fault can occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPoint {
    /// Listing the readers.
    Readers,
    /// Connecting to a token.
    Open,
    /// Beginning a transaction.
    Begin,
    /// Sending a command.
    Command,
}

impl FaultPoint {
    pub fn words(self) -> &'static str {
        match self {
            Self::Readers => "as the readers are asked for",
            Self::Open => "as the token is connected to",
            Self::Begin => "as a conversation begins",
            Self::Command => "at a command",
        }
    }
}

/// Number of times that a fault occurs, from its position on.
pub const ONCE: usize = 1;
pub const EVER: usize = usize::MAX;

/// The kind of a fault.
#[derive(Clone, Debug)]
pub enum FaultKind {
    /// This error, before the token gets the command.
    Error(CarrierError),
    /// This error, instead of the token's response.
    Lost(CarrierError),
    /// This response, instead of the token's.
    Answer(&'static [u8]),
    /// Noise, instead of the token's response.
    Noise,
    /// The token is removed, before or after it executed the command.
    Pulled { carried_out: bool },
    /// The token is removed and inserted again.
    PutInAgain,
    /// Another program resets the token.
    Reset,
    /// Another program selects another applet.
    OtherApplet,
    /// The service has gone, from here on.
    NoService,
    /// An unexpected PC/SC error, instead of the token's response.
    Odd,
    /// The operation is slow.
    Slow,
    /// The operation never ends.
    Silent,
}

pub struct InjectedFault {
    pub name: &'static str,
    pub place: FaultPoint,
    pub what: FaultKind,
    pub times: usize,
}

const fn fault(name: &'static str, place: FaultPoint, what: FaultKind, times: usize) -> InjectedFault {
    InjectedFault { name, place, what, times }
}

use FaultKind::{Answer, Error, Lost};
use FaultPoint::{Begin, Command, Open, Readers};

pub static FAULTS: &[InjectedFault] = &[
    fault("no service", Readers, Error(CarrierError::NoService), EVER),
    fault("not permitted", Readers, Error(CarrierError::Refused), EVER),
    fault("not permitted", Open, Error(CarrierError::Refused), EVER),
    fault("held by another program that lets go", Open, Error(CarrierError::Busy), 3),
    fault("held by another program", Open, Error(CarrierError::Busy), EVER),
    fault("a reader that is empty at first", Open, Error(CarrierError::Empty), 3),
    fault("a reader that is empty", Open, Error(CarrierError::Empty), EVER),
    fault("mute at first", Open, Error(CarrierError::Mute), 3),
    fault("mute", Open, Error(CarrierError::Mute), EVER),
    fault("another program's conversation that ends", Begin, FaultKind::Slow, ONCE),
    fault("another program's conversation", Begin, FaultKind::Silent, EVER),
    fault("pulled out", Command, FaultKind::Pulled { carried_out: false }, ONCE),
    fault("pulled out once it was carried out", Command, FaultKind::Pulled { carried_out: true }, ONCE),
    fault("pulled out and put in again", Command, FaultKind::PutInAgain, ONCE),
    fault("reset once", Command, FaultKind::Reset, ONCE),
    fault("reset again and again", Command, FaultKind::Reset, EVER),
    fault("another applet selected", Command, FaultKind::OtherApplet, ONCE),
    fault("another applet selected again and again", Command, FaultKind::OtherApplet, EVER),
    fault("held by another program once", Command, Error(CarrierError::Busy), ONCE),
    fault("held by another program from here on", Command, Error(CarrierError::Busy), EVER),
    fault("bytes lost on the way there", Command, Error(CarrierError::Broken), ONCE),
    fault("bytes lost on the way back", Command, Lost(CarrierError::Broken), ONCE),
    fault("bytes always lost on the way there", Command, Error(CarrierError::Broken), EVER),
    fault("bytes always lost on the way back", Command, Lost(CarrierError::Broken), EVER),
    fault("service started anew", Command, Error(CarrierError::ServiceStopped), ONCE),
    fault("service killed", Command, FaultKind::NoService, ONCE),
    fault("mute once", Command, Error(CarrierError::Mute), ONCE),
    fault("mute from here on", Command, Error(CarrierError::Mute), EVER),
    fault("another error", Command, FaultKind::Odd, ONCE),
    fault("noise once", Command, FaultKind::Noise, ONCE),
    fault("noise", Command, FaultKind::Noise, EVER),
    fault("an entry longer than the answer", Command, Answer(&[0x71, 0xFF, 0x00, 0x90, 0x00]), ONCE),
    fault("success and nothing else", Command, Answer(&[0x90, 0x00]), ONCE),
    fault("no bytes once", Command, Answer(&[]), ONCE),
    fault("no bytes", Command, Answer(&[]), EVER),
    fault("one byte once", Command, Answer(&[0x90]), ONCE),
    fault("one byte", Command, Answer(&[0x90]), EVER),
    fault("an answer without end", Command, Answer(&[0x61, 0x00]), EVER),
    fault("not permitted by the applet once", Command, Answer(&[0x69, 0x82]), ONCE),
    fault("not permitted by the applet", Command, Answer(&[0x69, 0x82]), EVER),
    fault("refused", Command, Answer(&[0x6F, 0x00]), ONCE),
    fault("slow", Command, FaultKind::Slow, ONCE),
    fault("no answer at all", Command, FaultKind::Silent, ONCE),
];
