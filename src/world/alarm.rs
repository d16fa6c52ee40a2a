//! An alarm for a program that waits for days: it wakes up at a time of day, when a file changes, at a signal, or
//! when a token is plugged in or pulled out.

#[cfg(target_os = "linux")]
pub mod linux;

use hw::transport::Present;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// An event that ends a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The time given to [`Alarm::wait`] has come.
    Due,
    /// Somebody set the clock, or the machine woke up from sleep.
    ClockSet,
    /// At least one of the watched files changed.
    Files,
    /// SIGHUP arrived: all settings are to be read again.
    Reload,
    /// The tokens that are plugged in now; `None` if the smart card service does not answer.
    Tokens(Option<Vec<Present>>),
    /// The program is to end.
    End,
}

/// Reports an event to an [`Alarm`], from any thread.
pub type Bell = Arc<dyn Fn(Event) + Send + Sync>;

/// Cleanup to run before the process ends, even in the middle of other work.
pub type Last = Box<dyn Fn() + Send>;

/// Lets one thread sleep until something happens, without waking up in between.
pub trait Alarm: Send {
    /// Reports changes of these files from now on, instead of those watched before.
    fn watch(&mut self, files: &[PathBuf]);

    /// Waits until this machine's clock reaches `until` (`None`: no time limit) or something happens, and returns all
    /// events since the last call.
    fn wait(&mut self, until: Option<SystemTime>) -> Vec<Event>;

    /// Returns a handle with which other threads report events.
    fn bell(&self) -> Bell;

    /// Sets the cleanup that runs first when a signal ends the process.
    fn before_end(&mut self, last: Last);
}

/// Makes an alarm; from then on signals are reported to it.
pub type Alarms = Arc<dyn Fn() -> io::Result<Box<dyn Alarm>> + Send + Sync>;
