//! The agent: a loop that renews sessions in the background, serves them to programs, and reports its state.

mod agent_loop;
mod clocks;
mod journal;
mod logout_on_removal;
mod managed_profile;
mod metrics;
mod plans;
mod publish;
mod schedule;
mod serving;
mod shutdown;
mod status_file;
mod systemd;
mod token_presence;

use crate::cli;
use crate::report::Failure;
use crate::source::Source;
use crate::world::World;
use crate::world::alarm::{Bell, Event};
use agent_loop::AgentLoop;
use hw::transport::{News, Stopper};

pub use status_file::waits;

/// Renews sessions until a signal ends the agent.
///
/// # Errors
/// [`Failure`] if the agent cannot start: no profile has a plan, another agent is running, or the system has no
/// timers or signals to spare.
pub fn run(typed: &cli::AgentArgs, world: &mut World) -> Result<(), Failure> {
    let mut alarm = (world.alarm)().map_err(Failure::Runtime)?;
    // Prompts name the agent as the requester: the process that started it has nothing to do with a renewal.
    world.person.ask_as("aws-mfa-key agent");
    let mut agent = AgentLoop::start(typed, world)?;
    alarm.before_end(agent.last());
    let mut plugs = None;
    loop {
        alarm.watch(&agent.files());
        if plugs.is_none() && agent.needs(|source| matches!(source, Source::Token)) {
            plugs = Some(TokenWatch::watch(typed.reader.as_deref(), world, alarm.bell()));
        }
        let until = agent.turn();
        for event in alarm.wait(until) {
            if event == Event::End {
                agent.last()();
                return Ok(());
            }
            agent.hear(&event);
        }
    }
}

/// A watch for tokens that are plugged in or pulled out, until it is dropped.
struct TokenWatch(Stopper);

impl TokenWatch {
    fn watch(reader: Option<&str>, world: &World, bell: Bell) -> Self {
        let mut watch = (world.bus)(reader).watch();
        let stop = watch.stopper();
        // Without a thread, tokens are looked for only when a session is due.
        let _ = std::thread::Builder::new().name("plugs".to_owned()).spawn(move || {
            loop {
                match watch.news(None) {
                    News::Tokens(tokens) => bell(Event::Tokens(Some(tokens))),
                    News::Unknown => bell(Event::Tokens(None)),
                    News::Nothing | News::Stopped => return,
                }
            }
        });
        Self(stop)
    }
}

impl Drop for TokenWatch {
    fn drop(&mut self) {
        (self.0)();
    }
}
