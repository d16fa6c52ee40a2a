//! Parses the lines of a config or credentials file into sections and keys, and recognises lines that clients read
//! differently.

use super::EditFault;
use std::borrow::Cow;
use std::io::BufRead;
use std::ops::Range;

/// A key in a section, with its value and the lines that belong to it.
pub(super) struct KeyLines {
    /// Name of the key, in lower case.
    pub(super) key: String,
    pub(super) value: Range<usize>,
    /// Range of the key's line and the indented lines below it.
    pub(super) lines: Range<usize>,
}

/// A section of a file, with its keys.
pub struct Section<'a> {
    pub(super) text: &'a [u8],
    /// Range of the section's header line.
    pub(super) header: Range<usize>,
    pub(super) entries: Vec<KeyLines>,
}

impl Section<'_> {
    /// Returns the first value of a key; `None` if the section does not have the key. `key` must be in lower case.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.all(key).first().copied()
    }

    /// Returns all values of a key, which may occur in the section more than once.
    #[must_use]
    pub fn all(&self, key: &str) -> Vec<&str> {
        self.entries.iter().filter(|entry| entry.key == key).map(|entry| self.value(entry)).collect()
    }

    /// Returns the section's keys and values, in the order of the file.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), self.value(entry)))
    }

    fn value(&self, entry: &KeyLines) -> &str {
        std::str::from_utf8(&self.text[entry.value.clone()]).unwrap_or_default().trim()
    }

    /// Returns the start of a line that continues another key's value but that JavaScript's clients take for one of
    /// `keys`.
    pub(super) fn hidden(&self, keys: &[&str]) -> Option<usize> {
        let others = self.entries.iter().filter(|entry| !keys.contains(&entry.key.as_str()));
        let mut below = others.flat_map(|entry| lines(self.text, entry.lines.clone()).skip(1));
        let key = |line: &Range<usize>| self.text[line.clone()].split(|&b| b == b'=').next().unwrap_or_default();
        let hides = |line: &Range<usize>| {
            let key = key(line).trim_ascii();
            keys.iter().any(|name| key.eq_ignore_ascii_case(name.as_bytes()))
        };
        below.find(hides).map(|line| line.start)
    }

    /// Returns the ranges of line numbers (from 1) that `keys` and their values occupy.
    #[must_use]
    pub fn line_numbers(&self, keys: &[&str]) -> Vec<Range<usize>> {
        let ours = self.entries.iter().filter(|entry| keys.contains(&entry.key.as_str()));
        // A file may be long, so each of its line breaks is counted only once.
        let (mut at, mut number) = (self.header.start, line_number(self.text, self.header.start));
        let mut number_of = |next: usize| {
            number += breaks(&self.text[at..next]);
            at = next;
            number
        };
        ours.map(|entry| number_of(entry.lines.start)..number_of(entry.lines.end)).collect()
    }

    /// Returns the position after the section's last key, or after the header if the section has no keys.
    pub(super) fn end(&self) -> usize {
        self.entries.last().map_or(self.header.end, |entry| entry.lines.end)
    }

    /// Returns true if the section has, apart from the values, exactly the text that login writes when it creates a
    /// section with `keys`.
    #[must_use]
    pub fn is_as_made(&self, keys: &[&str]) -> bool {
        let mut at = self.header.end;
        let line = self.text[self.header.clone()].trim_ascii_end();
        let bare = line.starts_with(b"[") && line.ends_with(b"]");
        let in_place = |(entry, key): (&KeyLines, &&str)| {
            let line = &self.text[entry.lines.clone()];
            let follows = std::mem::replace(&mut at, entry.lines.end) == entry.lines.start;
            follows && entry.key == **key && !line.trim_ascii_end().contains(&b'\n')
        };
        bare && self.entries.len() == keys.len() && self.entries.iter().zip(keys).all(in_place)
    }
}

/// Returns the ranges of the lines in a part of the text; each range includes the line ending.
pub(super) fn lines(text: &[u8], within: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let (mut start, mut rest) = (within.start, &text[within]);
    std::iter::from_fn(move || {
        // `skip_until` uses the standard library's fast search. It cannot fail on a slice.
        let length = rest.skip_until(b'\n').ok().filter(|&length| length > 0)?;
        let line = start..start + length;
        start = line.end;
        Some(line)
    })
}

pub(super) fn line_number(text: &[u8], at: usize) -> usize {
    breaks(&text[..at]) + 1
}

fn breaks(text: &[u8]) -> usize {
    text.iter().filter(|&&b| b == b'\n').count()
}

/// Returns true if a line has a carriage return in its middle, which Python's clients read as the end of the line.
pub(super) fn breaks_inside(line: &[u8]) -> bool {
    let content = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(line);
    content.contains(&b'\r')
}

/// A section header within a line of text.
pub(super) struct Header {
    /// Range of the name within the line.
    pub(super) name: Range<usize>,
    /// True if the header begins the line and at most a comment follows, so that all clients see it.
    pub(super) plain: bool,
    /// True if the header begins the line.
    pub(super) at_start: bool,
}

impl Header {
    /// Parses the header in a line, if it has one. `first` is true for the file's first line, which may begin with a
    /// byte order mark.
    pub(super) fn read(line: &[u8], first: bool) -> Option<Self> {
        let whole = line.len();
        let line = if first { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
        let begun = line.strip_prefix(b"[");
        let inner = match begun {
            Some(inner) => inner,
            // Some clients recognise a header even after leading whitespace of any kind.
            None if line.first().is_some_and(|&b| b <= b' ' || b >= 0x7F) => indented(line)?,
            None => return None,
        };
        let end = inner.iter().position(|&b| b == b']')?;
        let (rest, gap) = (inner[end + 1..].trim_ascii(), inner.get(end + 1).is_some_and(u8::is_ascii_whitespace));
        let is_comment = rest.first().is_some_and(|first| gap && matches!(first, b'#' | b';') && !rest.contains(&b']'));
        let plain = begun.is_some() && (rest.is_empty() || is_comment);
        let start = whole - inner.len();
        Some(Self { name: start..start + end, plain, at_start: begun.is_some() })
    }
}

/// Returns true if a header's name has neither blanks nor quotes, which clients interpret in different ways.
pub(super) fn is_simple(name: &[u8]) -> bool {
    name.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\''))
}

/// Returns true if at least one client would read a header's name as `wanted`.
pub(super) fn may_be(name: &[u8], wanted: &str) -> bool {
    let name = String::from_utf8_lossy(name);
    // Profile names may be quoted in the config file, whose headers have a space: `profile name`.
    let quoted = wanted.contains(' ') && name.contains(['"', '\'']);
    let bare = if quoted { Cow::from(name.replace(['"', '\''], "")) } else { name };
    bare.split_whitespace().eq(wanted.split_whitespace())
}

fn indented(line: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(line).ok()?;
    let inner = text.trim_start_matches(|c: char| c.is_whitespace() || c.is_control()).strip_prefix('[')?;
    Some(inner.as_bytes())
}

/// Parses the keys of a section.
pub(super) fn entries(text: &[u8], body: Range<usize>) -> Result<Vec<KeyLines>, EditFault> {
    let mut entries: Vec<KeyLines> = Vec::new();
    let number = |line: &Range<usize>| line_number(text, line.start);
    for line in lines(text, body) {
        let bytes = &text[line.clone()];
        let content = bytes.trim_ascii();
        if content.is_empty() || bytes.starts_with(b"#") || bytes.starts_with(b";") {
            continue;
        }
        if bytes[0].is_ascii_whitespace() {
            match (entries.last_mut(), content[0]) {
                (Some(_), b'#' | b';') => return Err(EditFault::IndentedComment { line: number(&line) }),
                (None, _) => return Err(EditFault::IndentedKey { line: number(&line) }),
                (Some(_), b'[') => return Err(EditFault::OddHeader { line: number(&line) }),
                (Some(last), _) => (last.lines.end, last.value.end) = (line.end, line.end),
            }
            continue;
        }
        let split = bytes.iter().position(|&b| b == b'=' || b == b':').filter(|&at| at > 0);
        let Some(split) = split.filter(|_| bytes[0].is_ascii_graphic()) else {
            return Err(EditFault::Unreadable { line: number(&line) });
        };
        let key = String::from_utf8_lossy(&bytes[..split]).trim().to_lowercase();
        entries.push(KeyLines { key, value: line.start + split + 1..line.end, lines: line });
    }
    Ok(entries)
}
