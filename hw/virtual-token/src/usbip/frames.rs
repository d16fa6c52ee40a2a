//! Messages of USB/IP, with all numbers big-endian (Linux, Documentation/usb/usbip_protocol.rst).

use std::io::{self, Error, ErrorKind, Read};

/// Version of the protocol, which both sides send.
const VERSION: u16 = 0x0111;
const REQUEST_LIST: u16 = 0x8005;
const REPLY_LIST: u16 = 0x0005;
const REQUEST_IMPORT: u16 = 0x8003;
const REPLY_IMPORT: u16 = 0x0003;

/// Bus id of the device: bus 1, port 1.
pub(super) const BUS_ID: &str = "1-1";

/// Upper bound for the length of a transfer in bytes; libccid asks for a little more than 64 KiB.
const MOST: usize = 1 << 20;

/// Request of a client before it is attached.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// List the devices.
    List,
    /// Attach to the device with this bus id.
    Import(String),
}

impl Operation {
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let head: [u8; 8] = bytes(from)?;
        match (u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]])) {
            (VERSION, REQUEST_LIST) => Ok(Self::List),
            (VERSION, REQUEST_IMPORT) => {
                let name: [u8; 32] = bytes(from)?;
                let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                Ok(Self::Import(String::from_utf8_lossy(name).into_owned()))
            }
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }
}

fn reply(code: u16, status: u32) -> Vec<u8> {
    [&VERSION.to_be_bytes()[..], &code.to_be_bytes(), &status.to_be_bytes()].concat()
}

/// Returns the response to a list request: one device with its interfaces, or none.
pub(super) fn list(device: Option<&[u8]>) -> Vec<u8> {
    let count = u32::from(device.is_some());
    [reply(REPLY_LIST, 0), count.to_be_bytes().to_vec(), device.unwrap_or_default().to_vec()].concat()
}

/// Returns the response to an import request: the device, or an error if it is not available.
pub(super) fn imported(device: Option<&[u8]>) -> Vec<u8> {
    [reply(REPLY_IMPORT, u32::from(device.is_none())), device.unwrap_or_default().to_vec()].concat()
}

/// A transfer that the kernel submits, or the cancellation of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TransferRequest {
    /// Transfer on endpoint 0, in either direction.
    Control { sequence: u32, setup: [u8; 8], length: usize, data: Vec<u8> },
    /// Data to the device.
    Out { sequence: u32, endpoint: u8, data: Vec<u8> },
    /// Request for at most `length` bytes from the device, to be sent as soon as it has some.
    In { sequence: u32, endpoint: u8, length: usize },
    /// Cancellation of the transfer `unlinked`.
    Unlink { sequence: u32, unlinked: u32 },
}

const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const SUBMITTED: u32 = 3;
const UNLINKED: u32 = 4;
const IN: u32 = 1;

impl TransferRequest {
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let head: [u8; 48] = bytes(from)?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (sequence, inward) = (word(4), word(12) == IN);
        let endpoint = u8::try_from(word(16)).map_err(|_| Error::from(ErrorKind::InvalidData))?;
        match word(0) {
            UNLINK => {
                return Ok(Self::Unlink { sequence, unlinked: word(20) });
            }
            SUBMIT => {}
            _ => return Err(ErrorKind::InvalidData.into()),
        }
        let length = usize::try_from(word(24)).ok().filter(|length| *length <= MOST);
        let length = length.ok_or(ErrorKind::InvalidData)?;
        let mut data = vec![0; if inward { 0 } else { length }];
        from.read_exact(&mut data)?;
        let mut setup = [0; 8];
        setup.copy_from_slice(&head[40..]);
        Ok(match (endpoint, inward) {
            (0, _) => Self::Control { sequence, setup, length, data },
            (_, true) => Self::In { sequence, endpoint, length },
            (_, false) => Self::Out { sequence, endpoint, data },
        })
    }
}

/// Returns the result of a transfer. `status` is 0 or a negative Linux error number; `length` bytes were transferred,
/// of which `data` goes to the kernel.
pub(super) fn submitted(sequence: u32, status: i32, length: usize, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let mut frame = Vec::with_capacity(48 + data.len());
    for word in [SUBMITTED, sequence, 0, 0, 0, status.cast_unsigned(), length, 0, 0, 0, 0, 0] {
        frame.extend(word.to_be_bytes());
    }
    frame.extend(data);
    frame
}

/// Returns the result of a cancellation: a negative Linux error number if the transfer was cancelled, 0 if it had
/// been completed before.
pub(super) fn unlinked(sequence: u32, status: i32) -> Vec<u8> {
    let words = [UNLINKED, sequence, 0, 0, 0, status.cast_unsigned(), 0, 0, 0, 0, 0, 0];
    words.into_iter().flat_map(u32::to_be_bytes).collect()
}

fn bytes<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn invalid_messages_are_refused() {
        let operations: &[&[u8]] = &[&[], &[1, 0x11], &[1, 0x10, 0x80, 5, 0, 0, 0, 0], &[1, 0x11, 0, 5, 0, 0, 0, 0]];
        for bytes in operations {
            assert!(Operation::read(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
        let request = |words: [u32; 12]| words.into_iter().flat_map(u32::to_be_bytes).collect::<Vec<u8>>();
        for words in [
            [9, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
            [SUBMIT, 1, 0, IN, 256, 0, 8, 0, 0, 0, 0, 0],
            [SUBMIT, 1, 0, IN, 2, 0, u32::MAX, 0, 0, 0, 0, 0],
            // The announced data does not follow.
            [SUBMIT, 1, 0, 0, 2, 0, 8, 0, 0, 0, 0, 0],
        ] {
            assert!(TransferRequest::read(&mut &request(words)[..]).is_err(), "{words:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_in_no_panic_out(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _any = Operation::read(&mut &bytes[..]);
            let _any = TransferRequest::read(&mut &bytes[..]);
        }
    }
}
