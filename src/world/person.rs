//! The person in front of it all: what is said to them, what they are shown while they wait, what they are asked.

use super::calls::{Around, Calls};
use super::printable_lines;
use super::talk::{Stamp, Talk};
use super::wanted::{Act, End, Wanted};
use secrecy::{ExposeSecret, SecretString};
use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
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

/// How a person wants to be dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How much is said.
    pub level: Level,
    /// Whether anything may be asked of them (not with `--non-interactive`).
    pub askable: bool,
    /// Whether the desktop shows what they must do, too.
    pub notices: bool,
    /// A command that is run, by a shell, when a touch is wanted and when it is not any more.
    pub on_touch: Option<OsString>,
}

/// What holds things up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Nobody has touched this token.
    Touch(String),
    /// Nobody has answered a question.
    Answer,
    /// Nobody has plugged in a token.
    PlugIn,
    /// Something else, as it was told: `Waiting for …`.
    Other(String),
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
    calls: Calls,
    attention: tokio::sync::Mutex<()>,
    before_waiting: Mutex<Option<Arc<Chore>>>,
}

/// What is to be done before a person is kept waiting.
type Chore = dyn Fn() + Send + Sync;

impl Person {
    /// Someone who reads `stderr` and may sit at a terminal, with a desktop around it or not.
    #[must_use]
    pub fn new(stderr: Box<dyn Write + Send>, terminal: Option<Box<dyn Terminal>>, around: Around) -> Self {
        let (talk, attention, before_waiting) =
            (Mutex::new(Talk::new(stderr, terminal)), tokio::sync::Mutex::new(()), Mutex::new(None));
        Self(Arc::new(Shared { talk, calls: Calls::new(around), attention, before_waiting }))
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        self.0.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how they want to be dealt with.
    pub fn adjust(&self, manner: &Manner) {
        let mut talk = self.talk();
        (talk.level, talk.askable) = (manner.level, manner.askable);
        self.0.calls.adjust(manner);
    }

    /// Says in whose name they are asked from now on, where it is not that of the program that started this one.
    pub fn ask_as(&self, name: &str) {
        self.0.calls.name_caller(name);
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

    /// How often they were called to do something, where a program asks.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.calls.count()
    }

    /// What is waited for right now, as far as it was told.
    #[must_use]
    pub fn pending(&self) -> Option<Pending> {
        if let Some(wanted) = self.0.calls.pending() {
            return Some(match wanted.act {
                Act::Touch(touch) => Pending::Touch(touch.token),
                Act::Answer => Pending::Answer,
                Act::PlugIn => Pending::PlugIn,
            });
        }
        let talk = self.talk();
        if talk.asked { Some(Pending::Answer) } else { talk.awaited.clone().map(Pending::Other) }
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

    /// Says a line of a journal, which has its stamp.
    pub fn note(&self, line: &str) {
        let mut talk = self.talk();
        talk.clear();
        talk.write_as_is(&printable_lines(line));
    }

    /// From now on all lines on standard error are stamped.
    pub fn stamp(&self, stamp: Stamp) {
        self.talk().stamp = Some(stamp);
    }

    /// A wait that may come, of which nothing is shown yet.
    #[must_use]
    pub fn wait(&self) -> Wait<'_> {
        Wait { person: self, said: RefCell::default(), call: RefCell::default(), end: Cell::new(End::Failed) }
    }

    /// Takes away what is shown, whoever shows it.
    pub fn clear(&self) {
        self.talk().clear();
    }

    /// Takes away what they were called for, wherever it is shown, for who ends early.
    pub fn leave(&self, end: End) {
        self.0.calls.leave(end);
    }

    /// Asks for one line at the terminal. What a token types when it is touched too late is not taken for an answer. Where
    /// a program asks, the desktop says so, too: nobody may be looking at the terminal.
    ///
    /// # Errors
    /// [`NoAnswer`] if there is nobody, nothing is typed, or not within `limit`.
    pub async fn ask(&self, question: &str, echo: bool, limit: Duration) -> Result<SecretString, NoAnswer> {
        self.prepare_to_wait();
        if !self.can_be_asked() {
            return Err(NoAnswer::Nobody);
        }
        let (end, calls) = (Instant::now() + limit, &self.0.calls);
        let what = question.trim_end().trim_end_matches(':');
        let question = match calls.caller() {
            Some(caller) if what.len() < question.len() => format!("{what} (for {caller}): "),
            _ => question.to_owned(),
        };
        let (what, detail) = (what.to_owned(), String::new());
        let wanted = Wanted { what, purpose: None, detail, act: Act::Answer, limit };
        let call = calls.caller().map(|_| calls.begin(&wanted));
        let answer = loop {
            match self.ask_once(&question, echo, end.saturating_duration_since(Instant::now())).await {
                Ok(answer) if is_yubico_otp(answer.expose_secret()) => {
                    self.must_know("That is what a YubiKey types when it is touched, and no answer.");
                }
                answer => break answer,
            }
        };
        if let Some(call) = call {
            calls.end(call, if answer.is_ok() { End::Done } else { End::Late });
        }
        answer
    }

    /// It is read on a thread of its own, so that what else goes on is not held up.
    async fn ask_once(&self, question: &str, echo: bool, limit: Duration) -> Result<SecretString, NoAnswer> {
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

/// Whether a line ends in what a YubiKey types when it is touched and nobody has asked it for anything: a Yubico OTP, 44
/// letters of an alphabet of its own (Yubico, "OTPs Explained"). What was typed before the touch stands in front of it.
#[must_use]
pub fn is_yubico_otp(line: &str) -> bool {
    /// Its letters.
    const LENGTH: usize = 44;
    let letters = line.trim_end().chars().rev().take(LENGTH);
    let own = letters.filter(|c| "cbdefghijklnrtuv".contains(c.to_ascii_lowercase()));
    own.count() == LENGTH
}

/// A wait: what is shown of it goes away with it.
pub struct Wait<'a> {
    person: &'a Person,
    /// What was shown or said last.
    said: RefCell<Option<String>>,
    /// The number under which the person was called, and what for.
    call: RefCell<Option<(u64, String)>>,
    end: Cell<End>,
}

impl Wait<'_> {
    /// Shows what is waited for, in one line of the terminal that changes in place; without a terminal it is said once.
    pub fn show(&self, what: &str, countdown: Option<Duration>) {
        self.show_parts(&[what.to_owned()], countdown);
    }

    /// Shows what a person must do: at the terminal in the same way, and on the desktop; a touch is told to the hook.
    pub fn want(&self, wanted: &Wanted, countdown: Option<Duration>) {
        let calls = &self.person.0.calls;
        let parts = wanted.parts(calls.caller());
        self.show_parts(&parts, countdown);
        let (what, call) = (parts.concat(), self.call.take());
        let call = match call {
            Some((call, same)) if same == what => call,
            other => {
                if let Some((call, _)) = other {
                    calls.end(call, End::Failed);
                }
                calls.begin(wanted)
            }
        };
        self.call.replace(Some((call, what)));
    }

    /// Says what came of it, before it is over; otherwise something went wrong.
    pub fn came_to(&self, end: End) {
        self.end.set(end);
    }

    fn show_parts(&self, parts: &[String], countdown: Option<Duration>) {
        self.person.prepare_to_wait();
        let what = parts.concat();
        let mut talk = self.person.talk();
        let said = self.said.replace(Some(what.clone()));
        if said.is_none() {
            (talk.waits, talk.waited) = (talk.waits + 1, true);
        }
        talk.show(parts, countdown, said.as_ref() == Some(&what));
        talk.awaited = Some(what);
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some((call, _)) = self.call.take() {
            self.person.0.calls.end(call, self.end.get());
        }
        if self.said.borrow().is_some() {
            let mut talk = self.person.talk();
            (talk.waits, talk.awaited) = (talk.waits - 1, None);
            talk.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_yubikey_types() {
        let otp = "ccccccbchvthlivuitriujjifivbvtrjkjfirllluurj";
        assert!(
            is_yubico_otp(otp) && is_yubico_otp(&format!("half a pass{otp}")) && is_yubico_otp(&otp.to_uppercase())
        );
        for no in [
            "",
            "y",
            "correct horse",
            &otp[1..],
            &format!("{otp}a"),
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        ] {
            assert!(!is_yubico_otp(no), "{no}");
        }
    }
}
