//! AWS's two files and our own folder: whether they can be read and written as login does it, and by whom else.

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

/// Which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// AWS's config file.
    Config,
    /// AWS's credentials file.
    Credentials,
    /// The folder with the ledgers.
    State,
}

/// What was found of a file.
pub enum FileFinding {
    /// It is as it should be.
    Fine {
        /// Which.
        kind: FileKind,
        /// Where.
        path: PathBuf,
        /// Whether it is there already.
        is_there: bool,
    },
    /// It cannot be read, or not written.
    Fault {
        /// Which.
        kind: FileKind,
        /// Why.
        error: Rc<FileError>,
    },
    /// The session's section cannot be written.
    Refused(CredentialsError),
    /// What some clients misread, or what writing it changes.
    Notice {
        /// Where.
        path: PathBuf,
        /// What.
        notice: CredentialsNotice,
    },
    /// It belongs to somebody else.
    Foreign {
        /// Which.
        kind: FileKind,
        /// Where.
        path: PathBuf,
        /// Their number.
        owner: u32,
        /// Whether we are root.
        as_root: bool,
    },
    /// Others can write it, or what is for its owner alone is open to them.
    Open {
        /// Which.
        kind: FileKind,
        /// Where.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Nothing says where the ledgers can be.
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

/// Who else has it. The credentials file's mode is told, and mended, by what writes it.
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

/// What login would come upon, writing the session.
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
