//! Reading of files that hold a secret. A file is refused if other users may access it.

use crate::file::{self, FileFault};
use rustix::process::geteuid;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use zeroize::Zeroizing;

/// Upper bound for what is read from a file, in bytes; secrets are far shorter.
const LONGEST: u64 = 64 * 1024;

/// Reason why a file is refused.
#[derive(Debug)]
pub enum PrivateFault {
    /// The file does not exist.
    Absent,
    /// Reading the file failed.
    Unreadable(io::Error),
    /// The path is not a regular file.
    NotAFile,
    /// The file's owner is neither the effective user nor root.
    Foreign,
    /// The permission bits give access to the group or to others.
    Open {
        /// The file's permission bits, such as `0o644`.
        mode: u32,
    },
    /// The file is not UTF-8 text, or has nothing but white space.
    NoText,
}

/// Protection that keeps other users from reading a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The file's permission bits, which must be zero for group and others.
    Bits,
    /// systemd's access control list, which gives a service's user access. The list shows as permission bits of the
    /// group, so only write permission is refused there.
    Systemd,
}

/// Reads a file as UTF-8 text, 64 KiB at most. Symbolic links are followed; owner and mode are checked on their
/// target.
///
/// # Errors
/// [`PrivateFault`] if the file is missing, unreadable, empty, not text, or accessible to other users.
pub fn read(path: &Path, guard: Guard) -> Result<Zeroizing<String>, PrivateFault> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (file, meta) = file::open(&path).map_err(|fault| match fault {
        FileFault::Read(error) if error.kind() == io::ErrorKind::NotFound => PrivateFault::Absent,
        FileFault::Read(error) => PrivateFault::Unreadable(error),
        _ => PrivateFault::NotAFile,
    })?;
    if meta.uid() != 0 && meta.uid() != geteuid().as_raw() {
        return Err(PrivateFault::Foreign);
    }
    let forbidden = match guard {
        Guard::Bits => 0o077,
        Guard::Systemd => 0o027,
    };
    if meta.mode() & forbidden != 0 {
        return Err(PrivateFault::Open { mode: meta.mode() & 0o7777 });
    }
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(meta.len().min(LONGEST)).unwrap_or(0) + 1));
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => PrivateFault::NoText,
        _ => PrivateFault::Unreadable(error),
    })?;
    if text.trim().is_empty() { Err(PrivateFault::NoText) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn reads_only_files_that_nobody_else_can_access() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert!(matches!(read(&path, Guard::Bits), Err(PrivateFault::Absent)));
        assert!(matches!(read(folder.path(), Guard::Bits), Err(PrivateFault::NotAFile)));
        fs::write(&path, "text\n").unwrap();
        for (mode, bits, systemd) in [
            (0o600, true, true),
            (0o400, true, true),
            (0o440, false, true),
            (0o460, false, false),
            (0o604, false, false),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path, Guard::Bits).is_ok(), bits, "{mode:o}");
            assert_eq!(read(&path, Guard::Systemd).is_ok(), systemd, "{mode:o}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        for no_text in [&b" \n\n"[..], b"", b"\xff\xfe"] {
            fs::write(&path, no_text).unwrap();
            assert!(matches!(read(&path, Guard::Bits), Err(PrivateFault::NoText)));
        }
    }
}
