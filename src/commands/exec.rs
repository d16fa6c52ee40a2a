//! `exec`: replaces this process by a command with a session in its environment, so that exit code and signals are
//! the command's.

use super::agent_env::{AgentVariables, agent_variables};
use super::env::{IN_THE_WAY, variables};
use super::profile_plan;
use crate::cli;
use crate::plan;
use crate::report::Failure;
use crate::sessions::obtain;
use crate::world::{End, World};
use std::os::unix::process::CommandExt;
use std::process::Command;

pub(super) fn run(typed: &cli::ExecArgs, world: &mut World) -> Result<(), Failure> {
    let Some((program, arguments)) = typed.command.split_first() else { return Ok(()) };
    let AgentVariables { set, unset } = if plan::serve(typed.serve, &world.env)? {
        agent_variables(&typed.profile, None, world)?
    } else {
        let (plan, _) = profile_plan::for_session(&typed.profile, &typed.how, world)?;
        let got = obtain(&plan, world)?;
        AgentVariables { set: variables(&plan, &got), unset: IN_THE_WAY.to_vec() }
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
    // `exec` returns only if the command could not be started.
    let error = command.exec();
    Err(Failure::Exec { program: program.clone(), error })
}
