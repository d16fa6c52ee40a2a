//! The person in front of it all: what is said to them, what they are shown while they wait, what they are asked.

use secrecy::SecretString;
use std::io::Write;
use std::time::Duration;

/// How much is said besides errors and what a person must do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Quiet,
    /// The outcome, and what is out of the ordinary.
    #[default]
    Normal,
    /// Each step.
    Verbose,
}

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// There is no terminal, or nobody may be asked.
    Nobody,
    /// No line came within the time.
    Late,
    /// The terminal was closed, or the line was left empty.
    Nothing,
}

/// The terminal a person sits at, which is not always where standard error goes.
pub trait Terminal: Send {
    /// Writes as it is; failing to is no error, since nobody can be told.
    fn write(&mut self, text: &str);

    /// Whether what is typed there comes to us, and not to another program of the same shell.
    fn is_ours(&self) -> bool;

    /// Columns of one line.
    fn width(&self) -> usize;

    /// Reads one line, shown while it is typed only if `echo`.
    ///
    /// # Errors
    /// [`NoAnswer::Late`] after `limit`, [`NoAnswer::Nothing`] at the end of input.
    fn read_line(&mut self, echo: bool, limit: Duration) -> Result<SecretString, NoAnswer>;
}

/// Says, shows and asks.
pub struct Person {
    stderr: Box<dyn Write + Send>,
    terminal: Option<Box<dyn Terminal>>,
    level: Level,
    askable: bool,
    shown: Option<String>,
}

impl Person {
    /// Someone who reads `stderr` and may sit at a terminal.
    #[must_use]
    pub fn new(stderr: Box<dyn Write + Send>, terminal: Option<Box<dyn Terminal>>) -> Self {
        Self { stderr, terminal, level: Level::Normal, askable: true, shown: None }
    }

    /// Sets how much is said, and whether anything may be asked (`--non-interactive`).
    pub fn adjust(&mut self, level: Level, askable: bool) {
        (self.level, self.askable) = (level, askable);
    }

    /// Whether a question can be answered.
    #[must_use]
    pub fn can_be_asked(&self) -> bool {
        self.askable && self.terminal.as_ref().is_some_and(|terminal| terminal.is_ours())
    }

    /// Whether anything may be wanted of them, a touch included.
    #[must_use]
    pub fn may_be_bothered(&self) -> bool {
        self.askable
    }

    /// Says what happened.
    pub fn tell(&mut self, line: &str) {
        self.say(Level::Normal, line);
    }

    /// Says one step of many.
    pub fn detail(&mut self, line: &str) {
        self.say(Level::Verbose, line);
    }

    /// Says what must be known even when all else is quiet.
    pub fn must_know(&mut self, line: &str) {
        self.say(Level::Quiet, line);
    }

    fn say(&mut self, level: Level, line: &str) {
        if level > self.level {
            return;
        }
        self.clear();
        // Standard error that is closed leaves nobody to tell.
        let _ = writeln!(self.stderr, "{line}");
    }

    /// Shows what is waited for, in one line of the terminal that changes in place; without a terminal it is said once.
    pub fn show(&mut self, what: &str, countdown: Option<Duration>) {
        let Some(terminal) = &mut self.terminal else {
            if self.shown.as_deref() != Some(what) {
                let _ = writeln!(self.stderr, "{what}");
                self.shown = Some(what.to_owned());
            }
            return;
        };
        let countdown = countdown.map(|left| format!(" ({} s)", left.as_secs_f64().ceil())).unwrap_or_default();
        // The last column stays free, or some terminals begin a new line.
        let room = terminal.width().saturating_sub(countdown.len() + 1);
        let mut line: String = what.chars().take(room).collect();
        if what.chars().count() > room {
            line.pop();
            line.push('…');
        }
        line.push_str(&countdown);
        if self.shown.as_ref() == Some(&line) {
            return;
        }
        let blanks = self.shown.as_ref().map_or(0, |old| old.chars().count()).saturating_sub(line.chars().count());
        terminal.write(&format!("\r{line}{}", " ".repeat(blanks)));
        self.shown = Some(line);
    }

    /// Takes away what [`Person::show`] put there.
    pub fn clear(&mut self) {
        if let (Some(old), Some(terminal)) = (self.shown.take(), &mut self.terminal) {
            terminal.write(&format!("\r{}\r", " ".repeat(old.chars().count())));
        }
    }

    /// Asks for one line at the terminal.
    ///
    /// # Errors
    /// [`NoAnswer`] if there is nobody, nothing is typed, or not within `limit`.
    pub fn ask(&mut self, question: &str, echo: bool, limit: Duration) -> Result<SecretString, NoAnswer> {
        self.clear();
        if !self.can_be_asked() {
            return Err(NoAnswer::Nobody);
        }
        let terminal = self.terminal.as_mut().ok_or(NoAnswer::Nobody)?;
        terminal.write(question);
        let answer = terminal.read_line(echo, limit);
        if !echo || answer.is_err() {
            terminal.write("\n");
        }
        answer
    }
}
