//! Handles signals that end or stop the process, and restores the terminal and the desktop first.

use super::alarm::Alarm;
#[cfg(target_os = "linux")]
use super::alarm::{Event, linux::LinuxAlarm};
use super::{End, Person, terminal};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Once, OnceLock};

/// Signals that end the program at any time, with exit code 128 plus the signal's number.
const ENDINGS: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// The person, reachable from the signal thread so that it can end all open requests.
static PERSON: OnceLock<Person> = OnceLock::new();

/// True while a signal may end the program at once, because nothing has to be restored.
static ON_THE_SPOT: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// True once signals are handled for an alarm.
static ALARMED: AtomicBool = AtomicBool::new(false);

/// Sets the person whose terminal and desktop are restored when a signal ends the process. Only the first call
/// counts.
pub fn restore_for(person: &Person) {
    let _ = PERSON.set(person.clone());
}

/// Lets Ctrl-C and similar signals end the process at once, with exit code 128 plus the signal's number. Also turns
/// SIGXFSZ, which would end the process when a file exceeds the size limit, into a write error.
pub fn end_at_once() {
    // Without these handlers the signals would end the process too, but with another exit code.
    for signal in ENDINGS {
        let _ = flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&ON_THE_SPOT));
    }
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// Makes signals restore the terminal and the desktop before they end the process. This starts a thread, so it is
/// only called before the person is asked or shown something.
pub fn restore_before_end() {
    static STARTED: Once = Once::new();
    if ALARMED.load(Ordering::Relaxed) {
        return;
    }
    STARTED.call_once(|| {
        let Ok(mut signals) = Signals::new(ENDINGS.into_iter().chain([SIGTSTP, SIGCONT])) else { return };
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                match signal {
                    // Ctrl-Z. SIGCONT wakes up the process after this kind of stop and any other.
                    SIGTSTP => {
                        terminal::pause();
                        let _ = emulate_default_handler(SIGTSTP);
                    }
                    SIGCONT => terminal::resume(),
                    _ => {
                        restore();
                        std::process::exit(128 + signal);
                    }
                }
            }
        });
        ON_THE_SPOT.store(thread.is_err(), Ordering::Relaxed);
    });
}

/// Makes an alarm and handles signals for it from now on. SIGHUP is reported to the alarm, unless there is a
/// terminal, where SIGHUP means that the terminal was closed. Any other signal ends the process without waiting for
/// the work in progress; SIGTERM does so with exit code 0.
///
/// # Errors
/// If the system has no timers, file descriptors or threads to spare; `Unsupported` on systems other than Linux.
#[cfg(target_os = "linux")]
pub fn alarm() -> io::Result<Box<dyn Alarm>> {
    let alarm = LinuxAlarm::new()?;
    let (bell, last) = (alarm.bell(), alarm.ender());
    let has_terminal = terminal::ControllingTerminal::open(|| {}).is_some();
    let mut signals = Signals::new(ENDINGS)?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if signal == SIGHUP && !has_terminal {
                bell(Event::Reload);
                continue;
            }
            last();
            restore();
            std::process::exit(if signal == SIGTERM { 0 } else { 128 + signal });
        }
    })?;
    ALARMED.store(true, Ordering::Relaxed);
    ON_THE_SPOT.store(false, Ordering::Relaxed);
    Ok(Box::new(alarm))
}

/// Always fails on this system, for which no alarm exists.
///
/// # Errors
/// `Unsupported`, since alarms exist only for Linux so far.
#[cfg(not(target_os = "linux"))]
pub fn alarm() -> io::Result<Box<dyn Alarm>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Restores the terminal and ends all open requests.
fn restore() {
    terminal::leave();
    if let Some(person) = PERSON.get() {
        person.leave(End::Interrupted);
    }
}
