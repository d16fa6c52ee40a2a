//! An applet that is not locked: its accounts and codes.

use std::time::{Duration, Instant};

use super::{Account, AccountId, OathCode, OathError, Open, SelectResponse, TimeStep, listing};
use crate::apdu::{self, StatusWord};
use crate::tlv;
use crate::transport::CarrierError;

/// Time from a command to its refusal that tells a missing touch from other reasons: a later refusal means that the
/// token was not touched. The status word does not show it, because the applet has only one for "locked" and "not
/// touched". Yubico's own client uses the same rule.
pub(super) const TOUCH_WAS_AWAITED: Duration = Duration::from_secs(5);

/// A selected applet that is not locked. Dropping it locks the applet again if this crate unlocked it.
pub struct Ready<'t> {
    pub(super) open: Open<'t>,
    pub(super) select_response: SelectResponse,
}

impl<'t> Ready<'t> {
    pub(super) fn new(open: Open<'t>, select_response: SelectResponse) -> Self {
        Self { open, select_response }
    }

    /// Returns the applet's response to SELECT.
    #[must_use]
    pub fn select_response(&self) -> &SelectResponse {
        &self.select_response
    }

    /// Returns all accounts, in the order of the applet.
    ///
    /// Sends CALCULATE ALL, because no other command reports which accounts require a touch. The command is sent for
    /// time step 0 (the first half minute of 1970), so the codes in the response are worthless, and they are not
    /// read. If CALCULATE ALL fails, LIST is sent instead, which does not report touch and digits: these are `None`
    /// then.
    ///
    /// Source: YKOATH, CALCULATE ALL, LIST.
    ///
    /// # Errors
    /// [`OathError::NotPermitted`] if the applet refuses to list its accounts; [`OathError::OtherApplet`] if another
    /// applet responds; [`OathError::Malformed`] if the list cannot be parsed; [`OathError::Status`] if LIST fails
    /// with another status word; [`OathError::Exchange`] if there is no readable response.
    pub fn accounts(&mut self) -> Result<Vec<Account>, OathError> {
        let mut step_0 = Vec::with_capacity(10);
        tlv::write(&mut step_0, 0x74, &[0; 8]);
        let all = apdu::send(self.open.transport, 0xA4, 0x00, 0x01, &step_0)?;
        // LIST may still work if CALCULATE ALL fails, because the instruction is missing or one account is damaged.
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

    /// Returns the code of account `id` for `step`, which must be counted in the account's own period. Blocks until
    /// the token is touched, if the account requires a touch; a token waits 15 to 30 seconds for one.
    ///
    /// Source: YKOATH, CALCULATE.
    ///
    /// # Errors
    /// [`OathError::TouchMissing`] if the token is not touched in time; [`OathError::NoSuchAccount`] if the applet
    /// does not have the account; [`OathError::NotPermitted`] if the applet refuses at once;
    /// [`OathError::Unsupported`] if the token cannot compute with the account's hash function;
    /// [`OathError::OtherApplet`] if another applet responds; [`OathError::Digits`] or [`OathError::Malformed`] if
    /// the response makes no sense; [`OathError::Status`] if it has another status word; [`OathError::Exchange`] if
    /// there is no readable response.
    pub fn code(&mut self, id: &AccountId, step: TimeStep) -> Result<OathCode, OathError> {
        let mut data = Vec::with_capacity(80);
        tlv::write(&mut data, 0x71, id.as_bytes());
        tlv::write(&mut data, 0x74, &step.number().to_be_bytes());
        let asked = Instant::now();
        let answer = apdu::send(self.open.transport, 0xA2, 0x00, 0x01, &data).map_err(OathError::from);
        let waited = asked.elapsed();
        let answer = match answer {
            // Windows has been seen to report a missing touch as lost data.
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

/// Translates a status word that refuses `command`. Every OATH applet knows LIST, CALCULATE, PUT and DELETE, and
/// VALIDATE if it has a password, so if one of these commands is unknown, another applet responded.
pub(super) fn refusal(command: &'static str, status: StatusWord) -> OathError {
    match status {
        StatusWord::SECURITY_STATUS => OathError::NotPermitted,
        StatusWord::UNKNOWN_INSTRUCTION | StatusWord::UNKNOWN_CLASS => OathError::OtherApplet { status },
        status => OathError::Status { command, status },
    }
}
