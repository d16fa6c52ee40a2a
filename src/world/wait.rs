//! Waits, and how they are announced to the person.

use super::person::Person;
use super::prompt::{End, Prompt};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::time::{Duration, Instant};

/// How long a wait usually lasts before it is announced to the person.
pub const MOMENT: Duration = Duration::from_secs(1);

impl Person {
    /// Starts a wait. The person is not told about it until it is announced.
    #[must_use]
    pub fn wait(&self) -> Wait<'_> {
        Wait { person: self, said: RefCell::default(), call: RefCell::default(), end: Cell::new(End::Failed) }
    }

    /// Waits for `work` and returns its result. After `silence` (usually [`MOMENT`]), calls `announce` once a second
    /// so that it can show the person why the program is waiting.
    pub async fn wait_for<T>(
        &self,
        silence: Duration,
        work: impl Future<Output = T>,
        announce: impl Fn(&Wait<'_>),
    ) -> T {
        let (mut work, begun, wait) = (pin!(work), Instant::now(), self.wait());
        loop {
            let left = silence.saturating_sub(begun.elapsed());
            let pause = if left.is_zero() {
                announce(&wait);
                Duration::from_secs(1)
            } else {
                left
            };
            if let Ok(done) = tokio::time::timeout(pause, &mut work).await {
                return done;
            }
        }
    }
}

/// A wait that can be shown to the person. Dropping it removes its text from the terminal and ends its request.
pub struct Wait<'a> {
    person: &'a Person,
    /// Text that this wait showed last; `None` if it has not been announced.
    said: RefCell<Option<String>>,
    /// Number and text of the open request, if the wait is for the person to act.
    call: RefCell<Option<(u64, String)>>,
    end: Cell<End>,
}

impl Wait<'_> {
    /// Shows the reason for the wait on one line of the terminal, which is updated in place. Without a terminal,
    /// writes the reason to standard error once.
    pub fn show(&self, what: &str, countdown: Option<Duration>) {
        self.show_parts(&[what.to_owned()], countdown);
    }

    /// Asks the person to do something: at the terminal as [`Self::show`] does, and on the desktop. A touch is also
    /// reported to the hook.
    pub fn want(&self, prompt: &Prompt, countdown: Option<Duration>) {
        let calls = &self.person.0.notifications;
        let parts = prompt.parts(calls.caller());
        self.show_parts(&parts, countdown);
        let (what, call) = (parts.concat(), self.call.take());
        let call = match call {
            Some((call, same)) if same == what => call,
            other => {
                if let Some((call, _)) = other {
                    calls.end(call, End::Failed);
                }
                calls.begin(prompt)
            }
        };
        self.call.replace(Some((call, what)));
    }

    /// Sets the outcome of the request before the wait is dropped (default: [`End::Failed`]).
    pub fn came_to(&self, end: End) {
        self.end.set(end);
    }

    fn show_parts(&self, parts: &[String], countdown: Option<Duration>) {
        self.person.prepare_to_wait();
        let what = parts.concat();
        let mut console = self.person.console();
        let said = self.said.replace(Some(what.clone()));
        if said.is_none() {
            (console.waits, console.waited) = (console.waits + 1, true);
        }
        console.show(parts, countdown, said.as_ref() == Some(&what));
        console.awaited = Some(what);
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some((call, _)) = self.call.take() {
            self.person.0.notifications.end(call, self.end.get());
        }
        if self.said.borrow().is_some() {
            let mut console = self.person.console();
            (console.waits, console.awaited) = (console.waits - 1, None);
            console.clear();
        }
    }
}
