//! Files of our own: whoever writes one holds the lock that goes with it, so nobody else has to be looked out for.

use super::place::{folder_of, hidden_name, is_replaceable, sync_folder};
use super::{FileError, FileFault, adopt, reserve, writing};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Replaces a file of our own by `text`, in one step; its lock is held by the caller, its folder is there. It is on disk
/// when this returns; killed at any instant, it is the old file or the new one. Only its owner can read it.
///
/// # Errors
/// [`FileError`]; the file is then as it was.
pub fn overwrite(path: &Path, text: &[u8]) -> Result<(), FileError> {
    let written = begin(path).and_then(|(mut new, name)| {
        let written = new.write_all(text).and_then(|()| new.sync_all()).and_then(|()| fs::rename(&name, path));
        ended(&name, written)
    });
    written.map_err(|fault| FileError { path: path.to_owned(), fault })?;
    sync_folder(folder_of(path));
    Ok(())
}

/// Whether [`overwrite`] could put `length` bytes there: finds out what would fail before anything is spent on them.
///
/// # Errors
/// [`FileError`] as [`overwrite`].
pub fn rehearse(path: &Path, length: u64) -> Result<(), FileError> {
    let rehearsed = begin(path).and_then(|(new, name)| {
        ended(&name, reserve(&new, length).and_then(|()| fs::remove_file(&name)))?;
        match fs::symlink_metadata(path) {
            Ok(old) if old.is_dir() => Err(FileFault::NotAFile),
            _ if is_replaceable(path) => Ok(()),
            _ => Err(FileFault::CannotReplace),
        }
    });
    rehearsed.map_err(|fault| FileError { path: path.to_owned(), fault })
}

/// A new file beside it; one that a killed process left there goes.
fn begin(path: &Path) -> Result<(File, PathBuf), FileFault> {
    let folder = folder_of(path);
    let name = folder.join(hidden_name(path, ".new"));
    match fs::remove_file(&name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(writing(error)),
        _ => {}
    }
    let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name).map_err(writing)?;
    let adopted = adopt(&new, folder);
    adopted.inspect_err(|_| drop(fs::remove_file(&name)))?;
    Ok((new, name))
}

/// Leaves nothing behind where it failed.
fn ended(name: &Path, outcome: io::Result<()>) -> Result<(), FileFault> {
    outcome.map_err(|error| {
        let _ = fs::remove_file(name);
        writing(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn it_is_replaced_and_not_written_over_whatever_was_left_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own");
        fs::write(folder.path().join(hidden_name(&path, ".new")), "half").unwrap();
        overwrite(&path, b"first").unwrap();
        let mut first = File::open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        overwrite(&path, b"second").unwrap();
        assert_eq!(io::read_to_string(&mut first).unwrap(), "first");
        assert_eq!(
            (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().mode() & 0o777),
            (b"second".to_vec(), 0o600)
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn what_fails_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("x"), "").unwrap();
        assert!(matches!(overwrite(&path, b"text").unwrap_err().fault, FileFault::Write(_)));
        assert!(matches!(rehearse(&path, 1).unwrap_err().fault, FileFault::NotAFile));
        assert!(matches!(rehearse(&folder.path().join("gone/own"), 1).unwrap_err().fault, FileFault::Write(_)));
        fs::remove_dir_all(&path).unwrap();
        rehearse(&path, 1024).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
}
