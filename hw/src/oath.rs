//! The OATH applet: how it is selected, and what can go wrong with it.
//!
//! An applet is [`Locked`] or [`Ready`], and only one that is ready has accounts and codes. One that we unlocked is locked
//! again when it is let go.

mod account;
mod code;
mod listing;
mod password;
mod ready;
mod secret;
mod select_response;
mod unlock;
mod writing;

use std::fmt;
use std::time::Duration;

pub use account::{Account, AccountId, AccountIdParts, Algorithm, LONGEST_ID, LONGEST_PERIOD, OathType};
pub use code::{OathCode, TimeStep, USUAL_PERIOD};
pub use password::{AccessKey, Password};
pub use ready::Ready;
pub use secret::AccountSecret;
pub use select_response::{DeviceId, SelectResponse};
pub use unlock::{Attempt, Locked};
pub use writing::NewAccount;

use crate::apdu::{self, ExchangeError, StatusWord};
use crate::transport::{CarrierError, Transport};

/// The applet's name, by which it is selected.
const APPLET: [u8; 7] = [0xA0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01];

/// Why the OATH applet did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OathError {
    /// A command has no answer that could be read.
    Exchange(ExchangeError),
    /// The token has no OATH applet, or it is switched off here.
    AppletMissing {
        /// What it answered to SELECT.
        status: StatusWord,
        /// Whether the token says that it has the applet and that it is switched off; `None` if it says neither.
        disabled: Option<bool>,
    },
    /// The applet is locked and no key for it is known.
    PasswordNeeded {
        /// What the applet calls itself, for which a key is to be derived; `None` if it does not say.
        device_id: Option<DeviceId>,
    },
    /// The applet does not take the password.
    WrongPassword,
    /// The applet took the password, but cannot prove that it knows it: it is not the applet it says it is.
    WrongProof,
    /// The applet refused at once, though nothing is locked: an account that wants more than the password, or a time step
    /// before one that was used already.
    NotPermitted,
    /// A touch was waited for and did not come.
    TouchMissing {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The applet does not have the account.
    NoSuchAccount {
        /// The account that was asked for.
        id: AccountId,
    },
    /// There is no room for another account.
    Full,
    /// The applet does not know the command: its firmware is too old, or of another make.
    Unsupported {
        /// The command, in the applet's words.
        command: &'static str,
    },
    /// The applet that answers is not the OATH applet: another program selected a different one.
    OtherApplet {
        /// What it answered.
        status: StatusWord,
    },
    /// The token in the reader is not the one that was expected there.
    OtherToken {
        /// What the applet that is there calls itself.
        found: Option<DeviceId>,
    },
    /// An answer cannot be made sense of.
    Malformed {
        /// The command that was answered, in the applet's words.
        answer_to: &'static str,
    },
    /// A code is said to have a number of digits that no code has.
    Digits {
        /// The number of digits, outside of 1 to 10.
        digits: u8,
    },
    /// The applet answers with an error that has no meaning for this command.
    Status {
        /// The command, in the applet's words.
        command: &'static str,
        /// What it answered.
        status: StatusWord,
    },
    /// The system has no random bytes to challenge the applet with.
    NoRandomness,
}

impl fmt::Display for OathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(_) => f.write_str("the conversation with the token failed"),
            Self::AppletMissing { disabled: Some(true), .. } => {
                f.write_str("the OATH applet of the token is switched off")
            }
            Self::AppletMissing { status, .. } => write!(f, "the token has no OATH applet (status {status})"),
            Self::PasswordNeeded { .. } => f.write_str("the applet is locked with a password"),
            Self::WrongPassword => f.write_str("the applet does not take the password"),
            Self::WrongProof => f.write_str("the applet cannot prove that it knows the password"),
            Self::NotPermitted => f.write_str("the applet does not permit it"),
            Self::TouchMissing { waited } => write!(f, "the token was not touched within {} s", waited.as_secs()),
            Self::NoSuchAccount { id } => write!(f, "the token has no account {id}"),
            Self::Full => f.write_str("the token has no room for another account"),
            Self::Unsupported { command } => write!(f, "the applet does not know {command}"),
            Self::OtherApplet { status } => write!(f, "another applet of the token answered (status {status})"),
            Self::OtherToken { .. } => f.write_str("another token is in the reader"),
            Self::Malformed { answer_to } => write!(f, "the token's answer to {answer_to} makes no sense"),
            Self::Digits { digits } => write!(f, "the token says that its code has {digits} digits"),
            Self::Status { command, status } => write!(f, "the applet refused {command} (status {status})"),
            Self::NoRandomness => f.write_str("the system has no random bytes"),
        }
    }
}

impl std::error::Error for OathError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Exchange(why) => Some(why),
            _ => None,
        }
    }
}

impl From<ExchangeError> for OathError {
    fn from(why: ExchangeError) -> Self {
        Self::Exchange(why)
    }
}

impl From<CarrierError> for OathError {
    fn from(why: CarrierError) -> Self {
        Self::Exchange(ExchangeError::Carrier(why))
    }
}

impl OathError {
    /// Why the bytes did not get through, if that is what went wrong.
    #[must_use]
    pub fn carrier(&self) -> Option<&CarrierError> {
        match self {
            Self::Exchange(ExchangeError::Carrier(why)) => Some(why),
            _ => None,
        }
    }
}

/// The OATH applet, selected: locked, or ready to be used.
pub enum OathApplet<'t> {
    /// A password is set: nothing can be seen before it is given.
    Locked(Locked<'t>),
    /// Accounts can be looked at, and codes computed.
    Ready(Ready<'t>),
}

/// Selects the OATH applet, which locks it if it has a password.
///
/// YKOATH: SELECT.
///
/// # Errors
/// [`OathError::AppletMissing`] if the token has none to select; [`OathError::Status`], [`OathError::Exchange`].
pub fn select(transport: &mut dyn Transport) -> Result<OathApplet<'_>, OathError> {
    let select_response = greet(transport)?;
    let open = Open { transport, may_be_unlocked: false };
    Ok(match select_response.challenge().map(<[u8]>::to_vec) {
        Some(challenge) => OathApplet::Locked(Locked::new(open, select_response, challenge)),
        None => OathApplet::Ready(Ready::new(open, select_response)),
    })
}

/// SELECT, and what is said to it.
fn greet(transport: &mut dyn Transport) -> Result<SelectResponse, OathError> {
    let answer = apdu::select(transport, &APPLET)?;
    match answer.status {
        StatusWord::SUCCESS => Ok(SelectResponse::read(&answer.data)),
        status @ (StatusWord::NOT_FOUND
        | StatusWord::APPLET_SELECT_FAILED
        | StatusWord::UNKNOWN_INSTRUCTION
        | StatusWord::WRONG_PARAMETERS) => Err(OathError::AppletMissing { status, disabled: None }),
        status => Err(OathError::Status { command: "SELECT", status }),
    }
}

/// A conversation in which the applet is selected. Letting it go locks the applet again if we unlocked it, as well as that
/// can be done: there is nobody left to tell if it cannot.
struct Open<'t> {
    transport: &'t mut dyn Transport,
    may_be_unlocked: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.may_be_unlocked {
            // Once more, if it may not have come through.
            if apdu::select(self.transport, &APPLET).is_err() {
                let _best_effort = apdu::select(self.transport, &APPLET);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_is_so_in_one_line_and_keep_what_is_below() {
        let missing = OathError::AppletMissing { status: StatusWord::NOT_FOUND, disabled: None };
        assert_eq!(missing.to_string(), "the token has no OATH applet (status 6A82)");
        let missing = OathError::AppletMissing { status: StatusWord::NOT_FOUND, disabled: Some(true) };
        assert_eq!(missing.to_string(), "the OATH applet of the token is switched off");
        let busy = OathError::from(CarrierError::Busy);
        let exchange = std::error::Error::source(&busy).unwrap();
        assert_eq!(exchange.source().unwrap().to_string(), "another program is using the token");
        assert_eq!(busy.carrier(), Some(&CarrierError::Busy));
    }
}
