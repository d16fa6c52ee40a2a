//! A text with some ranges replaced, which is wiped when dropped. It is written without copying the other ranges,
//! since a copy would have to be wiped too.

use std::io::{self, ErrorKind, IoSlice, Write};
use std::ops::Range;
use zeroize::Zeroizing;

/// A byte range of the old text, and the text that replaces it.
pub type Edit = (Range<usize>, Zeroizing<String>);

/// A text with some ranges replaced, which is wiped when dropped.
pub struct Edited {
    text: Zeroizing<Vec<u8>>,
    edits: Vec<Edit>,
}

impl Edited {
    /// Returns `text` with `edits` applied. The edits must be in order and must not overlap.
    #[must_use]
    pub fn new(text: Zeroizing<Vec<u8>>, edits: Vec<Edit>) -> Self {
        Self { text, edits }
    }

    /// Returns true if the edits change nothing.
    pub(super) fn is_as_before(&self) -> bool {
        self.edits.iter().all(|(range, new)| self.text[range.clone()] == *new.as_bytes())
    }

    /// Returns the new text as consecutive pieces, which borrow from the old text and the edits.
    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.edits.iter().map(|(range, _)| range.end));
        let ends = self.edits.iter().map(|(range, _)| range.start).chain(std::iter::once(self.text.len()));
        let kept = starts.zip(ends).map(|(start, end)| &self.text[start..end]);
        let new = self.edits.iter().map(|(_, new)| new.as_bytes()).chain(std::iter::once(&[][..]));
        kept.zip(new).flat_map(|(kept, new)| [kept, new]).filter(|piece| !piece.is_empty())
    }

    pub(super) fn write_to(&self, mut file: impl Write) -> io::Result<()> {
        let mut pieces: Vec<IoSlice<'_>> = self.pieces().map(IoSlice::new).collect();
        let mut left = pieces.as_mut_slice();
        while !left.is_empty() {
            match file.write_vectored(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns true if the new text equals `found`.
    pub(super) fn is(&self, found: &[u8]) -> bool {
        let mut rest = Some(found);
        self.pieces().for_each(|piece| rest = rest.and_then(|rest| rest.strip_prefix(piece)));
        rest.is_some_and(<[u8]>::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that takes three bytes at a time, as a full pipe or a signal may cause.
    struct Slow(Vec<u8>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(3);
            self.0.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn edits_change_nothing_but_their_ranges() {
        let cases = [
            (vec![], "abcdef"),
            (vec![(0..0, "long word"), (0..2, "")], "long wordcdef"),
            (vec![(2..4, "CD"), (6..6, "\n"), (6..6, "g")], "abCDef\ng"),
            (vec![(2..4, "cd"), (6..6, "")], "abcdef"),
            (vec![(0..6, "")], ""),
            (vec![(1..2, "x"), (2..3, "yyyyyyy")], "axyyyyyyydef"),
        ];
        for (edits, after) in cases {
            let edits = edits.into_iter().map(|(range, new)| (range, Zeroizing::new(new.to_owned()))).collect();
            let edited = Edited::new(Zeroizing::new(b"abcdef".to_vec()), edits);
            let mut written = Slow(Vec::new());
            edited.write_to(&mut written).unwrap();
            assert_eq!(String::from_utf8(written.0).unwrap(), after);
            assert_eq!(edited.is_as_before(), after == "abcdef");
            assert!(edited.is(after.as_bytes()) && !edited.is(format!("{after}+").as_bytes()) && !edited.is(b"-"));
        }
    }
}
