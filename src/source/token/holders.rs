//! Processes that may be holding a token: a guess from the names of running programs, because PC/SC does not say.

use super::TokenError;
use crate::world::{Machine, Process};
use hw::oath::OathError;
use hw::transport::CarrierError;

/// Programs known to keep a token to themselves, the likeliest first.
const KNOWN: [&str; 12] = [
    "scdaemon",
    "yubikey-agent",
    "authenticator",
    "authenticator-helper",
    "yubioath-desktop",
    "ykman",
    "ykman-gui",
    "age-plugin-yubikey",
    "pivy-agent",
    "yubico-piv-tool",
    "ssh-pkcs11-helper",
    "pkcs11-tool",
];

/// Returns this user's processes that may be holding a token, the likeliest first.
#[must_use]
pub fn holders(machine: &Machine) -> Vec<Process> {
    let rank = |process: &Process| KNOWN.iter().position(|name| *name == process.name);
    let mut found: Vec<Process> = machine.processes().into_iter().filter(|process| rank(process).is_some()).collect();
    found.sort_by_key(rank);
    found
}

impl TokenError {
    /// Replaces an error that says the token is busy with [`Self::Busy`], which has a guess at who is using it. Other
    /// errors are returned unchanged.
    pub(super) fn with_holders(self, machine: &Machine) -> Self {
        let token = match &self {
            Self::Unseen { reader, why } if is_busy(why) => reader,
            Self::NoCode { token, why } if is_busy(why) => token,
            _ => return self,
        };
        Self::Busy { token: token.clone(), holders: holders(machine) }
    }
}

fn is_busy(why: &OathError) -> bool {
    why.carrier() == Some(&CarrierError::Busy)
}
