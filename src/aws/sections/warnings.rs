//! Warnings about lines that some AWS clients misread and that this program did not write. Clients are named by the
//! language of their SDK; Python's include the AWS CLI.

use super::Sections;
use super::lines::{Header, breaks_inside, lines};
use std::borrow::Cow;
use std::collections::HashSet;

/// A line that some AWS clients misread, so that the file's owner should correct it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Line number, from 1.
    pub line: usize,
    /// Fault of the line, and the clients that it affects.
    pub what: Misread,
}

/// Kinds of text that some AWS clients misread. Each kind names these clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misread {
    /// The file begins with a byte order mark: Python's and Rust's clients reject the whole file.
    ByteOrderMark,
    /// The section is in the file a second time: Python's clients reject the whole file.
    SectionTwice {
        /// Name of the section that occurs twice.
        section: String,
    },
    /// The key is in its section a second time: Python's clients reject the whole file.
    KeyTwice {
        /// Name of the key, in lower case.
        key: String,
    },
    /// A key in `[DEFAULT]`, which Python's clients read into every section.
    ForAll {
        /// Name of the key, in lower case.
        key: String,
    },
    /// Blanks in or before a header, or text after it: clients disagree on which section begins there.
    OddHeader,
    /// A colon instead of `=`: Rust's clients reject the whole file, JavaScript's ignore the line.
    Colon {
        /// Name of the key, in lower case.
        key: String,
    },
    /// A line that is neither a header, a key nor a comment: Python's and Rust's clients reject the whole file.
    Unreadable,
    /// A key before the first header: Python's and Rust's clients reject the whole file.
    BeforeSections,
    /// The first key of a section is indented: Rust's clients reject the whole file.
    IndentedKey,
    /// An indented comment below a key: Rust's clients read it as a part of the value.
    IndentedComment,
    /// A comment on the same line after the value of one of AWS's keys: Python's clients read it as a part of the
    /// value.
    CommentBehind {
        /// Name of the key, in lower case.
        key: String,
    },
    /// One of AWS's keys is written with upper-case letters: JavaScript's clients do not find it.
    NotLowerCase {
        /// Name of the key, in lower case.
        key: String,
    },
    /// A carriage return in the middle of a line: Python's clients read it as the end of the line.
    LoneReturn,
}

/// Keys that hold the parts of a session or of a long-term key.
const KEYS: [&str; 4] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"];
/// Keys that change the identity of every profile for Python's clients if they are in `[DEFAULT]`.
const WINNING: [&str; 9] = [
    KEYS[0],
    KEYS[1],
    KEYS[2],
    KEYS[3],
    "role_arn",
    "credential_process",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
];

/// Returns the warnings about a file, in the order of its lines.
#[must_use]
pub fn warnings(file: &Sections) -> Vec<Warning> {
    let text = file.bytes();
    let mut reader = WarningScan { returns: text.contains(&b'\r'), ..WarningScan::default() };
    if text.starts_with(b"\xEF\xBB\xBF") {
        reader.line = 1;
        reader.warn(Misread::ByteOrderMark);
    }
    for (number, line) in lines(text, 0..text.len()).enumerate() {
        reader.line = number + 1;
        let bytes = &text[line];
        reader.read(if number == 0 { bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes) } else { bytes });
    }
    reader.found
}

/// The state of the scan through a file.
#[derive(Default)]
struct WarningScan<'a> {
    line: usize,
    /// True if the file has at least one carriage return.
    returns: bool,
    sections: HashSet<Cow<'a, str>>,
    /// Name of the section being scanned; `None` before the first header.
    section: Option<Cow<'a, str>>,
    /// Keys found so far in the section being scanned.
    keys: HashSet<Cow<'a, str>>,
    found: Vec<Warning>,
}

impl<'a> WarningScan<'a> {
    fn warn(&mut self, what: Misread) {
        self.found.push(Warning { line: self.line, what });
    }

    fn read(&mut self, line: &'a [u8]) {
        let content = line.trim_ascii();
        if self.returns && breaks_inside(line) {
            self.warn(Misread::LoneReturn);
        }
        match content.first() {
            None => {}
            Some(b'#' | b';') if line[0].is_ascii_whitespace() && !self.keys.is_empty() => {
                self.warn(Misread::IndentedComment);
            }
            Some(b'#' | b';') => {}
            Some(_) => match Header::read(line, false) {
                Some(header) => self.header(&header, String::from_utf8_lossy(&line[header.name.clone()])),
                None if line[0].is_ascii_whitespace() && !self.keys.is_empty() => {}
                None => self.key(line),
            },
        }
    }

    fn header(&mut self, header: &Header, name: Cow<'a, str>) {
        if !header.plain || name.trim() != name {
            self.warn(Misread::OddHeader);
        }
        if !header.at_start {
            return;
        }
        if !self.sections.insert(name.clone()) {
            self.warn(Misread::SectionTwice { section: name.clone().into_owned() });
        }
        self.keys.clear();
        self.section = Some(name);
    }

    fn key(&mut self, line: &'a [u8]) {
        if self.section.is_none() {
            return self.warn(Misread::BeforeSections);
        }
        let Some(split) = line.iter().position(|&b| b == b'=' || b == b':').filter(|&at| at > 0) else {
            return self.warn(Misread::Unreadable);
        };
        if line[0].is_ascii_whitespace() {
            self.warn(Misread::IndentedKey);
        }
        let written = String::from_utf8_lossy(line[..split].trim_ascii());
        let is_lower = !written.chars().any(char::is_uppercase);
        let key = if is_lower { written } else { Cow::from(written.to_lowercase()) };
        if line[split] == b':' {
            self.warn(Misread::Colon { key: key.clone().into_owned() });
        }
        if KEYS.contains(&key.as_ref()) {
            self.aws_key(&key, is_lower, &line[split + 1..]);
        }
        if self.section.as_deref() == Some("DEFAULT") && WINNING.contains(&key.as_ref()) {
            self.warn(Misread::ForAll { key: key.clone().into_owned() });
        }
        if let Some(key) = self.keys.replace(key) {
            self.warn(Misread::KeyTwice { key: key.into_owned() });
        }
    }

    fn aws_key(&mut self, key: &str, is_lower: bool, value: &[u8]) {
        if !is_lower {
            self.warn(Misread::NotLowerCase { key: key.to_owned() });
        }
        let opens = |pair: &[u8]| pair[0].is_ascii_whitespace() && matches!(pair[1], b'#' | b';');
        let may_have = value.contains(&b'#') || value.contains(&b';');
        if may_have && value.windows(2).any(opens) {
            self.warn(Misread::CommentBehind { key: key.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn found(text: &str) -> Vec<(usize, Misread)> {
        let sections = Sections::new(Zeroizing::new(text.as_bytes().to_vec()));
        warnings(&sections).into_iter().map(|warning| (warning.line, warning.what)).collect()
    }

    #[test]
    fn each_kind_of_text_is_found_in_its_line() {
        let key = || "aws_session_token".to_owned();
        let cases = [
            ("\u{feff}[a]\n", 1, Misread::ByteOrderMark),
            ("[a]\nk = v\n[b]\n[a]\n", 4, Misread::SectionTwice { section: "a".to_owned() }),
            ("[a]\nk = v\nK = w\n", 3, Misread::KeyTwice { key: "k".to_owned() }),
            ("[DEFAULT]\naws_session_token = x\n", 2, Misread::ForAll { key: key() }),
            ("[a]\n[ b ]\n", 2, Misread::OddHeader),
            ("[a] junk\n", 1, Misread::OddHeader),
            ("[a]\nk = v\n [b]\n", 3, Misread::OddHeader),
            ("[a]\nk: v\n", 2, Misread::Colon { key: "k".to_owned() }),
            ("[a]\nrubbish\n", 2, Misread::Unreadable),
            ("\nk = v\n[a]\n", 2, Misread::BeforeSections),
            ("[a]\n  k = v\n", 2, Misread::IndentedKey),
            ("[a]\nk = v\n  # note\n", 3, Misread::IndentedComment),
            ("[a]\naws_session_token = x ; note\n", 2, Misread::CommentBehind { key: key() }),
            ("[a]\nAWS_Session_Token = x\n", 2, Misread::NotLowerCase { key: key() }),
            ("[a]\nk = v\rl = w\r\n", 2, Misread::LoneReturn),
        ];
        for (text, line, what) in cases {
            assert_eq!(found(text), [(line, what)], "{text:?}");
        }
    }

    #[test]
    fn text_that_all_clients_read_alike_gives_no_warning() {
        let text = "# [a]\r\n; x\n\n[a] # note\nk = v # w\naws_session_token = x#y\ns3 =\n  a = b\n  a = b\n[A]\nk=v\n[DEFAULT]\nregion = x\n";
        assert_eq!(found(text), []);
    }
}
