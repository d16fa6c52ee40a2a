//! Reads a whole file, or replaces it in one step under a lock. Symbolic links are followed.

mod edited;
pub mod own;
mod place;

pub use edited::{Edit, Edited};

use place::{ReplaceTarget, folder_of, is_replaceable, sync_folder};
use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Maximum size of a file that is read, in bytes.
const LARGEST: u64 = 10 * 1024 * 1024;
/// Number of symbolic links after which a path counts as leading in a circle.
const LINKS: usize = 40;
/// Interval between attempts to take a lock that another process holds.
pub const PAUSE: Duration = Duration::from_millis(5);
/// Maximum number of attempts to read or replace a file that another program keeps changing.
const ROUNDS: usize = 20;

/// A fault of a file or folder, with its path.
#[derive(Debug)]
pub struct FileError {
    /// Path of the file or folder.
    pub path: PathBuf,
    /// Kind of the fault.
    pub fault: FileFault,
}

/// Kinds of faults of a file or folder.
#[derive(Debug)]
pub enum FileFault {
    /// Neither a variable nor `HOME` says where the file is.
    NoHome,
    /// The file does not exist, but is required.
    Absent,
    /// A folder, pipe, socket or device stands in the file's place.
    NotAFile,
    /// The symbolic links lead in a circle.
    LinkCycle,
    /// The file is larger than 10 MiB or contains NUL bytes.
    NotText,
    /// The file contains bytes that are not valid UTF-8.
    NotUtf8 {
        /// Number of the first line with invalid bytes, from 1.
        line: usize,
    },
    /// AWS's clients cannot read the file.
    Damaged {
        /// Explanation with the line number, from the SDK's parser or from us.
        what: String,
    },
    /// Reading the file failed.
    Read(io::Error),
    /// Writing a file, its folder or its lock failed; the file is unchanged.
    Write(io::Error),
    /// The disk is full, or a quota or size limit is reached; the file is unchanged.
    DiskFull,
    /// The file can only be overwritten in place (a bind mount), which could lose it.
    CannotReplace,
    /// The file or its folder has the attribute "immutable" or "append only".
    Immutable,
    /// Another process of this program held the lock for too long.
    Locked,
    /// A folder that must be private to this user belongs to somebody else, or other users can write to it.
    NotOurs,
    /// Another program rewrites the file faster than it can be read, or has overwritten what we wrote.
    Restless,
    /// The path contains `~user` or `$NAME`, which only some of AWS's clients expand.
    OddPath,
    /// The config file and the credentials file are the same file, although their headers differ.
    TwoInOne,
}

/// A side effect of replacing a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceNotice {
    /// Other users could read the old file, but cannot read the new file.
    Tightened {
        /// Permission bits of the old file.
        mode: u32,
    },
    /// The file has other names (hard links), which keep the old content.
    LinkCut {
        /// Number of the other names.
        others: u64,
    },
}

/// The users who may read a file after it is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Only the file's owner, whatever the permissions were before.
    Secret,
    /// The users who could read the file before; only the owner if the file is new.
    Ordinary,
}

/// Opens a regular file for reading, without following a symbolic link at the end of the path and without blocking on
/// a pipe.
///
/// # Errors
/// [`FileFault::NotAFile`] for anything but a regular file; [`FileFault::Read`] if the file cannot be opened.
pub fn open(target: &Path) -> Result<(File, Metadata), FileFault> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(target).map_err(FileFault::Read)?;
    let meta = file.metadata().map_err(FileFault::Read)?;
    if meta.is_file() { Ok((file, meta)) } else { Err(FileFault::NotAFile) }
}

/// Returns true if both paths exist and lead to the same file, for example through a link.
#[must_use]
pub fn are_same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    id(one).is_some_and(|one| id(other) == Some(one))
}

/// Reads a text file; `None` if it does not exist.
///
/// # Errors
/// [`FileError`] if the file exists but cannot be read, or is not text of at most 10 MiB.
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    let content = resolve(path).and_then(|target| load(&target)).map_err(at)?;
    let Some((text, _)) = content else { return Ok(None) };
    check_text(path, &text)?;
    Ok(Some(text))
}

/// Checks that a file's bytes are UTF-8 without NUL. `path` is only used in the error.
///
/// # Errors
/// [`FileFault::NotText`] if there is a NUL byte; [`FileFault::NotUtf8`] with the number of the first line that has
/// invalid bytes.
pub fn check_text(path: &Path, text: &[u8]) -> Result<(), FileError> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    if text.contains(&0) {
        return Err(at(FileFault::NotText));
    }
    if let Err(error) = std::str::from_utf8(text) {
        let line = text[..error.valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1;
        return Err(at(FileFault::NotUtf8 { line }));
    }
    Ok(())
}

/// Checks that a file could be replaced by a file that is `more` bytes longer, and returns the side effects of
/// replacing it. Call this before the content is obtained, for example before a code is used.
///
/// # Errors
/// [`FileError`] if [`replace`] would fail.
pub fn rehearse(path: &Path, privacy: Privacy, more: usize) -> Result<Vec<ReplaceNotice>, FileError> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    let place = ReplaceTarget::take(path).map_err(at)?;
    let old = match open(&place.target) {
        Err(FileFault::Read(error)) if error.kind() == io::ErrorKind::NotFound => None,
        opened => Some(opened.map_err(at)?.1),
    };
    if old.is_some() && !is_replaceable(&place.target) {
        return Err(at(FileFault::CannotReplace));
    }
    let trial = place.beside(old.as_ref(), privacy).map_err(at)?;
    let length = old.as_ref().map_or(0, Metadata::len).saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
    reserve(trial.as_file(), length).map_err(|error| at(writing(error)))?;
    Ok(old.map_or_else(Vec::new, |old| notices(&old, privacy)))
}

/// Reserves `length` bytes on the disk. If the file system cannot reserve space, bytes are written instead.
fn reserve(mut file: &File, length: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, length) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => io::copy(&mut io::repeat(b'\n').take(length), &mut file).map(drop),
        reserved => Ok(reserved?),
    }
}

fn notices(old: &Metadata, privacy: Privacy) -> Vec<ReplaceNotice> {
    let (mode, links) = (old.mode() & 0o777, old.nlink());
    let open = (privacy == Privacy::Secret && mode & 0o077 != 0).then_some(ReplaceNotice::Tightened { mode });
    let linked = (links > 1).then_some(ReplaceNotice::LinkCut { others: links - 1 });
    open.into_iter().chain(linked).collect()
}

/// Replaces a file in one step with the text that `edit` makes from its bytes (no bytes if the file does not exist).
/// A lock keeps out other processes of this program, and the new file is synced. Links are followed, the owner is
/// kept, and the mode is never widened. If the process is killed at any instant, either the old file or the new file
/// is in place.
///
/// A program that rewrites the file in place (`aws configure set`) knows nothing of locks. If the file shows that
/// such a program is at work, we wait until it is done, and check afterwards that our text is still in place; each of
/// the two normally takes up to 50 ms. Otherwise there is no wait.
///
/// # Errors
/// The error of `edit`, or [`FileError`]. The file is unchanged, except after [`FileFault::Restless`].
pub fn replace<E: From<FileError>>(
    path: &Path,
    privacy: Privacy,
    mut edit: impl FnMut(Zeroizing<Vec<u8>>) -> Result<Edited, E>,
) -> Result<(), E> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    let mut place = ReplaceTarget::take(path).map_err(at)?;
    for _ in 0..ROUNDS {
        let old = fs::symlink_metadata(&place.target).ok();
        let new = place.beside(old.as_ref(), privacy).map_err(at)?;
        let now = new.as_file().metadata().map_err(|error| at(writing(error)))?;
        let (text, before) = match place.settled(&now).map_err(at)? {
            Some((text, meta)) => (text, Some(stamp(&meta))),
            None => (Zeroizing::default(), None),
        };
        let edited = edit(text)?;
        if before.is_some() && edited.is_as_before() {
            return Ok(());
        }
        let written = edited.write_to(new.as_file()).and_then(|()| new.as_file().sync_all());
        written.map_err(|error| at(writing(error)))?;
        // Another program may have changed the file since it was read.
        if fs::symlink_metadata(&place.target).ok().as_ref().map(stamp) != before {
            place.company = true;
            continue;
        }
        let ours = new.persist(&place.target).map_err(|error| at(writing(error.error)))?;
        let ours = ours.metadata().map_err(|error| at(writing(error)))?;
        if place.keeps(&ours, &edited) {
            return Ok(());
        }
    }
    Err(at(FileFault::Restless).into())
}

/// Returns true if only this user and root can put files into a folder. A symbolic link to the folder must belong to
/// this user or root.
#[must_use]
pub fn is_ours_alone(folder: &Path) -> bool {
    let is_ours = |meta: &Metadata| [0, geteuid().as_raw()].contains(&meta.uid());
    let is_closed = |meta: &Metadata| meta.is_dir() && meta.mode() & 0o022 == 0;
    fs::symlink_metadata(folder).is_ok_and(|link| is_ours(&link))
        && fs::metadata(folder).is_ok_and(|meta| is_ours(&meta) && is_closed(&meta))
}

/// Takes the lock on the file `path`, which is created if it does not exist. The kernel releases the lock when its
/// holder ends, even if it is killed.
///
/// # Errors
/// [`FileFault::Locked`] after `patience`; [`FileFault::Write`] if the file cannot be created or locked;
/// [`FileFault::NotAFile`] if the path names anything but a regular file.
pub fn lock(path: &Path, patience: Duration) -> Result<File, FileFault> {
    let file = lock_file(path)?;
    let end = Instant::now() + patience;
    while !take(&file)? {
        if Instant::now() >= end {
            return Err(FileFault::Locked);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(file)
}

/// Opens a lock file, and creates it if it does not exist, without taking the lock.
///
/// # Errors
/// [`FileFault::Write`] if the file cannot be created or opened; [`FileFault::NotAFile`] if the path names anything
/// but a regular file.
pub fn lock_file(path: &Path) -> Result<File, FileFault> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY).bits().cast_signed();
    let options = OpenOptions::new().create(true).append(true).read(true).mode(0o600).custom_flags(flags).clone();
    let file = options.open(path).map_err(writing)?;
    if !file.metadata().map_err(writing)?.is_file() {
        return Err(FileFault::NotAFile);
    }
    adopt(&file, folder_of(path))?;
    Ok(file)
}

/// Takes a lock without waiting; returns false if another process holds the lock.
///
/// # Errors
/// [`FileFault::Write`] if the system cannot lock the file.
pub fn take(lock: &File) -> Result<bool, FileFault> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(writing(error)),
    }
}

/// Creates a folder with mode 0700, and any missing folders above it. An existing folder is left unchanged.
///
/// # Errors
/// [`FileFault::Write`] if a folder cannot be created.
pub fn make_folder(folder: &Path) -> Result<(), FileFault> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    make_folder(above)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        // Another process created the folder after we found it missing.
        Err(_) if folder.is_dir() => return Ok(()),
        Err(error) => return Err(writing(error)),
    }
    if let Some((uid, gid)) = heir(above)? {
        // The owner of the folder above may have replaced the new folder with a link since it was created.
        let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
        let new = OpenOptions::new().read(true).custom_flags(flags).open(folder).map_err(writing)?;
        fchown(&new, Some(uid), Some(gid)).map_err(writing)?;
    }
    // A synced file can still be lost in a crash if its folder is not synced.
    sync_folder(above);
    Ok(())
}

/// Changes the owner of a file that root creates in another user's folder to the folder's owner, who could not use
/// the file otherwise.
fn adopt(file: &File, folder: &Path) -> Result<(), FileFault> {
    match heir(folder)? {
        Some((uid, gid)) => fchown(file, Some(uid), Some(gid)).map_err(writing),
        None => Ok(()),
    }
}

fn heir(folder: &Path) -> Result<Option<(u32, u32)>, FileFault> {
    let owner = fs::metadata(folder).map_err(writing)?;
    let differs = geteuid().is_root() && owner.uid() != 0 && owner.mode() & 0o002 == 0;
    Ok(differs.then(|| (owner.uid(), owner.gid())))
}

/// Follows symbolic links one by one, since the last link may lead to a file that does not exist yet.
fn resolve(path: &Path) -> Result<PathBuf, FileFault> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => return Err(FileFault::LinkCycle),
            Err(_) => return Ok(path),
        }
    }
    Err(FileFault::LinkCycle)
}

/// Bytes of a file, and the metadata that the file had when they were read.
type Content = (Zeroizing<Vec<u8>>, Metadata);

fn load(target: &Path) -> Result<Option<Content>, FileFault> {
    let (mut file, mut meta) = match open(target) {
        Err(FileFault::Read(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    for _ in 0..ROUNDS {
        if meta.len() > LARGEST {
            return Err(FileFault::NotText);
        }
        let size = usize::try_from(meta.len()).unwrap_or(0);
        let mut text = Zeroizing::new(Vec::with_capacity(size + 1));
        file.read_to_end(&mut text).map_err(FileFault::Read)?;
        let after = file.metadata().map_err(FileFault::Read)?;
        if stamp(&after) == stamp(&meta) {
            return Ok(Some((text, meta)));
        }
        // The file changed while it was read, so it is read again.
        meta = after;
        file.rewind().map_err(FileFault::Read)?;
    }
    Err(FileFault::Restless)
}

/// Returns the stamp of a file, by which changes to it are noticed. Symbolic links are followed; `None` if the file
/// does not exist.
#[must_use]
pub fn stamp_of(path: &Path) -> Option<FileStamp> {
    fs::metadata(path).ok().as_ref().map(stamp)
}

/// Device, inode, length and modification time (seconds, nanoseconds), which change when a file is rewritten or
/// replaced.
pub type FileStamp = (u64, u64, u64, i64, i64);

fn stamp(meta: &Metadata) -> FileStamp {
    (meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())
}

fn writing(error: io::Error) -> FileFault {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => FileFault::DiskFull,
        Some(Errno::BUSY | Errno::XDEV) => FileFault::CannotReplace,
        _ => FileFault::Write(error),
    }
}

#[cfg(test)]
mod tests;
