//! The desktop's keyring, where it could not do what a person asked for.

use super::{Exit, Report};
use crate::source::keyring::KeyringFault;

/// Reports why the keyring was of no use.
pub(super) fn report(what: String, fault: &KeyringFault) -> Report {
    let (exit, next) = match fault {
        KeyringFault::NoBus => {
            (Exit::Failed, "run it in the desktop's own session, where DBUS_SESSION_BUS_ADDRESS is set")
        }
        KeyringFault::NoKeyring => (Exit::Failed, "start one: gnome-keyring, KWallet or KeePassXC, for example"),
        KeyringFault::Locked => (Exit::Person, "unlock it in its dialog, or with the desktop's own program (Seahorse)"),
        KeyringFault::Stuck { .. } => (Exit::Failed, "look whether it waits for a password in a window of its own"),
        KeyringFault::Failed { .. } => (Exit::Failed, "look at what it logs: `journalctl --user`"),
    };
    Report::new(exit, what, fault.to_string(), next)
}
