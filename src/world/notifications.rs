//! Open requests to the person: shown on the desktop, and reported to the hook.

use super::prompt::{Act, DesktopNotice, End, Prompt};
use super::{Interaction, hook};
use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Time that closed notifications have to disappear before the process ends; a healthy desktop needs a thousandth of
/// that.
const SETTLING: Duration = Duration::from_millis(300);

/// A desktop that shows notifications beside the terminal.
pub trait Desktop: Send + Sync {
    /// Shows a notification under this number, without waiting for it to appear.
    fn show(&self, number: u64, notice: &DesktopNotice);

    /// Closes the notification with this number, without waiting for it to disappear.
    fn close(&self, number: u64);

    /// Waits up to `limit` until closed notifications have disappeared; a desktop that does not answer is not waited
    /// for.
    fn settle(&self, limit: Duration);
}

/// Surroundings of the person's terminal: the desktop, the calling program, and the preparation for signals.
pub struct PersonContext {
    /// Desktop that shows notifications; `None` if there is none.
    pub desktop: Option<Box<dyn Desktop>>,
    /// Returns the name of the program that started this one; `None` if a person did.
    pub caller: fn() -> Option<String>,
    /// Called before anything is opened that has to be closed when the process ends early; see `Person::leave`.
    pub before_use: fn(),
}

impl Default for PersonContext {
    fn default() -> Self {
        Self { desktop: None, caller: || None, before_use: || {} }
    }
}

/// The open requests to one person, and the desktop and hook that announce them.
pub(super) struct Notifications {
    context: PersonContext,
    caller: OnceLock<Option<String>>,
    state: Mutex<OpenCalls>,
}

#[derive(Default)]
struct OpenCalls {
    /// True if nothing is shown on the desktop (`--no-notifications`).
    undisturbed: bool,
    on_touch: Option<OsString>,
    last: u64,
    open: Vec<Call>,
}

#[derive(Clone)]
struct Call {
    number: u64,
    prompt: Prompt,
    is_shown: bool,
    hook: Option<OsString>,
}

impl Notifications {
    pub(super) fn new(context: PersonContext) -> Self {
        Self { context, caller: OnceLock::new(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, OpenCalls> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn adjust(&self, interaction: &Interaction) {
        let mut state = self.state();
        (state.undisturbed, state.on_touch) = (!interaction.notices, interaction.on_touch.clone());
    }

    /// Returns the program that makes the request; `None` if a person does. Looked up once, and only when somebody is
    /// asked.
    pub(super) fn caller(&self) -> Option<&str> {
        self.caller.get_or_init(self.context.caller).as_deref()
    }

    /// Overrides the name shown as the requester (default: the parent process).
    pub(super) fn name_caller(&self, name: &str) {
        // Has no effect after the first request, which fixes the name.
        let _ = self.caller.set(Some(name.to_owned()));
    }

    /// Announces a request to the person; returns the number with which to [`Notifications::end`] it.
    pub(super) fn begin(&self, prompt: &Prompt) -> u64 {
        let caller = self.caller();
        let mut state = self.state();
        state.last += 1;
        let (number, hook) = (state.last, state.on_touch.clone().filter(|_| matches!(prompt.act, Act::Touch(_))));
        let desktop = self.context.desktop.as_ref().filter(|_| !state.undisturbed);
        if desktop.is_some() || hook.is_some() {
            (self.context.before_use)();
        }
        let (prompt, is_shown) = (prompt.clone(), desktop.is_some());
        if let Some(desktop) = desktop {
            desktop.show(number, &prompt.notice(caller));
        }
        let call = Call { number, prompt, is_shown, hook };
        state.open.push(call.clone());
        // A signal that ends the process must not wait for the hook.
        drop(state);
        self.run_hook(&call, ("start", ""));
        number
    }

    /// Returns the number of requests so far.
    pub(super) fn count(&self) -> u64 {
        self.state().last
    }

    /// Ends a request, if it is still open.
    pub(super) fn end(&self, number: u64, end: End) {
        let mut state = self.state();
        if let Some(at) = state.open.iter().position(|call| call.number == number) {
            let call = state.open.remove(at);
            drop(state);
            self.over(&call, end);
        }
    }

    fn over(&self, call: &Call, end: End) {
        if let Some(desktop) = self.context.desktop.as_ref().filter(|_| call.is_shown) {
            desktop.close(call.number);
        }
        self.run_hook(call, ("end", end.word()));
    }

    fn run_hook(&self, call: &Call, (event, outcome): (&str, &str)) {
        let variables = call.prompt.variables(self.caller());
        if let (Some(command), Some(mut variables)) = (&call.hook, variables) {
            variables.push(("AWS_MFA_KEY_TOUCH_EVENT", event.to_owned()));
            variables.push(("AWS_MFA_KEY_TOUCH_OUTCOME", outcome.to_owned()));
            // A hook that cannot run does not make a login fail.
            let _ = hook::run(command, &variables);
        }
    }

    /// Returns the last request that is still open.
    pub(super) fn pending(&self) -> Option<Prompt> {
        self.state().open.last().map(|call| call.prompt.clone())
    }

    /// Ends all open requests before the process ends early, and waits until their notifications have disappeared.
    pub(super) fn leave(&self, end: End) {
        let open = std::mem::take(&mut self.state().open);
        for call in &open {
            self.over(call, end);
        }
        if let Some(desktop) = &self.context.desktop {
            desktop.settle(SETTLING);
        }
    }
}
