//! One file on disk: found behind its links, read whole, and replaced in one step under a lock.

use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What every temporary file and lock of ours has in its name.
const OURS: &str = ".aws-mfa-key";
/// Longer files are none of those that we read.
const LARGEST: u64 = 10 * 1024 * 1024;
/// Links that are followed before it is called a cycle.
const LINKS: usize = 40;
/// How often a file is read again because somebody else changed it meanwhile.
const ROUNDS: usize = 20;
/// How long another of our processes may hold a file.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// Another of our processes held it for too long.
    Locked,
    /// Another program rewrites it faster than it can be read.
    Restless,
}

/// Reads a text file; `None` if there is none.
///
/// # Errors
/// [`FileError`] if it is there and cannot be used.
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let content = resolve(path).and_then(|target| Ok(open(&target)?.map(|(text, _)| text)));
    let content = content.map_err(|fault| FileError { path: path.to_owned(), fault })?;
    if content.as_ref().is_some_and(|text| text.contains(&0)) {
        return Err(FileError { path: path.to_owned(), fault: FileFault::NotText });
    }
    if let Some(text) = &content
        && let Err(error) = std::str::from_utf8(text)
    {
        let line = text[..error.valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1;
        return Err(FileError { path: path.to_owned(), fault: FileFault::NotUtf8 { line } });
    }
    Ok(content)
}

/// Whether a file could be replaced now: finds out what would fail before anything is spent on what goes into it.
///
/// # Errors
/// [`FileError`] as [`replace`].
pub fn rehearse(path: &Path, size: usize) -> Result<(), FileError> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    let target = resolve(path).map_err(at)?;
    let old = open(&target).map_err(at)?;
    let folder = folder_of(&target).map_err(at)?;
    let length = old.map_or(0, |(text, _)| text.len()) + size;
    let mut trial = temporary(&folder, &target).map_err(at)?;
    trial.as_file_mut().write_all(&vec![b'\n'; length]).map_err(|error| at(writing(error)))
}

/// Replaces a file by what `edit` makes of its bytes (none, if there is no file): locked against our own processes, in one
/// step, synced; links are followed, the owner kept, the mode never widened. Killed at any instant it is the old file or the new one.
///
/// # Errors
/// What `edit` answers, or [`FileError`]; the file is then as it was.
pub fn replace<E: From<FileError>>(
    path: &Path,
    mut edit: impl FnMut(Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, E>,
) -> Result<(), E> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    let target = resolve(path).map_err(at)?;
    let folder = folder_of(&target).map_err(at)?;
    let _lock = lock(&folder.join(hidden_name(&target, ".lock")), PATIENCE, &mut || {}).map_err(at)?;
    clear_leftovers(&folder, &target);
    for _ in 0..ROUNDS {
        let old = open(&target).map_err(at)?;
        let (text, before) = old.map_or_else(|| (Zeroizing::default(), None), |(text, meta)| (text, Some(meta)));
        let new = edit(text.clone())?;
        if before.is_some() && *new == *text {
            return Ok(());
        }
        let ready = fill(&folder, &target, &new, before.as_ref()).map_err(at)?;
        if changed(&target, before.as_ref()) {
            continue;
        }
        ready.persist(&target).map_err(|error| at(writing(error.error)))?;
        // The new file is in place; a file system that cannot sync a folder takes nothing away from that.
        let _ = File::open(&folder).and_then(|folder| folder.sync_all());
        return Ok(());
    }
    Err(at(FileFault::Restless).into())
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

type Content = (Zeroizing<Vec<u8>>, Metadata);

fn open(target: &Path) -> Result<Option<Content>, FileFault> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY).bits().cast_signed();
    let mut file = match OpenOptions::new().read(true).custom_flags(flags).open(target) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FileFault::Read(error)),
    };
    let meta = file.metadata().map_err(FileFault::Read)?;
    if !meta.is_file() {
        return Err(FileFault::NotAFile);
    }
    if meta.len() > LARGEST {
        return Err(FileFault::NotText);
    }
    let size = usize::try_from(meta.len()).unwrap_or(0);
    let mut text = Zeroizing::new(Vec::with_capacity(size + 1));
    file.read_to_end(&mut text).map_err(FileFault::Read)?;
    Ok(Some((text, meta)))
}

/// The folder of a file, made for its owner alone if it is not there.
fn folder_of(target: &Path) -> Result<PathBuf, FileFault> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(writing)?;
    Ok(folder)
}

fn hidden_name(target: &Path, end: &str) -> String {
    format!(".{}{OURS}{end}", target.file_name().unwrap_or_default().to_string_lossy())
}

/// Takes the lock that `path` stands for, made if it is not there. The kernel frees it, however its holder ends.
/// Calls `waiting` again and again while another process holds it.
///
/// # Errors
/// [`FileFault::Locked`] after `patience`, [`FileFault::Write`] if there can be no such file.
pub fn lock(path: &Path, patience: Duration, waiting: &mut dyn FnMut()) -> Result<File, FileFault> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(writing)?;
    let end = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < end => {
                waiting();
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => return Err(FileFault::Locked),
            Err(TryLockError::Error(error)) => return Err(writing(error)),
        }
    }
}

fn temporary(folder: &Path, target: &Path) -> Result<tempfile::NamedTempFile, FileFault> {
    let prefix = hidden_name(target, ".new-");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).permissions(Permissions::from_mode(0o600)).tempfile_in(folder).map_err(writing)
}

/// Removes what a killed process left; whoever holds the lock is the only one who may have such files.
fn clear_leftovers(folder: &Path, target: &Path) {
    let prefix = hidden_name(target, ".new-");
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    for name in names.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)) {
        // One that cannot be removed does no harm.
        let _ = fs::remove_file(name.path());
    }
}

fn fill(
    folder: &Path,
    target: &Path,
    text: &[u8],
    old: Option<&Metadata>,
) -> Result<tempfile::NamedTempFile, FileFault> {
    let mut new = temporary(folder, target)?;
    let file = new.as_file_mut();
    file.write_all(text).map_err(writing)?;
    if let Some(old) = old {
        let ours = file.metadata().map_err(writing)?;
        if (old.uid(), old.gid()) != (ours.uid(), ours.gid()) {
            fchown(&*file, Some(old.uid()), Some(old.gid())).map_err(writing)?;
        }
        file.set_permissions(Permissions::from_mode(old.mode() & 0o600)).map_err(writing)?;
    }
    file.sync_all().map_err(writing)?;
    Ok(new)
}

/// Whether somebody else replaced or rewrote the file since it was read.
fn changed(target: &Path, before: Option<&Metadata>) -> bool {
    let stamp = |meta: &Metadata| (meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec());
    fs::symlink_metadata(target).ok().as_ref().map(stamp) != before.map(stamp)
}

fn writing(error: io::Error) -> FileFault {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => FileFault::DiskFull,
        Some(Errno::BUSY | Errno::XDEV) => FileFault::CannotReplace,
        _ => FileFault::Write(error),
    }
}
