//! A file to be replaced, which is locked against other processes of this program and watched for programs that
//! ignore the lock.

use super::{
    Content, Edited, FileFault, FileStamp, Privacy, ROUNDS, adopt, load, lock, make_folder, resolve, stamp, writing,
};
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, XattrFlags, fremovexattr, fsetxattr, lgetxattr, statx};
use std::fmt::Write as _;
use std::fs::{self, File, Metadata, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Part of the name of all our temporary files and locks.
const OURS: &str = ".aws-mfa-key";
/// Extended attribute in which Linux keeps a file's access control list.
const ACL: &str = "system.posix_acl_access";
/// A file that was changed less than this long ago may still be in the middle of being rewritten by another program.
pub(super) const FRESH: Duration = Duration::from_millis(50);
/// For this long after changing the file, another program may still overwrite our text with an older copy.
const RECENT: Duration = Duration::from_secs(1);
/// Timeout for another process of this program to release the lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// A file that is about to be replaced. Its links are followed, its folder exists, and it is locked against other
/// processes of this program.
pub(super) struct ReplaceTarget {
    pub(super) target: PathBuf,
    folder: PathBuf,
    /// Held as long as this value lives. The lock file contains the stamp of the file that we wrote last, so that our
    /// own write is not taken as another program's.
    lock: File,
    /// True once there are signs that another program is rewriting the file.
    pub(super) company: bool,
}

impl ReplaceTarget {
    pub(super) fn take(path: &Path) -> Result<Self, FileFault> {
        let target = resolve(path)?;
        let folder = folder_of(&target).to_owned();
        make_folder(&folder)?;
        if is_marked(&target) || is_marked(&folder) {
            return Err(FileFault::Immutable);
        }
        let lock = lock(&folder.join(hidden_name(&target, ".lock")), PATIENCE)?;
        let place = Self { target, folder, lock, company: false };
        place.clear_leftovers();
        Ok(place)
    }

    /// Removes temporary files that killed processes left behind. Only the lock's holder creates such files, so
    /// nobody is using them.
    fn clear_leftovers(&self) {
        let prefix = hidden_name(&self.target, ".new-");
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for name in names.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)) {
            // A leftover file that cannot be removed does no harm.
            let _ = fs::remove_file(name.path());
        }
    }

    /// Creates a temporary file beside the old file, with the old file's owner and, as far as `privacy` allows, its
    /// mode and access control list.
    pub(super) fn beside(
        &self,
        old: Option<&Metadata>,
        privacy: Privacy,
    ) -> Result<tempfile::NamedTempFile, FileFault> {
        let prefix = hidden_name(&self.target, ".new-");
        let mode = |bits| Permissions::from_mode(bits);
        let mut builder = tempfile::Builder::new();
        let new = builder.prefix(&prefix).permissions(mode(0o600)).tempfile_in(&self.folder).map_err(writing)?;
        // An access control list inherited from the folder could admit users who could not read the old file.
        let _ = fremovexattr(new.as_file(), ACL);
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
        // If a file has an access control list, its mode's group bits only limit what the list grants. Without the
        // list, the same mode would grant these rights to the group.
        let list = if privacy == Privacy::Secret { None } else { access_list(&self.target) };
        if let Some(list) = list {
            fsetxattr(new.as_file(), ACL, &list, XattrFlags::empty()).map_err(|error| writing(error.into()))?;
        }
        Ok(new)
    }

    /// Waits until no program is in the middle of rewriting the old file in place, and returns the old file; `None`
    /// if it does not exist. `now` is the metadata of a file created just now, from which ages are measured, since
    /// the file server's clock may differ from ours.
    pub(super) fn settled(&mut self, now: &Metadata) -> Result<Option<Content>, FileFault> {
        let mut content = load(&self.target)?;
        let ours = self.left();
        for _ in 0..ROUNDS {
            let Some((text, meta)) = &content else { return Ok(None) };
            let before = stamp(meta);
            let age = now.modified().and_then(|now| Ok(now.duration_since(meta.modified()?).unwrap_or_default()));
            let age = age.unwrap_or_default();
            self.company |= age < RECENT && ours != Some(before);
            // If the file is empty, a program may have been held up after truncating it.
            let settled = if text.is_empty() { RECENT } else { FRESH };
            if age > settled || ours == Some(before) {
                return Ok(content);
            }
            std::thread::sleep(FRESH / 2);
            content = load(&self.target)?;
            if content.as_ref().is_some_and(|(text, meta)| stamp(meta) == before && !text.is_empty()) {
                return Ok(content);
            }
        }
        // A file that has stayed empty for this long is meant to be empty, not half-written.
        if content.as_ref().is_some_and(|(text, _)| text.is_empty()) { Ok(content) } else { Err(FileFault::Restless) }
    }

    /// Syncs the folder once our file is in place, and returns true if no other program replaces or overwrites the
    /// file. If another program was seen at work, this check takes [`FRESH`].
    pub(super) fn keeps(&mut self, ours: &Metadata, text: &Edited) -> bool {
        self.remember(&stamp(ours));
        sync_folder(&self.folder);
        let end = Instant::now() + FRESH;
        let stands = || fs::symlink_metadata(&self.target).is_ok_and(|meta| stamp(&meta) == stamp(ours));
        while self.company && stands() && Instant::now() < end {
            std::thread::sleep(FRESH / 10);
        }
        let kept = stands();
        // The file's timestamp may be too coarse to show a change, so the text is compared too.
        let same = || load(&self.target).is_ok_and(|found| found.is_some_and(|(found, _)| text.is(&found)));
        let kept = kept && (!self.company || same());
        self.company |= !kept;
        kept
    }

    /// Reads the stamp of the file that we wrote last from the lock file.
    fn left(&self) -> Option<FileStamp> {
        let mut text = [0; 200];
        let length = self.lock.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(&text[..length]).ok()?;
        let numbers: Vec<i64> = text.split_whitespace().map_while(|number| number.parse().ok()).collect();
        let [dev, ino, length, seconds, nanoseconds] = numbers[..] else { return None };
        Some((dev.cast_unsigned(), ino.cast_unsigned(), length.cast_unsigned(), seconds, nanoseconds))
    }

    fn remember(&self, (dev, ino, length, seconds, nanoseconds): &FileStamp) {
        let mut text = String::new();
        let _ = writeln!(text, "{} {} {length} {seconds} {nanoseconds}", dev.cast_signed(), ino.cast_signed());
        // If this fails, the next replacement only takes a little longer.
        let _ = self.lock.set_len(0).and_then(|()| (&self.lock).write_all(text.as_bytes()));
    }
}

/// Returns the folder that a file is in; `.` for a path without a folder.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs a folder, so that files created or renamed in it survive a crash.
pub(super) fn sync_folder(folder: &Path) {
    // Some file systems cannot sync a folder; the files themselves are synced anyway.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Returns true unless the file is a mount point (a bind mount), which cannot be replaced by a rename.
pub(super) fn is_replaceable(path: &Path) -> bool {
    let mount =
        |path: &Path| statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID).map(|stat| stat.stx_mnt_id);
    match (mount(path), mount(folder_of(path))) {
        (Ok(file), Ok(folder)) => file == folder,
        _ => true,
    }
}

/// Returns true if the file has the attribute "immutable" or "append only", with which not even its owner can replace
/// it.
fn is_marked(path: &Path) -> bool {
    let marks = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    found.is_ok_and(|stat| stat.stx_attributes.intersects(marks))
}

/// Returns a file's access control list in the kernel's format; `None` if the file has no list, as is usual, or the
/// file system does not support lists.
fn access_list(path: &Path) -> Option<Vec<u8>> {
    /// Maximum length of an extended attribute, in bytes (Linux: XATTR_SIZE_MAX).
    const LONGEST: usize = 65_536;
    let mut list = Vec::with_capacity(LONGEST);
    lgetxattr(path, ACL, spare_capacity(&mut list)).ok()?;
    Some(list)
}

pub(super) fn hidden_name(target: &Path, end: &str) -> String {
    format!(".{}{OURS}{end}", target.file_name().unwrap_or_default().to_string_lossy())
}
