//! The agent's runtime folder, which only one agent at a time can lock.

use crate::file::{self, FileError, FileFault};
use crate::world::Environment;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// A runtime folder that this process has locked. The kernel releases the lock when the process ends, even if it is
/// killed.
pub struct RuntimeFolder {
    /// Path of the runtime folder.
    pub folder: PathBuf,
    _lock: File,
}

/// Reasons why an agent cannot have a runtime folder.
#[derive(Debug)]
pub enum FolderFault {
    /// Another agent has locked the folder.
    Taken {
        /// Process ID of the other agent, if it has written its ID to the lock file.
        pid: Option<u32>,
    },
    /// The folder or its lock cannot be used; [`FileFault::NotOurs`] if other users could put files there.
    File(FileError),
}

impl RuntimeFolder {
    /// Locks the runtime folder for this process. The folder is created if it does not exist.
    ///
    /// # Errors
    /// [`FolderFault::Taken`] if another agent has locked the folder; [`FolderFault::File`] if the folder cannot be
    /// used, or other users could put files there.
    pub fn take(folder: PathBuf) -> Result<Self, FolderFault> {
        let take = || {
            file::make_folder(&folder)?;
            if !file::is_ours_alone(&folder) {
                return Err(FileFault::NotOurs);
            }
            let lock = file::lock_file(&folder.join("agent.lock"))?;
            let is_ours = file::take(&lock)?;
            Ok((lock, is_ours))
        };
        match take() {
            Ok((lock, true)) => {
                sign(&lock);
                Ok(Self { folder, _lock: lock })
            }
            Ok((lock, false)) => Err(FolderFault::Taken { pid: signed(lock) }),
            Err(fault) => Err(FolderFault::File(FileError { path: folder, fault })),
        }
    }

    /// Returns the path of the Unix socket on which the agent serves sessions, in its runtime folder.
    #[must_use]
    pub fn socket(folder: &Path) -> PathBuf {
        folder.join("agent.sock")
    }
}

/// Runtime folder of the agent that systemd runs as a system service.
const OF_THE_MACHINE: &str = "/run/aws-mfa-key";

/// Returns the agent's runtime folder, whose files do not survive a reboot: the systemd service's
/// (`RUNTIME_DIRECTORY`), else the user's (`XDG_RUNTIME_DIR`). A process with neither variable (`sudo -u`, another
/// service) gets the folder of the agent that runs as a system service, if that agent runs as the same user.
#[must_use]
pub fn find(env: &Environment) -> Option<PathBuf> {
    if let Some(folder) = env.text("RUNTIME_DIRECTORY").and_then(|list| list.split(':').next()) {
        return Some(folder.into());
    }
    let users = env.os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("aws-mfa-key"));
    users.or_else(|| Some(PathBuf::from(OF_THE_MACHINE)).filter(|folder| file::is_ours_alone(folder)))
}

/// Writes this process's ID to the lock file. The ID is only used in messages, so a failure is ignored.
fn sign(mut lock: &File) {
    let _ = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
}

fn signed(lock: File) -> Option<u32> {
    let mut text = String::new();
    lock.take(20).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn one_agent_has_the_folder_at_a_time_and_leaves_its_process_id() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        std::fs::create_dir(&run).unwrap();
        std::fs::write(run.join("agent.lock"), "1234567890").unwrap();
        let runtime_folder = RuntimeFolder::take(run.clone()).unwrap();
        let own = Some(std::process::id());
        assert!(matches!(RuntimeFolder::take(run.clone()), Err(FolderFault::Taken { pid }) if pid == own));
        std::fs::write(run.join("agent.lock"), "").unwrap();
        assert!(matches!(RuntimeFolder::take(run.clone()), Err(FolderFault::Taken { pid: None })));
        drop(runtime_folder);
        assert!(RuntimeFolder::take(run).is_ok());
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        for (mode, is_taken) in [(0o700, true), (0o755, true), (0o770, false), (0o1777, false)] {
            file::make_folder(&run).unwrap();
            set_permissions(&run, Permissions::from_mode(mode)).unwrap();
            assert_eq!(RuntimeFolder::take(run.clone()).is_ok(), is_taken, "{mode:o}");
        }
        let link = folder.path().join("link");
        symlink("/tmp", &link).unwrap();
        let not_ours = |fault| matches!(fault, FolderFault::File(FileError { fault: FileFault::NotOurs, .. }));
        assert!(RuntimeFolder::take(link).is_err_and(not_ours));
    }

    #[test]
    fn the_folder_is_that_of_the_service_or_of_the_user() {
        let (service, user) = (("RUNTIME_DIRECTORY", "/run/one:/run/two"), ("XDG_RUNTIME_DIR", "/run/user/1000"));
        let found = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            find(&variables.collect())
        };
        assert_eq!(found(&[service, user]), Some("/run/one".into()));
        assert_eq!(found(&[user]), Some("/run/user/1000/aws-mfa-key".into()));
        let machines = Some(PathBuf::from(OF_THE_MACHINE)).filter(|folder| file::is_ours_alone(folder));
        assert_eq!(found(&[]), machines);
    }
}
