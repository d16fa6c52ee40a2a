//! The grammar of the agent.

use super::{OutputArgs, TouchNoticeArgs};
use clap::{Args, Subcommand, value_parser};
use std::path::PathBuf;

/// `agent`: whose sessions are kept fresh, and how.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Each session is renewed when a third of it is left. What needs a touch is asked for at once when a token is \
    plugged in, else with growing pauses; all else goes on in silence. It notices by itself when AWS's files change; without a terminal, SIGHUP makes it read them again, too."
)]
pub struct AgentArgs {
    /// What else than to keep them.
    #[command(subcommand)]
    pub command: Option<AgentCommand>,

    /// Profiles whose sessions are kept fresh [default: all that are configured, as for `login --all`]
    #[arg(value_name = "PROFILE")]
    pub named: Vec<String>,

    /// The same, as a flag
    #[arg(short, long)]
    pub profile: Option<String>,

    /// Remove the sessions when the last token is pulled out, or is not there at the start, until one is plugged in again
    #[arg(long)]
    pub logout_on_removal: bool,

    /// Write how it goes to this file, for Prometheus (node_exporter's textfile collector: NAME.prom in its folder)
    #[arg(long, value_name = "PATH")]
    pub metrics_file: Option<PathBuf>,

    /// Only readers with this in their name, for tokens that are not known by name
    #[arg(long, value_name = "SUBSTRING")]
    pub reader: Option<String>,

    /// How to call for a touch.
    #[command(flatten)]
    pub touch_notice: TouchNoticeArgs,

    /// How to talk.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What else the agent is good for.
#[derive(Subcommand)]
pub enum AgentCommand {
    /// Print what points a program at the running agent, as commands for a shell
    Env(AgentEnvArgs),
}

/// `agent env`: whose session, for which shell.
#[derive(Args)]
#[command(mut_args(super::output::of_unasked))]
#[command(after_help = "On this machine:       eval \"$(aws-mfa-key agent env dev)\"
On another machine, with the token staying here:
  { aws-mfa-key agent env dev --port 4711 && echo 'aws s3 ls'; } |
    ssh -oExitOnForwardFailure=yes -R 127.0.0.1:4711:$XDG_RUNTIME_DIR/aws-mfa-key/agent.sock HOST sh")]
pub struct AgentEnvArgs {
    /// Whose.
    #[command(flatten)]
    pub profile: super::ProfileArgs,

    /// Port that leads to the agent, on a machine where that is another one: at the other end of an SSH connection
    #[arg(long, value_parser = value_parser!(u16).range(1..))]
    pub port: Option<u16>,

    /// Shell to write for [default: the one in SHELL, else sh; with --port: sh]
    #[arg(long)]
    pub shell: Option<super::Shell>,

    /// How much is told.
    #[command(flatten)]
    pub output: super::OutputArgs,
}
