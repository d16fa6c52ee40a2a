//! Files that only this program writes. A process that overwrites such a file holds the file's lock, so no
//! precautions against other writers are needed.

use super::place::{folder_of, hidden_name, is_replaceable, sync_folder};
use super::{FileError, FileFault, adopt, reserve, writing};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Replaces one of our own files with `text`, in one step. The caller must hold the file's lock, and the folder must
/// exist. The file is synced when this function returns. If the process is killed at any instant, either the old file
/// or the new file is in place. Only the owner can read the file.
///
/// # Errors
/// [`FileError`] if the file cannot be written; the old file is unchanged.
pub fn overwrite(path: &Path, text: &[u8]) -> Result<(), FileError> {
    let written = begin(path).and_then(|(mut new, name)| {
        let written = new.write_all(text).and_then(|()| new.sync_all()).and_then(|()| fs::rename(&name, path));
        ended(&name, written)
    });
    written.map_err(|fault| FileError { path: path.to_owned(), fault })?;
    sync_folder(folder_of(path));
    Ok(())
}

/// Creates a file with `text`; an existing file is replaced only if `replace` is true. No lock is needed: if several
/// processes write at once, each writes either its whole text or nothing. Only the file's owner can read it.
///
/// # Errors
/// [`FileError`] if the file cannot be written, or exists and may not be replaced; an existing file is unchanged.
pub fn place(path: &Path, text: &[u8], replace: bool) -> Result<(), FileError> {
    let folder = folder_of(path);
    let place = || {
        let prefix = hidden_name(path, ".new-");
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(&prefix).permissions(Permissions::from_mode(0o600));
        let mut new = builder.tempfile_in(folder).map_err(writing)?;
        adopt(new.as_file(), folder)?;
        new.write_all(text).and_then(|()| new.as_file().sync_all()).map_err(writing)?;
        let placed = if replace { new.persist(path) } else { new.persist_noclobber(path) };
        placed.map(drop).map_err(|error| writing(error.error))
    };
    place().map_err(|fault| FileError { path: path.to_owned(), fault })?;
    sync_folder(folder);
    Ok(())
}

/// Checks that [`overwrite`] could write `length` bytes. Call this before the bytes are obtained, for example before
/// a code is used.
///
/// # Errors
/// [`FileError`] if [`overwrite`] would fail.
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

/// Creates a temporary file beside `path`. If a killed process left its temporary file there, that file is removed
/// first.
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

/// Removes the temporary file if the outcome is an error.
fn ended(name: &Path, outcome: io::Result<()>) -> Result<(), FileFault> {
    outcome.map_err(|error| {
        let _ = fs::remove_file(name);
        writing(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use std::sync::atomic::{AtomicU8, Ordering};

    #[test]
    fn several_writers_at_once_leave_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own");
        let (many, first) = (8, AtomicU8::new(0));
        std::thread::scope(|scope| {
            for own in 1..=many {
                let (path, first) = (&path, &first);
                scope.spawn(move || match place(path, &vec![own; 10_000], false) {
                    Ok(()) => assert_eq!(first.swap(own, Ordering::Relaxed), 0, "only one of them"),
                    Err(FileError { fault: FileFault::Write(error), .. }) => {
                        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
                    }
                    Err(error) => panic!("{error:?}"),
                });
            }
        });
        let there = fs::read(&path).unwrap();
        assert_eq!(there, vec![first.into_inner(); 10_000]);
        std::thread::scope(|scope| {
            for own in 1..=many {
                let path = &path;
                scope.spawn(move || place(path, &vec![own; 10_000], true).unwrap());
            }
        });
        let there = fs::read(&path).unwrap();
        assert!(there.len() == 10_000 && there.iter().all(|byte| *byte == there[0]));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn overwriting_replaces_the_file_and_removes_leftovers() {
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
    fn a_failure_leaves_the_folder_unchanged() {
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
