//! Command APDUs, status words, and responses that come in several parts.

use std::fmt;

use zeroize::Zeroizing;

use crate::transport::{CarrierError, Transport};

/// Upper bound for the joined parts of one response, in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// Number of SEND REMAINING commands after which a response counts as endless.
const MOST_PARTS: usize = 512;

/// Upper bound for the data of a short command, in bytes (ISO 7816-4).
const MOST_DATA: usize = 255;

/// Status word: the last two bytes of a response (ISO 7816-4, SW1 and SW2). The constants describe what OATH applets
/// mean by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// The command was carried out.
    pub const SUCCESS: Self = Self(0x9000);
    /// The token's memory failed, or an account on it is damaged.
    pub const MEMORY_FAILURE: Self = Self(0x6581);
    /// The applet is locked, a touch did not come in time, or the time step is before the last one that the account
    /// accepted.
    pub const SECURITY_STATUS: Self = Self(0x6982);
    /// The account does not exist. In response to VALIDATE: no password is set (from a pico-fido: the password is
    /// wrong).
    pub const NO_SUCH_OBJECT: Self = Self(0x6984);
    /// The conditions of use are not satisfied. A CanoKey sends this in response to PUT if the account exists, a
    /// Nitrokey in response to commands that it lacks.
    pub const CONDITIONS: Self = Self(0x6985);
    /// In response to SELECT: the applet is missing, or disabled on this interface.
    pub const APPLET_SELECT_FAILED: Self = Self(0x6999);
    /// A Nitrokey's response to PUT if the account exists.
    pub const BLOCKED: Self = Self(0x6983);
    /// The token has no room for another account.
    pub const NO_SPACE: Self = Self(0x6A84);
    /// The command was aborted. From some NEOs, in response to PUT: no room for another account.
    pub const ABORTED: Self = Self(0x6F00);
    /// The data has a syntax error. In response to VALIDATE: the password is wrong.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// The function is not supported: a Nitrokey's response to CALCULATE with SHA-512.
    pub const NOT_SUPPORTED: Self = Self(0x6A81);
    /// In response to SELECT: the token has no such applet. From a Nitrokey: the account does not exist.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// Wrong P1 or P2, as YubiKeys report it (ISO 7816-4 has 6A86 for it).
    pub const WRONG_PARAMETERS: Self = Self(0x6B00);
    /// The instruction (INS) is unknown.
    pub const UNKNOWN_INSTRUCTION: Self = Self(0x6D00);
    /// The class (CLA) is unknown.
    pub const UNKNOWN_CLASS: Self = Self(0x6E00);

    /// Returns true for the status words with which CanoKeys and Nitrokeys refuse a PUT for an existing id; they
    /// never overwrite an account.
    pub(crate) fn keeps_what_is_there(self) -> bool {
        matches!(self, Self::CONDITIONS | Self::BLOCKED)
    }

    /// Returns true if the token examined the command, refused it and changed nothing.
    pub(crate) fn is_plain_refusal(self) -> bool {
        matches!(self, Self::WRONG_DATA | Self::CONDITIONS | Self::BLOCKED | Self::NO_SPACE | Self::NOT_SUPPORTED)
    }

    /// Returns true if the rest of the response has to be fetched with SEND REMAINING (61xx).
    fn has_more(self) -> bool {
        self.0 >> 8 == 0x61
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusWord({self})")
    }
}

/// Reason why a command got no readable response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeError {
    /// The bytes did not get to the token and back.
    Carrier(CarrierError),
    /// The response is too short for a status word. A token that is pulled out may send nothing at all.
    TooShort {
        /// Length of the response in bytes: 0 or 1.
        length: usize,
    },
    /// The response exceeds 64 KiB or 512 continuations, more than any token sends.
    Endless,
    /// The data does not fit into a short command.
    TooLong {
        /// Length of the command's data in bytes: more than 255.
        length: usize,
    },
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carrier(_) => f.write_str("the command did not reach the token"),
            Self::TooShort { length } => write!(f, "the token's response is too short ({length} of at least 2 bytes)"),
            Self::Endless => f.write_str("the token's response does not end"),
            Self::TooLong { length } => write!(f, "{length} bytes are too many for one command"),
        }
    }
}

impl std::error::Error for ExchangeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Carrier(why) => Some(why),
            Self::TooShort { .. } | Self::Endless | Self::TooLong { .. } => None,
        }
    }
}

impl From<CarrierError> for ExchangeError {
    fn from(why: CarrierError) -> Self {
        Self::Carrier(why)
    }
}

/// Response to a command: the joined data of all parts, and the last part's status word. The data is wiped when
/// dropped.
pub(crate) struct Response {
    pub(crate) data: Zeroizing<Vec<u8>>,
    pub(crate) status: StatusWord,
}

/// Returns a short command APDU of class 00. Without data, it ends in Le = 00 (256 bytes), because a CanoKey treats a
/// bare header as Le = 0 and then never finishes its response. With data, it has no Le, as ykman sends it.
///
/// Sources: ISO 7816-4, 5.1; YKOATH, instructions.
pub(crate) fn frame(ins: u8, p1: u8, p2: u8, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, ExchangeError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(5 + data.len()));
    bytes.extend_from_slice(&[0x00, ins, p1, p2]);
    match u8::try_from(data.len()) {
        Ok(length) if data.len() <= MOST_DATA => bytes.push(length),
        _ => return Err(ExchangeError::TooLong { length: data.len() }),
    }
    bytes.extend_from_slice(data);
    Ok(bytes)
}

/// Selects an applet by its AID.
///
/// Sources: ISO 7816-4, 7.1.1; YKOATH, SELECT.
pub(crate) fn select(transport: &mut dyn Transport, applet: &[u8]) -> Result<Response, ExchangeError> {
    send(transport, 0xA4, 0x04, 0x00, applet)
}

/// Sends one command and joins the parts of its response; a part may be empty.
///
/// Source: YKOATH, SEND REMAINING.
///
/// # Errors
/// [`ExchangeError`] if there is no readable response. Every status word is a response, not an error.
pub(crate) fn send(
    transport: &mut dyn Transport,
    ins: u8,
    p1: u8,
    p2: u8,
    data: &[u8],
) -> Result<Response, ExchangeError> {
    let mut part = exchange(transport, &frame(ins, p1, p2, data)?)?;
    let mut whole = std::mem::take(&mut part.data);
    for _ in 0..MOST_PARTS {
        if !part.status.has_more() {
            return Ok(Response { data: whole, status: part.status });
        }
        part = exchange(transport, &[0x00, 0xA5, 0x00, 0x00, 0x00])?;
        if whole.len() + part.data.len() > MOST_BYTES {
            return Err(ExchangeError::Endless);
        }
        whole.extend_from_slice(&part.data);
    }
    Err(ExchangeError::Endless)
}

/// Sends a command APDU unchanged and splits the status word off its response.
pub(crate) fn exchange(transport: &mut dyn Transport, command: &[u8]) -> Result<Response, ExchangeError> {
    let mut data = Zeroizing::new(transport.exchange(command)?);
    match (data.pop(), data.pop()) {
        (Some(low), Some(high)) => Ok(Response { data, status: StatusWord(u16::from_be_bytes([high, low])) }),
        (Some(_), None) => Err(ExchangeError::TooShort { length: 1 }),
        (None, _) => Err(ExchangeError::TooShort { length: 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Transport made of a function, which gets each command and the number of commands before it.
    struct Scripted<F>(F, usize);

    impl<F: FnMut(&[u8], usize) -> Vec<u8>> Transport for Scripted<F> {
        fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, CarrierError> {
            self.1 += 1;
            Ok((self.0)(command, self.1 - 1))
        }
    }

    fn list(answer: impl FnMut(&[u8], usize) -> Vec<u8>) -> (Result<(Vec<u8>, u16), ExchangeError>, usize) {
        let mut transport = Scripted(answer, 0);
        let outcome = send(&mut transport, 0xA1, 0, 0, &[]);
        (outcome.map(|answer| (answer.data.to_vec(), answer.status.0)), transport.1)
    }

    #[test]
    fn a_command_without_data_ends_in_le_and_one_with_data_does_not() {
        assert_eq!(*frame(0xA1, 0, 0, &[]).unwrap(), [0x00, 0xA1, 0, 0, 0x00]);
        assert_eq!(*frame(0xA4, 4, 0, &[0xA0]).unwrap(), [0x00, 0xA4, 4, 0, 0x01, 0xA0]);
        assert_eq!(frame(0xA2, 0, 1, &[7; 255]).unwrap()[4], 255);
        assert_eq!(frame(0xA2, 0, 1, &[7; 256]), Err(ExchangeError::TooLong { length: 256 }));
    }

    #[test]
    fn parts_are_joined_even_if_the_last_is_empty() {
        let parts: [&[u8]; 4] = [&[1, 2, 0x61, 0xFF], &[3, 0x61, 0x00], &[0x61, 0x01], &[0x90, 0x00]];
        let (outcome, asked) = list(|command, n| {
            assert_eq!(command[1], if n == 0 { 0xA1 } else { 0xA5 });
            parts[n].to_vec()
        });
        assert_eq!(outcome, Ok((vec![1, 2, 3], 0x9000)));
        assert_eq!(asked, 4);
    }

    #[test]
    fn an_endless_response_is_given_up() {
        let (outcome, asked) = list(|_, _| vec![0x61, 0xFF]);
        assert_eq!((outcome, asked), (Err(ExchangeError::Endless), MOST_PARTS + 1));
        let (outcome, asked) = list(|_, _| [vec![0; 4096], vec![0x61, 0x00]].concat());
        assert_eq!((outcome, asked), (Err(ExchangeError::Endless), MOST_BYTES / 4096 + 1));
    }

    #[test]
    fn a_response_without_status_word_is_an_error() {
        for length in 0..2 {
            assert_eq!(list(|_, _| vec![0x90; length]).0, Err(ExchangeError::TooShort { length }));
            let later = list(|_, n| if n == 0 { vec![1, 0x61, 1] } else { vec![0x90; length] });
            assert_eq!(later.0, Err(ExchangeError::TooShort { length }));
        }
    }

    #[test]
    fn a_status_word_is_shown_as_the_applet_writes_it() {
        assert_eq!(StatusWord(0x6A82).to_string(), "6A82");
        assert_eq!(format!("{:?}", StatusWord(0x0F)), "StatusWord(000F)");
    }
}
