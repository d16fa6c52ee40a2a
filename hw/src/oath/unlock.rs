//! An applet that is locked, and how it is unlocked: each side proves to the other that it knows the password's key.

use super::ready::refusal;
use super::{AccessKey, DeviceId, OathError, Open, Password, Ready, SelectResponse};
use crate::apdu::{self, StatusWord};
use crate::tlv;

/// A selected applet that wants a password first.
pub struct Locked<'t> {
    open: Open<'t>,
    select_response: SelectResponse,
    challenge: Vec<u8>,
}

/// What came of an attempt to unlock an applet.
pub enum Attempt<'t> {
    /// It is unlocked, and will be locked again when it is let go.
    Unlocked(Ready<'t>),
    /// The password was wrong. The applet counts no tries, and can be tried again at once.
    WrongPassword(Locked<'t>),
}

impl<'t> Locked<'t> {
    pub(super) fn new(open: Open<'t>, select_response: SelectResponse, challenge: Vec<u8>) -> Self {
        Self { open, select_response, challenge }
    }

    /// What the applet says of itself.
    #[must_use]
    pub fn select_response(&self) -> &SelectResponse {
        &self.select_response
    }

    /// What the applet calls itself, for which the key is derived; `None` if it does not say.
    #[must_use]
    pub fn device_id(&self) -> Option<&DeviceId> {
        self.select_response.device_id.as_ref()
    }

    /// The key that `password` makes on this applet; `None` if the applet does not say what it calls itself.
    #[must_use]
    pub fn key(&self, password: &Password) -> Option<AccessKey> {
        self.device_id().map(|id| AccessKey::derive(password, id))
    }

    /// Unlocks the applet with a challenge of random bytes.
    ///
    /// YKOATH: VALIDATE.
    ///
    /// # Errors
    /// [`OathError::WrongProof`] if the applet took the key without knowing it, [`OathError::NoRandomness`],
    /// [`OathError::Status`], [`OathError::Exchange`]. A wrong password is no error.
    pub fn unlock(self, key: &AccessKey) -> Result<Attempt<'t>, OathError> {
        let mut ours = [0; 8];
        getrandom::fill(&mut ours).map_err(|_| OathError::NoRandomness)?;
        self.unlock_challenging(key, ours)
    }

    /// As [`Locked::unlock`], with the challenge `ours`, so that a recorded conversation can be replayed.
    ///
    /// YKOATH: VALIDATE.
    ///
    /// # Errors
    /// As [`Locked::unlock`].
    pub fn unlock_challenging(mut self, key: &AccessKey, ours: [u8; 8]) -> Result<Attempt<'t>, OathError> {
        let mut data = Vec::with_capacity(32);
        tlv::write(&mut data, 0x75, key.proof(&self.challenge).as_slice());
        tlv::write(&mut data, 0x74, &ours);
        // From here on it may be unlocked, whatever it answers.
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

/// Whether an answer to VALIDATE holds the right proof.
fn proves(answer: &[u8], key: &AccessKey, ours: &[u8]) -> bool {
    tlv::TlvReader::new(answer).filter_map(Result::ok).any(|(tag, proof)| tag == 0x75 && key.is_proven_by(proof, ours))
}
