//! One file on disk: found behind its links, read whole, and replaced in one step under a lock.

use rustix::fs::{AtFlags, CWD, OFlags, StatxFlags, statx};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown};
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
/// A file that was changed less long ago may be in the middle of being rewritten in place by another program.
const FRESH: Duration = Duration::from_millis(50);
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
    /// Another of our processes held it for too long.
    Locked,
    /// Another program rewrites it faster than it can be read.
    Restless,
}

/// Who may read a file that we replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Its owner alone, whatever it was before.
    Secret,
    /// Whoever could before; its owner alone, if it is new.
    Ordinary,
}

type Content = (Zeroizing<Vec<u8>>, Metadata);

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

/// Reads a text file; `None` if there is none.
///
/// # Errors
/// [`FileError`] if it is there and cannot be used.
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    let content = resolve(path).and_then(|target| load(&target)).map_err(at)?;
    let Some((text, _)) = content else { return Ok(None) };
    if text.contains(&0) {
        return Err(at(FileFault::NotText));
    }
    if let Err(error) = std::str::from_utf8(&text) {
        let line = text[..error.valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1;
        return Err(at(FileFault::NotUtf8 { line }));
    }
    Ok(Some(text))
}

/// A file that is about to be replaced: its links followed, its folder there, and nobody else of us at it.
struct Place {
    target: PathBuf,
    folder: PathBuf,
    _lock: File,
}

impl Place {
    fn take(path: &Path) -> Result<Self, FileFault> {
        let target = resolve(path)?;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_folder(folder)?;
        let place = Self {
            _lock: lock(&folder.join(hidden_name(&target, ".lock")), PATIENCE, &mut || {})?,
            folder: folder.to_owned(),
            target,
        };
        place.clear_leftovers();
        Ok(place)
    }

    /// Removes what a killed process left: only who holds the lock may have such files.
    fn clear_leftovers(&self) {
        let prefix = hidden_name(&self.target, ".new-");
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for name in names.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)) {
            // One that cannot be removed does no harm.
            let _ = fs::remove_file(name.path());
        }
    }

    /// A new file beside the old one, with its owner and, as far as `privacy` lets it, its mode.
    fn beside(&self, old: Option<&Metadata>, privacy: Privacy) -> Result<tempfile::NamedTempFile, FileFault> {
        let prefix = hidden_name(&self.target, ".new-");
        let mode = |bits| Permissions::from_mode(bits);
        let mut builder = tempfile::Builder::new();
        let new = builder.prefix(&prefix).permissions(mode(0o600)).tempfile_in(&self.folder).map_err(writing)?;
        let Some(old) = old else {
            adopt(new.as_file(), &self.folder)?;
            return Ok(new);
        };
        let ours = new.as_file().metadata().map_err(writing)?;
        if (old.uid(), old.gid()) != (ours.uid(), ours.gid()) {
            fchown(new.as_file(), Some(old.uid()), Some(old.gid())).map_err(writing)?;
        }
        let kept = if privacy == Privacy::Secret { 0o600 } else { 0o777 };
        new.as_file().set_permissions(mode(old.mode() & kept)).map_err(writing)?;
        Ok(new)
    }

    /// The old file, once nobody is in the middle of rewriting it in place. Times are compared with that of a file made
    /// just now, since the disk's clock need not be ours.
    fn settled(&self, now: &Metadata) -> Result<Option<Content>, FileFault> {
        let mut content = load(&self.target)?;
        for _ in 0..ROUNDS {
            let Some((_, meta)) = &content else { return Ok(None) };
            let age = now.modified().and_then(|now| Ok(now.duration_since(meta.modified()?).unwrap_or_default()));
            if age.is_ok_and(|age| age > FRESH) {
                return Ok(content);
            }
            let before = stamp(meta);
            std::thread::sleep(FRESH / 2);
            content = load(&self.target)?;
            if content.as_ref().is_some_and(|(text, meta)| stamp(meta) == before && !text.is_empty()) {
                return Ok(content);
            }
        }
        // Empty for as long as this, it is empty.
        if content.as_ref().is_some_and(|(text, _)| text.is_empty()) { Ok(content) } else { Err(FileFault::Restless) }
    }

    /// Whether it is the folder's own file, and not another one mounted over it.
    fn is_replaceable(&self) -> bool {
        let mount =
            |path: &Path| statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID).map(|stat| stat.stx_mnt_id);
        match (mount(&self.target), mount(&self.folder)) {
            (Ok(file), Ok(folder)) => file == folder,
            _ => true,
        }
    }
}

/// Whether a file could be replaced by one that is `more` bytes longer: finds out what would fail before anything is spent
/// on what goes into it.
///
/// # Errors
/// [`FileError`] as [`replace`].
pub fn rehearse(path: &Path, privacy: Privacy, more: usize) -> Result<(), FileError> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    let place = Place::take(path).map_err(at)?;
    let old = load(&place.target).map_err(at)?;
    if old.is_some() && !place.is_replaceable() {
        return Err(at(FileFault::CannotReplace));
    }
    let mut trial = place.beside(old.as_ref().map(|(_, meta)| meta), privacy).map_err(at)?;
    let length = old.map_or(0, |(text, _)| text.len()) + more;
    trial.as_file_mut().write_all(&vec![b'\n'; length]).map_err(|error| at(writing(error)))
}

/// Replaces a file by what `edit` makes of its bytes (none, if there is no file): locked against our own processes, in one
/// step, synced; links are followed, the owner kept, the mode never widened. Killed at any instant it is the old file or the new one.
///
/// # Errors
/// What `edit` answers, or [`FileError`]; the file is then as it was.
pub fn replace<E: From<FileError>>(
    path: &Path,
    privacy: Privacy,
    mut edit: impl FnMut(Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, E>,
) -> Result<(), E> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    let place = Place::take(path).map_err(at)?;
    for _ in 0..ROUNDS {
        let old = fs::symlink_metadata(&place.target).ok();
        let mut new = place.beside(old.as_ref(), privacy).map_err(at)?;
        let now = new.as_file().metadata().map_err(|error| at(writing(error)))?;
        let (text, before) = match place.settled(&now).map_err(at)? {
            Some((text, meta)) => (text, Some(stamp(&meta))),
            None => (Zeroizing::default(), None),
        };
        let edited = edit(text.clone())?;
        if before.is_some() && *edited == *text {
            return Ok(());
        }
        let written = new.as_file_mut().write_all(&edited).and_then(|()| new.as_file().sync_all());
        written.map_err(|error| at(writing(error)))?;
        // Somebody else may have been at it meanwhile.
        if fs::symlink_metadata(&place.target).ok().as_ref().map(stamp) != before {
            continue;
        }
        new.persist(&place.target).map_err(|error| at(writing(error.error)))?;
        // The new file is in place; a file system that cannot sync a folder takes nothing away from that.
        let _ = File::open(&place.folder).and_then(|folder| folder.sync_all());
        return Ok(());
    }
    Err(at(FileFault::Restless).into())
}

/// Takes the lock that `path` stands for, made if it is not there. The kernel frees it, however its holder ends.
/// Calls `waiting` again and again while another process holds it.
///
/// # Errors
/// [`FileFault::Locked`] after `patience`, [`FileFault::Write`] if there can be no such file.
pub fn lock(path: &Path, patience: Duration, waiting: &mut dyn FnMut()) -> Result<File, FileFault> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY).bits().cast_signed();
    let options = OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(flags).clone();
    let file = options.open(path).map_err(writing)?;
    if !file.metadata().map_err(writing)?.is_file() {
        return Err(FileFault::NotAFile);
    }
    adopt(&file, path.parent().unwrap_or(Path::new(".")))?;
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

/// Makes a folder for its owner alone, if it is not there, and those above it.
///
/// # Errors
/// [`FileFault::Write`].
pub fn make_folder(folder: &Path) -> Result<(), FileFault> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(above)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        // Another process was quicker.
        Err(_) if folder.is_dir() => return Ok(()),
        Err(error) => return Err(writing(error)),
    }
    match heir(above)? {
        Some((uid, gid)) => chown(folder, Some(uid), Some(gid)).map_err(writing),
        None => Ok(()),
    }
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

fn load(target: &Path) -> Result<Option<Content>, FileFault> {
    let (mut file, meta) = match open(target) {
        Err(FileFault::Read(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if meta.len() > LARGEST {
        return Err(FileFault::NotText);
    }
    let size = usize::try_from(meta.len()).unwrap_or(0);
    let mut text = Zeroizing::new(Vec::with_capacity(size + 1));
    file.read_to_end(&mut text).map_err(FileFault::Read)?;
    Ok(Some((text, meta)))
}

fn hidden_name(target: &Path, end: &str) -> String {
    format!(".{}{OURS}{end}", target.file_name().unwrap_or_default().to_string_lossy())
}

/// What changes when a file is rewritten or replaced.
fn stamp(meta: &Metadata) -> (u64, u64, u64, i64, i64) {
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
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_program_that_rewrites_the_file_in_place_loses_nothing_by_us() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let theirs = "[theirs]\nkey = value\n".repeat(40);
        fs::write(&path, &theirs).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..40 {
                    let mut file = File::create(&path).unwrap();
                    std::thread::sleep(Duration::from_millis(10));
                    file.write_all(theirs.as_bytes()).unwrap();
                    drop(file);
                    std::thread::sleep(Duration::from_millis(70));
                }
                done.store(true, Ordering::Relaxed);
            });
            let mut written = 0;
            while !done.load(Ordering::Relaxed) {
                let added = replace(&path, Privacy::Secret, |text| {
                    assert_eq!(text.split(|&b| b == b'[').count(), 41, "half a file was taken for a whole one");
                    Ok::<_, FileError>(Zeroizing::new([text.as_slice(), b"# ours\n"].concat()))
                });
                written += usize::from(added.is_ok());
            }
            assert!(written > 0);
        });
    }

    #[test]
    fn links_are_followed_and_modes_never_widened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink("second", at("first")).unwrap();
        std::os::unix::fs::symlink(at("real"), at("second")).unwrap();
        let cases =
            [(0o644, Privacy::Secret, 0o600), (0o644, Privacy::Ordinary, 0o644), (0o400, Privacy::Secret, 0o400)];
        for (before, privacy, after) in cases {
            fs::write(at("real"), "old").unwrap();
            fs::set_permissions(at("real"), Permissions::from_mode(before)).unwrap();
            let new = Zeroizing::new(b"new".to_vec());
            replace(&at("first"), privacy, |_| Ok::<_, FileError>(new.clone())).unwrap();
            assert_eq!(
                (fs::read(at("real")).unwrap(), fs::metadata(at("real")).unwrap().mode() & 0o777),
                (b"new".to_vec(), after)
            );
            assert!(at("first").is_symlink() && at("second").is_symlink());
            fs::remove_file(at("real")).unwrap();
        }
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let left = folder.path().join(".credentials.aws-mfa-key.new-abc");
        fs::write(&left, "half").unwrap();
        replace(&path, Privacy::Secret, |_| Ok::<_, FileError>(Zeroizing::new(b"x".to_vec()))).unwrap();
        assert!(!left.exists() && path.exists());
    }

    #[test]
    fn a_pipe_in_the_place_of_a_file_or_a_lock_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(matches!(read(&pipe).unwrap_err().fault, FileFault::NotAFile));
        let locked = lock(&pipe, Duration::ZERO, &mut || {});
        assert!(matches!(locked, Err(FileFault::NotAFile | FileFault::Write(_))));
    }
}
