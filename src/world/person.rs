//! The person in front of it all: what is said to them, what they are shown while they wait, what they are asked.

use secrecy::SecretString;
use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

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

/// Says, shows and asks. Clones are the same person: several logins that go on side by side share one.
#[derive(Clone)]
pub struct Person(Arc<Shared>);

struct Shared {
    talk: Mutex<Talk>,
    attention: tokio::sync::Mutex<()>,
    before_waiting: Mutex<Option<Arc<Chore>>>,
}

/// What is to be done before a person is kept waiting.
type Chore = dyn Fn() + Send + Sync;

struct Talk {
    stderr: Box<dyn Write + Send>,
    terminal: Option<Box<dyn Terminal>>,
    level: Level,
    askable: bool,
    /// The line that is shown.
    shown: Option<String>,
    /// How many show what they wait for, the last of them its line.
    waits: usize,
    /// Whether the person was ever kept waiting.
    waited: bool,
    /// Whether a question is being answered; the terminal is where the answer is read then.
    asked: bool,
}

impl Person {
    /// Someone who reads `stderr` and may sit at a terminal.
    #[must_use]
    pub fn new(stderr: Box<dyn Write + Send>, terminal: Option<Box<dyn Terminal>>) -> Self {
        let talk = Talk {
            stderr,
            terminal,
            level: Level::Normal,
            askable: true,
            shown: None,
            waits: 0,
            waited: false,
            asked: false,
        };
        let (talk, attention, before_waiting) = (Mutex::new(talk), tokio::sync::Mutex::new(()), Mutex::new(None));
        Self(Arc::new(Shared { talk, attention, before_waiting }))
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        self.0.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how much is said, and whether anything may be asked (`--non-interactive`).
    pub fn adjust(&self, level: Level, askable: bool) {
        let mut talk = self.talk();
        (talk.level, talk.askable) = (level, askable);
    }

    /// Whether a question can be answered.
    #[must_use]
    pub fn can_be_asked(&self) -> bool {
        self.talk().can_be_asked()
    }

    /// Whether anything may be wanted of them, a touch included.
    #[must_use]
    pub fn may_be_bothered(&self) -> bool {
        self.talk().askable
    }

    /// Whether something is shown or asked right now.
    #[must_use]
    pub fn is_kept_waiting(&self) -> bool {
        let talk = self.talk();
        talk.asked || talk.waits > 0
    }

    /// Whether they were kept waiting already.
    #[must_use]
    pub fn was_kept_waiting(&self) -> bool {
        self.talk().waited
    }

    /// Says what is to be done each time before the person is kept waiting: who waits may also walk away.
    pub fn before_waiting(&self, chore: Option<Arc<Chore>>) {
        *self.0.before_waiting.lock().unwrap_or_else(PoisonError::into_inner) = chore;
    }

    fn prepare_to_wait(&self) {
        if !self.is_kept_waiting() {
            self.do_chore();
        }
    }

    /// Does what is to be done before they are kept waiting, for who ends early.
    pub fn do_chore(&self) {
        let chore = self.0.before_waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(chore) = chore {
            chore();
        }
    }

    /// The person's attention, which only one of several logins has at a time.
    pub async fn attention(&self) -> impl Sized + '_ {
        self.0.attention.lock().await
    }

    /// The person's attention, if nobody else has it.
    #[must_use]
    pub fn free_attention(&self) -> Option<impl Sized + '_> {
        self.0.attention.try_lock().ok()
    }

    /// Says what happened.
    pub fn tell(&self, line: &str) {
        self.talk().say(Level::Normal, line);
    }

    /// Says one step of many.
    pub fn detail(&self, line: &str) {
        self.talk().say(Level::Verbose, line);
    }

    /// Says what must be known even when all else is quiet.
    pub fn must_know(&self, line: &str) {
        self.talk().say(Level::Quiet, line);
    }

    /// A wait that may come, of which nothing is shown yet.
    #[must_use]
    pub fn wait(&self) -> Wait<'_> {
        Wait { person: self, said: RefCell::default() }
    }

    /// Takes away what is shown, whoever shows it.
    pub fn clear(&self) {
        self.talk().clear();
    }

    /// Asks for one line at the terminal. It is read on a thread of its own, so that what else goes on is not held up.
    ///
    /// # Errors
    /// [`NoAnswer`] if there is nobody, nothing is typed, or not within `limit`.
    pub async fn ask(&self, question: &str, echo: bool, limit: Duration) -> Result<SecretString, NoAnswer> {
        self.prepare_to_wait();
        let mut terminal = self.talk().begin(question)?;
        let (tell, told) = oneshot::channel();
        let reading = std::thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            let answer = terminal.read_line(echo, limit);
            if !echo || answer.is_err() {
                terminal.write("\n");
            }
            // Nobody listens any more if it took too long.
            let _ = tell.send((terminal, answer));
        });
        let (terminal, answer) = match (reading, told.await) {
            (Ok(_), Ok((terminal, answer))) => (Some(terminal), answer),
            _ => (None, Err(NoAnswer::Nobody)),
        };
        let mut talk = self.talk();
        (talk.terminal, talk.asked) = (terminal, false);
        answer
    }
}

/// A wait: what is shown of it goes away with it.
pub struct Wait<'a> {
    person: &'a Person,
    /// What was shown or said last.
    said: RefCell<Option<String>>,
}

impl Wait<'_> {
    /// Shows what is waited for, in one line of the terminal that changes in place; without a terminal it is said once.
    pub fn show(&self, what: &str, countdown: Option<Duration>) {
        self.person.prepare_to_wait();
        let mut talk = self.person.talk();
        let said = self.said.replace(Some(what.to_owned()));
        if said.is_none() {
            (talk.waits, talk.waited) = (talk.waits + 1, true);
        }
        talk.show(what, countdown, said.as_deref() == Some(what));
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if self.said.borrow().is_some() {
            let mut talk = self.person.talk();
            talk.waits -= 1;
            talk.clear();
        }
    }
}

impl Talk {
    fn can_be_asked(&self) -> bool {
        // While one question is being answered, the next can wait for its turn.
        self.askable && (self.asked || self.terminal.as_ref().is_some_and(|terminal| terminal.is_ours()))
    }

    fn begin(&mut self, question: &str) -> Result<Box<dyn Terminal>, NoAnswer> {
        self.clear();
        if !self.can_be_asked() {
            return Err(NoAnswer::Nobody);
        }
        let mut terminal = self.terminal.take().ok_or(NoAnswer::Nobody)?;
        terminal.write(question);
        (self.asked, self.waited) = (true, true);
        Ok(terminal)
    }

    fn say(&mut self, level: Level, line: &str) {
        if level > self.level {
            return;
        }
        self.clear();
        // Standard error that is closed leaves nobody to tell.
        let _ = writeln!(self.stderr, "{line}");
    }

    /// `is_known`: who shows it has shown or said the same before.
    fn show(&mut self, what: &str, countdown: Option<Duration>, is_known: bool) {
        if self.asked {
            return;
        }
        let Some(terminal) = &mut self.terminal else {
            if !is_known {
                let _ = writeln!(self.stderr, "{what}");
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

    fn clear(&mut self) {
        if let (Some(old), Some(terminal)) = (self.shown.take(), &mut self.terminal) {
            terminal.write(&format!("\r{}\r", " ".repeat(old.chars().count())));
        }
    }
}
