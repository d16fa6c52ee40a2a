//! A command's frame, a status word, and "send me the rest".

use std::fmt;

use zeroize::Zeroizing;

use crate::transport::{CarrierError, Transport};

/// The most that one answer may hold in all its parts, in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// The most parts that one answer may have.
const MOST_PARTS: usize = 512;

/// The most data that a short command carries, in bytes.
const MOST_DATA: usize = 255;

/// The last two bytes of an answer: how the command went.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// The command was carried out.
    pub const SUCCESS: Self = Self(0x9000);
    /// Memory failed, or an account is damaged.
    pub const MEMORY_FAILURE: Self = Self(0x6581);
    /// Locked, touch that did not come, or a time step that went backwards.
    pub const SECURITY_STATUS: Self = Self(0x6982);
    /// No such account; at VALIDATE: no password is set (pico-fido: wrong password).
    pub const NO_SUCH_OBJECT: Self = Self(0x6984);
    /// The conditions of use are not met.
    pub const CONDITIONS: Self = Self(0x6985);
    /// The applet cannot be selected now.
    pub const APPLET_SELECT_FAILED: Self = Self(0x6999);
    /// Blocked: an account of that name is there (Nitrokey).
    pub const BLOCKED: Self = Self(0x6983);
    /// No room.
    pub const NO_SPACE: Self = Self(0x6A84);
    /// The command was aborted; from some NEOs: no room.
    pub const ABORTED: Self = Self(0x6F00);
    /// Wrong data: syntax; at VALIDATE: wrong password.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// The function is not supported.
    pub const NOT_SUPPORTED: Self = Self(0x6A81);
    /// Not found: no such applet (Nitrokey: no such account).
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// Wrong parameters, as YubiKeys say it.
    pub const WRONG_PARAMETERS: Self = Self(0x6B00);
    /// Unknown instruction.
    pub const UNKNOWN_INSTRUCTION: Self = Self(0x6D00);
    /// Unknown class.
    pub const UNKNOWN_CLASS: Self = Self(0x6E00);

    /// Whether a token that does not overwrite accounts says so (CanoKey, Nitrokey).
    pub(crate) fn keeps_what_is_there(self) -> bool {
        matches!(self, Self::CONDITIONS | Self::BLOCKED)
    }

    /// Whether a token that says so has changed nothing: it looked at what it was to do, and will not.
    pub(crate) fn is_plain_refusal(self) -> bool {
        matches!(self, Self::WRONG_DATA | Self::CONDITIONS | Self::BLOCKED | Self::NO_SPACE | Self::NOT_SUPPORTED)
    }

    /// Whether more of the answer waits to be fetched.
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

/// Why a command has no answer that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeError {
    /// The bytes did not get through.
    Carrier(CarrierError),
    /// The answer is too short to hold a status word; a token that is pulled out can answer nothing at all.
    TooShort {
        /// Length of the answer in bytes: 0 or 1.
        length: usize,
    },
    /// The answer goes on for longer than any token can have to say.
    Endless,
    /// The command does not fit into a short frame.
    TooLong {
        /// Length of the command's data in bytes: more than 255.
        length: usize,
    },
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carrier(_) => f.write_str("the command did not get through to the token"),
            Self::TooShort { length } => write!(f, "the token's answer is cut short ({length} bytes)"),
            Self::Endless => f.write_str("the token's answer does not end"),
            Self::TooLong { length } => write!(f, "{length} bytes are too many for one command to the token"),
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

/// Response to a command: data of all its parts, and the last status word. Wiped when dropped.
pub(crate) struct Response {
    pub(crate) data: Zeroizing<Vec<u8>>,
    pub(crate) status: StatusWord,
}

/// Frames a short command of class 00. One without data ends in Le = 256, because CanoKey takes a bare header for
/// "at most 0 bytes" and then never gets to the end of its answer; one with data has no Le, as ykman sends it.
///
/// ISO 7816-4, 5.1; YKOATH: instructions.
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

/// SELECT of an applet by its name.
///
/// ISO 7816-4, 7.1.1; YKOATH: SELECT.
pub(crate) fn select(transport: &mut dyn Transport, applet: &[u8]) -> Result<Response, ExchangeError> {
    send(transport, 0xA4, 0x04, 0x00, applet)
}

/// Sends one command, and fetches the rest of its answer for as long as there is one; a part may be empty.
///
/// YKOATH: SEND REMAINING.
///
/// # Errors
/// [`ExchangeError`]; any status word is an answer, not an error.
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

/// Sends a framed command as it is, and takes the status word off its answer.
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

    /// Answers with what `answer` makes of the command and of how many came before it.
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
    fn an_answer_without_end_is_given_up() {
        let (outcome, asked) = list(|_, _| vec![0x61, 0xFF]);
        assert_eq!((outcome, asked), (Err(ExchangeError::Endless), MOST_PARTS + 1));
        let (outcome, asked) = list(|_, _| [vec![0; 4096], vec![0x61, 0x00]].concat());
        assert_eq!((outcome, asked), (Err(ExchangeError::Endless), MOST_BYTES / 4096 + 1));
    }

    #[test]
    fn an_answer_without_status_word_is_an_error() {
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
