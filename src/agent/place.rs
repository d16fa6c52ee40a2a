//! The agent's own folder, which one agent has at a time.

use crate::file::{self, FileError, FileFault};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The right to a folder. The kernel takes it back, however its holder ends.
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    _lock: File,
}

/// Why an agent cannot have a folder.
#[derive(Debug)]
pub enum PlaceFault {
    /// Another one does.
    Taken {
        /// Its process, if it has said so.
        pid: Option<u32>,
    },
    /// [`FileFault::NotOurs`] if others could put something there, or what the system says against it.
    File(FileError),
}

impl Place {
    /// Takes it.
    ///
    /// # Errors
    /// [`PlaceFault`].
    pub fn take(folder: PathBuf) -> Result<Self, PlaceFault> {
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
            Ok((lock, false)) => Err(PlaceFault::Taken { pid: signed(lock) }),
            Err(fault) => Err(PlaceFault::File(FileError { path: folder, fault })),
        }
    }

    /// The Unix socket in such a folder.
    #[must_use]
    pub fn socket(folder: &Path) -> PathBuf {
        folder.join("agent.sock")
    }
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
        let place = Place::take(run.clone()).unwrap();
        let own = Some(std::process::id());
        assert!(matches!(Place::take(run.clone()), Err(PlaceFault::Taken { pid }) if pid == own));
        std::fs::write(run.join("agent.lock"), "").unwrap();
        assert!(matches!(Place::take(run.clone()), Err(PlaceFault::Taken { pid: None })));
        drop(place);
        assert!(Place::take(run).is_ok());
    }

    #[test]
    fn what_others_could_have_put_there_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        for (mode, is_taken) in [(0o700, true), (0o755, true), (0o770, false), (0o1777, false)] {
            file::make_folder(&run).unwrap();
            set_permissions(&run, Permissions::from_mode(mode)).unwrap();
            assert_eq!(Place::take(run.clone()).is_ok(), is_taken, "{mode:o}");
        }
        let link = folder.path().join("link");
        symlink("/tmp", &link).unwrap();
        let not_ours = |fault| matches!(fault, PlaceFault::File(FileError { fault: FileFault::NotOurs, .. }));
        assert!(Place::take(link).is_err_and(not_ours));
    }
}
