//! One code, from a token and an account that are already known: two commands if the applet is not locked.

use crate::conversation::{Patience, converse};
use crate::oath::{self, AccountId, Attempt, DeviceId, OathApplet, OathCode, OathError, Ready, TimeStep};
use crate::survey::KeyLookup;
use crate::transport::{Bus, Transport};

/// The code to fetch: account, time step, and the applet that has the account.
#[derive(Clone, Copy, Debug)]
pub struct CodeRequest<'a> {
    /// Device id of the applet that has the account. `None` accepts any token in the reader, for tokens without a device id.
    pub device_id: Option<&'a DeviceId>,
    /// The account.
    pub account: &'a AccountId,
    /// The time step, counted in the account's own period.
    pub step: TimeStep,
}

/// Fetches one code from the token in `reader`: SELECT, CALCULATE. A locked applet is unlocked for it and locked again,
/// which makes four commands. Takes as long as a touch does, if the account wants one.
///
/// # Errors
/// [`OathError::OtherToken`] if the reader holds another token than expected, [`OathError::PasswordNeeded`] and
/// [`OathError::WrongPassword`] if it is locked and stays so, [`OathError::TouchMissing`], [`OathError::NoSuchAccount`] and
/// the others of [`OathError`].
pub fn code(
    bus: &dyn Bus,
    reader: &str,
    patience: Patience,
    request: &CodeRequest<'_>,
    keys: &KeyLookup<'_>,
) -> Result<OathCode, OathError> {
    code_and_tell(bus, reader, patience, request, keys, &|_| ())
}

/// As [`code`], but passes the code to `came` at once, before the token is locked again and let go: a token may never answer
/// to that.
///
/// # Errors
/// As [`code`].
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

/// Selects the applet, makes sure that it is the expected one, and unlocks it if it is locked.
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
