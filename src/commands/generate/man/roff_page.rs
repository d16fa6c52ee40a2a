//! Writes a manual page in roff: sections, filled paragraphs, lists and literal text (groff_man(7)).

use roff::{Inline, Roff, bold, roman};

/// Longest line of the source in bytes, escapes included: mandoc's lint objects to more than 80.
const WIDTH: usize = 76;

/// A manual page that is being written, top to bottom.
pub(super) struct RoffPage {
    roff: Roff,
    /// True right after a heading, where roff begins a paragraph by itself.
    is_at_heading: bool,
}

impl RoffPage {
    /// Begins a page with its title line.
    pub(super) fn titled(title: [&str; 5]) -> Self {
        let mut roff = Roff::new();
        roff.control("TH", title);
        // Names of variables and options stay whole, and lines are ragged instead of stretched.
        roff.control("nh", []).control("ad", ["l"]);
        Self { roff, is_at_heading: true }
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &str) {
        self.roff.control("SH", [title]);
        self.is_at_heading = true;
    }

    /// Begins a subsection.
    pub(super) fn subsection(&mut self, title: &str) {
        self.roff.control("SS", [title]);
        self.is_at_heading = true;
    }

    /// Writes paragraphs, which are wrapped to the width of the reader's terminal. An empty line ends a paragraph; text in backticks is bold.
    pub(super) fn paragraphs(&mut self, text: &str) {
        for paragraph in text.split("\n\n") {
            self.begin_paragraph();
            self.filled(paragraph);
        }
    }

    /// Writes an entry of a list: its head, and the text that explains it.
    pub(super) fn item(&mut self, head: impl Into<Vec<Inline>>, text: &str) {
        self.roff.control("TP", []).text(head);
        self.is_at_heading = false;
        for (number, paragraph) in text.split("\n\n").enumerate() {
            if number > 0 {
                self.roff.control("IP", []);
            }
            self.filled(paragraph);
        }
    }

    /// Writes one line with fonts of its own.
    pub(super) fn line(&mut self, inlines: impl Into<Vec<Inline>>) {
        self.roff.text(inlines);
    }

    /// Writes lines that are never filled, such as commands.
    pub(super) fn literal<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) {
        self.begin_paragraph();
        self.roff.control("nf", []);
        for line in lines {
            self.roff.text([roman(line)]);
        }
        self.roff.control("fi", []);
    }

    /// Returns the source. Characters that roff would print as typographic ones are escaped: commands can be copied.
    pub(super) fn source(&self) -> String {
        self.roff.render().replace('~', r"\(ti").replace('^', r"\(ha").replace('`', r"\(ga")
    }

    fn begin_paragraph(&mut self) {
        if !std::mem::take(&mut self.is_at_heading) {
            self.roff.control("PP", []);
        }
    }

    fn filled(&mut self, text: &str) {
        let (mut line, mut width) = (Vec::new(), 0);
        for word in words(text) {
            let length = word.iter().map(length).sum::<usize>();
            if width > 0 && width + 1 + length > WIDTH {
                self.roff.text(std::mem::take(&mut line));
                width = 0;
            }
            if width > 0 {
                line.push(roman(" "));
                width += 1;
            }
            line.extend(word);
            width += length;
        }
        self.roff.text(line);
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
