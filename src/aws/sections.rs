//! AWS's config or credentials file as lines of text: finds sections and sets their keys, and leaves every other byte
//! unchanged.
//!
//! Only text that every client reads in the same way is written: `[name]` or `[profile name]` at the start of a line,
//! lower-case `key = value`, no quotes, no comment after a value.

mod edits;
mod lines;
pub mod warnings;

pub use edits::Edits;
pub use lines::Section;

use lines::{Header, breaks_inside, entries, line_number, lines};
use std::ops::Range;
use zeroize::Zeroizing;

/// The text of a config or credentials file, with the positions of its section headers. The text may hold long-term
/// keys, so it is wiped when dropped.
pub struct Sections {
    text: Zeroizing<Vec<u8>>,
    /// Positions of all header lines, in the order of the file.
    headers: Vec<HeaderPlace>,
    /// Start of the first line that has a carriage return in its middle; `None` if the file has no such line.
    broken: Option<usize>,
}

/// The position of a section header in the text.
struct HeaderPlace {
    line: Range<usize>,
    name: Range<usize>,
    /// True if the name has neither blanks nor quotes, so that all clients read it unchanged.
    simple: bool,
    plain: bool,
    at_start: bool,
}

/// Reasons why a section cannot be edited safely, because AWS's clients would disagree about the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditFault {
    /// The file has two headers for the section.
    SectionTwice {
        /// Line number of the second header, from 1.
        line: usize,
    },
    /// The section's header is written in a way that not every client understands.
    OddHeader {
        /// Number of the faulty line, from 1.
        line: usize,
    },
    /// An indented comment below a key. Some clients read the comment as a part of the key's value.
    IndentedComment {
        /// Number of the faulty line, from 1.
        line: usize,
    },
    /// An indented key. Some clients read it as a key, some as a part of the value above it, and some ignore it.
    IndentedKey {
        /// Number of the faulty line, from 1.
        line: usize,
    },
    /// A carriage return in the middle of a line. Some clients read it as the end of the line.
    LoneReturn {
        /// Number of the faulty line, from 1.
        line: usize,
    },
    /// A line that is neither a header, a key nor a comment, and not blank.
    Unreadable {
        /// Number of the faulty line, from 1.
        line: usize,
    },
}

impl Sections {
    /// Finds all headers in the bytes of a file.
    #[must_use]
    pub fn new(text: Zeroizing<Vec<u8>>) -> Self {
        let (mut headers, mut broken) = (Vec::new(), None);
        let returns = text.contains(&b'\r');
        for line in lines(&text, 0..text.len()) {
            let bytes = &text[line.clone()];
            if returns && broken.is_none() && breaks_inside(bytes) {
                broken = Some(line.start);
            }
            if let Some(Header { name, plain, at_start }) = Header::read(bytes, line.start == 0) {
                let name = line.start + name.start..line.start + name.end;
                let simple = lines::is_simple(&text[name.clone()]);
                headers.push(HeaderPlace { line, name, simple, plain, at_start });
            }
        }
        Self { text, headers, broken }
    }

    /// Returns the bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// Returns the text of the sections whose header `wanted` accepts; all other sections are left out.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&str) -> bool) -> Vec<u8> {
        let at_start: Vec<&HeaderPlace> = self.headers.iter().filter(|place| place.at_start).collect();
        let mut text = Vec::new();
        for (index, place) in at_start.iter().enumerate() {
            if wanted(&String::from_utf8_lossy(&self.text[place.name.clone()])) {
                let end = at_start.get(index + 1).map_or(self.text.len(), |next| next.line.start);
                text.extend_from_slice(&self.text[place.line.start..end]);
            }
        }
        text
    }

    /// Returns true if the file has the section.
    ///
    /// # Errors
    /// [`EditFault`] if AWS's clients disagree about the section or its header.
    pub fn has(&self, header: &str) -> Result<bool, EditFault> {
        Ok(self.find(header)?.is_some())
    }

    /// Returns the section; `None` if the file does not have it.
    ///
    /// # Errors
    /// [`EditFault`] if AWS's clients disagree about the section or its header.
    pub fn find(&self, wanted: &str) -> Result<Option<Section<'_>>, EditFault> {
        let text = self.text.as_slice();
        let number = |at| line_number(text, at);
        let is_simple = lines::is_simple(wanted.as_bytes());
        let mut found = None;
        for (index, place) in self.headers.iter().enumerate() {
            if self.broken.is_some_and(|broken| broken <= place.line.start) {
                break;
            }
            let name = &text[place.name.clone()];
            let same = name == wanted.as_bytes();
            if !same && (place.simple && is_simple || !lines::may_be(name, wanted)) {
                continue;
            }
            if !place.plain || !same {
                return Err(EditFault::OddHeader { line: number(place.line.start) });
            }
            if found.replace(index).is_some() {
                return Err(EditFault::SectionTwice { line: number(place.line.start) });
            }
        }
        if let Some(broken) = self.broken {
            return Err(EditFault::LoneReturn { line: number(broken) });
        }
        let Some(index) = found else { return Ok(None) };
        let header = self.headers[index].line.clone();
        let next = self.headers[index + 1..].iter().find(|place| place.at_start);
        let end = next.map_or(text.len(), |place| place.line.start);
        Ok(Some(Section { text, entries: entries(text, header.end..end)?, header }))
    }

    /// Returns the section if `keys` can be set in it; `None` if the file does not have the section.
    ///
    /// # Errors
    /// [`EditFault`], as for [`Self::find`], and also if one of `keys` is indented below another key.
    pub fn editable(&self, header: &str, keys: &[&str]) -> Result<Option<Section<'_>>, EditFault> {
        let section = self.find(header)?;
        match section.as_ref().and_then(|section| section.hidden(keys)) {
            Some(at) => Err(EditFault::IndentedKey { line: line_number(&self.text, at) }),
            None => Ok(section),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sections(text: &[u8]) -> Sections {
        Sections::new(Zeroizing::new(text.to_vec()))
    }

    /// Returns the text with the edits that `change` makes.
    fn change(text: &[u8], change: impl FnOnce(&mut Edits<'_>) -> Result<(), EditFault>) -> Result<Vec<u8>, EditFault> {
        let sections = sections(text);
        let mut edits = Edits::of(&sections);
        change(&mut edits)?;
        let mut after = text.to_vec();
        for (range, new) in edits.finish().into_iter().rev() {
            after.splice(range, new.bytes());
        }
        Ok(after)
    }

    fn edited(text: &str, keys: &[(&str, &str)], gone: &[&str]) -> Result<String, EditFault> {
        change(text.as_bytes(), |edits| edits.set("dev", keys, gone)).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn editing_several_sections_at_once_equals_one_after_the_other() {
        let names = ["x", "dev", "new", "other", "dev", "new"];
        for text in ["", "[x]\nb = 2", "[dev]\r\na = 0\r\n[x]", "[x]\n[y]\nb = 1\n\n[dev] # note\nk = v\na = 0"] {
            let at_once = change(text.as_bytes(), |edits| {
                names.iter().try_for_each(|name| edits.set(name, &[("a", "1"), ("b", name)], &["k"]))
            });
            let mut after = text.as_bytes().to_vec();
            for name in names {
                after = change(&after, |edits| edits.set(name, &[("a", "1"), ("b", name)], &["k"])).unwrap();
            }
            let read = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
            assert_eq!(at_once.map(|text| read(&text)), Ok(read(&after)), "{text:?}");
        }
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
    fn keys_are_removed_with_their_lines() {
        let text = "[dev]\naws_security_token = x\n  y\nb = 2\n";
        assert_eq!(edited(text, &[("b", "3")], &["aws_security_token"]).as_deref(), Ok("[dev]\nb = 3\n"));
    }

    #[test]
    fn text_that_clients_read_differently_is_refused_with_its_line() {
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
        let sections = sections(b"[dev]\nKey = a = b \n");
        let section = sections.find("dev").unwrap().unwrap();
        assert_eq!((section.get("key"), section.get("no")), (Some("a = b"), None));
        assert!(sections.find("no").unwrap().is_none());
    }

    #[test]
    fn an_appended_section_is_removed_to_the_byte() {
        let befores = ["", "\n", "\n\n", "# note", "[x]\nk = v", "[x]\nk = v\n", "[x]\nk = v\n\n", "[x]\r\nk = v\r\n"];
        for before in befores {
            let made = change(before.as_bytes(), |edits| edits.set("dev", &[("a", "1"), ("b", "2")], &[])).unwrap();
            let made = change(&made, |edits| edits.set("dev", &[("b", "3"), ("a", "2")], &[])).unwrap();
            let after = change(&made, |edits| edits.remove("dev", &["a", "b"])).unwrap();
            assert_eq!(after, before.as_bytes(), "{before:?}");
        }
    }

    #[test]
    fn neighbouring_sections_are_removed_together() {
        let cases = [
            ("[x]\nk = v\n\n[dev]\na = 1\n\n[new]\na = 1\n", "[x]\nk = v\n"),
            ("[dev]\na = 1\n[new]\na = 1\n", ""),
            ("[dev]\nb = 2\na = 1\n[new]\na = 1\n", "[dev]\nb = 2\n"),
        ];
        for (before, after) in cases {
            let removed = change(before.as_bytes(), |edits| {
                ["new", "dev"].iter().try_for_each(|name| edits.remove(name, &["a"]))
            });
            assert_eq!(String::from_utf8_lossy(&removed.unwrap()), after, "{before:?}");
        }
    }

    #[test]
    fn text_that_others_added_stays_where_it_was() {
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
            let removed = change(before.as_bytes(), |edits| edits.remove("dev", &["a", "b"])).unwrap();
            assert_eq!(String::from_utf8_lossy(&removed), after, "{before:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_edited_idempotently(text in prop::collection::vec(any::<u8>(), 0..200)) {
            check(text)?;
        }

        #[test]
        fn random_lines_are_refused_or_edited_idempotently(lines in prop::collection::vec(
            prop::sample::select(vec!["[dev]", "[x]", "a = 1", "  b", "#c", "", "k: v", "[dev] #", "\r", "rubbish"]), 0..12),
            ending in prop::sample::select(vec!["\n", "\r\n"]))
        {
            check(lines.join(ending).into_bytes())?;
        }
    }

    fn check(text: Vec<u8>) -> Result<(), TestCaseError> {
        let before = sections(&text);
        let set = |text: &[u8]| change(text, |edits| edits.set("dev", &[("a", "2"), ("z", "3")], &["k"]));
        let Ok(once) = set(&text) else { return Ok(()) };
        let after = sections(&once);
        let section = after.find("dev").unwrap().unwrap();
        prop_assert_eq!((section.get("a"), section.get("z")), (Some("2"), Some("3")));
        let twice = set(&once);
        prop_assert_eq!(twice.as_ref(), Ok(&once));
        if before.has("dev") == Ok(false) {
            let removed = change(&once, |edits| edits.remove("dev", &["a", "z"]));
            prop_assert_eq!(removed.as_ref(), Ok(&text));
        }
        let _ = warnings::warnings(&after);
        Ok(())
    }
}
