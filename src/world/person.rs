//! The person in front of it all: what is said to them, what they are shown while they wait, what they are asked.

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

/// How a person wants to be dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
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

/// Says, shows and asks. Clones are the same person: several logins that go on side by side share one.
#[derive(Clone)]
pub struct Person(pub(super) Arc<Inner>);

pub(super) struct Inner {
    console: Mutex<Console>,
    pub(super) notifications: Notifications,
    attention: tokio::sync::Mutex<()>,
    before_waiting: Mutex<Option<Arc<Chore>>>,
}

/// What is to be done before a person is kept waiting.
type Chore = dyn Fn() + Send + Sync;

impl Person {
    /// Someone who reads `stderr` and may sit at a terminal, with a desktop around it or not.
    #[must_use]
    pub fn new(stderr: Box<dyn Write + Send>, terminal: Option<Box<dyn Terminal>>, context: PersonContext) -> Self {
        let (console, attention, before_waiting) =
            (Mutex::new(Console::new(stderr, terminal)), tokio::sync::Mutex::new(()), Mutex::new(None));
        Self(Arc::new(Inner { console, notifications: Notifications::new(context), attention, before_waiting }))
    }

    pub(super) fn console(&self) -> MutexGuard<'_, Console> {
        self.0.console.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how they want to be dealt with.
    pub fn adjust(&self, interaction: &Interaction) {
        let mut console = self.console();
        (console.level, console.askable) = (interaction.level, interaction.askable);
        self.0.notifications.adjust(interaction);
    }

    /// Says in whose name they are asked from now on, where it is not that of the program that started this one.
    pub fn ask_as(&self, name: &str) {
        self.0.notifications.name_caller(name);
    }

    /// Whether a question can be answered.
    #[must_use]
    pub fn can_be_asked(&self) -> bool {
        self.console().can_be_asked()
    }

    /// Whether anything may be wanted of them, a touch included.
    #[must_use]
    pub fn may_be_bothered(&self) -> bool {
        self.console().askable
    }

    /// Whether something is shown or asked right now.
    #[must_use]
    pub fn is_kept_waiting(&self) -> bool {
        let console = self.console();
        console.asked || console.waits > 0
    }

    /// Whether they were kept waiting already.
    #[must_use]
    pub fn was_kept_waiting(&self) -> bool {
        self.console().waited
    }

    /// How often they were called to do something, where a program asks.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.notifications.count()
    }

    /// What is waited for right now, as far as it was told.
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

    /// Says what is to be done each time before the person is kept waiting: who waits may also walk away.
    pub fn before_waiting(&self, chore: Option<Arc<Chore>>) {
        *self.0.before_waiting.lock().unwrap_or_else(PoisonError::into_inner) = chore;
    }

    pub(super) fn prepare_to_wait(&self) {
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
        self.console().say(Level::Normal, line);
    }

    /// Says one step of many.
    pub fn detail(&self, line: &str) {
        self.console().say(Level::Verbose, line);
    }

    /// Says what must be known even when all else is quiet.
    pub fn must_know(&self, line: &str) {
        self.console().say(Level::Quiet, line);
    }

    /// Says a line of a journal, which has its stamp.
    pub fn note(&self, line: &str) {
        let mut console = self.console();
        console.clear();
        console.write_as_is(&printable_lines(line));
    }

    /// From now on all lines on standard error are stamped.
    pub fn stamp(&self, stamp: LineStamp) {
        self.console().stamp = Some(stamp);
    }

    /// Takes away what is shown, whoever shows it.
    pub fn clear(&self) {
        self.console().clear();
    }

    /// Takes away what they were called for, wherever it is shown, for who ends early.
    pub fn leave(&self, end: End) {
        self.0.notifications.leave(end);
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
        let mut terminal = self.console().begin(question)?;
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
        let mut console = self.console();
        (console.terminal, console.asked) = (terminal, false);
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
