//! One of AWS's two files as lines of text: a section is found, its keys are set, every other byte stays.
//!
//! What is written is what every client reads alike: `[name]` or `[profile name]` at the start of a line, lower-case
//! `key = value`, no quotes, no comment behind a value.

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
    /// A line that is no header, key, comment or blank.
    Unreadable {
        /// Line number, from 1.
        line: usize,
    },
}

/// A key with the lines that belong to it.
struct Entry {
    key: String,
    value: Range<usize>,
    /// The line with the key and the indented ones below it.
    lines: Range<usize>,
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
    /// [`EditFault::SectionTwice`].
    pub fn has(&self, header: &str) -> Result<bool, EditFault> {
        Ok(self.body(header)?.is_some())
    }

    /// The value of a key in a section; the key in lower case.
    ///
    /// # Errors
    /// [`EditFault`].
    pub fn get(&self, header: &str, key: &str) -> Result<Option<&str>, EditFault> {
        Ok(self.all(header, key)?.first().copied())
    }

    /// All values of a key in a section: it may stand there more than once.
    ///
    /// # Errors
    /// [`EditFault`].
    pub fn all(&self, header: &str, key: &str) -> Result<Vec<&str>, EditFault> {
        let Some(body) = self.body(header)? else { return Ok(Vec::new()) };
        let entries = self.entries(body)?.into_iter().filter(|entry| entry.key == key);
        Ok(entries.filter_map(|entry| std::str::from_utf8(&self.text[entry.value]).ok()).map(str::trim).collect())
    }

    /// Gives `keys` their values and takes `gone` away, in a section that is appended if it is not there.
    ///
    /// # Errors
    /// [`EditFault`]; the text is then as it was.
    pub fn set(&mut self, header: &str, keys: &[(&str, &str)], gone: &[&str]) -> Result<(), EditFault> {
        let Some(body) = self.body(header)? else {
            self.append(header, keys);
            return Ok(());
        };
        let entries = self.entries(body.clone())?;
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        let eol = self.line_ending(body.start);
        for (index, entry) in entries.iter().enumerate() {
            let twin = entries[..index].iter().any(|other| other.key == entry.key);
            match keys.iter().find(|(key, _)| *key == entry.key) {
                Some((key, value)) if !twin => edits.push((entry.lines.clone(), format!("{key} = {value}{eol}"))),
                Some(_) => edits.push((entry.lines.clone(), String::new())),
                None if gone.contains(&entry.key.as_str()) => edits.push((entry.lines.clone(), String::new())),
                None => {}
            }
        }
        let fresh = keys.iter().filter(|(key, _)| !entries.iter().any(|entry| entry.key == *key));
        let fresh: String = fresh.map(|(key, value)| format!("{key} = {value}{eol}")).collect();
        let end = entries.last().map_or(body.start, |entry| entry.lines.end);
        edits.push((end..end, fresh));
        self.apply(edits, eol);
        Ok(())
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

    fn append(&mut self, header: &str, keys: &[(&str, &str)]) {
        let eol = self.line_ending(self.text.len());
        let lines: String = keys.iter().map(|(key, value)| format!("{key} = {value}{eol}")).collect();
        let blank = if self.text.is_empty() || self.text.ends_with(b"\n\n") || self.text.ends_with(b"\n\r\n") {
            ""
        } else {
            eol
        };
        let end = self.text.len();
        self.apply(vec![(end..end, format!("{blank}[{header}]{eol}{lines}"))], eol);
    }

    /// The line ending of the line before `at`, else the file's first, else a line feed.
    fn line_ending(&self, at: usize) -> &'static str {
        let crlf = |text: &[u8]| text.ends_with(b"\r\n");
        let before = self.text[..at].iter().rposition(|&b| b == b'\n');
        let first = self.text.iter().position(|&b| b == b'\n');
        match before.or(first) {
            Some(end) if crlf(&self.text[..=end]) => "\r\n",
            _ => "\n",
        }
    }

    /// Lines as ranges, line ending included.
    fn lines(&self, within: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut start = within.start;
        self.text[within].split_inclusive(|&b| b == b'\n').map(move |line| {
            let range = start..start + line.len();
            start = range.end;
            range
        })
    }

    fn line_number(&self, at: usize) -> usize {
        self.text[..at].iter().filter(|&&b| b == b'\n').count() + 1
    }

    /// The text between a section's header and the next one's.
    fn body(&self, wanted: &str) -> Result<Option<Range<usize>>, EditFault> {
        let mut body: Option<Range<usize>> = None;
        let mut open = false;
        for line in self.lines(0..self.text.len()) {
            let Some(name) = header(&self.text[line.clone()], line.start == 0) else { continue };
            if let (Some(found), true) = (&mut body, open) {
                found.end = line.start;
            }
            open = name.split_whitespace().eq(wanted.split_whitespace());
            if open && name != wanted {
                return Err(EditFault::OddHeader { line: self.line_number(line.start) });
            }
            if open && body.is_some() {
                return Err(EditFault::SectionTwice { line: self.line_number(line.start) });
            }
            if open {
                body = Some(line.end..self.text.len());
            }
        }
        Ok(body)
    }

    fn entries(&self, body: Range<usize>) -> Result<Vec<Entry>, EditFault> {
        let mut entries: Vec<Entry> = Vec::new();
        for line in self.lines(body) {
            let text = &self.text[line.clone()];
            let blank = text.trim_ascii().is_empty();
            if blank || text.starts_with(b"#") || text.starts_with(b";") {
                continue;
            }
            if text[0].is_ascii_whitespace()
                && let Some(last) = entries.last_mut()
            {
                if [b'#', b';'].contains(&text.trim_ascii_start()[0]) {
                    return Err(EditFault::IndentedComment { line: self.line_number(line.start) });
                }
                last.lines.end = line.end;
                continue;
            }
            let split = text.iter().position(|&b| b == b'=' || b == b':');
            let Some(split) = split.filter(|&at| at > 0) else {
                return Err(EditFault::Unreadable { line: self.line_number(line.start) });
            };
            let key = String::from_utf8_lossy(&text[..split]).trim().to_ascii_lowercase();
            entries.push(Entry { key, value: line.start + split + 1..line.end, lines: line });
        }
        Ok(entries)
    }
}

/// The name in a header line: `profile x` for `[profile x] # note`.
fn header(line: &[u8], first: bool) -> Option<String> {
    let line = if first { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
    let inner = line.strip_prefix(b"[")?;
    let end = inner.iter().position(|&b| b == b']')?;
    Some(String::from_utf8_lossy(&inner[..end]).into_owned())
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
            ("# note", "# note\n\n[dev]\na = 1\n"),
            ("[x]\nk = v\n\n", "[x]\nk = v\n\n[dev]\na = 1\n"),
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
    }

    #[test]
    fn values_are_read_as_they_stand() {
        let sections = Sections::new(Zeroizing::new(b"[dev]\nKey = a = b \n".to_vec()));
        assert_eq!(sections.get("dev", "key"), Ok(Some("a = b")));
        assert_eq!((sections.get("dev", "no"), sections.get("no", "key")), (Ok(None), Ok(None)));
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
        let mut sections = Sections::new(Zeroizing::new(text.clone()));
        if sections.set("dev", &[("a", "2"), ("z", "3")], &["k"]).is_err() {
            prop_assert_eq!(sections.bytes(), &text[..]);
            return Ok(());
        }
        prop_assert_eq!(sections.get("dev", "a"), Ok(Some("2")));
        prop_assert_eq!(sections.get("dev", "z"), Ok(Some("3")));
        let once = sections.bytes().to_vec();
        prop_assert_eq!(sections.set("dev", &[("a", "2"), ("z", "3")], &["k"]), Ok(()));
        prop_assert_eq!(sections.bytes(), &once[..]);
        Ok(())
    }
}
