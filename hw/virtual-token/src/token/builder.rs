//! A token before it is made.

use std::sync::{Arc, Condvar, Mutex};

use super::state::TokenState;
use super::{TokenInner, VirtualToken};
use crate::Persona;
use crate::applet::{Applet, Presence};
use crate::oath::OathState;
use crate::touch::SimulatedTouch;

/// A token before it is made: what cannot change afterwards.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) persona: Persona,
    pub(super) serial: Option<u32>,
    pub(super) device_id: Option<[u8; 8]>,
    pub(super) challenge: Option<[u8; 8]>,
    pub(super) block: Option<usize>,
}

impl Builder {
    /// The serial number, 12345678 if nothing is said; `None`: the token does not tell it.
    #[must_use]
    pub fn serial(self, serial: Option<u32>) -> Self {
        Self { serial, ..self }
    }

    /// The OATH applet's device id, which is the password's salt too; random if nothing is said, and after a RESET.
    #[must_use]
    pub fn device_id(self, device_id: [u8; 8]) -> Self {
        Self { device_id: Some(device_id), ..self }
    }

    /// The challenge of every SELECT; each time a random one if nothing is said.
    #[must_use]
    pub fn challenge(self, challenge: [u8; 8]) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// Bytes in one piece of an OATH answer, at least 1, however the command was framed; the persona's if nothing is said.
    #[must_use]
    pub fn block_size(self, bytes: usize) -> Self {
        Self { block: Some(bytes.max(1)), ..self }
    }

    /// The token, empty, without a password, touched by [`VirtualToken::touch`].
    #[must_use]
    pub fn build(self) -> VirtualToken {
        let Self { persona, serial, device_id, challenge, block } = self;
        let presence = Applet::ALL.map(|applet| match persona.applets.contains(&applet) {
            true => Presence::Enabled,
            false => Presence::Absent,
        });
        let state = TokenState {
            serial,
            oath: OathState::new(persona.clone(), serial, device_id, challenge, block),
            selected: None,
            presence,
            touch: SimulatedTouch::OnCommand,
            touch_timeout: persona.touch_timeout,
            waiting: None,
            resets: 0,
            commands: Vec::new(),
            distortion: None,
        };
        let inner = TokenInner { persona, turn: Mutex::new(()), state: Mutex::new(state), changed: Condvar::new() };
        VirtualToken { inner: Arc::new(inner) }
    }
}
