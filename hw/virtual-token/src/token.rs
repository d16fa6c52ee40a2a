//! The token as a whole: which applet is selected, who is talking to it, and who touches it.

mod builder;
mod state;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::account::StoredAccount;
use crate::apdu::{AppletError, CommandApdu, status};
use crate::applet::{Applet, Presence};
use crate::persona::Persona;
use crate::touch::{SimulatedTouch, TouchProgress, TouchWait};

pub use builder::Builder;
use state::TokenState;

/// A YubiKey made of memory. The handle is cheap to clone; all clones are the same token.
#[derive(Clone)]
pub struct VirtualToken {
    inner: Arc<TokenInner>,
}

struct TokenInner {
    persona: Persona,
    /// Held for a whole exchange: a token hears one command at a time.
    turn: Mutex<()>,
    /// Held for a moment, never while somebody is waited for.
    state: Mutex<TokenState>,
    /// Something happened that a wait for a touch has to look at.
    changed: Condvar,
}

impl VirtualToken {
    /// A token with nothing special about it.
    #[must_use]
    pub fn new(persona: Persona) -> Self {
        Self::builder(persona).build()
    }

    /// The way to a token with something special about it.
    #[must_use]
    pub fn builder(persona: Persona) -> Builder {
        Builder { persona, serial: Some(12_345_678), device_id: None, challenge: None, block: None }
    }

    /// What the token answers when it is powered.
    #[must_use]
    pub fn atr(&self) -> &'static [u8] {
        self.inner.persona.atr
    }

    /// The serial number, if the token tells it.
    #[must_use]
    pub fn serial(&self) -> Option<u32> {
        self.state().serial
    }

    /// Puts an account there, or over the one of that name, past all limits.
    pub fn add(&self, account: StoredAccount) {
        self.state().oath.add(account);
    }

    /// Takes an account away; `false` if there is none of that name.
    pub fn remove(&self, id: &[u8]) -> bool {
        self.state().oath.remove(id)
    }

    /// What is on the token now, in its order.
    #[must_use]
    pub fn accounts(&self) -> Vec<StoredAccount> {
        self.state().oath.accounts()
    }

    /// Sets the password (any length, UTF-8) or takes it away. A session that is open becomes locked.
    pub fn set_password(&self, password: Option<&str>) {
        self.state().oath.set_password(password);
    }

    /// Whether this is its password, or whether it has none.
    #[must_use]
    pub fn has_password(&self, password: Option<&str>) -> bool {
        self.state().oath.has_password(password)
    }

    /// Switches an applet off or on, or makes as if there were none. Does not end a session in it.
    pub fn set_presence(&self, applet: Applet, presence: Presence) {
        self.state().presence[applet as usize] = presence;
    }

    /// Says how touches come about from now on, for a wait that has begun too.
    pub fn set_touch(&self, touch: SimulatedTouch) {
        self.state().touch = touch;
        self.inner.changed.notify_all();
    }

    /// Says how long a touch is waited for, as long as the persona does at first; for a wait that has begun too.
    pub fn set_touch_timeout(&self, timeout: Duration) {
        self.state().touch_timeout = timeout;
        self.inner.changed.notify_all();
    }

    /// Touches the token. `false`, and without effect, if it is not waiting for that (any more).
    pub fn touch(&self) -> bool {
        let mut state = self.state();
        let blinks = state.blinks();
        state.waiting.iter_mut().for_each(|wait| wait.touched = true);
        self.inner.changed.notify_all();
        blinks
    }

    /// Whether the token blinks.
    #[must_use]
    pub fn waiting_for_touch(&self) -> bool {
        self.state().blinks()
    }

    /// Waits until the token blinks, `most` at the longest; whether it does.
    #[must_use]
    pub fn until_waiting_for_touch(&self, most: Duration) -> bool {
        let wait = self.inner.changed.wait_timeout_while(self.state(), most, |state| !state.blinks());
        wait.unwrap_or_else(PoisonError::into_inner).0.blinks()
    }

    /// Cuts the power and restores it: nothing is selected, a wait for a touch ends without an answer.
    pub fn reset(&self) {
        let mut state = self.state();
        state.resets += 1;
        state.selected = None;
        state.oath.deselect();
        self.inner.changed.notify_all();
    }

    /// Every command since the beginning or since [`clear_commands`](Self::clear_commands), as it came. Secrets that
    /// were sent are among the bytes.
    #[must_use]
    pub fn commands(&self) -> Vec<Vec<u8>> {
        self.state().commands.clone()
    }

    /// Forgets the commands so far.
    pub fn clear_commands(&self) {
        self.state().commands.clear();
    }

    /// Makes the token lie: from now on `distortion` gets each command with its true answer (data and status word), and
    /// what it returns is sent instead.
    pub fn distort(&self, distortion: impl FnMut(&[u8], Vec<u8>) -> Vec<u8> + Send + 'static) {
        self.state().distortion = Some(Box::new(distortion));
    }

    /// Makes the token honest again.
    pub fn be_honest(&self) {
        self.state().distortion = None;
    }

    /// Answers a command: data, then the two bytes of the status word. Blocks while a touch is waited for. Empty, without a
    /// status word, if the power went meanwhile.
    pub fn exchange(&self, command: &[u8]) -> Vec<u8> {
        self.exchange_unless(command, &AtomicBool::new(false))
    }

    /// The same, but the wait for a touch ends as if the power went when `gone` is set; then call [`wake`](Self::wake).
    pub(crate) fn exchange_unless(&self, command: &[u8], gone: &AtomicBool) -> Vec<u8> {
        let _turn = self.inner.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        state.commands.push(command.to_vec());
        let (state, answer) = self.answer(state, command, gone);
        self.distorted(state, command, answer)
    }

    /// Makes a wait for a touch look around.
    pub(crate) fn wake(&self) {
        let _state = self.state();
        self.inner.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, TokenState> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The distortion runs without the state, so that it may use the token.
    fn distorted(&self, mut state: MutexGuard<'_, TokenState>, command: &[u8], answer: Vec<u8>) -> Vec<u8> {
        let Some(mut distortion) = state.distortion.take() else {
            return answer;
        };
        drop(state);
        let answer = distortion(command, answer);
        self.state().distortion.get_or_insert(distortion);
        answer
    }

    fn answer<'a>(
        &'a self,
        mut state: MutexGuard<'a, TokenState>,
        bytes: &[u8],
        gone: &AtomicBool,
    ) -> (MutexGuard<'a, TokenState>, Vec<u8>) {
        let persona = &self.inner.persona;
        state.oath.forget_rest_unless_asked(bytes);
        let command = match CommandApdu::parse(bytes) {
            Some(command) if !command.extended || persona.extended.is_some() => command,
            _ => return (state, status::WRONG_LENGTH.to_be_bytes().to_vec()),
        };
        let mut result = state.dispatch(persona, &command, false);
        if result == Err(AppletError::NeedsTouch) {
            let touched;
            (state, touched) = self.wait_for_touch(state, gone);
            match touched {
                Some(true) => result = state.dispatch(persona, &command, true),
                Some(false) => result = Err(status::SECURITY.into()),
                None => return (state, Vec::new()),
            }
        }
        let answer = state.finish(result, &command);
        (state, answer)
    }

    /// `Some(touched)`, or `None` if the power went.
    fn wait_for_touch<'a>(
        &'a self,
        mut state: MutexGuard<'a, TokenState>,
        gone: &AtomicBool,
    ) -> (MutexGuard<'a, TokenState>, Option<bool>) {
        let resets = state.resets;
        state.waiting = Some(TouchWait::begin());
        self.inner.changed.notify_all();
        loop {
            let progress = state.waiting.map(|wait| wait.progress(state.touch, state.touch_timeout));
            let end = match progress {
                _ if gone.load(Ordering::SeqCst) || state.resets != resets => None,
                Some(TouchProgress::Touched) => Some(true),
                Some(TouchProgress::Waiting(most)) => {
                    let wait = self.inner.changed.wait_timeout(state, most);
                    state = wait.unwrap_or_else(PoisonError::into_inner).0;
                    continue;
                }
                Some(TouchProgress::Over) | None => Some(false),
            };
            state.waiting = None;
            return (state, end);
        }
    }
}

impl fmt::Debug for VirtualToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("VirtualToken")
            .field("persona", &self.inner.persona.name)
            .field("serial", &state.serial)
            .field("selected", &state.selected)
            .field("commands", &state.commands.len())
            .finish_non_exhaustive()
    }
}
