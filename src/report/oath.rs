//! A conversation with a token that failed: what the OATH applet answered, or why no answer came.

use super::{Exit, Report};
use hw::oath::OathError;
use hw::transport::CarrierError;

/// The service itself.
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
            format!("the OATH applet of {token} is locked with a password"),
            "run it in a terminal and type the password",
        ),
        OathError::WrongPassword => {
            Report::new(Exit::Person, what, format!("that is not the password of {token}"), "try again")
        }
        OathError::WrongProof => Report::new(
            Exit::Failed,
            what,
            format!("{token} cannot prove that it knows the password: it may be an impostor"),
            "pull it out, and look whether it is yours",
        ),
        OathError::AppletMissing { .. } => Report::new(
            Exit::Failed,
            what,
            format!("{token}: {why}"),
            "switch the applet on: `ykman config usb --enable OATH`",
        ),
        OathError::OtherToken { .. } | OathError::OtherApplet { .. } | OathError::NoSuchAccount { .. } => Report::new(
            Exit::Failed,
            what,
            format!("{token}: {why}"),
            "somebody changed the token or its accounts meanwhile; try again",
        ),
        OathError::Full => {
            Report::new(Exit::Change, what, format!("{token}: {why}"), "remove one: `aws-mfa-key accounts remove ID`")
        }
        OathError::Unsupported { .. } => {
            Report::new(Exit::Change, what, format!("{token}: {why}"), "use a token that can, such as a YubiKey 5")
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
            "pull the token out, plug it in again, and try again",
        ),
    }
}

/// An error and its sources in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// Reports why no answer came from `token`, or from the service where no token is named.
pub(super) fn carrier(what: String, token: Option<&str>, why: &CarrierError) -> Report {
    let (exit, next) = match why {
        CarrierError::NoService => {
            let next = "start it: `sudo systemctl enable --now pcscd.socket` (packages pcscd and libccid)";
            (Exit::NoToken, next)
        }
        CarrierError::ServiceStopped => (Exit::NoToken, "start it again: `sudo systemctl restart pcscd`"),
        CarrierError::Refused => {
            let next = "`aws-mfa-key doctor` says what lets you in; without a desktop session (SSH, a service), polkit has to allow it";
            (Exit::Failed, next)
        }
        CarrierError::Busy => (Exit::Failed, "close what is using it, then try again"),
        CarrierError::Removed | CarrierError::Empty => (Exit::NoToken, "plug it in again, then try again"),
        CarrierError::Reset => (Exit::Failed, "try again; if it stays, end the program that resets it"),
        CarrierError::Mute | CarrierError::Broken | CarrierError::Other { .. } => {
            (Exit::Failed, "pull the token out, plug it in again, and try again")
        }
    };
    Report::new(exit, what, token.map_or_else(|| why.to_string(), |token| format!("{token}: {why}")), next)
}
