//! Checks of AWS's two files and the state directory: whether a login could read and write them, and whether other
//! users have access.

use super::Finding;
use super::subject::Subject;
use crate::aws::SessionProfile;
use crate::aws::config_file::Locations;
use crate::aws::credentials_file::{CredentialsError, CredentialsNotice, rehearse};
use crate::file::{self, FileError, Privacy};
use crate::ledger;
use crate::plan::{self, PlanError};
use rustix::process::geteuid;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The file or directory that a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// AWS's config file.
    Config,
    /// AWS's credentials file.
    Credentials,
    /// The state directory, which holds the ledgers.
    State,
}

/// Finding about one of AWS's files or the state directory.
pub enum FileFinding {
    /// The file can be read and written, or created.
    Fine {
        /// The file or directory that the finding is about.
        kind: FileKind,
        /// Path of the file or directory.
        path: PathBuf,
        /// True if the file exists; false if login would create it.
        is_there: bool,
    },
    /// The file cannot be read or written.
    Fault {
        /// The file or directory that the finding is about.
        kind: FileKind,
        /// The reason why the file cannot be read or written.
        error: Rc<FileError>,
    },
    /// The session's section cannot be written.
    Refused(CredentialsError),
    /// Some of AWS's clients misread the file, or writing a session to it changes more than the session's section.
    Notice {
        /// Path of the file or directory.
        path: PathBuf,
        /// The content that clients misread, or the change that writing makes.
        notice: CredentialsNotice,
    },
    /// The file belongs to another user.
    Foreign {
        /// The file or directory that the finding is about.
        kind: FileKind,
        /// Path of the file or directory.
        path: PathBuf,
        /// User ID of the owner.
        owner: u32,
        /// True if this process runs as root.
        as_root: bool,
    },
    /// Other users can write the file, or have access to the state directory.
    Open {
        /// The file or directory that the finding is about.
        kind: FileKind,
        /// Path of the file or directory.
        path: PathBuf,
        /// Permission bits of the file or directory, such as `0o644`.
        mode: u32,
    },
    /// No directory for the ledgers is known.
    NoState(PlanError),
}

pub(super) fn look(subject: &Subject<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Ok(locations) = Locations::find(&subject.world.env) {
        found.extend(of(FileKind::Config, &locations.config, subject));
        found.extend(of(FileKind::Credentials, &locations.credentials, subject));
    } else if let Some(error) = &subject.unreadable {
        found.push(FileFinding::Fault { kind: FileKind::Credentials, error: Rc::clone(error) });
    }
    found.extend(state(subject));
    found.into_iter().map(Finding::File).collect()
}

fn of(kind: FileKind, path: &Path, subject: &Subject<'_>) -> Vec<FileFinding> {
    let unreadable = subject.unreadable.as_ref().filter(|error| error.path == path);
    if let Some(error) = unreadable {
        return vec![FileFinding::Fault { kind, error: Rc::clone(error) }];
    }
    let Ok(meta) = fs::metadata(path) else {
        return vec![FileFinding::Fine { kind, path: path.to_owned(), is_there: false }];
    };
    let mut found = guarded(kind, path, &meta);
    match kind {
        FileKind::Credentials => found.extend(rehearsed(path, subject)),
        FileKind::Config | FileKind::State => {
            let error = file::rehearse(path, Privacy::Ordinary, 0).err();
            found.extend(error.map(|error| FileFinding::Fault { kind, error: Rc::new(error) }));
        }
    }
    or_fine(found, kind, path, true)
}

fn or_fine(mut found: Vec<FileFinding>, kind: FileKind, path: &Path, is_there: bool) -> Vec<FileFinding> {
    if found.is_empty() {
        found.push(FileFinding::Fine { kind, path: path.to_owned(), is_there });
    }
    found
}

/// Reports a foreign owner, and permissions that give other users access. The mode of the credentials file is not
/// checked here, because the code that writes the file reports and corrects it.
fn guarded(kind: FileKind, path: &Path, meta: &Metadata) -> Vec<FileFinding> {
    let (owner, us, mode) = (meta.uid(), geteuid(), meta.mode() & 0o777);
    let foreign = (owner != us.as_raw()).then(|| {
        let (path, as_root) = (path.to_owned(), us.is_root());
        FileFinding::Foreign { kind, path, owner, as_root }
    });
    let too_open = match kind {
        FileKind::Config => 0o022,
        FileKind::Credentials => 0,
        FileKind::State => 0o077,
    };
    let open = (mode & too_open != 0).then(|| FileFinding::Open { kind, path: path.to_owned(), mode });
    foreign.into_iter().chain(open).collect()
}

/// Reports what a login would encounter when it writes the session.
fn rehearsed(path: &Path, subject: &Subject<'_>) -> Vec<FileFinding> {
    let usual = SessionProfile::from(format!("{}-mfa", subject.name()).as_str());
    let section = subject.session_profile().unwrap_or(&usual);
    match rehearse(path, &[section]) {
        Err(error) => vec![FileFinding::Fault { kind: FileKind::Credentials, error: Rc::new(error) }],
        Ok(rehearsal) => {
            let refused = rehearsal.refused.into_iter().flatten().map(FileFinding::Refused);
            let notice = |notice| FileFinding::Notice { path: path.to_owned(), notice };
            refused.chain(rehearsal.notices.into_iter().map(notice)).collect()
        }
    }
}

fn state(subject: &Subject<'_>) -> Vec<FileFinding> {
    let kind = FileKind::State;
    let path = match plan::state_folder(&subject.world.env) {
        Ok(path) => path,
        Err(error) => return vec![FileFinding::NoState(error)],
    };
    let meta = fs::metadata(&path).ok().filter(Metadata::is_dir);
    if let Err(error) = ledger::rehearse(&path, subject.mfa_serial()) {
        return vec![FileFinding::Fault { kind, error: Rc::new(error) }];
    }
    let found = meta.as_ref().map_or_else(Vec::new, |meta| guarded(kind, &path, meta));
    or_fine(found, kind, &path, meta.is_some())
}
