//! A locked applet, and unlocking it: each side proves to the other that it knows the password's key.

use super::ready::refusal;
use super::{AccessKey, DeviceId, OathError, Open, Password, Ready, SelectResponse};
use crate::apdu::{self, StatusWord};
use crate::tlv;

/// A selected applet that is locked with a password.
pub struct Locked<'t> {
    open: Open<'t>,
    select_response: SelectResponse,
    challenge: Vec<u8>,
}

/// Outcome of an attempt to unlock an applet.
pub enum Attempt<'t> {
    /// The applet is unlocked. Dropping this value locks it again.
    Unlocked(Ready<'t>),
    /// The password was wrong. The applet does not count tries, so another password can be tried at once.
    WrongPassword(Locked<'t>),
}

impl<'t> Locked<'t> {
    pub(super) fn new(open: Open<'t>, select_response: SelectResponse, challenge: Vec<u8>) -> Self {
        Self { open, select_response, challenge }
    }

    /// Returns the applet's response to SELECT.
    #[must_use]
    pub fn select_response(&self) -> &SelectResponse {
        &self.select_response
    }

    /// Returns the device id of the applet, from which its key is derived; `None` if the applet reports none.
    #[must_use]
    pub fn device_id(&self) -> Option<&DeviceId> {
        self.select_response.device_id.as_ref()
    }

    /// Derives the key of `password` for this applet; `None` if the applet reports no device id.
    #[must_use]
    pub fn key(&self, password: &Password) -> Option<AccessKey> {
        self.device_id().map(|id| AccessKey::derive(password, id))
    }

    /// Unlocks the applet, with a challenge of random bytes.
    ///
    /// Source: YKOATH, VALIDATE.
    ///
    /// # Errors
    /// [`OathError::WrongProof`] if the applet accepts the key but cannot prove that it knows the key too;
    /// [`OathError::NoRandomness`] if the system has no random bytes; [`OathError::NotPermitted`],
    /// [`OathError::OtherApplet`] or [`OathError::Status`] if the response has another status word;
    /// [`OathError::Exchange`] if there is no readable response. A wrong password is not an error, but
    /// [`Attempt::WrongPassword`].
    pub fn unlock(self, key: &AccessKey) -> Result<Attempt<'t>, OathError> {
        let mut ours = [0; 8];
        getrandom::fill(&mut ours).map_err(|_| OathError::NoRandomness)?;
        self.unlock_challenging(key, ours)
    }

    /// Unlocks the applet as [`Locked::unlock`] does, but with the challenge `ours`, so that a recorded conversation
    /// can be replayed.
    ///
    /// Source: YKOATH, VALIDATE.
    ///
    /// # Errors
    /// Those of [`Locked::unlock`], except [`OathError::NoRandomness`].
    pub fn unlock_challenging(mut self, key: &AccessKey, ours: [u8; 8]) -> Result<Attempt<'t>, OathError> {
        let mut data = Vec::with_capacity(32);
        tlv::write(&mut data, 0x75, key.proof(&self.challenge).as_slice());
        tlv::write(&mut data, 0x74, &ours);
        // From here on the applet may be unlocked, whatever it responds.
        self.open.may_be_unlocked = true;
        let answer = apdu::send(self.open.transport, 0xA3, 0x00, 0x00, &data)?;
        match answer.status {
            StatusWord::SUCCESS if proves(&answer.data, key, &ours) => {
                Ok(Attempt::Unlocked(Ready::new(self.open, self.select_response)))
            }
            StatusWord::SUCCESS => Err(OathError::WrongProof),
            StatusWord::WRONG_DATA | StatusWord::NO_SUCH_OBJECT => Ok(Attempt::WrongPassword(self)),
            status => Err(refusal("VALIDATE", status)),
        }
    }
}

/// Returns true if a response to VALIDATE contains the right proof.
fn proves(answer: &[u8], key: &AccessKey, ours: &[u8]) -> bool {
    tlv::TlvReader::new(answer).filter_map(Result::ok).any(|(tag, proof)| tag == 0x75 && key.is_proven_by(proof, ours))
}
