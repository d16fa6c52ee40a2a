//! Reports of failures of the desktop's keyring.

use super::{Exit, Report};
use crate::source::keyring::KeyringFault;

/// Reports why the keyring could not be used.
pub(super) fn report(what: String, fault: &KeyringFault) -> Report {
    let (exit, next) = match fault {
        KeyringFault::NoBus => (Exit::Failed, "run it in a desktop session, where DBUS_SESSION_BUS_ADDRESS is set"),
        KeyringFault::NoKeyring => (Exit::Failed, "start one, such as gnome-keyring, KWallet or KeePassXC"),
        KeyringFault::Locked => {
            (Exit::Person, "unlock it in its dialog, or with the desktop's own program (such as Seahorse)")
        }
        KeyringFault::Stuck { .. } => (Exit::Failed, "check whether it is showing a password dialog"),
        KeyringFault::Failed { .. } => (Exit::Failed, "check its log: `journalctl --user`"),
    };
    Report::new(exit, what, fault.to_string(), next)
}
