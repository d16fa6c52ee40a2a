//! `exec`: runs a command with a session in its environment, in our place: same process, its exit code, its signals.

use super::agent::env::{Pointed, pointed};
use super::env::{IN_THE_WAY, variables};
use super::session;
use crate::cli;
use crate::plan;
use crate::report::Failure;
use crate::world::{End, World};
use std::os::unix::process::CommandExt;
use std::process::Command;

pub(super) fn run(typed: &cli::Exec, world: &mut World) -> Result<(), Failure> {
    let Some((program, arguments)) = typed.command.split_first() else { return Ok(()) };
    let Pointed { set, unset } = if plan::serve(typed.serve, &world.env)? {
        pointed(&typed.profile, None, world)?
    } else {
        let (plan, _) = session::plan(&typed.profile, &typed.how, world)?;
        let got = session::obtain(&plan, world)?;
        Pointed { set: variables(&plan, &got), unset: IN_THE_WAY.to_vec() }
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in unset {
        command.env_remove(name);
    }
    for (name, value) in set {
        command.env(name, value.as_str());
    }
    world.person.clear();
    world.person.leave(End::Failed);
    (world.before_exec)();
    // It does not come back, unless it could not begin.
    let error = command.exec();
    Err(Failure::Exec { program: program.clone(), error })
}
