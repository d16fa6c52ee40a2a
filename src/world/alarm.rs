//! An alarm for a program that runs for days. It wakes the program up at a time of day, when a file changes, at a
//! signal, or when a token is plugged in or pulled out.

#[cfg(target_os = "linux")]
pub mod linux;

use hw::transport::Present;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// An event that ends [`Alarm::wait`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The time given to [`Alarm::wait`] has come.
    Due,
    /// Somebody set the clock, or the machine woke up from sleep.
    ClockSet,
    /// At least one of the watched files changed.
    Files,
    /// SIGHUP arrived, so all settings must be read again.
    Reload,
    /// The set of tokens changed. Holds the tokens that are plugged in now; `None` if the smart card service does not
    /// answer.
    Tokens(Option<Vec<Present>>),
    /// The program must end.
    End,
}

/// Reports an event to an [`Alarm`], from any thread.
pub type Bell = Arc<dyn Fn(Event) + Send + Sync>;

/// A cleanup that runs just before the process ends, even if other work is in progress.
pub type Last = Box<dyn Fn() + Send>;

/// Lets one thread sleep until an event arrives, without polling.
pub trait Alarm: Send {
    /// Reports changes to `files` from now on, and stops watching any other file.
    fn watch(&mut self, files: &[PathBuf]);

    /// Waits until this machine's clock reaches `until` (`None`: no time limit) or an event arrives. Returns all
    /// events since the last call.
    fn wait(&mut self, until: Option<SystemTime>) -> Vec<Event>;

    /// Returns a handle with which other threads report events.
    fn bell(&self) -> Bell;

    /// Sets the cleanup that runs first when a signal ends the process.
    fn before_end(&mut self, last: Last);
}

/// Makes an alarm. From then on, signals are reported to the alarm.
pub type Alarms = Arc<dyn Fn() -> io::Result<Box<dyn Alarm>> + Send + Sync>;
