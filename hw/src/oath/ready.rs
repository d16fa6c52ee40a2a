//! An applet whose accounts can be looked at and whose codes can be computed.

use std::time::{Duration, Instant};

use super::{Account, AccountId, OathCode, OathError, Open, SelectResponse, TimeStep, listing};
use crate::apdu::{self, StatusWord};
use crate::tlv;
use crate::transport::CarrierError;

/// A refusal that comes later than this after the question was asked means that a touch was waited for: the applet has
/// one status word for "locked" and for "not touched". It is the vendor's own rule.
pub(super) const TOUCH_WAS_AWAITED: Duration = Duration::from_secs(5);

/// A selected applet that is not locked. If we unlocked it, it is locked again when this is dropped.
pub struct Ready<'t> {
    pub(super) open: Open<'t>,
    pub(super) select_response: SelectResponse,
}

impl<'t> Ready<'t> {
    pub(super) fn new(open: Open<'t>, select_response: SelectResponse) -> Self {
        Self { open, select_response }
    }

    /// What the applet says of itself.
    #[must_use]
    pub fn select_response(&self) -> &SelectResponse {
        &self.select_response
    }

    /// All accounts, in the order of the applet. What the applet does not tell is `None` in them: where it cannot compute
    /// all codes at once, whether a touch is needed and how many digits there are.
    ///
    /// Only that call says which accounts want a touch, so it is made even though no code is wanted; it is made for time
    /// step 0 (the first half minute of 1970), whose codes open nothing, and they are not read.
    ///
    /// YKOATH: CALCULATE ALL, LIST.
    ///
    /// # Errors
    /// [`OathError::NotPermitted`], [`OathError::OtherApplet`], [`OathError::Malformed`], [`OathError::Status`],
    /// [`OathError::Exchange`].
    pub fn accounts(&mut self) -> Result<Vec<Account>, OathError> {
        let mut step_0 = Vec::with_capacity(10);
        tlv::write(&mut step_0, 0x74, &[0; 8]);
        let all = apdu::send(self.open.transport, 0xA4, 0x00, 0x01, &step_0)?;
        // Whatever keeps it from computing all (no such instruction, one damaged account), it may still be able to list.
        if all.status == StatusWord::SUCCESS
            && let Ok(accounts) = listing::read_calculated(&all.data)
        {
            return Ok(accounts);
        }
        let list = apdu::send(self.open.transport, 0xA1, 0x00, 0x00, &[])?;
        match list.status {
            StatusWord::SUCCESS => listing::read_list(&list.data),
            status => Err(refusal("LIST", status)),
        }
    }

    /// The code of account `id` for `step`, which must be counted in the account's own period. Takes as long as the touch
    /// does, if the account wants one; a token gives up waiting after 15 to 30 seconds.
    ///
    /// YKOATH: CALCULATE.
    ///
    /// # Errors
    /// [`OathError::TouchMissing`], [`OathError::NoSuchAccount`], [`OathError::NotPermitted`], [`OathError::OtherApplet`],
    /// [`OathError::Digits`], [`OathError::Malformed`], [`OathError::Status`], [`OathError::Exchange`].
    pub fn code(&mut self, id: &AccountId, step: TimeStep) -> Result<OathCode, OathError> {
        let mut data = Vec::with_capacity(80);
        tlv::write(&mut data, 0x71, id.as_bytes());
        tlv::write(&mut data, 0x74, &step.number().to_be_bytes());
        let asked = Instant::now();
        let answer = apdu::send(self.open.transport, 0xA2, 0x00, 0x01, &data).map_err(OathError::from);
        let waited = asked.elapsed();
        let answer = match answer {
            // Windows has been seen to report a touch that did not come as lost data.
            Err(why) if why.carrier() == Some(&CarrierError::Broken) && waited > TOUCH_WAS_AWAITED => {
                return Err(OathError::TouchMissing { waited });
            }
            answer => answer?,
        };
        match answer.status {
            StatusWord::SUCCESS => OathCode::read(&answer.data, step),
            StatusWord::SECURITY_STATUS if waited > TOUCH_WAS_AWAITED => Err(OathError::TouchMissing { waited }),
            StatusWord::NO_SUCH_OBJECT | StatusWord::NOT_FOUND => Err(OathError::NoSuchAccount { id: id.clone() }),
            StatusWord::NOT_SUPPORTED => Err(OathError::Unsupported { command: "CALCULATE for the account's hash" }),
            status => Err(refusal("CALCULATE", status)),
        }
    }
}

/// What a status word means that is no answer to `command`. Every OATH applet knows LIST, CALCULATE, PUT, DELETE, and
/// VALIDATE if it has a password: one that does not is another applet.
pub(super) fn refusal(command: &'static str, status: StatusWord) -> OathError {
    match status {
        StatusWord::SECURITY_STATUS => OathError::NotPermitted,
        StatusWord::UNKNOWN_INSTRUCTION | StatusWord::UNKNOWN_CLASS => OathError::OtherApplet { status },
        status => OathError::Status { command, status },
    }
}
