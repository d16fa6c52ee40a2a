//! Writes a manual page in roff: sections, filled paragraphs, lists and literal text (groff_man(7)).

use roff::{Inline, Roff, bold, roman};

/// Longest line of the source in bytes, escapes included: mandoc's lint objects to more than 80.
const WIDTH: usize = 76;

/// A manual page that is being written, top to bottom.
pub(super) struct RoffPage(Roff);

impl RoffPage {
    /// Begins a page with its title line.
    pub(super) fn titled(title: [&str; 5]) -> Self {
        let mut roff = Roff::new();
        roff.control("TH", title);
        Self(roff)
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &str) {
        self.0.control("SH", [title]);
    }

    /// Begins a subsection.
    pub(super) fn subsection(&mut self, title: &str) {
        self.0.control("SS", [title]);
    }

    /// Writes text that the reader's terminal fills. An empty line ends a paragraph; text in backticks is bold.
    pub(super) fn prose(&mut self, text: &str) {
        for (number, paragraph) in text.split("\n\n").enumerate() {
            if number > 0 {
                self.0.control("PP", []);
            }
            self.filled(paragraph);
        }
    }

    /// Begins a paragraph of its own, after a list or literal text.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.0.control("PP", []);
        self.prose(text);
    }

    /// Writes an entry of a list: its head, and the text that explains it.
    pub(super) fn item(&mut self, head: impl Into<Vec<Inline>>, text: &str) {
        self.0.control("TP", []).text(head);
        for (number, paragraph) in text.split("\n\n").enumerate() {
            if number > 0 {
                self.0.control("IP", []);
            }
            self.filled(paragraph);
        }
    }

    /// Writes one line with fonts of its own.
    pub(super) fn line(&mut self, inlines: impl Into<Vec<Inline>>) {
        self.0.text(inlines);
    }

    /// Writes lines that are never filled, such as commands.
    pub(super) fn literal<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) {
        self.0.control("PP", []).control("nf", []);
        for line in lines {
            self.0.text([roman(line)]);
        }
        self.0.control("fi", []);
    }

    /// Returns the source. Characters that roff would print as typographic ones are escaped: commands can be copied.
    pub(super) fn source(&self) -> String {
        self.0.render().replace('~', r"\(ti").replace('^', r"\(ha").replace('`', r"\(ga")
    }

    fn filled(&mut self, text: &str) {
        let (mut line, mut width) = (Vec::new(), 0);
        for word in words(text) {
            let length = word.iter().map(length).sum::<usize>();
            if width > 0 && width + 1 + length > WIDTH {
                self.0.text(std::mem::take(&mut line));
                width = 0;
            }
            if width > 0 {
                line.push(roman(" "));
                width += 1;
            }
            line.extend(word);
            width += length;
        }
        self.0.text(line);
    }
}

/// The words of a text, each of one or more parts with a font.
fn words(text: &str) -> Vec<Vec<Inline>> {
    let mut words: Vec<Vec<Inline>> = vec![Vec::new()];
    for (number, part) in text.split('`').enumerate() {
        for (place, piece) in part.split([' ', '\n']).enumerate() {
            if place > 0 {
                words.push(Vec::new());
            }
            let Some(word) = words.last_mut().filter(|_| !piece.is_empty()) else { continue };
            word.push(if number % 2 == 1 { bold(piece) } else { roman(piece) });
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Bytes that a part takes in the source.
fn length(part: &Inline) -> usize {
    let (text, fonts) = match part {
        Inline::Roman(text) => (text, 0),
        Inline::Bold(text) | Inline::Italic(text) => (text, r"\fB\fR".len()),
        Inline::LineBreak => return 0,
    };
    let escapes = |c| match c {
        '-' | '\\' => 1,
        '~' | '^' | '\'' => 4,
        _ => 0,
    };
    text.len() + fonts + text.chars().map(escapes).sum::<usize>()
}
