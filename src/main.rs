//! Builds the real world, runs what was typed in it, and ends with its exit code.

use aws_mfa_key::world::{Clock, Person, Terminal, World, terminal};
use hw::pcsc_bus::PcscBus;
use hw::transport::Bus;
#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use std::io::{self, BufReader};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

fn main() -> ExitCode {
    keep_to_ourselves();
    end_on_signals();
    let tty = terminal::ControllingTerminal::open().map(|tty| Box::new(tty) as Box<dyn Terminal>);
    let mut world = World {
        env: std::env::vars_os().collect(),
        clock: Arc::new(SystemClock),
        out: Box::new(io::stdout()),
        person: Person::new(Box::new(io::stderr()), tty),
        input: Some(Box::new(BufReader::new(io::stdin()))),
        bus: Arc::new(|reader| -> Arc<dyn Bus> {
            Arc::new(reader.map_or_else(PcscBus::new, PcscBus::with_readers_containing))
        }),
        before_exec: give_back,
    };
    let code = aws_mfa_key::run(std::env::args_os(), &mut world);
    world.person.clear();
    ExitCode::from(code)
}

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
}

/// Ctrl-C ends at once, whatever is being waited for, and leaves the terminal as it was. A file that may not grow any
/// further is an error of the write, which is told, and not the end.
fn end_on_signals() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXFSZ]) else { return };
    // Without this thread the signals end the process, too, only less tidily.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().find(|signal| *signal != SIGXFSZ) {
            terminal::leave();
            std::process::exit(128 + signal);
        }
    });
}
