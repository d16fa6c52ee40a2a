//! Edits to a config or credentials file: the lines to replace, in any number of its sections.

use super::{EditFault, Sections};
use crate::file::{Edit, Edited};
use std::ops::Range;
use zeroize::Zeroizing;

/// Edits to the sections of a file. The file's text is not copied until it is written.
pub struct Edits<'a> {
    sections: &'a Sections,
    lines: Vec<LineReplacement>,
}

/// A range of lines, and the text to put in its place.
struct LineReplacement {
    header: String,
    range: Range<usize>,
    new: Zeroizing<String>,
    /// Line ending used around the range, which the new text follows.
    eol: &'static str,
    /// True for a new section, which a blank line separates from the section before it.
    apart: bool,
}

impl<'a> Edits<'a> {
    /// Returns an empty list of edits to `sections`.
    #[must_use]
    pub fn of(sections: &'a Sections) -> Self {
        Self { sections, lines: Vec::new() }
    }

    /// Sets `keys` and removes the keys in `gone`. The section is appended if it does not exist. Earlier edits to the
    /// same section are discarded.
    ///
    /// # Errors
    /// [`EditFault`], as for [`Sections::editable`]; the edits are then unchanged.
    pub fn set(&mut self, header: &str, keys: &[(&str, &str)], gone: &[&str]) -> Result<(), EditFault> {
        let names: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
        let section = self.sections.editable(header, &names)?;
        // If an earlier edit appended this section, the section keeps its place among the other new sections.
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

    /// Removes `keys` from the section. If [`Self::set`] created the section with exactly these keys in this order,
    /// the whole section is removed, and the file is byte for byte what it was before.
    ///
    /// # Errors
    /// [`EditFault`], as for [`Sections::find`]; the edits are then unchanged.
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

    /// Appends a section after exactly one line break, so that the section can be removed again without a trace. The
    /// line break either makes a blank line or ends the file's last line.
    fn append(&mut self, at: usize, header: &str, keys: &[(&str, &str)]) {
        let end = self.sections.text.len();
        let eol = self.line_ending(end);
        let lines: String = keys.iter().map(|(key, value)| format!("{key} = {value}{eol}")).collect();
        let new = Zeroizing::new(format!("[{header}]{eol}{lines}"));
        self.lines.insert(at, LineReplacement { header: header.to_owned(), range: end..end, new, eol, apart: true });
    }

    /// Returns the range to remove for a section at `start..end` that [`Self::append`] added, including the line
    /// break before it. The line break is kept if it ends a line and something was added after the section since.
    fn appended(&self, start: usize, end: usize) -> Range<usize> {
        let before = &self.sections.text[..start];
        let kept = before.strip_suffix(b"\r\n").or(before.strip_suffix(b"\n")).unwrap_or(before);
        let is_blank = kept.is_empty() || kept.ends_with(b"\n");
        if is_blank || end == self.sections.text.len() { kept.len()..end } else { start..end }
    }

    /// Returns the line ending of the line before `at`. If there is no such line, returns the file's first line
    /// ending, or a line feed if the file has none.
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

    /// Returns all edits in the order of the file, with the line breaks that have to precede them.
    #[must_use]
    pub fn finish(mut self) -> Vec<Edit> {
        self.lines.sort_by_key(|lines| (lines.range.start, lines.apart));
        let (mut edits, mut done, mut last) = (Vec::new(), 0, None);
        for LineReplacement { range, new, eol, apart, .. } in self.lines {
            // The line break before a removed section may end a line of the section above, which is also edited.
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
    /// Applies `edits`, which must have been made for exactly this text.
    #[must_use]
    pub fn edited(self, edits: Vec<Edit>) -> Edited {
        Edited::new(self.text, edits)
    }
}
