//! Reports of failed communication with a token: error responses of the OATH applet, and missing responses.

use super::{Exit, Report};
use hw::oath::OathError;
use hw::transport::CarrierError;

/// Reports why the smart card service could not be used.
pub(super) fn bus(why: &CarrierError) -> Report {
    carrier(String::new(), None, why)
}

/// Reports an error of the OATH applet of `token`.
pub(super) fn oath(what: String, token: &str, why: &OathError) -> Report {
    if let Some(why) = why.carrier() {
        return carrier(what, Some(token), why);
    }
    match why {
        OathError::TouchMissing { waited } => Report::new(
            Exit::Person,
            what,
            format!("{token} was not touched within {} s", waited.as_secs()),
            "try again, and touch it when it blinks",
        ),
        OathError::PasswordNeeded { .. } => Report::new(
            Exit::Person,
            what,
            format!("{token} needs its OATH password"),
            "run it in a terminal and enter the password",
        ),
        OathError::WrongPassword => {
            Report::new(Exit::Person, what, format!("that is not the OATH password of {token}"), "try again")
        }
        OathError::WrongProof => Report::new(
            Exit::Failed,
            what,
            format!("{token} could not prove that it knows the password, so it may not be your token"),
            "unplug it, and check that it is yours",
        ),
        OathError::AppletMissing { .. } => Report::new(
            Exit::Failed,
            what,
            format!("{token}: {why}"),
            "enable the applet: `ykman config usb --enable OATH`",
        ),
        OathError::OtherToken { .. } | OathError::OtherApplet { .. } | OathError::NoSuchAccount { .. } => Report::new(
            Exit::Failed,
            what,
            format!("{token}: {why}"),
            "make sure that nobody else changes the token or its accounts, then try again",
        ),
        OathError::Full => {
            Report::new(Exit::Change, what, format!("{token}: {why}"), "remove one: `aws-mfa-key accounts remove ID`")
        }
        OathError::Unsupported { .. } => {
            Report::new(Exit::Change, what, format!("{token}: {why}"), "use a token that does, such as a YubiKey 5")
        }
        OathError::NotPermitted
        | OathError::Exchange(_)
        | OathError::Malformed { .. }
        | OathError::Digits { .. }
        | OathError::Status { .. }
        | OathError::NoRandomness => Report::new(
            Exit::Failed,
            what,
            format!("{token}: {}", chain(why)),
            "unplug the token, plug it in again, then try again",
        ),
    }
}

/// Joins an error and its sources into one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// Reports why no response came from `token`, or from the smart card service if `token` is `None`.
pub(super) fn carrier(what: String, token: Option<&str>, why: &CarrierError) -> Report {
    let (exit, next) = match why {
        CarrierError::NoService => {
            let next = "start it: `sudo systemctl enable --now pcscd.socket` (packages pcscd and libccid)";
            (Exit::NoToken, next)
        }
        CarrierError::ServiceStopped => (Exit::NoToken, "start it again: `sudo systemctl restart pcscd`"),
        CarrierError::Refused => {
            let next = "`aws-mfa-key doctor` prints the fix; without a desktop session (SSH, a service), polkit has to allow access";
            (Exit::Failed, next)
        }
        CarrierError::Busy => (Exit::Failed, "close the program that is using it, then try again"),
        CarrierError::Removed | CarrierError::Empty => (Exit::NoToken, "plug it in again, then try again"),
        CarrierError::Reset => (Exit::Failed, "try again; if it happens again, close the program that resets it"),
        CarrierError::Mute | CarrierError::Broken | CarrierError::Other { .. } => {
            (Exit::Failed, "unplug the token, plug it in again, then try again")
        }
    };
    Report::new(exit, what, token.map_or_else(|| why.to_string(), |token| format!("{token}: {why}")), next)
}
