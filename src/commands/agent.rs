//! `agent`: keeps sessions fresh, unattended.

mod clocks;
pub(super) mod env;
mod keeper;
mod kept;
mod last;
mod leaving;
mod manager;
mod note;
mod plans;
mod plugged;
mod serving;
mod telling;

use crate::cli::{self, AgentCommand};
use crate::report::Failure;
use crate::source::Source;
use crate::world::World;
use crate::world::alarm::{Bell, Event};
use hw::transport::{News, Stopper};
use keeper::Keeper;

pub(super) use note::waits;

pub(super) fn run(typed: &cli::Agent, world: &mut World) -> Result<(), Failure> {
    if let Some(AgentCommand::Env(typed)) = &typed.command {
        return env::run(typed, world);
    }
    let mut alarm = (world.alarm)().map_err(Failure::Runtime)?;
    // Whoever started it is long gone, or has nothing to do with what is due.
    world.person.ask_as("aws-mfa-key agent");
    let mut keeper = Keeper::start(typed, world)?;
    alarm.before_end(keeper.last());
    let mut plugs = None;
    loop {
        alarm.watch(&keeper.files());
        if plugs.is_none() && keeper.needs(|source| matches!(source, Source::Token)) {
            plugs = Some(Plugs::watch(typed.reader.as_deref(), world, alarm.bell()));
        }
        let until = keeper.turn();
        for event in alarm.wait(until) {
            if event == Event::End {
                keeper.last()();
                return Ok(());
            }
            keeper.hear(&event);
        }
    }
}

/// What is plugged in and pulled out, as long as this lives.
struct Plugs(Stopper);

impl Plugs {
    fn watch(reader: Option<&str>, world: &World, bell: Bell) -> Self {
        let mut watch = (world.bus)(reader).watch();
        let stop = watch.stopper();
        // Without a thread, tokens are looked for only when something is due.
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

impl Drop for Plugs {
    fn drop(&mut self) {
        (self.0)();
    }
}
