//! Computing one code when the token and the account are known, which takes two commands if the applet is not locked.

use crate::conversation::{Patience, converse};
use crate::oath::{self, AccountId, Attempt, DeviceId, OathApplet, OathCode, OathError, Ready, TimeStep};
use crate::survey::KeyLookup;
use crate::transport::{Bus, Transport};

/// Request for one code: the account, the time step, and the applet that has the account.
#[derive(Clone, Copy, Debug)]
pub struct CodeRequest<'a> {
    /// Device id of the applet that has the account. `None` accepts any token in the reader, for tokens without a
    /// device id.
    pub device_id: Option<&'a DeviceId>,
    /// Id of the account.
    pub account: &'a AccountId,
    /// Time step of the code, counted in the account's own period.
    pub step: TimeStep,
}

/// Computes one code on the token in `reader`, with the commands SELECT and CALCULATE. A locked applet is unlocked
/// before and locked again afterwards, which makes four commands. Blocks until the token is touched, if the account
/// requires a touch.
///
/// # Errors
/// [`OathError::OtherToken`] if the reader holds another token than expected; [`OathError::PasswordNeeded`] if the
/// applet is locked and `keys` has no key for it; [`OathError::WrongPassword`] if the applet rejects the key;
/// [`OathError::TouchMissing`] if the token is not touched in time; [`OathError::NoSuchAccount`] if the applet does
/// not have the account; another [`OathError`] if the conversation fails.
pub fn code(
    bus: &dyn Bus,
    reader: &str,
    patience: Patience,
    request: &CodeRequest<'_>,
    keys: &KeyLookup<'_>,
) -> Result<OathCode, OathError> {
    code_and_tell(bus, reader, patience, request, keys, &|_| ())
}

/// Computes a code as [`code`] does, and passes it to `came` at once, before the token is locked again and
/// disconnected, because a token may never respond to that.
///
/// # Errors
/// Those of [`code`].
pub fn code_and_tell(
    bus: &dyn Bus,
    reader: &str,
    patience: Patience,
    request: &CodeRequest<'_>,
    keys: &KeyLookup<'_>,
    came: &dyn Fn(OathCode),
) -> Result<OathCode, OathError> {
    converse(bus, reader, patience, &mut |transport| {
        let mut ready = unlocked(transport, request.device_id, keys)?;
        let code = ready.code(request.account, request.step)?;
        came(code.again());
        Ok(code)
    })
}

/// Selects the applet, checks that it is the expected one, and unlocks it if it is locked.
pub(crate) fn unlocked<'t>(
    transport: &'t mut dyn Transport,
    expected: Option<&DeviceId>,
    keys: &KeyLookup<'_>,
) -> Result<Ready<'t>, OathError> {
    let applet = oath::select(transport)?;
    let found = match &applet {
        OathApplet::Ready(ready) => &ready.select_response().device_id,
        OathApplet::Locked(locked) => &locked.select_response().device_id,
    };
    if expected.is_some() && expected != found.as_ref() {
        return Err(OathError::OtherToken { found: found.clone() });
    }
    let locked = match applet {
        OathApplet::Ready(ready) => return Ok(ready),
        OathApplet::Locked(locked) => locked,
    };
    let Some(key) = locked.device_id().and_then(keys) else {
        return Err(OathError::PasswordNeeded { device_id: locked.device_id().cloned() });
    };
    match locked.unlock(&key)? {
        Attempt::Unlocked(ready) => Ok(ready),
        Attempt::WrongPassword(_) => Err(OathError::WrongPassword),
    }
}
