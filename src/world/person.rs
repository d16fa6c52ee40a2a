//! The person at the terminal: messages to them, waits that they are shown, and questions that they are asked.

use super::console::{Console, Level, LineStamp};
use super::notifications::{Notifications, PersonContext};
use super::printable_lines;
use super::prompt::{Act, End, Prompt};
use super::terminal::{NoAnswer, Terminal};
use secrecy::{ExposeSecret, SecretString};
use std::ffi::OsString;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Preferences for talking to the person, from flags and environment variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
    /// Verbosity of messages.
    pub level: Level,
    /// True if the person may be asked for anything, including a touch (false with `--non-interactive`).
    pub askable: bool,
    /// True if requests are also shown on the desktop (false with `--no-notifications`).
    pub notices: bool,
    /// Shell command to run when a touch is needed, and again when the touch is no longer needed.
    pub on_touch: Option<OsString>,
}

/// The event that the program is waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// A touch of the token with this name.
    Touch(String),
    /// An answer to a question at the terminal.
    Answer,
    /// A token to be plugged in.
    PlugIn,
    /// Any other event, in the words of its announcement: `Waiting for …`.
    Other(String),
}

/// The person at the terminal. All clones refer to the same person, so that simultaneous logins can share one
/// terminal.
#[derive(Clone)]
pub struct Person(pub(super) Arc<Inner>);

pub(super) struct Inner {
    console: Mutex<Console>,
    pub(super) notifications: Notifications,
    attention: tokio::sync::Mutex<()>,
    before_waiting: Mutex<Option<Arc<Chore>>>,
}

/// Work that is done before the person is kept waiting, such as writing sessions.
type Chore = dyn Fn() + Send + Sync;

impl Person {
    /// Returns a person who reads `stderr` and, unless `terminal` is `None`, can be asked questions there.
    #[must_use]
    pub fn new(stderr: Box<dyn Write + Send>, terminal: Option<Box<dyn Terminal>>, context: PersonContext) -> Self {
        let (console, attention, before_waiting) =
            (Mutex::new(Console::new(stderr, terminal)), tokio::sync::Mutex::new(()), Mutex::new(None));
        Self(Arc::new(Inner { console, notifications: Notifications::new(context), attention, before_waiting }))
    }

    pub(super) fn console(&self) -> MutexGuard<'_, Console> {
        self.0.console.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the preferences for talking to the person.
    pub fn adjust(&self, interaction: &Interaction) {
        let mut console = self.console();
        (console.level, console.askable) = (interaction.level, interaction.askable);
        self.0.notifications.adjust(interaction);
    }

    /// Overrides the name shown as the requester (default: the parent process).
    pub fn ask_as(&self, name: &str) {
        self.0.notifications.name_caller(name);
    }

    /// Returns true if the person can answer questions: asking is allowed, and this process is in the foreground of a
    /// terminal.
    #[must_use]
    pub fn can_be_asked(&self) -> bool {
        self.console().can_be_asked()
    }

    /// Returns true if the person may be asked for anything, including a touch (false with `--non-interactive`).
    #[must_use]
    pub fn may_be_bothered(&self) -> bool {
        self.console().askable
    }

    /// Returns true while a wait is shown or a question is open.
    #[must_use]
    pub fn is_kept_waiting(&self) -> bool {
        let console = self.console();
        console.asked || console.waits > 0
    }

    /// Returns true if a wait was shown or a question was asked since the program started.
    #[must_use]
    pub fn was_kept_waiting(&self) -> bool {
        self.console().waited
    }

    /// Returns the number of requests to the person so far: touches, tokens to plug in, and questions asked on behalf
    /// of a program.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.notifications.count()
    }

    /// Returns the event that the program is waiting for; `None` if it is not waiting or has not announced the wait
    /// yet.
    #[must_use]
    pub fn pending(&self) -> Option<Pending> {
        if let Some(prompt) = self.0.notifications.pending() {
            return Some(match prompt.act {
                Act::Touch(touch) => Pending::Touch(touch.token),
                Act::Answer => Pending::Answer,
                Act::PlugIn => Pending::PlugIn,
            });
        }
        let console = self.console();
        if console.asked { Some(Pending::Answer) } else { console.awaited.clone().map(Pending::Other) }
    }

    /// Sets work to do each time before the person is kept waiting, because a waiting person may walk away. `None`
    /// removes the work.
    pub fn before_waiting(&self, chore: Option<Arc<Chore>>) {
        *self.0.before_waiting.lock().unwrap_or_else(PoisonError::into_inner) = chore;
    }

    pub(super) fn prepare_to_wait(&self) {
        if !self.is_kept_waiting() {
            self.do_chore();
        }
    }

    /// Does the work set by [`Person::before_waiting`], for a process that is about to end early.
    pub fn do_chore(&self) {
        let chore = self.0.before_waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(chore) = chore {
            chore();
        }
    }

    /// Waits for the person's attention, which only one login has at a time. Dropping the returned guard releases it
    /// for the next login.
    pub async fn attention(&self) -> impl Sized + '_ {
        self.0.attention.lock().await
    }

    /// Takes the person's attention if no other login has it; returns `None` otherwise.
    #[must_use]
    pub fn free_attention(&self) -> Option<impl Sized + '_> {
        self.0.attention.try_lock().ok()
    }

    /// Tells the person what happened ([`Level::Normal`]).
    pub fn tell(&self, line: &str) {
        self.console().say(Level::Normal, line);
    }

    /// Tells the person one step of many ([`Level::Verbose`]).
    pub fn detail(&self, line: &str) {
        self.console().say(Level::Verbose, line);
    }

    /// Tells the person something that matters even with `--quiet` ([`Level::Quiet`]).
    pub fn must_know(&self, line: &str) {
        self.console().say(Level::Quiet, line);
    }

    /// Writes a journal line, which carries its own prefix.
    pub fn note(&self, line: &str) {
        let mut console = self.console();
        console.clear();
        console.write_as_is(&printable_lines(line));
    }

    /// Sets the prefix of all further lines on standard error.
    pub fn stamp(&self, stamp: LineStamp) {
        self.console().stamp = Some(stamp);
    }

    /// Removes the line that is updated in place from the terminal, whichever wait it belongs to.
    pub fn clear(&self) {
        self.console().clear();
    }

    /// Closes all open requests on the desktop and reports their end to the hook. Called when the process is about to
    /// end early.
    pub fn leave(&self, end: End) {
        self.0.notifications.leave(end);
    }

    /// Asks for one line at the terminal. A one-time password that a YubiKey types when touched too late is not taken
    /// as an answer. If a program started this one, the desktop shows the question too, since nobody may be looking
    /// at the terminal.
    ///
    /// # Errors
    /// [`NoAnswer::Nobody`] if nobody can be asked; [`NoAnswer::Nothing`] if the line is empty or the terminal is
    /// closed; [`NoAnswer::Late`] if no line comes within `limit`.
    pub async fn ask(&self, question: &str, echo: bool, limit: Duration) -> Result<SecretString, NoAnswer> {
        self.prepare_to_wait();
        if !self.can_be_asked() {
            return Err(NoAnswer::Nobody);
        }
        let (end, calls) = (Instant::now() + limit, &self.0.notifications);
        let what = question.trim_end().trim_end_matches(':');
        let question = match calls.caller() {
            Some(caller) if what.len() < question.len() => format!("{what} (for {caller}): "),
            _ => question.to_owned(),
        };
        let (what, detail) = (what.to_owned(), String::new());
        let prompt = Prompt { what, purpose: None, detail, act: Act::Answer, limit };
        let call = calls.caller().map(|_| calls.begin(&prompt));
        let answer = loop {
            match self.ask_once(&question, echo, end.saturating_duration_since(Instant::now())).await {
                Ok(answer) if is_yubico_otp(answer.expose_secret()) => {
                    self.must_know("That was a YubiKey one-time password, not an answer. Try again.");
                }
                answer => break answer,
            }
        };
        if let Some(call) = call {
            calls.end(call, if answer.is_ok() { End::Done } else { End::Late });
        }
        answer
    }

    /// Asks the question once. The answer is read on a thread of its own, so that other logins can go on in the
    /// meantime.
    async fn ask_once(&self, question: &str, echo: bool, limit: Duration) -> Result<SecretString, NoAnswer> {
        let mut terminal = self.console().begin(question)?;
        let (tell, told) = oneshot::channel();
        let reading = std::thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            let answer = terminal.read_line(echo, limit);
            if !echo || answer.is_err() {
                terminal.write("\n");
            }
            // Sending fails only if the question was given up while the answer was being read.
            let _ = tell.send((terminal, answer));
        });
        let (terminal, answer) = match (reading, told.await) {
            (Ok(_), Ok((terminal, answer))) => (Some(terminal), answer),
            _ => (None, Err(NoAnswer::Nobody)),
        };
        let mut console = self.console();
        (console.terminal, console.asked) = (terminal, false);
        answer
    }
}

/// Returns true if a line ends in a Yubico OTP: 44 letters of a special alphabet, which a YubiKey types when touched
/// while nothing waits for a touch (Yubico, "OTPs Explained"). Text typed before the touch may precede the OTP.
#[must_use]
pub fn is_yubico_otp(line: &str) -> bool {
    /// Length of a Yubico OTP, in letters.
    const LENGTH: usize = 44;
    let letters = line.trim_end().chars().rev().take(LENGTH);
    let own = letters.filter(|c| "cbdefghijklnrtuv".contains(c.to_ascii_lowercase()));
    own.count() == LENGTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yubico_otp_is_recognised() {
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
