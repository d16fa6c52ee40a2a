//! One file on disk: found behind its links, read whole, and replaced in one step under a lock.

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

/// Longer files are none of those that we read.
const LARGEST: u64 = 10 * 1024 * 1024;
/// Links that are followed before it is called a cycle.
const LINKS: usize = 40;
/// How long it takes to see that a lock was let go.
pub const PAUSE: Duration = Duration::from_millis(5);
/// How often a file is read again because somebody else changed it meanwhile.
const ROUNDS: usize = 20;

/// What went wrong with a file.
#[derive(Debug)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// And what.
    pub fault: FileFault,
}

/// See [`FileError`].
#[derive(Debug)]
pub enum FileFault {
    /// Neither a variable nor `HOME` says where it is.
    NoHome,
    /// It is not there, and has to be.
    Absent,
    /// A folder, pipe, socket or device.
    NotAFile,
    /// Its links lead in a circle.
    LinkCycle,
    /// Larger than 10 MiB, or with NUL bytes.
    NotText,
    /// Not UTF-8, from this line (from 1) on.
    NotUtf8 {
        /// Line number, from 1.
        line: usize,
    },
    /// AWS's clients cannot read it.
    Damaged {
        /// What the SDK's parser says, with the line number.
        what: String,
    },
    /// Reading failed.
    Read(io::Error),
    /// Writing failed; the file is as it was.
    Write(io::Error),
    /// The disk is full (or a limit reached); the file is as it was.
    DiskFull,
    /// It can only be overwritten in place (a bind mount), which could lose it.
    CannotReplace,
    /// It, or its folder, is marked as one that does not change, or only grows.
    Immutable,
    /// Another of our processes held it for too long.
    Locked,
    /// A folder that has to be ours alone: somebody else has it, or others can write to it.
    NotOurs,
    /// Another program rewrites it faster than it can be read, or has written over what we wrote.
    Restless,
    /// `~user` or `$NAME` in its name, which only some of AWS's clients understand.
    OddPath,
    /// The same file is named for both of AWS's, whose headers differ.
    TwoInOne,
}

/// What replacing a file changes beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceNotice {
    /// Others could read it, and no longer can.
    Tightened {
        /// Its mode until then.
        mode: u32,
    },
    /// It has other names (hard links), which keep the old text.
    LinkCut {
        /// How many.
        others: u64,
    },
}

/// Who may read a file that we replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Its owner alone, whatever it was before.
    Secret,
    /// Whoever could before; its owner alone, if it is new.
    Ordinary,
}

/// Opens a regular file for reading, without following a last link and without waiting for a pipe's other end.
///
/// # Errors
/// [`FileFault::NotAFile`], [`FileFault::Read`].
pub fn open(target: &Path) -> Result<(File, Metadata), FileFault> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(target).map_err(FileFault::Read)?;
    let meta = file.metadata().map_err(FileFault::Read)?;
    if meta.is_file() { Ok((file, meta)) } else { Err(FileFault::NotAFile) }
}

/// Whether both are there, and are one file.
#[must_use]
pub fn are_same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    id(one).is_some_and(|one| id(other) == Some(one))
}

/// Reads a text file; `None` if there is none.
///
/// # Errors
/// [`FileError`] if it is there and cannot be used.
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    let content = resolve(path).and_then(|target| load(&target)).map_err(at)?;
    let Some((text, _)) = content else { return Ok(None) };
    check_text(path, &text)?;
    Ok(Some(text))
}

/// Whether bytes are text.
///
/// # Errors
/// [`FileFault::NotText`], [`FileFault::NotUtf8`].
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

/// Whether a file could be replaced by one that is `more` bytes longer: finds out what would fail before anything is spent
/// on what goes into it, and tells what else would change.
///
/// # Errors
/// [`FileError`] as [`replace`].
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

/// Takes room on the disk, by writing where the file system has no other way.
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

/// Replaces a file by what `edit` makes of its bytes (none, if there is no file): locked against our own processes, in one
/// step, synced; links are followed, the owner kept, the mode never widened. Killed at any instant it is the old file or the new one.
///
/// A program that rewrites it in place (`aws configure set`) knows nothing of locks. Where one was seen at work, we wait until
/// it is done, and look afterwards whether ours is still there: that costs up to 50 ms twice, and else nothing.
///
/// # Errors
/// What `edit` answers, or [`FileError`]; the file is then as it was, but for [`FileFault::Restless`].
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
        // Somebody else may have been at it meanwhile.
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

/// Whether nobody but us, or root, can put anything into a folder; a link to it is not one that somebody else made.
#[must_use]
pub fn is_ours_alone(folder: &Path) -> bool {
    let is_ours = |meta: &Metadata| [0, geteuid().as_raw()].contains(&meta.uid());
    let is_closed = |meta: &Metadata| meta.is_dir() && meta.mode() & 0o022 == 0;
    fs::symlink_metadata(folder).is_ok_and(|link| is_ours(&link))
        && fs::metadata(folder).is_ok_and(|meta| is_ours(&meta) && is_closed(&meta))
}

/// Takes the lock that `path` stands for, made if it is not there. The kernel frees it, however its holder ends.
///
/// # Errors
/// [`FileFault::Locked`] after `patience`, [`FileFault::Write`] if there can be no such file.
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

/// The file of a lock, made if it is not there; nobody has taken it yet.
///
/// # Errors
/// [`FileFault::Write`], [`FileFault::NotAFile`].
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

/// Takes a lock if nobody has it.
///
/// # Errors
/// [`FileFault::Write`].
pub fn take(lock: &File) -> Result<bool, FileFault> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(writing(error)),
    }
}

/// Makes a folder for its owner alone, if it is not there, and those above it.
///
/// # Errors
/// [`FileFault::Write`].
pub fn make_folder(folder: &Path) -> Result<(), FileFault> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    make_folder(above)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        // Another process was quicker.
        Err(_) if folder.is_dir() => return Ok(()),
        Err(error) => return Err(writing(error)),
    }
    if let Some((uid, gid)) = heir(above)? {
        // Whoever has the folder above may have put a link in its place meanwhile.
        let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
        let new = OpenOptions::new().read(true).custom_flags(flags).open(folder).map_err(writing)?;
        fchown(&new, Some(uid), Some(gid)).map_err(writing)?;
    }
    // What will be synced in it is only as lasting as the folder itself.
    sync_folder(above);
    Ok(())
}

/// What root makes in somebody's folder is theirs, or they could not use it afterwards.
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

/// Follows the links of a path by hand, since the last one may lead to a file that is yet to be made.
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

/// What a file holds, and what it is.
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
        // It changed while it was read.
        meta = after;
        file.rewind().map_err(FileFault::Read)?;
    }
    Err(FileFault::Restless)
}

/// What a file at the end of its links is now; `None` if there is none.
#[must_use]
pub fn stamp_of(path: &Path) -> Option<FileStamp> {
    fs::metadata(path).ok().as_ref().map(stamp)
}

/// What changes when a file is rewritten or replaced.
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
