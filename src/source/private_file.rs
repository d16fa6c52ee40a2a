//! A file with something secret in it, which nobody else can read.

use crate::file::{self, FileFault};
use rustix::process::geteuid;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use zeroize::Zeroizing;

/// Longest file that is read, in bytes; what is secret is far shorter.
const LONGEST: u64 = 64 * 1024;

/// Why a file is not taken.
#[derive(Debug)]
pub enum PrivateFault {
    /// There is no such file.
    Absent,
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is no regular file.
    NotAFile,
    /// It belongs to somebody else, neither us nor root.
    Foreign,
    /// Others can read or write it.
    Open {
        /// Its permission bits.
        mode: u32,
    },
    /// It is no text, or an empty one.
    NoText,
}

/// Who keeps others from reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Its own permission bits: none for group or others.
    Bits,
    /// systemd, which gives a service's user access by an access control list; that shows as a bit of the group.
    Systemd,
}

/// Reads it; what a link leads to is what is meant.
///
/// # Errors
/// [`PrivateFault`].
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
    fn only_what_nobody_else_can_read_is_read() {
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
