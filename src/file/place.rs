//! The folder in which a file is replaced: nobody else of us at work there, and an eye on everybody else.

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

/// What every temporary file and lock of ours has in its name.
const OURS: &str = ".aws-mfa-key";
/// Where Linux keeps a file's access control list.
const ACL: &str = "system.posix_acl_access";
/// A file that was changed less long ago may be in the middle of being rewritten in place by another program.
pub(super) const FRESH: Duration = Duration::from_millis(50);
/// A program that changed it less long ago may be about to write over us what it read before.
const RECENT: Duration = Duration::from_secs(1);
/// How long another of our processes may hold a file.
const PATIENCE: Duration = Duration::from_secs(10);

/// A file that is about to be replaced: its links followed, its folder there, and nobody else of us at it.
pub(super) struct ReplaceTarget {
    pub(super) target: PathBuf,
    folder: PathBuf,
    /// Held as long as this lives. It remembers which file we left here last, so that our own is not taken for a stranger's.
    lock: File,
    /// Whether another program was seen at work.
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

    /// Removes what a killed process left: only who holds the lock may have such files.
    fn clear_leftovers(&self) {
        let prefix = hidden_name(&self.target, ".new-");
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for name in names.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)) {
            // One that cannot be removed does no harm.
            let _ = fs::remove_file(name.path());
        }
    }

    /// A new file beside the old one, with its owner and, as far as `privacy` lets it, its mode and access control list.
    pub(super) fn beside(
        &self,
        old: Option<&Metadata>,
        privacy: Privacy,
    ) -> Result<tempfile::NamedTempFile, FileFault> {
        let prefix = hidden_name(&self.target, ".new-");
        let mode = |bits| Permissions::from_mode(bits);
        let mut builder = tempfile::Builder::new();
        let new = builder.prefix(&prefix).permissions(mode(0o600)).tempfile_in(&self.folder).map_err(writing)?;
        // It may have come from the folder, which then lets people in whom the old file did not.
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
        // Without its list, the mode would mean something else: what it says of the group is what the list grants at most.
        let list = if privacy == Privacy::Secret { None } else { access_list(&self.target) };
        if let Some(list) = list {
            fsetxattr(new.as_file(), ACL, &list, XattrFlags::empty()).map_err(|error| writing(error.into()))?;
        }
        Ok(new)
    }

    /// The old file, once nobody is in the middle of rewriting it in place. Times are compared with that of a file made
    /// just now, since the disk's clock need not be ours.
    pub(super) fn settled(&mut self, now: &Metadata) -> Result<Option<Content>, FileFault> {
        let mut content = load(&self.target)?;
        let ours = self.left();
        for _ in 0..ROUNDS {
            let Some((text, meta)) = &content else { return Ok(None) };
            let before = stamp(meta);
            let age = now.modified().and_then(|now| Ok(now.duration_since(meta.modified()?).unwrap_or_default()));
            let age = age.unwrap_or_default();
            self.company |= age < RECENT && ours != Some(before);
            // One that is empty may belong to a program that got no further for a while.
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
        // Empty for as long as this, it is empty.
        if content.as_ref().is_some_and(|(text, _)| text.is_empty()) { Ok(content) } else { Err(FileFault::Restless) }
    }

    /// Once ours is in place: makes that last, and tells whether it stays. Where another program was seen at work, this
    /// takes [`FRESH`].
    pub(super) fn keeps(&mut self, ours: &Metadata, text: &Edited) -> bool {
        self.remember(&stamp(ours));
        sync_folder(&self.folder);
        let end = Instant::now() + FRESH;
        let stands = || fs::symlink_metadata(&self.target).is_ok_and(|meta| stamp(&meta) == stamp(ours));
        while self.company && stands() && Instant::now() < end {
            std::thread::sleep(FRESH / 10);
        }
        let kept = stands();
        // The disk's clock may be too coarse to tell.
        let same = || load(&self.target).is_ok_and(|found| found.is_some_and(|(found, _)| text.is(&found)));
        let kept = kept && (!self.company || same());
        self.company |= !kept;
        kept
    }

    /// Which file we left here last.
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
        // Where it cannot be remembered, the next one of us is a little slower.
        let _ = self.lock.set_len(0).and_then(|()| (&self.lock).write_all(text.as_bytes()));
    }
}

/// The folder that a file is in, or will be.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes last which files are in a folder.
pub(super) fn sync_folder(folder: &Path) {
    // A file system that cannot sync a folder takes nothing away from what is in it.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Whether it is its folder's own file, and not another one mounted over it.
pub(super) fn is_replaceable(path: &Path) -> bool {
    let mount =
        |path: &Path| statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID).map(|stat| stat.stx_mnt_id);
    match (mount(path), mount(folder_of(path))) {
        (Ok(file), Ok(folder)) => file == folder,
        _ => true,
    }
}

/// Whether not even its owner can replace it.
fn is_marked(path: &Path) -> bool {
    let marks = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    found.is_ok_and(|stat| stat.stx_attributes.intersects(marks))
}

/// A file's access control list as the kernel keeps it; most have none, as have all on some file systems.
fn access_list(path: &Path) -> Option<Vec<u8>> {
    /// No attribute is longer (Linux: XATTR_SIZE_MAX).
    const LONGEST: usize = 65_536;
    let mut list = Vec::with_capacity(LONGEST);
    lgetxattr(path, ACL, spare_capacity(&mut list)).ok()?;
    Some(list)
}

pub(super) fn hidden_name(target: &Path, end: &str) -> String {
    format!(".{}{OURS}{end}", target.file_name().unwrap_or_default().to_string_lossy())
}
