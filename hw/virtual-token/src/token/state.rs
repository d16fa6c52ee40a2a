//! Current state of a token, and the dispatch of commands to the selected applet.

use std::time::Duration;

use crate::apdu::{AppletError, CommandApdu, status};
use crate::applet::{Applet, Presence};
use crate::oath::OathState;
use crate::touch::{SimulatedTouch, TouchWait};
use crate::{Persona, management, otp};

/// Current state of a token.
pub(super) struct TokenState {
    pub(super) serial: Option<u32>,
    pub(super) oath: OathState,
    pub(super) selected: Option<Applet>,
    pub(super) presence: [Presence; 3],
    pub(super) touch: SimulatedTouch,
    pub(super) touch_timeout: Duration,
    pub(super) waiting: Option<TouchWait>,
    /// Number of resets. A command that was in progress during a reset gets no response.
    pub(super) resets: u64,
    pub(super) commands: Vec<Vec<u8>>,
    pub(super) distortion: Option<Distortion>,
}

/// Function that gets a command and its true response, and returns the response to send.
pub(super) type Distortion = Box<dyn FnMut(&[u8], Vec<u8>) -> Vec<u8> + Send>;

impl TokenState {
    /// Returns true if the token is waiting for a touch that has not come.
    pub(super) fn blinks(&self) -> bool {
        self.waiting.is_some_and(|wait| !wait.touched)
    }

    pub(super) fn dispatch(
        &mut self,
        persona: &Persona,
        command: &CommandApdu<'_>,
        touched: bool,
    ) -> Result<Vec<u8>, AppletError> {
        match (command, self.selected) {
            (CommandApdu { class: 0, instruction: 0xa4, p1: 4, .. }, _) => self.select(persona, command.data),
            (CommandApdu { class: 0, .. }, Some(Applet::Oath)) => self.oath.answer(command, touched),
            (CommandApdu { class: 0, .. }, Some(Applet::Management)) => {
                let (supported, enabled) = self.capabilities(persona);
                management::answer(command, persona, self.serial, supported, enabled)
            }
            (CommandApdu { class: 0, .. }, Some(Applet::Otp)) => otp::answer(command, self.serial),
            (CommandApdu { class: 0, .. }, None) => Err(status::UNKNOWN_INSTRUCTION.into()),
            _ => Err(status::UNKNOWN_CLASS.into()),
        }
    }

    /// Selects an applet. `id` may be longer than the applet's id, because some clients append bytes. An unknown id
    /// changes nothing.
    fn select(&mut self, persona: &Persona, id: &[u8]) -> Result<Vec<u8>, AppletError> {
        let enabled = |applet: &Applet| self.presence[*applet as usize] == Presence::Enabled;
        let found = Applet::ALL.into_iter().filter(enabled).find(|applet| id.starts_with(applet.id()));
        let applet = found.ok_or(status::NOT_FOUND)?;
        self.oath.leave();
        self.selected = Some(applet);
        Ok(match applet {
            Applet::Oath => self.oath.select(),
            Applet::Management => management::banner(persona),
            Applet::Otp => otp::status(persona),
        })
    }

    /// Returns the capabilities of the token, and those that are enabled.
    fn capabilities(&self, persona: &Persona) -> (u16, u16) {
        let without = |bits: u16, gone: fn(Presence) -> bool| {
            let gone = Applet::ALL.into_iter().filter(|&applet| gone(self.presence[applet as usize]));
            gone.fold(bits, |bits, applet| bits & !applet.capability())
        };
        let supported = without(persona.capabilities, |presence| presence == Presence::Absent);
        (supported, without(supported, |presence| presence != Presence::Enabled))
    }

    /// Returns the response: data and status word. Only the OATH applet sends long responses in parts.
    pub(super) fn finish(&mut self, result: Result<Vec<u8>, AppletError>, command: &CommandApdu<'_>) -> Vec<u8> {
        let (mut answer, status) = match result {
            Ok(data) if self.selected == Some(Applet::Oath) => self.oath.piece(data, command),
            Ok(data) => (data, status::OK),
            Err(AppletError::Status(status)) => (Vec::new(), status),
            Err(AppletError::NeedsTouch) => (Vec::new(), status::INTERNAL),
        };
        answer.extend(status.to_be_bytes());
        answer
    }
}
