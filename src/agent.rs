//! The parts of the agent, which keeps sessions fresh without anybody there: what is due when, what is told of it, and what
//! serves them.

pub mod address;
pub mod endpoint;
pub mod journal;
pub mod metrics;
pub mod place;
pub mod schedule;

use crate::file;
use crate::world::Environment;
use std::path::PathBuf;

/// The folder of the agent that systemd keeps running for the machine, as its own user sees it.
const OF_THE_MACHINE: &str = "/run/aws-mfa-key";

/// Where the agent's own files are, which do not outlive the machine's start: systemd's folder for a service, the user's, or
/// for who is nobody's session (`sudo -u`, another service) the one that the machine's agent of the same user has.
#[must_use]
pub fn folder(env: &Environment) -> Option<PathBuf> {
    if let Some(folder) = env.text("RUNTIME_DIRECTORY").and_then(|list| list.split(':').next()) {
        return Some(folder.into());
    }
    let users = env.os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("aws-mfa-key"));
    users.or_else(|| Some(PathBuf::from(OF_THE_MACHINE)).filter(|folder| file::is_ours_alone(folder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_that_of_the_service_or_of_the_user() {
        let (service, user) = (("RUNTIME_DIRECTORY", "/run/one:/run/two"), ("XDG_RUNTIME_DIR", "/run/user/1000"));
        let found = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            folder(&variables.collect())
        };
        assert_eq!(found(&[service, user]), Some("/run/one".into()));
        assert_eq!(found(&[user]), Some("/run/user/1000/aws-mfa-key".into()));
        let machines = Some(PathBuf::from(OF_THE_MACHINE)).filter(|folder| file::is_ours_alone(folder));
        assert_eq!(found(&[]), machines);
    }
}
