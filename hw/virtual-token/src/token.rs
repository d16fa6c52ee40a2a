//! The token as a whole: its handle, its exchanges with a host, and the wait for a touch.

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

/// A simulated YubiKey. The handle is cheap to clone; all clones are the same token.
#[derive(Clone)]
pub struct VirtualToken {
    inner: Arc<TokenInner>,
}

struct TokenInner {
    persona: Persona,
    /// Held for a whole exchange, because a token executes one command at a time.
    turn: Mutex<()>,
    /// Held only for a moment, never during a wait.
    state: Mutex<TokenState>,
    /// Signalled on every event that may end a wait for a touch.
    changed: Condvar,
}

impl VirtualToken {
    /// Creates a token with the default settings: serial number 12345678, random device id and challenges.
    #[must_use]
    pub fn new(persona: Persona) -> Self {
        Self::builder(persona).build()
    }

    /// Returns a builder for a token with other settings.
    #[must_use]
    pub fn builder(persona: Persona) -> Builder {
        Builder { persona, serial: Some(12_345_678), device_id: None, challenge: None, block: None }
    }

    /// Returns the answer to reset (ATR), which the token sends when it is powered.
    #[must_use]
    pub fn atr(&self) -> &'static [u8] {
        self.inner.persona.atr
    }

    /// Returns the serial number, or `None` if the token hides it.
    #[must_use]
    pub fn serial(&self) -> Option<u32> {
        self.state().serial
    }

    /// Adds an account without a command, replacing the one with the same id if there is one. The limits of PUT do
    /// not apply.
    pub fn add(&self, account: StoredAccount) {
        self.state().oath.add(account);
    }

    /// Removes an account directly, without a DELETE command. Returns false if there is none with this id.
    pub fn remove(&self, id: &[u8]) -> bool {
        self.state().oath.remove(id)
    }

    /// Returns the accounts, in the order of the token.
    #[must_use]
    pub fn accounts(&self) -> Vec<StoredAccount> {
        self.state().oath.accounts()
    }

    /// Sets the password (any UTF-8 text) or clears it, without a command. An applet that was unlocked becomes
    /// locked.
    pub fn set_password(&self, password: Option<&str>) {
        self.state().oath.set_password(password);
    }

    /// Returns true if `password` is the token's, or if it is `None` and the token has none.
    #[must_use]
    pub fn has_password(&self, password: Option<&str>) -> bool {
        self.state().oath.has_password(password)
    }

    /// Makes an applet enabled, disabled or absent. An applet that is selected stays selected.
    pub fn set_presence(&self, applet: Applet, presence: Presence) {
        self.state().presence[applet as usize] = presence;
    }

    /// Sets who touches the token from now on, also for a wait in progress.
    pub fn set_touch(&self, touch: SimulatedTouch) {
        self.state().touch = touch;
        self.inner.changed.notify_all();
    }

    /// Sets the time that the token waits for a touch (default: the persona's), also for a wait in progress.
    pub fn set_touch_timeout(&self, timeout: Duration) {
        self.state().touch_timeout = timeout;
        self.inner.changed.notify_all();
    }

    /// Touches the token. Returns false, and has no effect, if the token is not waiting for a touch.
    pub fn touch(&self) -> bool {
        let mut state = self.state();
        let blinks = state.blinks();
        state.waiting.iter_mut().for_each(|wait| wait.touched = true);
        self.inner.changed.notify_all();
        blinks
    }

    /// Returns true if the token is waiting for a touch.
    #[must_use]
    pub fn waiting_for_touch(&self) -> bool {
        self.state().blinks()
    }

    /// Waits until the token waits for a touch, for at most `most`. Returns true if it does.
    #[must_use]
    pub fn until_waiting_for_touch(&self, most: Duration) -> bool {
        let wait = self.inner.changed.wait_timeout_while(self.state(), most, |state| !state.blinks());
        wait.unwrap_or_else(PoisonError::into_inner).0.blinks()
    }

    /// Cuts the power and restores it: no applet is selected, and a wait for a touch ends without a response.
    pub fn reset(&self) {
        let mut state = self.state();
        state.resets += 1;
        state.selected = None;
        state.oath.deselect();
        self.inner.changed.notify_all();
    }

    /// Returns every command since the beginning or since [`clear_commands`](Self::clear_commands), as received.
    /// Secrets that were sent are among the bytes.
    #[must_use]
    pub fn commands(&self) -> Vec<Vec<u8>> {
        self.state().commands.clone()
    }

    /// Empties the record that [`commands`](Self::commands) returns.
    pub fn clear_commands(&self) {
        self.state().commands.clear();
    }

    /// Makes the token send wrong responses: from now on `distortion` gets each command with its true response (data
    /// and status word), and returns the one to send.
    pub fn distort(&self, distortion: impl FnMut(&[u8], Vec<u8>) -> Vec<u8> + Send + 'static) {
        self.state().distortion = Some(Box::new(distortion));
    }

    /// Ends the effect of [`distort`](Self::distort).
    pub fn be_honest(&self) {
        self.state().distortion = None;
    }

    /// Executes a command and returns its response: data, then the two bytes of the status word. Blocks during a wait
    /// for a touch. The response is empty, without a status word, if the power is cut during the command.
    pub fn exchange(&self, command: &[u8]) -> Vec<u8> {
        self.exchange_unless(command, &AtomicBool::new(false))
    }

    /// Executes a command as [`exchange`](Self::exchange) does, but treats `gone` as a power cut. A thread that sets
    /// `gone` during a wait for a touch has to call [`wake`](Self::wake) then.
    pub(crate) fn exchange_unless(&self, command: &[u8], gone: &AtomicBool) -> Vec<u8> {
        let _turn = self.inner.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        state.commands.push(command.to_vec());
        let (state, answer) = self.answer(state, command, gone);
        self.distorted(state, command, answer)
    }

    /// Makes a wait for a touch check whether it has to end.
    pub(crate) fn wake(&self) {
        let _state = self.state();
        self.inner.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, TokenState> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes the response to the distortion, if there is one. The state is unlocked while the distortion runs, so
    /// that it may use the token.
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

    /// Waits for a touch. Returns `Some(true)` if it came, `Some(false)` if it did not, `None` if the power was cut.
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
