//! Output to the person on standard error and the terminal. During a wait, the terminal's last line is updated in
//! place.

use super::printable_lines;
use super::terminal::{NoAnswer, Terminal};
use std::io::Write;
use std::time::Duration;

/// Returns the prefix for each line of a message on standard error, such as a time or a priority.
pub type LineStamp = Box<dyn Fn(Level) -> String + Send>;

/// The verbosity of messages to the person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only errors and requests to the person.
    Quiet,
    /// Also outcomes, and anything out of the ordinary.
    #[default]
    Normal,
    /// Also each step.
    Verbose,
}

/// Standard error and the terminal of one person.
pub(super) struct Console {
    stderr: Box<dyn Write + Send>,
    pub(super) stamp: Option<LineStamp>,
    pub(super) terminal: Option<Box<dyn Terminal>>,
    pub(super) level: Level,
    pub(super) askable: bool,
    /// Line on the terminal that can still be updated in place; `None` if there is no such line.
    shown: Option<String>,
    /// Number of waits that are being shown. All share one line, which belongs to the wait that updated it last.
    pub(super) waits: usize,
    /// Text of the wait that was shown last; `None` once a wait has ended.
    pub(super) awaited: Option<String>,
    /// True if the person was kept waiting at any time since the program started.
    pub(super) waited: bool,
    /// True while a question is open. Meanwhile, the thread that reads the answer owns the terminal.
    pub(super) asked: bool,
}

impl Console {
    pub(super) fn new(stderr: Box<dyn Write + Send>, terminal: Option<Box<dyn Terminal>>) -> Self {
        Self {
            stderr,
            stamp: None,
            terminal,
            level: Level::Normal,
            askable: true,
            shown: None,
            waits: 0,
            awaited: None,
            waited: false,
            asked: false,
        }
    }

    pub(super) fn can_be_asked(&self) -> bool {
        // While one question is open, the next question can wait for its turn.
        self.askable && (self.asked || self.terminal.as_ref().is_some_and(|terminal| terminal.is_ours()))
    }

    pub(super) fn begin(&mut self, question: &str) -> Result<Box<dyn Terminal>, NoAnswer> {
        self.clear();
        if !self.can_be_asked() {
            return Err(NoAnswer::Nobody);
        }
        let mut terminal = self.terminal.take().ok_or(NoAnswer::Nobody)?;
        terminal.write(&printable_lines(question));
        (self.asked, self.waited) = (true, true);
        Ok(terminal)
    }

    pub(super) fn say(&mut self, level: Level, line: &str) {
        if level > self.level {
            return;
        }
        self.clear();
        self.write(level, line);
    }

    /// Writes a message to standard error, escaped and with the stamp before each line.
    fn write(&mut self, level: Level, line: &str) {
        let mut text = printable_lines(line);
        if let Some(stamp) = &self.stamp {
            let lines: Vec<String> = text.lines().map(|line| stamp(level) + line).collect();
            text = lines.join("\n");
        }
        self.write_as_is(&text);
    }

    /// Writes a line to standard error without escaping it or adding a stamp.
    pub(super) fn write_as_is(&mut self, line: &str) {
        // If standard error is closed, the failure cannot be reported to anybody.
        let _ = writeln!(self.stderr, "{line}");
    }

    /// Shows the text of a wait, updating the terminal's line in place. Without a terminal, the text is written to
    /// standard error once. `is_known` is true if this wait has shown the same text before.
    pub(super) fn show(&mut self, parts: &[String], countdown: Option<Duration>, is_known: bool) {
        if self.asked {
            return;
        }
        let Some(terminal) = &self.terminal else {
            if !is_known {
                self.write(Level::Normal, &parts.concat());
            }
            return;
        };
        let countdown = countdown.map(|left| format!(" ({} s)", left.as_secs_f64().ceil())).unwrap_or_default();
        // The last column stays empty, since some terminals begin a new line when it is filled.
        let width = terminal.width();
        let parts: Vec<String> = parts.iter().map(|part| printable_lines(part).replace('\n', "\\n")).collect();
        let line = fitting(&parts, width.saturating_sub(countdown.len() + 1)) + &countdown;
        if self.shown.as_ref() == Some(&line) {
            return;
        }
        let old = self.shown.as_ref().map_or(0, |old| old.chars().count());
        if old >= width {
            self.clear();
        }
        let blanks = " ".repeat(old.saturating_sub(line.chars().count()));
        if let Some(terminal) = &mut self.terminal {
            terminal.write(&if old < width { format!("\r{line}{blanks}") } else { line.clone() });
        }
        self.shown = Some(line);
    }

    pub(super) fn clear(&mut self) {
        if let (Some(old), Some(terminal)) = (self.shown.take(), &mut self.terminal) {
            let (old, width) = (old.chars().count(), terminal.width());
            // If the terminal was made narrower, it has wrapped the line onto several lines.
            let above = old.saturating_sub(1) / width;
            terminal.write(&match above {
                0 => format!("\r{}\r", " ".repeat(old)),
                _ => format!("\r\u{1b}[{above}A\u{1b}[J"),
            });
        }
    }
}

/// Joins as many parts as fit into `room` characters. If not even the first part fits, it is cut.
fn fitting(parts: &[String], room: usize) -> String {
    let mut line = String::new();
    for part in parts {
        if line.chars().count() + part.chars().count() > room {
            break;
        }
        line.push_str(part);
    }
    match parts.first() {
        Some(first) if line.is_empty() => {
            first.chars().take(room.saturating_sub(1)).chain(std::iter::once('…')).collect()
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_do_not_fit_are_left_out() {
        let parts = ["Touch X for profile dev", ", AWS account 1", " (alice)"].map(str::to_owned);
        assert_eq!(fitting(&parts, 80), "Touch X for profile dev, AWS account 1 (alice)");
        assert_eq!(fitting(&parts, 45), "Touch X for profile dev, AWS account 1");
        assert_eq!(fitting(&parts, 23), "Touch X for profile dev");
        assert_eq!(fitting(&parts, 10), "Touch X f…");
    }
}
