//! Builds the real world, runs what was typed in it, and ends with its exit code.

#[cfg(target_os = "linux")]
use aws_mfa_key::world::Uptime;
use aws_mfa_key::world::alarm::Alarm;
#[cfg(target_os = "linux")]
use aws_mfa_key::world::alarm::{Event, linux::LinuxAlarm};
use aws_mfa_key::world::desktop::SessionBus;
use aws_mfa_key::world::{
    Around, Clock, Desktop, End, Environment, Machine, Person, Terminal, World, caller, terminal,
};
use hw::pcsc_bus::PcscBus;
use hw::transport::Bus;
#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::alloc::System;
use std::io::{self, BufReader, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Once, OnceLock};
#[cfg(target_os = "linux")]
use std::time::Duration;
use std::time::SystemTime;
use zeroizing_alloc::ZeroAlloc;

/// Keys and codes go through buffers that are not ours: all are wiped as they are let go.
#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

/// The C library's `pow`, which the SDK computes the pause before a retry with. Without it the loader would read
/// libm.so.6 at each start, for this function alone.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "a symbol of C's has its plain name; what it stands for takes and returns numbers only")]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}

fn main() -> ExitCode {
    keep_to_ourselves();
    end_on_signals();
    let env: Environment = std::env::vars_os().collect();
    let tty = terminal::ControllingTerminal::open(leave_on_signals).map(|tty| Box::new(tty) as Box<dyn Terminal>);
    let desktop = SessionBus::of(&env).map(|bus| Box::new(bus) as Box<dyn Desktop>);
    let around = Around { desktop, caller: caller::name, before_use: leave_on_signals };
    let person = PERSON.get_or_init(|| Person::new(Box::new(io::stderr()), tty, around)).clone();
    let mut world = World {
        env,
        clock: Arc::new(SystemClock),
        out: Box::new(io::stdout()),
        person,
        input: Some(Box::new(BufReader::new(io::stdin()))),
        piped: !io::stdin().is_terminal(),
        bus: Arc::new(|reader| -> Arc<dyn Bus> {
            Arc::new(reader.map_or_else(PcscBus::new, PcscBus::with_readers_containing))
        }),
        machine: Machine::at(Path::new("/")),
        alarm: Arc::new(set_alarm),
        before_exec: give_back,
    };
    let code = aws_mfa_key::run(std::env::args_os(), &mut world);
    world.person.clear();
    world.person.leave(End::Failed);
    // A question may still stand there, of which nobody waits for the answer any more.
    terminal::leave();
    ExitCode::from(code)
}

/// Whom a signal finds, too.
static PERSON: OnceLock<Person> = OnceLock::new();

/// No core of this process is written and no other program of its user looks into it: it holds keys.
fn keep_to_ourselves() {
    // Where a system does not know one of these, there is nothing better to do.
    let before = CORE_BEFORE.get_or_init(|| getrlimit(Resource::Core));
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..*before });
    #[cfg(target_os = "linux")]
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// How large a core could get before we came.
static CORE_BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// A program that takes our place gets back what was only for us.
fn give_back() {
    if let Some(before) = CORE_BEFORE.get() {
        let _ = setrlimit(Resource::Core, *before);
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    #[cfg(target_os = "linux")]
    fn uptime(&self) -> Option<Uptime> {
        let start = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let time = Duration::try_from(clock_gettime(ClockId::Boottime)).ok()?;
        Some(Uptime { start, time })
    }

    #[cfg(target_os = "linux")]
    fn awake(&self) -> Option<Duration> {
        Duration::try_from(clock_gettime(ClockId::Monotonic)).ok()
    }
}

/// What ends the program, whatever is being waited for; the exit code tells which.
const ENDINGS: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Whether a signal ends the program on the spot: there is nothing to be put back.
static ON_THE_SPOT: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Ctrl-C ends at once. A file that may not grow any further is an error of the write, which is told, and not the end.
fn end_on_signals() {
    // Without this the signals end the process, too, only with a code of their own.
    for signal in ENDINGS {
        let _ = flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&ON_THE_SPOT));
    }
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// Whether signals go to an alarm.
static ALARMED: AtomicBool = AtomicBool::new(false);

/// From now on signals go to an alarm: SIGHUP is for it to hear, unless a terminal went away with it, and any other ends the
/// process, SIGTERM without a fault. It does not wait for what is being waited for.
#[cfg(target_os = "linux")]
fn set_alarm() -> io::Result<Box<dyn Alarm>> {
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
            leave();
            std::process::exit(if signal == SIGTERM { 0 } else { 128 + signal });
        }
    })?;
    ALARMED.store(true, Ordering::Relaxed);
    ON_THE_SPOT.store(false, Ordering::Relaxed);
    Ok(Box::new(alarm))
}

#[cfg(not(target_os = "linux"))]
fn set_alarm() -> io::Result<Box<dyn Alarm>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// From now on a signal leaves the terminal and the desktop as they were, which takes a thread: what is answered without
/// asking anybody needs none.
fn leave_on_signals() {
    static LEFT: Once = Once::new();
    if ALARMED.load(Ordering::Relaxed) {
        return;
    }
    LEFT.call_once(|| {
        let Ok(mut signals) = Signals::new(ENDINGS.into_iter().chain([SIGTSTP, SIGCONT])) else { return };
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                match signal {
                    // Ctrl-Z. What wakes us afterwards, or after another kind of sleep, is a signal, too.
                    SIGTSTP => {
                        terminal::pause();
                        let _ = emulate_default_handler(SIGTSTP);
                    }
                    SIGCONT => terminal::resume(),
                    _ => end(signal),
                }
            }
        });
        ON_THE_SPOT.store(thread.is_err(), Ordering::Relaxed);
    });
}

fn end(signal: i32) -> ! {
    leave();
    std::process::exit(128 + signal);
}

/// Leaves everything as it was that a person sees.
fn leave() {
    terminal::leave();
    if let Some(person) = PERSON.get() {
        person.leave(End::Interrupted);
    }
}
