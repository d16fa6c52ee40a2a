//! The parts of the agent, which keeps sessions fresh without anybody there: what is due when, what is told of it, and what
//! serves them.

pub mod address;
pub mod endpoint;
pub mod journal;
pub mod metrics;
pub mod place;
pub mod schedule;

use crate::world::Environment;
use std::path::PathBuf;

/// Where the agent's own files are, which do not outlive the machine's start: systemd's folder for a service, or the user's.
#[must_use]
pub fn folder(env: &Environment) -> Option<PathBuf> {
    if let Some(folder) = env.text("RUNTIME_DIRECTORY").and_then(|list| list.split(':').next()) {
        return Some(folder.into());
    }
    env.os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("aws-mfa-key"))
}
