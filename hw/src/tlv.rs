//! Tag–length–value entries (one byte of tag, one to three of length), as the OATH and management applets use them.

use std::fmt;

/// Error for an entry that ends before its value does, or whose length has an unknown form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tag–length–value data is damaged")
    }
}

impl std::error::Error for Malformed {}

/// Iterator over the entries of a response, up to and including the first damaged one.
pub(crate) struct TlvReader<'a> {
    rest: &'a [u8],
}

impl<'a> TlvReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns the length at the start of `rest`, and the bytes after it. A length up to 7F takes one byte; longer
    /// ones are written `81 LL` or `82 HH LL`.
    ///
    /// Sources: ISO 7816-4, 5.2.2; YKOATH, length encoding.
    fn split_length(rest: &'a [u8]) -> Option<(usize, &'a [u8])> {
        match rest {
            [short @ 0..=0x7F, after @ ..] => Some((usize::from(*short), after)),
            [0x81, low, after @ ..] => Some((usize::from(*low), after)),
            [0x82, high, low, after @ ..] => Some((usize::from(u16::from_be_bytes([*high, *low])), after)),
            _ => None,
        }
    }
}

impl<'a> Iterator for TlvReader<'a> {
    type Item = Result<(u8, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.rest.split_first()?;
        let entry = Self::split_length(rest).filter(|(length, after)| *length <= after.len());
        let Some((length, after)) = entry else {
            self.rest = &[];
            return Some(Err(Malformed));
        };
        let (value, rest) = after.split_at(length);
        self.rest = rest;
        Some(Ok((*tag, value)))
    }
}

/// Appends one entry, with its length in the shortest form. A value is cut off at 65535 bytes. A token never receives
/// such a value, because it does not fit into a short command.
pub(crate) fn write(into: &mut Vec<u8>, tag: u8, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    let [.., high, low] = value.len().to_be_bytes();
    into.push(tag);
    match value.len() {
        0..=0x7F => into.push(low),
        0x80..=0xFF => into.extend_from_slice(&[0x81, low]),
        _ => into.extend_from_slice(&[0x82, high, low]),
    }
    into.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(bytes: &[u8]) -> Vec<Result<(u8, &[u8]), Malformed>> {
        TlvReader::new(bytes).collect()
    }

    #[test]
    fn entries_are_read_up_to_the_first_damaged_one() {
        assert_eq!(entries(&[]), []);
        assert_eq!(entries(&[0x71, 0]), [Ok((0x71, &[][..]))]);
        assert_eq!(entries(&[0x71, 1, 9, 0x74, 0x81, 1, 8]), [Ok((0x71, &[9][..])), Ok((0x74, &[8][..]))]);
        assert_eq!(entries(&[0x76, 0x82, 0, 2, 5, 6]), [Ok((0x76, &[5, 6][..]))]);
        let damaged: [&[u8]; 8] = [
            &[0x71],
            &[0x71, 1],
            &[0x71, 0x81],
            &[0x71, 0x81, 1],
            &[0x71, 0x82, 0],
            &[0x71, 0x82, 0xFF, 0xFF, 1],
            &[0x71, 0x80],
            &[0x71, 0xFF, 1, 2, 3],
        ];
        for bytes in damaged {
            assert_eq!(entries(bytes), [Err(Malformed)], "{bytes:02x?}");
            assert_eq!(entries(&[&[0x79, 1, 5], bytes].concat()), [Ok((0x79, &[5][..])), Err(Malformed)]);
        }
    }

    #[test]
    fn lengths_are_written_in_the_shortest_form() {
        for (length, head) in [
            (0, &[0x71, 0][..]),
            (127, &[0x71, 0x7F]),
            (128, &[0x71, 0x81, 0x80]),
            (255, &[0x71, 0x81, 0xFF]),
            (256, &[0x71, 0x82, 1, 0]),
            (65535, &[0x71, 0x82, 0xFF, 0xFF]),
        ] {
            let mut bytes = Vec::new();
            write(&mut bytes, 0x71, &vec![7; length]);
            assert_eq!(bytes[..bytes.len() - length], *head);
        }
    }

    proptest! {
        #[test]
        fn written_entries_are_read_back(tag: u8, value in prop::collection::vec(any::<u8>(), 0..700)) {
            let mut bytes = Vec::new();
            write(&mut bytes, tag, &value);
            prop_assert_eq!(entries(&bytes), vec![Ok((tag, value.as_slice()))]);
        }

        #[test]
        fn any_bytes_are_read_without_panicking(bytes: Vec<u8>) {
            prop_assert!(entries(&bytes).len() <= bytes.len());
        }
    }
}
