//! How it goes, told to all who want to know: the service manager, `status`, Prometheus.

use super::kept::Kept;
use super::{manager, note};
use crate::agent::journal::{Journal, Weight};
use crate::agent::metrics::{self, Tally};
use crate::agent::place::Place;
use crate::agent::schedule::Obstacle;
use crate::cli;
use crate::report::{self, Failure, length};
use crate::world::{Environment, printable};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// See the module.
pub(super) struct Telling {
    /// Where numbers are told, and what went wrong with that last.
    metrics: Option<PathBuf>,
    unwritten: Option<String>,
    is_ready: bool,
}

impl Telling {
    pub(super) fn new(typed: &cli::Agent, env: &Environment) -> Self {
        let metrics = typed.metrics_file.clone().or_else(|| env.os("AWS_MFA_KEY_METRICS_FILE").map(PathBuf::from));
        Self { metrics, unwritten: None, is_ready: false }
    }

    /// Tells it. `left`: until something is due.
    pub(super) fn tell(
        &mut self,
        kept: &[Kept],
        (now, left): (SystemTime, Option<Duration>),
        place: Option<&Place>,
        journal: &Journal,
    ) {
        self.tell_those_who_ask(kept, now, place, journal);
        manager::status(&status(kept, left));
        if !std::mem::replace(&mut self.is_ready, true) {
            manager::ready();
        }
    }

    /// Tells `status` and Prometheus: also while a person is asked, since that takes long.
    pub(super) fn tell_those_who_ask(
        &mut self,
        kept: &[Kept],
        now: SystemTime,
        place: Option<&Place>,
        journal: &Journal,
    ) {
        if let Some(place) = place
            && let Err(error) = note::write(place, &waits(kept))
        {
            journal.note(Weight::Debug, &report::in_one_line(&Failure::File(error)));
        }
        self.write_metrics(kept, now, journal);
    }

    /// Tells the numbers, if they are wanted. What stands against it is told once.
    fn write_metrics(&mut self, kept: &[Kept], now: SystemTime, journal: &Journal) {
        let Some(path) = &self.metrics else { return };
        let tally = |kept: &Kept| Tally {
            ends: (!kept.left.is_zero()).then(|| now + kept.left),
            waits_for_person: kept.waits_for() == Some(Obstacle::Person),
            ..kept.tally.clone()
        };
        let tallies: Vec<Tally> = kept.iter().map(tally).collect();
        let outcome = metrics::write(path, &tallies).map_err(|error| error.to_string());
        let fault = outcome.err();
        if let Some(fault) = fault.as_ref().filter(|fault| self.unwritten.as_ref() != Some(fault)) {
            let path = printable(&path.to_string_lossy(), 200);
            journal.note(Weight::Warning, &format!("{path} could not be written: {fault}"));
        }
        self.unwritten = fault;
    }
}

/// What each profile waits for, in few words.
fn waits(kept: &[Kept]) -> BTreeMap<&str, String> {
    let waits = kept.iter().filter_map(|kept| {
        let obstacle = kept.waits_for()?;
        Some((kept.plan.profile.as_str(), obstacle.waits_for().to_owned()))
    });
    waits.collect()
}

/// How it goes, in a line.
fn status(kept: &[Kept], left: Option<Duration>) -> String {
    let fresh = kept.iter().filter(|kept| kept.standing.renew_at.is_some()).count();
    let mut text = format!("{fresh} of {} sessions are fresh", kept.len());
    for (profile, what) in waits(kept).iter().take(5) {
        text.push_str(&format!("; {profile} waits for {what}"));
    }
    if let Some(left) = left {
        text.push_str(&format!("; next in {}", length::about(left)));
    }
    text
}
