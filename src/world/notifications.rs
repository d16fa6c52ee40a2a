//! Open requests to the person, which are shown on the desktop and reported to the hook.

use super::prompt::{Act, DesktopNotice, End, Prompt};
use super::{Interaction, hook};
use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// How long the end of the process waits for closed notifications to disappear. A healthy desktop needs a thousandth
/// of that.
const SETTLING: Duration = Duration::from_millis(300);

/// A desktop that shows notifications in addition to the terminal's messages.
pub trait Desktop: Send + Sync {
    /// Shows a notification without waiting for it to appear. `number` identifies it for [`Self::close`].
    fn show(&self, number: u64, notice: &DesktopNotice);

    /// Closes a notification without waiting for it to disappear. `number` is the number that it was shown with.
    fn close(&self, number: u64);

    /// Waits up to `limit` until closed notifications have disappeared. Does not wait for a desktop that does not
    /// answer.
    fn settle(&self, limit: Duration);
}

/// Context in which the person is asked: the desktop, the calling program, and the preparation for signals.
pub struct PersonContext {
    /// Desktop that shows notifications; `None` if the person has no desktop session.
    pub desktop: Option<Box<dyn Desktop>>,
    /// Returns the name of the program that started this one; `None` if a person did.
    pub caller: fn() -> Option<String>,
    /// Called before a request is shown that has to be removed if a signal ends the process; see `Person::leave`.
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
    /// True if requests are not shown on the desktop (`--no-notifications`).
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

    /// Returns the name of the program that requests something from the person; `None` if the person started this
    /// program. The name is looked up at the first request and then kept.
    pub(super) fn caller(&self) -> Option<&str> {
        self.caller.get_or_init(self.context.caller).as_deref()
    }

    /// Overrides the name shown as the requester (default: the parent process).
    pub(super) fn name_caller(&self, name: &str) {
        // The first request fixes the name, so a later call has no effect.
        let _ = self.caller.set(Some(name.to_owned()));
    }

    /// Announces a request to the person. Returns the request's number, which [`Notifications::end`] needs.
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

    /// Returns the number of requests since the program started.
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
            // The login goes on even if the hook cannot be run.
            let _ = hook::run(command, &variables);
        }
    }

    /// Returns the latest request that is still open.
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
