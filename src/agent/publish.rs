//! The agent's state, reported to the service manager, to `status`, and to Prometheus.

use super::journal::{Journal, Weight};
use super::managed_profile::ManagedProfile;
use super::metrics::{self, ProfileMetrics};
use super::schedule::Obstacle;
use super::{status_file, systemd};
use crate::cli;
use crate::endpoint::folder::RuntimeFolder;
use crate::report::{self, Failure, length};
use crate::world::{Environment, printable};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Reporter of the agent's state.
pub(super) struct Publisher {
    /// File for Prometheus; `None` if no metrics are wanted.
    metrics: Option<PathBuf>,
    /// Error of the last attempt to write the metrics file, kept so that the same error is logged only once.
    unwritten: Option<String>,
    is_ready: bool,
}

impl Publisher {
    pub(super) fn new(typed: &cli::AgentArgs, env: &Environment) -> Self {
        let metrics = typed.metrics_file.clone().or_else(|| env.os("AWS_MFA_KEY_METRICS_FILE").map(PathBuf::from));
        Self { metrics, unwritten: None, is_ready: false }
    }

    /// Reports the state to everybody. `left` is the time until the next session is due.
    pub(super) fn tell(
        &mut self,
        managed: &[ManagedProfile],
        (now, left): (SystemTime, Option<Duration>),
        runtime_folder: Option<&RuntimeFolder>,
        journal: &Journal,
    ) {
        self.tell_those_who_ask(managed, now, runtime_folder, journal);
        systemd::status(&status(managed, left));
        if !std::mem::replace(&mut self.is_ready, true) {
            systemd::ready();
        }
    }

    /// Reports the state to `status` and Prometheus. Also called before a person is asked, since that may take long.
    pub(super) fn tell_those_who_ask(
        &mut self,
        managed: &[ManagedProfile],
        now: SystemTime,
        runtime_folder: Option<&RuntimeFolder>,
        journal: &Journal,
    ) {
        if let Some(runtime_folder) = runtime_folder
            && let Err(error) = status_file::write(runtime_folder, &waits(managed))
        {
            journal.note(Weight::Debug, &report::in_one_line(&Failure::File(error)));
        }
        self.write_metrics(managed, now, journal);
    }

    /// Writes the metrics, if they are wanted. The same error is logged only once.
    fn write_metrics(&mut self, managed: &[ManagedProfile], now: SystemTime, journal: &Journal) {
        let Some(path) = &self.metrics else { return };
        let metrics = |managed: &ManagedProfile| ProfileMetrics {
            ends: (!managed.left.is_zero()).then(|| now + managed.left),
            waits_for_person: managed.waits_for() == Some(Obstacle::Person),
            ..managed.metrics.clone()
        };
        let all: Vec<ProfileMetrics> = managed.iter().map(metrics).collect();
        let outcome = metrics::write(path, &all).map_err(|error| error.to_string());
        let fault = outcome.err();
        if let Some(fault) = fault.as_ref().filter(|fault| self.unwritten.as_ref() != Some(fault)) {
            let path = printable(&path.to_string_lossy(), 200);
            journal.note(Weight::Warning, &format!("could not write {path}: {fault}"));
        }
        self.unwritten = fault;
    }
}

/// Returns for each profile what it waits for, in a few words.
fn waits(managed: &[ManagedProfile]) -> BTreeMap<&str, String> {
    let waits = managed.iter().filter_map(|managed| {
        let obstacle = managed.waits_for()?;
        Some((managed.plan.profile.as_str(), obstacle.waits_for().to_owned()))
    });
    waits.collect()
}

/// Returns the status line for the service manager.
fn status(managed: &[ManagedProfile], left: Option<Duration>) -> String {
    let fresh = managed.iter().filter(|managed| managed.renewal_state.renew_at.is_some()).count();
    let mut text = format!("{fresh} of {} sessions up to date", managed.len());
    for (profile, what) in waits(managed).iter().take(5) {
        text.push_str(&format!("; {profile} waits for {what}"));
    }
    if let Some(left) = left {
        text.push_str(&format!("; next renewal in {}", length::about(left)));
    }
    text
}
