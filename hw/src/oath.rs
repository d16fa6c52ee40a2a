//! The OATH applet: selecting it, and its errors.
//!
//! An applet is [`Locked`] or [`Ready`], and only a ready one has accounts and codes. An applet that this crate
//! unlocked is locked again when its value is dropped.
//!
//! "YKOATH" stands for Yubico's specification of the applet's commands (YKOATH_Protocol on developers.yubico.com).

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

/// Application identifier (AID) of the OATH applet.
const APPLET: [u8; 7] = [0xA0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01];

/// Reason why an operation on the OATH applet failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OathError {
    /// A command got no readable response.
    Exchange(ExchangeError),
    /// The token has no OATH applet, or the applet is disabled on this interface.
    AppletMissing {
        /// Status word of the response to SELECT.
        status: StatusWord,
        /// True if the token reports that it has the applet and that the applet is disabled; `None` if it reports
        /// neither.
        disabled: Option<bool>,
    },
    /// The applet is locked and no key for it is known.
    PasswordNeeded {
        /// Device id of the applet, from which its key is derived; `None` if the applet reports none.
        device_id: Option<DeviceId>,
    },
    /// The applet rejected the password.
    WrongPassword,
    /// The applet accepted the password but cannot prove that it knows the key, so it is not the applet it claims to
    /// be.
    WrongProof,
    /// The applet refused at once although it is not locked: the account requires more than the password, or the time
    /// step is earlier than the last one that the account accepted.
    NotPermitted,
    /// The token waited for a touch that did not come.
    TouchMissing {
        /// Time from the command to the refusal.
        waited: Duration,
    },
    /// The applet does not have the account.
    NoSuchAccount {
        /// Id of the account that was requested.
        id: AccountId,
    },
    /// The token has no room for another account.
    Full,
    /// The applet does not know the command, because the firmware is too old or the token is of another make.
    Unsupported {
        /// The command or feature, as Yubico's OATH specification names it.
        command: &'static str,
    },
    /// Another applet responded, because another program selected it.
    OtherApplet {
        /// Status word with which the token refused the command.
        status: StatusWord,
    },
    /// The reader holds another token than expected.
    OtherToken {
        /// Device id of the applet in the reader; `None` if the applet reports none.
        found: Option<DeviceId>,
    },
    /// A response makes no sense.
    Malformed {
        /// The command that was sent, as Yubico's OATH specification names it.
        answer_to: &'static str,
    },
    /// The token reported a number of digits that no code has.
    Digits {
        /// Number of digits, outside of 1 to 10.
        digits: u8,
    },
    /// The applet responded with a status word that has no meaning for this command.
    Status {
        /// The command that was sent, as Yubico's OATH specification names it.
        command: &'static str,
        /// Status word of the response.
        status: StatusWord,
    },
    /// The system has no random bytes for a challenge to the applet.
    NoRandomness,
}

impl fmt::Display for OathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(_) => f.write_str("communication with the token failed"),
            Self::AppletMissing { disabled: Some(true), .. } => f.write_str("the OATH applet of the token is disabled"),
            Self::AppletMissing { status, .. } => write!(f, "the token has no OATH applet (status {status})"),
            Self::PasswordNeeded { .. } => f.write_str("the OATH applet needs its password"),
            Self::WrongPassword => f.write_str("the OATH applet rejected the password"),
            Self::WrongProof => f.write_str("the OATH applet could not prove that it knows the password"),
            Self::NotPermitted => f.write_str("the OATH applet does not allow it"),
            Self::TouchMissing { waited } => write!(f, "the token was not touched within {} s", waited.as_secs()),
            Self::NoSuchAccount { id } => write!(f, "the token has no account {id}"),
            Self::Full => f.write_str("the token has no room for another account"),
            Self::Unsupported { command } => write!(f, "the OATH applet does not support {command}"),
            Self::OtherApplet { status } => write!(f, "another applet of the token responded (status {status})"),
            Self::OtherToken { .. } => f.write_str("a different token is in the reader"),
            Self::Malformed { answer_to } => write!(f, "the token's response to {answer_to} is invalid"),
            Self::Digits { digits } => write!(f, "the token reports a code of {digits} digits"),
            Self::Status { command, status } => write!(f, "the OATH applet refused {command} (status {status})"),
            Self::NoRandomness => f.write_str("the system provides no random bytes"),
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
    /// Returns the carrier's error if the bytes did not get through, or `None` for any other error.
    #[must_use]
    pub fn carrier(&self) -> Option<&CarrierError> {
        match self {
            Self::Exchange(ExchangeError::Carrier(why)) => Some(why),
            _ => None,
        }
    }
}

/// The selected OATH applet, locked or ready to be used.
pub enum OathApplet<'t> {
    /// The applet has a password, and has to be unlocked before it can be used.
    Locked(Locked<'t>),
    /// The applet can list its accounts and compute codes.
    Ready(Ready<'t>),
}

/// Selects the OATH applet, which locks it if it has a password.
///
/// Source: YKOATH, SELECT.
///
/// # Errors
/// [`OathError::AppletMissing`] if the token has no OATH applet or it is disabled; [`OathError::Status`] if the token
/// refuses with another status word; [`OathError::Exchange`] if there is no readable response.
pub fn select(transport: &mut dyn Transport) -> Result<OathApplet<'_>, OathError> {
    let select_response = greet(transport)?;
    let open = Open { transport, may_be_unlocked: false };
    Ok(match select_response.challenge().map(<[u8]>::to_vec) {
        Some(challenge) => OathApplet::Locked(Locked::new(open, select_response, challenge)),
        None => OathApplet::Ready(Ready::new(open, select_response)),
    })
}

/// Sends SELECT and parses the response.
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

/// Conversation in which the OATH applet is selected. Dropping it locks the applet again if this crate unlocked it.
/// Errors of locking are ignored, because `drop` cannot return them.
struct Open<'t> {
    transport: &'t mut dyn Transport,
    may_be_unlocked: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.may_be_unlocked {
            // SELECT is sent a second time, because the first may not have reached the token.
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
    fn errors_are_shown_in_one_line_and_keep_their_source() {
        let missing = OathError::AppletMissing { status: StatusWord::NOT_FOUND, disabled: None };
        assert_eq!(missing.to_string(), "the token has no OATH applet (status 6A82)");
        let missing = OathError::AppletMissing { status: StatusWord::NOT_FOUND, disabled: Some(true) };
        assert_eq!(missing.to_string(), "the OATH applet of the token is disabled");
        let busy = OathError::from(CarrierError::Busy);
        let exchange = std::error::Error::source(&busy).unwrap();
        assert_eq!(exchange.source().unwrap().to_string(), "another program is using the token");
        assert_eq!(busy.carrier(), Some(&CarrierError::Busy));
    }
}
