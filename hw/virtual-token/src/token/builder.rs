//! Builder for a simulated token.

use std::sync::{Arc, Condvar, Mutex};

use super::state::TokenState;
use super::{TokenInner, VirtualToken};
use crate::Persona;
use crate::applet::{Applet, Presence};
use crate::oath::OathState;
use crate::touch::SimulatedTouch;

/// Builder for a token, with the settings that cannot change afterwards.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) persona: Persona,
    pub(super) serial: Option<u32>,
    pub(super) device_id: Option<[u8; 8]>,
    pub(super) challenge: Option<[u8; 8]>,
    pub(super) block: Option<usize>,
}

impl Builder {
    /// Sets the serial number (default: 12345678). `None` hides it.
    #[must_use]
    pub fn serial(self, serial: Option<u32>) -> Self {
        Self { serial, ..self }
    }

    /// Sets the device id of the OATH applet, which is also the salt of the password (default: random). A RESET
    /// replaces it with a random one.
    #[must_use]
    pub fn device_id(self, device_id: [u8; 8]) -> Self {
        Self { device_id: Some(device_id), ..self }
    }

    /// Sets the challenge of every SELECT (default: a random one each time).
    #[must_use]
    pub fn challenge(self, challenge: [u8; 8]) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// Sets the size of one part of an OATH response in bytes, at least 1, for short and extended commands (default:
    /// the persona's).
    #[must_use]
    pub fn block_size(self, bytes: usize) -> Self {
        Self { block: Some(bytes.max(1)), ..self }
    }

    /// Creates the token, without accounts and without a password. It is touched when [`VirtualToken::touch`] is
    /// called.
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
