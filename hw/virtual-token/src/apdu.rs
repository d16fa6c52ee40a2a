//! Command APDUs in all their forms, and the status words of the responses.

/// A parsed command APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommandApdu<'a> {
    pub(crate) class: u8,
    pub(crate) instruction: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    pub(crate) data: &'a [u8],
    /// True for the extended form with three bytes of length, which not every token supports.
    pub(crate) extended: bool,
    /// True if the sender accepts more than 256 bytes in one response: it sent an extended command or a bare header,
    /// which is the form of an extended command with neither data nor Le.
    pub(crate) long_answer: bool,
    /// True for a command of four bytes only.
    pub(crate) bare: bool,
}

impl<'a> CommandApdu<'a> {
    /// Parses a command APDU; `None` if its lengths do not add up. The expected length (Le) is ignored: the token
    /// responds with all it has.
    ///
    /// Source: ISO 7816-4, 5.1.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&[class, instruction, p1, p2], body) = bytes.split_first_chunk()?;
        let (data, extended): (&[u8], bool) = match *body {
            [] | [_] => (&[], false),
            [0, _, _] => (&[], true),
            [0, high, low, ref rest @ ..] => (data(rest, u16::from_be_bytes([high, low]).into(), 2)?, true),
            [length, ref rest @ ..] => (data(rest, length.into(), 1)?, false),
        };
        let bare = body.is_empty();
        Some(Self { class, instruction, p1, p2, data, extended, long_answer: extended || bare, bare })
    }
}

/// Returns the first `length` bytes of `rest` as the data of a command. `None` if `length` is 0 or too large, or if
/// anything but an expected length of `le` bytes follows the data.
fn data(rest: &[u8], length: usize, le: usize) -> Option<&[u8]> {
    let (data, after) = rest.split_at_checked(length)?;
    (length > 0 && (after.is_empty() || after.len() == le)).then_some(data)
}

/// Status words, as the YubiKey's applets use them.
pub(crate) mod status {
    pub(crate) const OK: u16 = 0x9000;
    /// More data follows; the low byte hints at its length.
    pub(crate) const MORE: u16 = 0x6100;
    pub(crate) const MEMORY_FAILURE: u16 = 0x6581;
    pub(crate) const WRONG_LENGTH: u16 = 0x6700;
    /// The applet is locked, the touch did not come in time, or the challenge is smaller than the previous challenge.
    pub(crate) const SECURITY: u16 = 0x6982;
    /// The account does not exist, no password is set, or the proof of a new password is wrong.
    pub(crate) const NO_SUCH_OBJECT: u16 = 0x6984;
    /// In response to PUT: the account exists (Nitrokey).
    pub(crate) const BLOCKED: u16 = 0x6983;
    pub(crate) const CONDITIONS: u16 = 0x6985;
    pub(crate) const WRONG_DATA: u16 = 0x6a80;
    pub(crate) const NOT_SUPPORTED: u16 = 0x6a81;
    pub(crate) const NOT_FOUND: u16 = 0x6a82;
    pub(crate) const NO_SPACE: u16 = 0x6a84;
    pub(crate) const WRONG_PARAMETERS: u16 = 0x6b00;
    pub(crate) const UNKNOWN_INSTRUCTION: u16 = 0x6d00;
    pub(crate) const UNKNOWN_CLASS: u16 = 0x6e00;
    pub(crate) const INTERNAL: u16 = 0x6f00;
}

/// Reason why an applet does not return data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppletError {
    /// The response consists of this status word.
    Status(u16),
    /// The token has to be touched first; then the command is executed again.
    NeedsTouch,
}

impl From<u16> for AppletError {
    fn from(status: u16) -> Self {
        Self::Status(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_command_is_parsed() {
        let long = [vec![0, 1, 0, 0, 0, 1, 0x2c], vec![7; 300]].concat();
        let cases: &[(&[u8], &[u8], bool, bool)] = &[
            (&[0, 0xa1, 0, 0], &[], false, true),
            (&[0, 0xa1, 0, 0, 0], &[], false, false),
            (&[0, 0xa1, 0, 0, 0x20], &[], false, false),
            (&[0, 0xa1, 0, 0, 1, 0xaa], &[0xaa], false, false),
            (&[0, 0xa1, 0, 0, 1, 0xaa, 0], &[0xaa], false, false),
            (&[0, 0xa1, 0, 0, 0, 0, 0], &[], true, true),
            (&[0, 0xa1, 0, 0, 0, 0x10, 0], &[], true, true),
            (&[0, 0xa1, 0, 0, 0, 0, 1, 0xaa], &[0xaa], true, true),
            (&[0, 0xa1, 0, 0, 0, 0, 1, 0xaa, 0, 0], &[0xaa], true, true),
            (&long, &[7; 300], true, true),
        ];
        for &(bytes, data, extended, long_answer) in cases {
            let command = CommandApdu::parse(bytes).unwrap_or_else(|| panic!("{bytes:02x?}"));
            assert_eq!(
                (command.data, command.extended, command.long_answer),
                (data, extended, long_answer),
                "{bytes:02x?}"
            );
            assert_eq!((command.class, command.instruction, command.p1, command.p2), (0, bytes[1], 0, 0));
        }
    }

    #[test]
    fn lengths_that_do_not_add_up_are_refused() {
        let cases: &[&[u8]] = &[
            &[],
            &[0],
            &[0, 0xa1, 0],
            &[0, 0xa1, 0, 0, 2, 0xaa],
            &[0, 0xa1, 0, 0, 1, 0xaa, 0, 0],
            &[0, 0xa1, 0, 0, 0, 0],
            &[0, 0xa1, 0, 0, 0, 0, 2, 0xaa],
            &[0, 0xa1, 0, 0, 0, 0, 1, 0xaa, 0],
            &[0, 0xa1, 0, 0, 0, 0, 0, 0, 0],
            &[0, 0xa1, 0, 0, 0, 0xff, 0xff, 0xaa],
        ];
        for bytes in cases {
            assert_eq!(CommandApdu::parse(bytes), None, "{bytes:02x?}");
        }
    }
}
