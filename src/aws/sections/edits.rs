//! Edits of a file: the lines that are replaced, in any number of its sections.

use super::{EditFault, Sections};
use crate::file::{Edit, Edited};
use std::ops::Range;
use zeroize::Zeroizing;

/// Edits of the sections of a file; the text is not copied before it is written.
pub struct Edits<'a> {
    sections: &'a Sections,
    lines: Vec<LineReplacement>,
}

/// A range of lines, and the text that replaces it.
struct LineReplacement {
    header: String,
    range: Range<usize>,
    new: Zeroizing<String>,
    /// Line ending used around it.
    eol: &'static str,
    /// True for a new section, which a blank line sets apart.
    apart: bool,
}

impl<'a> Edits<'a> {
    /// Returns an empty list of edits to `sections`.
    #[must_use]
    pub fn of(sections: &'a Sections) -> Self {
        Self { sections, lines: Vec::new() }
    }

    /// Sets `keys` and removes the keys in `gone`, in a section that is appended if it does not exist. Earlier edits
    /// of that section are discarded.
    ///
    /// # Errors
    /// [`EditFault`], as for [`Sections::editable`]; nothing is added to the edits then.
    pub fn set(&mut self, header: &str, keys: &[(&str, &str)], gone: &[&str]) -> Result<(), EditFault> {
        let names: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
        let section = self.sections.editable(header, &names)?;
        // A new section keeps its place among the others.
        let at = self.lines.iter().position(|lines| lines.header == header).unwrap_or(self.lines.len());
        self.lines.retain(|lines| lines.header != header);
        let Some(section) = section else {
            self.append(at, header, keys);
            return Ok(());
        };
        let eol = self.line_ending(section.header.end);
        let mut stands = vec![false; keys.len()];
        for entry in &section.entries {
            let index = keys.iter().position(|(key, _)| *key == entry.key);
            let first = index.filter(|&index| !std::mem::replace(&mut stands[index], true));
            match (first, index) {
                (Some(index), _) => {
                    let (key, value) = keys[index];
                    self.replace(header, entry.lines.clone(), format!("{key} = {value}{eol}"), eol);
                }
                (None, Some(_)) => self.replace(header, entry.lines.clone(), String::new(), eol),
                (None, None) if gone.contains(&entry.key.as_str()) => {
                    self.replace(header, entry.lines.clone(), String::new(), eol);
                }
                (None, None) => {}
            }
        }
        let fresh = keys.iter().zip(stands).filter(|(_, stands)| !stands);
        let fresh: String = fresh.map(|((key, value), _)| format!("{key} = {value}{eol}")).collect();
        self.replace(header, section.end()..section.end(), fresh, eol);
        Ok(())
    }

    /// Removes `keys`, or the whole section if it is as [`Self::set`] made it for exactly these keys in this order;
    /// the file is then, byte for byte, what it was before.
    ///
    /// # Errors
    /// [`EditFault`], as for [`Sections::find`]; nothing is added to the edits then.
    pub fn remove(&mut self, header: &str, keys: &[&str]) -> Result<(), EditFault> {
        let Some(section) = self.sections.find(header)? else { return Ok(()) };
        if section.is_as_made(keys) {
            let lines = self.appended(section.header.start, section.end());
            self.replace(header, lines, String::new(), "");
            return Ok(());
        }
        for entry in section.entries.iter().filter(|entry| keys.contains(&entry.key.as_str())) {
            self.replace(header, entry.lines.clone(), String::new(), "");
        }
        Ok(())
    }

    fn replace(&mut self, header: &str, range: Range<usize>, new: String, eol: &'static str) {
        self.lines.push(LineReplacement {
            header: header.to_owned(),
            range,
            new: Zeroizing::new(new),
            eol,
            apart: false,
        });
    }

    /// Appends a section after exactly one line break, so that it can be removed again: the line break makes a blank
    /// line, or ends the last one.
    fn append(&mut self, at: usize, header: &str, keys: &[(&str, &str)]) {
        let end = self.sections.text.len();
        let eol = self.line_ending(end);
        let lines: String = keys.iter().map(|(key, value)| format!("{key} = {value}{eol}")).collect();
        let new = Zeroizing::new(format!("[{header}]{eol}{lines}"));
        self.lines.insert(at, LineReplacement { header: header.to_owned(), range: end..end, new, eol, apart: true });
    }

    /// Returns the range that [`Self::append`] added for a section at `start..end`, the line break before it
    /// included. The line break stays if it ends a line and something was added behind the section since.
    fn appended(&self, start: usize, end: usize) -> Range<usize> {
        let before = &self.sections.text[..start];
        let kept = before.strip_suffix(b"\r\n").or(before.strip_suffix(b"\n")).unwrap_or(before);
        let is_blank = kept.is_empty() || kept.ends_with(b"\n");
        if is_blank || end == self.sections.text.len() { kept.len()..end } else { start..end }
    }

    /// Returns the line ending of the line before `at`, else the file's first, else a line feed.
    fn line_ending(&self, at: usize) -> &'static str {
        let text = &self.sections.text;
        let crlf = |text: &[u8]| text.ends_with(b"\r\n");
        let before = text[..at].iter().rposition(|&b| b == b'\n');
        let first = || text.iter().position(|&b| b == b'\n');
        match before.or_else(first) {
            Some(end) if crlf(&text[..=end]) => "\r\n",
            _ => "\n",
        }
    }

    /// Returns all edits in order, with the line breaks that have to stand before them.
    #[must_use]
    pub fn finish(mut self) -> Vec<Edit> {
        self.lines.sort_by_key(|lines| (lines.range.start, lines.apart));
        let (mut edits, mut done, mut last) = (Vec::new(), 0, None);
        for LineReplacement { range, new, eol, apart, .. } in self.lines {
            // The line break before a section that is removed may belong to a line of the one above.
            let range = range.start.max(done)..range.end.max(done);
            if range.start > done {
                last = self.sections.text.get(range.start - 1).copied();
            }
            done = range.end;
            if let Some(&end) = new.as_bytes().last() {
                if last.is_some_and(|last| apart || last != b'\n') {
                    edits.push((range.start..range.start, Zeroizing::new(eol.to_owned())));
                }
                last = Some(end);
            }
            edits.push((range, new));
        }
        edits
    }
}

impl Sections {
    /// Applies `edits`, which must have been made from this text.
    #[must_use]
    pub fn edited(self, edits: Vec<Edit>) -> Edited {
        Edited::new(self.text, edits)
    }
}
