//! What wakes up a program that waits for days: a time of day, a file that changes, a signal, a token.

#[cfg(target_os = "linux")]
pub mod linux;

use hw::transport::Present;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The time that was waited for has come.
    Due,
    /// Somebody set the clock, or the machine slept.
    ClockSet,
    /// One of the files changed.
    Files,
    /// SIGHUP: everything is to be read again.
    Reload,
    /// These tokens are plugged in now; `None` if what knows it does not answer.
    Tokens(Option<Vec<Present>>),
    /// The end.
    End,
}

/// Tells an [`Alarm`] that something happened, from any thread.
pub type Bell = Arc<dyn Fn(Event) + Send + Sync>;

/// What is to be done before the process ends in the middle of something else.
pub type Last = Box<dyn Fn() + Send>;

/// Wakes up one thread, and nobody while nothing happens.
pub trait Alarm: Send {
    /// Which files' changes are told from now on.
    fn watch(&mut self, files: &[PathBuf]);

    /// Waits until this machine's clock says so, or something happens: all of it.
    fn wait(&mut self, until: Option<SystemTime>) -> Vec<Event>;

    /// For other threads.
    fn bell(&self) -> Bell;

    /// What is done first when the process is told to end while nobody waits here.
    fn before_end(&mut self, last: Last);
}

/// Sets an alarm up; signals go to it from then on.
pub type Alarms = Arc<dyn Fn() -> io::Result<Box<dyn Alarm>> + Send + Sync>;
