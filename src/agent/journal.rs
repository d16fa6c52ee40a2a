//! The agent's log: one line for each event, for systemd's journal or for people.

use crate::aws::credentials_file::rfc3339;
use crate::world::{Clock, Environment, Level, Person};
use rustix::fs::fstat;
use std::sync::Arc;

/// Severity of an event; the numbers are those of syslog, which the journal reads (sd-daemon(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// A session could not be obtained.
    Error = 3,
    /// Something needs attention, or a person has to do something.
    Warning = 4,
    /// A normal event, such as a renewed session.
    Info = 6,
    /// Details, shown only with `--verbose`.
    Debug = 7,
}

/// Writer of the log to standard error.
#[derive(Clone)]
pub(super) struct Journal {
    person: Person,
    clock: Arc<dyn Clock>,
    least: Weight,
    is_journal: bool,
}

impl Journal {
    /// Makes a log on standard error. If systemd has connected standard error to its journal (`JOURNAL_STREAM`), each
    /// line begins with its severity, otherwise with the time.
    #[must_use]
    pub(super) fn new(person: &Person, clock: &Arc<dyn Clock>, env: &Environment, level: Level) -> Self {
        let is_journal = env.text("JOURNAL_STREAM").is_some_and(is_standard_error);
        let least = match level {
            Level::Quiet => Weight::Warning,
            Level::Normal => Weight::Info,
            Level::Verbose => Weight::Debug,
        };
        Self { person: person.clone(), clock: Arc::clone(clock), least, is_journal }
    }

    /// Logs an event, unless its severity is too low for the level. Line breaks are replaced by semicolons.
    pub(super) fn note(&self, weight: Weight, what: &str) {
        if weight <= self.least {
            let what = what.trim_end().replace('\n', "; ");
            self.person.note(&(stamp(weight, self.is_journal, &*self.clock) + &what));
        }
    }

    /// Puts severity or time before every other line that is written for the person, too.
    pub(super) fn stamp_all(&self) {
        let (is_journal, clock) = (self.is_journal, Arc::clone(&self.clock));
        self.person.stamp(Box::new(move |level| {
            let weight = match level {
                Level::Quiet => Weight::Warning,
                Level::Normal => Weight::Info,
                Level::Verbose => Weight::Debug,
            };
            stamp(weight, is_journal, &*clock)
        }));
    }
}

/// Returns the prefix of a log line: the severity for the journal, otherwise the time.
fn stamp(weight: Weight, is_journal: bool, clock: &dyn Clock) -> String {
    if is_journal { format!("<{}>", weight as u8) } else { format!("{} ", rfc3339(&clock.now().into())) }
}

/// Returns true if standard error is the stream with this device and inode number.
fn is_standard_error(stream: &str) -> bool {
    let own = fstat(rustix::stdio::stderr()).map(|own| format!("{}:{}", own.st_dev, own.st_ino));
    own.is_ok_and(|own| own == stream)
}
