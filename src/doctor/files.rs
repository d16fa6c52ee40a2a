//! AWS's two files and our own folder: whether they can be read and written as login does it, and by whom else.

use super::Finding;
use super::patient::Patient;
use crate::aws::config_file::Locations;
use crate::aws::credentials_file::{CredentialsError, Notice, rehearse};
use crate::file::{self, FileError, Privacy};
use crate::ledger;
use crate::plan::{self, PlanError};
use rustix::process::geteuid;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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
        kind: Kind,
        /// Where.
        path: PathBuf,
        /// Whether it is there already.
        is_there: bool,
    },
    /// It cannot be read, or not written.
    Fault {
        /// Which.
        kind: Kind,
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
        notice: Notice,
    },
    /// It belongs to somebody else.
    Foreign {
        /// Which.
        kind: Kind,
        /// Where.
        path: PathBuf,
        /// Their number.
        owner: u32,
        /// Whether we are root.
        as_root: bool,
    },
    /// Others can write it, and say whose key is used.
    Writable {
        /// Where.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Nothing says where the ledgers can be.
    NoState(PlanError),
}

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Ok(locations) = Locations::find(&patient.world.env) {
        found.extend(of(Kind::Config, &locations.config, patient));
        found.extend(of(Kind::Credentials, &locations.credentials, patient));
    } else if let Some(error) = &patient.unreadable {
        found.push(FileFinding::Fault { kind: Kind::Credentials, error: Rc::clone(error) });
    }
    found.push(state(patient));
    found.into_iter().map(Finding::File).collect()
}

fn of(kind: Kind, path: &Path, patient: &Patient<'_>) -> Vec<FileFinding> {
    let unreadable = patient.unreadable.as_ref().filter(|error| error.path == path);
    if let Some(error) = unreadable {
        return vec![FileFinding::Fault { kind, error: Rc::clone(error) }];
    }
    let Ok(meta) = fs::metadata(path) else {
        return vec![FileFinding::Fine { kind, path: path.to_owned(), is_there: false }];
    };
    let (owner, us) = (meta.uid(), geteuid());
    let foreign = (owner != us.as_raw()).then(|| {
        let (path, as_root) = (path.to_owned(), us.is_root());
        FileFinding::Foreign { kind, path, owner, as_root }
    });
    let mut found: Vec<FileFinding> = foreign.into_iter().collect();
    match kind {
        Kind::Credentials => found.extend(rehearsed(path, patient)),
        Kind::Config | Kind::State => {
            let mode = meta.mode() & 0o777;
            found.extend((mode & 0o022 != 0).then(|| FileFinding::Writable { path: path.to_owned(), mode }));
            let error = file::rehearse(path, Privacy::Ordinary, 0).err();
            found.extend(error.map(|error| FileFinding::Fault { kind, error: Rc::new(error) }));
        }
    }
    if found.is_empty() {
        found.push(FileFinding::Fine { kind, path: path.to_owned(), is_there: true });
    }
    found
}

/// What login would come upon, writing the session.
fn rehearsed(path: &Path, patient: &Patient<'_>) -> Vec<FileFinding> {
    let usual = format!("{}-mfa", patient.name());
    let section = patient.session_profile().unwrap_or(&usual);
    match rehearse(path, &[section]) {
        Err(error) => vec![FileFinding::Fault { kind: Kind::Credentials, error: Rc::new(error) }],
        Ok(rehearsal) => {
            let refused = rehearsal.refused.into_iter().flatten().map(FileFinding::Refused);
            let notice = |notice| FileFinding::Notice { path: path.to_owned(), notice };
            refused.chain(rehearsal.notices.into_iter().map(notice)).collect()
        }
    }
}

fn state(patient: &Patient<'_>) -> FileFinding {
    let kind = Kind::State;
    match plan::state_folder(&patient.world.env) {
        Err(error) => FileFinding::NoState(error),
        Ok(path) => {
            let is_there = path.is_dir();
            match ledger::rehearse(&path, patient.mfa_serial()) {
                Ok(()) => FileFinding::Fine { kind, path, is_there },
                Err(error) => FileFinding::Fault { kind, error: Rc::new(error) },
            }
        }
    }
}
