//! One of AWS's two files as lines of text: a section is found, its keys are set, every other byte stays.
//!
//! What is written is what every client reads alike: `[name]` or `[profile name]` at the start of a line, lower-case
//! `key = value`, no quotes, no comment behind a value.

mod lines;
pub mod warnings;

pub use lines::Section;

use lines::{Header, breaks_inside, entries, line_number, lines};
use std::ops::Range;
use zeroize::Zeroizing;

/// A file's text. It holds long-term keys, so it is wiped when it is let go.
pub struct Sections {
    text: Zeroizing<Vec<u8>>,
}

/// Why a section cannot be edited: doing so would leave a file that clients read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditFault {
    /// The section's header stands twice; the line (from 1) of the second one.
    SectionTwice {
        /// Line number, from 1.
        line: usize,
    },
    /// The section's header is not written as every client reads it.
    OddHeader {
        /// Line number, from 1.
        line: usize,
    },
    /// A comment below a key, with blanks before it: to some clients it is a part of the value.
    IndentedComment {
        /// Line number, from 1.
        line: usize,
    },
    /// A key with blanks before it: to some clients it is one, to others a part of the value above, or nothing.
    IndentedKey {
        /// Line number, from 1.
        line: usize,
    },
    /// A carriage return inside a line: to some clients a line ends there.
    LoneReturn {
        /// Line number, from 1.
        line: usize,
    },
    /// A line that is no header, key, comment or blank.
    Unreadable {
        /// Line number, from 1.
        line: usize,
    },
}

impl Sections {
    /// Takes the bytes of a file.
    #[must_use]
    pub fn new(text: Zeroizing<Vec<u8>>) -> Self {
        Self { text }
    }

    /// The bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// The same, handed on.
    #[must_use]
    pub fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.text
    }

    /// Whether the section stands in the file.
    ///
    /// # Errors
    /// [`EditFault`].
    pub fn has(&self, header: &str) -> Result<bool, EditFault> {
        Ok(self.find(header)?.is_some())
    }

    /// The section, if it stands in the file.
    ///
    /// # Errors
    /// [`EditFault`].
    pub fn find(&self, wanted: &str) -> Result<Option<Section<'_>>, EditFault> {
        let text = self.text.as_slice();
        let mut found: Option<(Range<usize>, usize)> = None;
        let mut open = false;
        let returns = text.contains(&b'\r');
        for line in lines(text, 0..text.len()) {
            let number = || line_number(text, line.start);
            let bytes = &text[line.clone()];
            if returns && breaks_inside(bytes) {
                return Err(EditFault::LoneReturn { line: number() });
            }
            let Some(header) = Header::read(bytes, line.start == 0) else { continue };
            if let (Some((_, end)), true, true) = (&mut found, open, header.at_start) {
                *end = line.start;
            }
            let wanted = header.may_be(wanted).then(|| header.plain && header.name == wanted);
            match (wanted, &found) {
                (None, _) => open &= !header.at_start,
                (Some(false), _) => return Err(EditFault::OddHeader { line: number() }),
                (Some(true), Some(_)) => return Err(EditFault::SectionTwice { line: number() }),
                (Some(true), None) => (open, found) = (true, Some((line, text.len()))),
            }
        }
        let Some((header, end)) = found else { return Ok(None) };
        Ok(Some(Section { text, entries: entries(text, header.end..end)?, header }))
    }

    /// The section, if it stands in the file and `keys` could be set in it.
    ///
    /// # Errors
    /// [`EditFault`].
    pub fn editable(&self, header: &str, keys: &[&str]) -> Result<Option<Section<'_>>, EditFault> {
        let section = self.find(header)?;
        match section.as_ref().and_then(|section| section.hidden(keys)) {
            Some(at) => Err(EditFault::IndentedKey { line: line_number(&self.text, at) }),
            None => Ok(section),
        }
    }

    /// Gives `keys` their values and takes `gone` away, in a section that is appended if it is not there.
    ///
    /// # Errors
    /// [`EditFault`]; the text is then as it was.
    pub fn set(&mut self, header: &str, keys: &[(&str, &str)], gone: &[&str]) -> Result<(), EditFault> {
        let names: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
        let Some(section) = self.editable(header, &names)? else {
            self.append(header, keys);
            return Ok(());
        };
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        let eol = self.line_ending(section.header.end);
        let mut stands = vec![false; keys.len()];
        for entry in &section.entries {
            let index = keys.iter().position(|(key, _)| *key == entry.key);
            let first = index.filter(|&index| !std::mem::replace(&mut stands[index], true));
            match (first, index) {
                (Some(index), _) => {
                    let (key, value) = keys[index];
                    edits.push((entry.lines.clone(), format!("{key} = {value}{eol}")));
                }
                (None, Some(_)) => edits.push((entry.lines.clone(), String::new())),
                (None, None) if gone.contains(&entry.key.as_str()) => edits.push((entry.lines.clone(), String::new())),
                (None, None) => {}
            }
        }
        let fresh = keys.iter().zip(stands).filter(|(_, stands)| !stands);
        let fresh: String = fresh.map(|((key, value), _)| format!("{key} = {value}{eol}")).collect();
        edits.push((section.end()..section.end(), fresh));
        self.apply(edits, eol);
        Ok(())
    }

    /// Takes `keys` away: the whole section where it is as [`Self::set`] made it for just these keys, in this order;
    /// the file is then, byte for byte, what it was before.
    ///
    /// # Errors
    /// [`EditFault`]; the text is then as it was.
    pub fn remove(&mut self, header: &str, keys: &[&str]) -> Result<(), EditFault> {
        let Some(section) = self.find(header)? else { return Ok(()) };
        let edits = if section.is_as_made(keys) {
            vec![self.appended(section.header.start, section.end())]
        } else {
            let ours = section.entries.iter().filter(|entry| keys.contains(&entry.key.as_str()));
            ours.map(|entry| entry.lines.clone()).collect()
        };
        self.apply(edits.into_iter().map(|lines| (lines, String::new())).collect(), "");
        Ok(())
    }

    /// What [`Self::append`] added for a section that stands at `start..end`: the one line break before it, too. That
    /// one stays where it ends a line, and something was added behind our section since.
    fn appended(&self, start: usize, end: usize) -> Range<usize> {
        let before = &self.text[..start];
        let kept = before.strip_suffix(b"\r\n").or(before.strip_suffix(b"\n")).unwrap_or(before);
        let is_blank = kept.is_empty() || kept.ends_with(b"\n");
        if is_blank || end == self.text.len() { kept.len()..end } else { start..end }
    }

    /// Replaces ranges that are in order and do not overlap.
    fn apply(&mut self, edits: Vec<(Range<usize>, String)>, eol: &str) {
        let more: usize = edits.iter().map(|(_, new)| new.len() + eol.len()).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(self.text.len() + more));
        let mut done = 0;
        for (range, new) in edits {
            let new = Zeroizing::new(new);
            text.extend_from_slice(&self.text[done..range.start]);
            if !new.is_empty() && !text.is_empty() && !text.ends_with(b"\n") {
                text.extend_from_slice(eol.as_bytes());
            }
            text.extend_from_slice(new.as_bytes());
            done = range.end;
        }
        text.extend_from_slice(&self.text[done..]);
        self.text = text;
    }

    /// Adds one line break before it, never more nor fewer, so that it can be taken away again: it makes a blank line,
    /// or ends the last one.
    fn append(&mut self, header: &str, keys: &[(&str, &str)]) {
        let eol = self.line_ending(self.text.len());
        let lines: String = keys.iter().map(|(key, value)| format!("{key} = {value}{eol}")).collect();
        let blank = if self.text.is_empty() || !self.text.ends_with(b"\n") { "" } else { eol };
        let end = self.text.len();
        self.apply(vec![(end..end, format!("{blank}[{header}]{eol}{lines}"))], eol);
    }

    /// The line ending of the line before `at`, else the file's first, else a line feed.
    fn line_ending(&self, at: usize) -> &'static str {
        let crlf = |text: &[u8]| text.ends_with(b"\r\n");
        let before = self.text[..at].iter().rposition(|&b| b == b'\n');
        let first = || self.text.iter().position(|&b| b == b'\n');
        match before.or_else(first) {
            Some(end) if crlf(&self.text[..=end]) => "\r\n",
            _ => "\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edited(text: &str, keys: &[(&str, &str)], gone: &[&str]) -> Result<String, EditFault> {
        let mut sections = Sections::new(Zeroizing::new(text.as_bytes().to_vec()));
        sections.set("dev", keys, gone)?;
        Ok(String::from_utf8(sections.bytes().to_vec()).unwrap())
    }

    #[test]
    fn every_other_byte_stays() {
        let cases = [
            ("", "[dev]\na = 1\n"),
            ("# note", "# note\n[dev]\na = 1\n"),
            ("[x]\nk = v\n\n", "[x]\nk = v\n\n\n[dev]\na = 1\n"),
            ("[x]\r\nk = v\r\n", "[x]\r\nk = v\r\n\r\n[dev]\r\na = 1\r\n"),
            ("[dev]\nb = 2\n# about x\n[x]\n", "[dev]\nb = 2\na = 1\n# about x\n[x]\n"),
            ("[dev]\nA: 0 # old\n  more\nb=2", "[dev]\na = 1\nb=2"),
            ("[dev]\nb=2", "[dev]\nb=2\na = 1\n"),
            ("[dev]", "[dev]\na = 1\n"),
            ("[dev] # note\na = 0\na = 9\n", "[dev] # note\na = 1\n"),
            ("[dev]\n#a = 0\ns3 =\n  x = y\n[dev2]\na = 3\n", "[dev]\n#a = 0\ns3 =\n  x = y\na = 1\n[dev2]\na = 3\n"),
            ("[profile dev]\na = 0\n", "[profile dev]\na = 0\n\n[dev]\na = 1\n"),
        ];
        for (before, after) in cases {
            assert_eq!(edited(before, &[("a", "1")], &[]).as_deref(), Ok(after), "{before:?}");
        }
    }

    #[test]
    fn keys_are_taken_away_with_their_lines() {
        let text = "[dev]\naws_security_token = x\n  y\nb = 2\n";
        assert_eq!(edited(text, &[("b", "3")], &["aws_security_token"]).as_deref(), Ok("[dev]\nb = 3\n"));
    }

    #[test]
    fn what_clients_read_differently_is_refused_with_its_line() {
        assert_eq!(edited("[dev]\n[x]\n[dev]\n", &[], &[]), Err(EditFault::SectionTwice { line: 3 }));
        assert_eq!(edited("[ dev ]\n", &[], &[]), Err(EditFault::OddHeader { line: 1 }));
        assert_eq!(edited("[dev]\na = 1\n  # b\n", &[], &[]), Err(EditFault::IndentedComment { line: 3 }));
        assert_eq!(edited("[dev]\nrubbish\n", &[], &[]), Err(EditFault::Unreadable { line: 2 }));
        assert_eq!(edited("[dev]\n  a = 1\n", &[], &[]), Err(EditFault::IndentedKey { line: 2 }));
        assert_eq!(edited("[dev]\nb =\n  a = 1\n", &[("a", "2")], &[]), Err(EditFault::IndentedKey { line: 3 }));
        assert_eq!(edited("[x]\n# note\r[dev]\n", &[], &[]), Err(EditFault::LoneReturn { line: 2 }));
        for header in
            ["[dev] junk", "[dev];x", "[dev] # [x]", "[\tdev]", " [dev]", "\u{b}[dev]", "\u{a0}[dev]", "[dev]x]"]
        {
            let text = format!("[x]\nk = v\n{header}\n");
            assert_eq!(edited(&text, &[], &[]), Err(EditFault::OddHeader { line: 3 }), "{header:?}");
        }
    }

    #[test]
    fn values_are_read_as_they_stand() {
        let sections = Sections::new(Zeroizing::new(b"[dev]\nKey = a = b \n".to_vec()));
        let section = sections.find("dev").unwrap().unwrap();
        assert_eq!((section.get("key"), section.get("no")), (Some("a = b"), None));
        assert!(sections.find("no").unwrap().is_none());
    }

    #[test]
    fn what_was_appended_is_taken_away_to_the_byte() {
        let befores = ["", "\n", "\n\n", "# note", "[x]\nk = v", "[x]\nk = v\n", "[x]\nk = v\n\n", "[x]\r\nk = v\r\n"];
        for before in befores {
            let mut sections = Sections::new(Zeroizing::new(before.as_bytes().to_vec()));
            sections.set("dev", &[("a", "1"), ("b", "2")], &[]).unwrap();
            sections.set("dev", &[("b", "3"), ("a", "2")], &[]).unwrap();
            sections.remove("dev", &["a", "b"]).unwrap();
            assert_eq!(sections.bytes(), before.as_bytes(), "{before:?}");
        }
    }

    #[test]
    fn what_others_added_stays_where_it_was() {
        let cases = [
            ("[x]\n\n[dev]\na = 1\nb = 2\n\n[y]\n", "[x]\n\n[y]\n"),
            ("# note\n[dev]\na = 1\nb = 2\n[y]\n", "# note\n[y]\n"),
            ("[dev]\na = 1\nregion = r\nb = 2\n", "[dev]\nregion = r\n"),
            ("[dev]\nb = 2\na = 1\n", "[dev]\n"),
            ("[dev]\na = 1\n# mine\nb = 2\n", "[dev]\n# mine\n"),
            ("[dev] # mine\na = 1\nb = 2\n", "[dev] # mine\n"),
            ("\u{feff}[dev]\na = 1\nb = 2\n", "\u{feff}[dev]\n"),
            ("[x]\na = 1\n", "[x]\na = 1\n"),
        ];
        for (before, after) in cases {
            let mut sections = Sections::new(Zeroizing::new(before.as_bytes().to_vec()));
            sections.remove("dev", &["a", "b"]).unwrap();
            assert_eq!(String::from_utf8_lossy(sections.bytes()), after, "{before:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_edited_or_refused_and_twice_is_once(text in prop::collection::vec(any::<u8>(), 0..200)) {
            check(text)?;
        }

        #[test]
        fn line_soup_too(lines in prop::collection::vec(
            prop::sample::select(vec!["[dev]", "[x]", "a = 1", "  b", "#c", "", "k: v", "[dev] #", "\r", "rubbish"]), 0..12),
            ending in prop::sample::select(vec!["\n", "\r\n"]))
        {
            check(lines.join(ending).into_bytes())?;
        }
    }

    fn check(text: Vec<u8>) -> Result<(), TestCaseError> {
        let before = Sections::new(Zeroizing::new(text.clone()));
        let mut sections = Sections::new(Zeroizing::new(text.clone()));
        if sections.set("dev", &[("a", "2"), ("z", "3")], &["k"]).is_err() {
            prop_assert_eq!(sections.bytes(), &text[..]);
            return Ok(());
        }
        let section = sections.find("dev").unwrap().unwrap();
        prop_assert_eq!((section.get("a"), section.get("z")), (Some("2"), Some("3")));
        let once = sections.bytes().to_vec();
        prop_assert_eq!(sections.set("dev", &[("a", "2"), ("z", "3")], &["k"]), Ok(()));
        prop_assert_eq!(sections.bytes(), &once[..]);
        if before.has("dev") == Ok(false) {
            prop_assert_eq!(sections.remove("dev", &["a", "z"]), Ok(()));
            prop_assert_eq!(sections.bytes(), before.bytes());
        }
        let _ = warnings::warnings(&sections);
        Ok(())
    }
}
