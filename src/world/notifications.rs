//! The calls for a person that are open: on the desktop, and with the hook. None of them holds anything up.

use super::prompt::{Act, DesktopNotice, End, Prompt};
use super::{Interaction, hook};
use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// How long what was taken away may need to be gone; a desktop that is well needs a thousandth of that.
const SETTLING: Duration = Duration::from_millis(300);

/// Where notices are shown beside the terminal.
pub trait Desktop: Send + Sync {
    /// Shows one; it does not wait for it to be seen.
    fn show(&self, number: u64, notice: &DesktopNotice);

    /// Takes it away; it does not wait for it to be gone.
    fn close(&self, number: u64);

    /// Waits until what was taken away is gone, so long at most; not for a desktop that does not answer.
    fn settle(&self, limit: Duration);
}

/// What there is around the person's terminal.
pub struct PersonContext {
    /// The desktop, if there is one.
    pub desktop: Option<Box<dyn Desktop>>,
    /// Finds out who started this program, if it was another one.
    pub caller: fn() -> Option<String>,
    /// Called before anything is opened that has to be closed by who ends the process early; see `Person::leave`.
    pub before_use: fn(),
}

impl Default for PersonContext {
    fn default() -> Self {
        Self { desktop: None, caller: || None, before_use: || {} }
    }
}

/// See the module.
pub(super) struct Notifications {
    context: PersonContext,
    caller: OnceLock<Option<String>>,
    state: Mutex<OpenCalls>,
}

#[derive(Default)]
struct OpenCalls {
    /// Whether there are to be no notices.
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

    /// Who asks, if it is a program; looked for once, and only where somebody is asked.
    pub(super) fn caller(&self) -> Option<&str> {
        self.caller.get_or_init(self.context.caller).as_deref()
    }

    /// Says who asks, whoever started this program.
    pub(super) fn name_caller(&self, name: &str) {
        // Too late where somebody was asked already.
        let _ = self.caller.set(Some(name.to_owned()));
    }

    /// Calls for the person, and says by which number to [`Notifications::end`] that.
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
        // Whoever ends the process meanwhile is not kept waiting for it.
        drop(state);
        self.run_hook(&call, ("start", ""));
        number
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.state().last
    }

    /// Ends a call, if it is still open.
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
            // A hook that cannot run is not worth a login.
            let _ = hook::run(command, &variables);
        }
    }

    /// What the last call is for that is still open.
    pub(super) fn pending(&self) -> Option<Prompt> {
        self.state().open.last().map(|call| call.prompt.clone())
    }

    /// Ends all that is open, for who ends the process early, and waits until it is gone.
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
