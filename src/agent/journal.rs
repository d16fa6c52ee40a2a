//! What the agent says, one line an event: for the journal, or for people.

use crate::aws::credentials_file::rfc3339;
use crate::world::{Clock, Environment, Level, Person};
use rustix::fs::fstat;
use std::sync::Arc;

/// How much it matters; the numbers are syslog's, which the journal reads (sd-daemon(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// A session is not to be had.
    Error = 3,
    /// Something is not as it should be, or a person has to do something.
    Warning = 4,
    /// What the agent is there for.
    Info = 6,
    /// Details.
    Debug = 7,
}

/// Says it.
#[derive(Clone)]
pub(super) struct Journal {
    person: Person,
    clock: Arc<dyn Clock>,
    least: Weight,
    is_journal: bool,
}

impl Journal {
    /// To standard error. systemd says where the journal's is: lines there begin with their weight, others with the time.
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

    /// Says what happened.
    pub(super) fn note(&self, weight: Weight, what: &str) {
        if weight <= self.least {
            let what = what.trim_end().replace('\n', "; ");
            self.person.note(&(stamp(weight, self.is_journal, &*self.clock) + &what));
        }
    }

    /// What others say is stamped from now on, too.
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

/// What a line begins with.
fn stamp(weight: Weight, is_journal: bool, clock: &dyn Clock) -> String {
    if is_journal { format!("<{}>", weight as u8) } else { format!("{} ", rfc3339(&clock.now().into())) }
}

/// Whether a stream, by device and inode, is our standard error.
fn is_standard_error(stream: &str) -> bool {
    let own = fstat(rustix::stdio::stderr()).map(|own| format!("{}:{}", own.st_dev, own.st_ino));
    own.is_ok_and(|own| own == stream)
}
