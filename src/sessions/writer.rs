//! The writer of fresh sessions to the credentials file. It writes all of them together at the end of a run, and
//! earlier if a person is about to be kept waiting.

use crate::aws::config_file::{Locations, NewProfile, add_profiles};
use crate::aws::credentials_file::{CredentialsError, SessionEntry, write_all};
use crate::aws::{Identity, MfaSerial, ProfileName, Session, SessionProfile};
use crate::file::FileFault;
use crate::ledger::Held;
use crate::plan::Plan;
use crate::report::{self, Failure};
use crate::world::{Person, printable};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A fresh session, with the facts that are written to AWS's files along with it.
pub(super) struct FreshSession {
    pub(super) profile: ProfileName,
    pub(super) session_profile: SessionProfile,
    pub(super) identity: Identity,
    pub(super) mfa_serial: MfaSerial,
    pub(super) session: Session,
    /// Source of the code, as shown to a person; `None` if no code was needed.
    pub(super) source: Option<String>,
    /// Keys and values for the session profile's new section of the config file.
    pub(super) passed_on: Vec<(String, String)>,
}

impl FreshSession {
    pub(super) fn of(
        plan: &Plan,
        mfa_serial: MfaSerial,
        (session, identity): (Session, Identity),
        source: Option<String>,
    ) -> Self {
        let (profile, session_profile) = (plan.profile.clone(), plan.session_profile.clone());
        let passed_on = plan.passed_on.clone();
        Self { profile, session_profile, identity, mfa_serial, session, source, passed_on }
    }

    fn entry(&self) -> SessionEntry<'_> {
        SessionEntry {
            profile: &self.session_profile,
            owner: &self.profile,
            identity: &self.identity,
            mfa_serial: &self.mfa_serial,
            session: &self.session,
        }
    }
}

/// Fresh sessions that wait to be written, and the files to write them to.
pub(super) struct SessionWriter {
    locations: Locations,
    person: Person,
    /// Sessions to write, each with the ledger of its MFA device. The ledger stays locked until the session is
    /// written; `None` if the session keeps no ledger locked.
    waiting: Mutex<Vec<(FreshSession, Option<Held>)>>,
    /// Locked while sessions are being written.
    delivering: Mutex<()>,
    /// Reasons why sessions could not be written, by session profile.
    lost: Mutex<HashMap<SessionProfile, Arc<Failure>>>,
}

impl SessionWriter {
    pub(super) fn new(locations: &Locations, person: &Person) -> Arc<Self> {
        let (locations, person) = (locations.clone(), person.clone());
        let (waiting, delivering, lost) = Default::default();
        let writer = Arc::new(Self { locations, person, waiting, delivering, lost });
        let theirs = Arc::downgrade(&writer);
        writer.person.before_waiting(Some(Arc::new(move || {
            if let Some(writer) = theirs.upgrade() {
                writer.deliver();
            }
        })));
        writer
    }

    /// Returns the paths of the files to write to.
    pub(super) fn locations(&self) -> &Locations {
        &self.locations
    }

    /// Takes a session to be written later, or at once if a person is being kept waiting.
    pub(super) fn post(&self, fresh: FreshSession, ledger: Option<Held>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((fresh, ledger));
        if self.person.is_kept_waiting() {
            self.deliver();
        }
    }

    /// Takes back the ledger of an MFA device from a session that waits to be written; `None` if no such session has
    /// it.
    pub(super) fn take_back(&self, serial: &MfaSerial) -> Option<Held> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut theirs = waiting.iter_mut().filter(|(fresh, _)| fresh.mfa_serial == *serial);
        theirs.find_map(|(_, ledger)| ledger.take())
    }

    /// Writes all waiting sessions in one step. If one section cannot be written, the others still are.
    pub(super) fn deliver(&self) {
        // Sessions that another thread is writing must be in the file when this returns, since the program may end
        // then.
        let _delivering = self.delivering.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if waiting.is_empty() {
            return;
        }
        // The ledgers stay locked until this function returns, when everything is written.
        let (fresh, _ledgers): (Vec<FreshSession>, Vec<Option<Held>>) = waiting.into_iter().unzip();
        let path = &self.locations.credentials;
        let entries: Vec<SessionEntry<'_>> = fresh.iter().map(FreshSession::entry).collect();
        match write_all(path, &entries) {
            Ok(()) => {}
            Err(CredentialsError::File(error)) if !matches!(error.fault, FileFault::Damaged { .. }) => {
                let error = CredentialsError::File(error);
                let failure = Arc::new(Failure::Write { spent: true, error });
                fresh.iter().for_each(|fresh| self.lose(fresh, &failure));
            }
            Err(_) => {
                for (entry, fresh) in entries.iter().zip(&fresh) {
                    if let Err(error) = entry.write(path) {
                        self.lose(fresh, &Arc::new(Failure::Write { spent: fresh.source.is_some(), error }));
                    }
                }
            }
        }
        self.introduce(&fresh);
    }

    fn lose(&self, fresh: &FreshSession, failure: &Arc<Failure>) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.insert(fresh.session_profile.clone(), Arc::clone(failure));
    }

    /// Returns the reason why a session could not be written; `None` if no attempt to write it has failed.
    pub(super) fn failure(&self, session_profile: &SessionProfile) -> Option<Arc<Failure>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).get(session_profile).cloned()
    }

    /// Adds new session profiles to the config file, with the region and endpoints of their owners, so that
    /// `--profile P-mfa` works like `--profile P`.
    fn introduce(&self, fresh: &[FreshSession]) {
        let written = fresh.iter().filter(|fresh| self.failure(&fresh.session_profile).is_none());
        let new: Vec<NewProfile<'_>> = written
            .filter(|fresh| !fresh.passed_on.is_empty())
            .map(|fresh| NewProfile { name: &fresh.session_profile, keys: &fresh.passed_on })
            .collect();
        if let Err(error) = add_profiles(&self.locations.config, &new) {
            let path = printable(&self.locations.config.to_string_lossy(), 300);
            let cause = report::report(&Failure::File(error)).cause;
            let names: Vec<&str> = new.iter().map(|new| new.name).collect();
            self.person.must_know(&format!("warning: could not add {} to {path}: {cause}", names.join(", ")));
        }
    }
}

impl Drop for SessionWriter {
    fn drop(&mut self) {
        self.person.before_waiting(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Edited, FileError, Privacy, replace};
    use crate::world::PersonContext;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn an_early_end_waits_for_sessions_that_are_being_written() {
        let folder = tempfile::tempdir().unwrap();
        let locations =
            Locations { config: folder.path().join("config"), credentials: folder.path().join("credentials") };
        let person = Person::new(Box::new(std::io::sink()), None, PersonContext::default());
        let writer = SessionWriter::new(&locations, &person);
        let session = Session {
            access_key_id: "ASIA".to_owned(),
            secret_access_key: "secret".to_owned().into(),
            session_token: "token".to_owned().into(),
            expires: aws_smithy_types::DateTime::from_secs(1_800_000_000),
        };
        let arn = "arn:aws:iam::123456789012:user/alice".to_owned();
        let fresh = FreshSession {
            profile: "dev".into(),
            session_profile: "dev-mfa".into(),
            identity: Identity { arn, account: "123456789012".to_owned() },
            mfa_serial: MfaSerial::parse("arn:aws:iam::123456789012:mfa/alice").unwrap(),
            session,
            source: None,
            passed_on: Vec::new(),
        };
        writer.post(fresh, None);
        // This thread stands for another aws-mfa-key process that is writing to the file.
        let (began, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel();
        let credentials = locations.credentials.clone();
        let other = thread::spawn(move || {
            replace(&credentials, Privacy::Secret, |text| -> Result<_, FileError> {
                began.send(()).unwrap();
                ends.recv().unwrap();
                Ok(Edited::new(text, Vec::new()))
            })
        });
        begins.recv().unwrap();
        let ours = Arc::clone(&writer);
        let delivering = thread::spawn(move || ours.deliver());
        // Wait until the thread has taken the session. It then waits for the file.
        while !writer.waiting.lock().unwrap().is_empty() {
            thread::yield_now();
        }
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            person.do_chore();
            tell.send(std::fs::read_to_string(locations.credentials).unwrap_or_default()).unwrap();
        });
        assert!(told.recv_timeout(Duration::from_millis(200)).is_err(), "it did not wait");
        end.send(()).unwrap();
        assert!(told.recv().unwrap().contains("[dev-mfa]"));
        delivering.join().unwrap();
        other.join().unwrap().unwrap();
    }
}
