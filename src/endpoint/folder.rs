//! The agent's runtime folder, which one agent has at a time.

use crate::file::{self, FileError, FileFault};
use crate::world::Environment;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The right to a folder. The kernel takes it back, however its holder ends.
pub struct RuntimeFolder {
    /// The folder.
    pub folder: PathBuf,
    _lock: File,
}

/// Why an agent cannot have a folder.
#[derive(Debug)]
pub enum FolderFault {
    /// Another one does.
    Taken {
        /// Its process, if it has said so.
        pid: Option<u32>,
    },
    /// [`FileFault::NotOurs`] if others could put something there, or what the system says against it.
    File(FileError),
}

impl RuntimeFolder {
    /// Takes it.
    ///
    /// # Errors
    /// [`FolderFault`].
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

    /// The Unix socket in such a folder.
    #[must_use]
    pub fn socket(folder: &Path) -> PathBuf {
        folder.join("agent.sock")
    }
}

/// The folder of the agent that systemd keeps running for the machine, as its own user sees it.
const OF_THE_MACHINE: &str = "/run/aws-mfa-key";

/// Where the agent's own files are, which do not outlive the machine's start: systemd's folder for a service, the user's, or
/// for who is nobody's session (`sudo -u`, another service) the one that the machine's agent of the same user has.
#[must_use]
pub fn find(env: &Environment) -> Option<PathBuf> {
    if let Some(folder) = env.text("RUNTIME_DIRECTORY").and_then(|list| list.split(':').next()) {
        return Some(folder.into());
    }
    let users = env.os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("aws-mfa-key"));
    users.or_else(|| Some(PathBuf::from(OF_THE_MACHINE)).filter(|folder| file::is_ours_alone(folder)))
}

/// Says in the lock's file who has it. That is for people only: where it fails, they are not told.
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
    fn one_has_it_at_a_time_and_says_who() {
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
    fn what_others_could_have_put_there_is_not_taken() {
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
