//! The entry point: builds the real `World`, runs the command that was typed, and exits with its exit code.

use aws_mfa_key::world::desktop::SessionBus;
use aws_mfa_key::world::system_clock::SystemClock;
use aws_mfa_key::world::terminal::ControllingTerminal;
use aws_mfa_key::world::{
    Desktop, End, Environment, Machine, Person, PersonContext, Terminal, TokenLimits, World, caller, core_dumps,
    signals, terminal,
};
use hw::pcsc_bus::PcscBus;
use hw::transport::Bus;
use std::alloc::System;
use std::io::{self, BufReader, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use zeroizing_alloc::ZeroAlloc;

/// Allocator that wipes all memory when it is freed, because keys and codes pass through buffers of libraries.
#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

/// Replaces the C library's `pow`, which the SDK uses to compute the pause before a retry. Otherwise the loader would
/// read libm.so.6 at each start for this function alone.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "a C symbol has its plain name; the function takes and returns numbers only")]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}

fn main() -> ExitCode {
    core_dumps::forbid();
    signals::end_at_once();
    let mut world = real_world();
    signals::restore_for(&world.person);
    let code = aws_mfa_key::run(std::env::args_os(), &mut world);
    world.person.clear();
    world.person.leave(End::Failed);
    // A question may still be on the screen although nothing waits for its answer any more.
    terminal::leave();
    ExitCode::from(code)
}

fn real_world() -> World {
    let env: Environment = std::env::vars_os().collect();
    let before_use = signals::restore_before_end;
    let tty = ControllingTerminal::open(before_use).map(|tty| Box::new(tty) as Box<dyn Terminal>);
    let desktop = SessionBus::of(&env).map(|bus| Box::new(bus) as Box<dyn Desktop>);
    let context = PersonContext { desktop, caller: caller::name, before_use };
    World {
        env,
        clock: Arc::new(SystemClock),
        out: Box::new(io::stdout()),
        person: Person::new(Box::new(io::stderr()), tty, context),
        input: Some(Box::new(BufReader::new(io::stdin()))),
        piped: !io::stdin().is_terminal(),
        bus: Arc::new(|reader| -> Arc<dyn Bus> {
            Arc::new(reader.map_or_else(PcscBus::new, PcscBus::with_readers_containing))
        }),
        token_limits: TokenLimits::USUAL,
        machine: Machine::at(Path::new("/")),
        alarm: Arc::new(signals::alarm),
        before_exec: core_dumps::restore_limit,
    }
}
