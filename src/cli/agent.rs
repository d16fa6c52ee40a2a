//! The arguments of `agent` and `agent env`.

use super::headings::{OUTPUT, SESSION, TOKEN};
use super::{OutputArgs, TouchNoticeArgs, examples};
use clap::{Args, Subcommand, value_parser};
use std::path::PathBuf;

/// Arguments of `agent`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AgentArgs {
    /// The subcommand; `None`: run the agent.
    #[command(subcommand)]
    pub command: Option<AgentCommand>,

    /// Profiles to renew [default: all configured, as for login --all]
    #[arg(value_name = "PROFILE")]
    pub named: Vec<String>,

    /// Profile name (same as the argument)
    #[arg(short, long)]
    pub profile: Option<String>,

    /// Remove the sessions while no token is plugged in
    ///
    /// The sessions are removed when the last token is pulled out, and at the start if there is no token. They come back
    /// when a token is plugged in.
    #[arg(long, help_heading = SESSION)]
    pub logout_on_removal: bool,

    /// Use readers whose name contains this (for unrecognised tokens)
    #[arg(long, value_name = "TEXT", help_heading = TOKEN)]
    pub reader: Option<String>,

    /// File to write metrics to, for Prometheus
    ///
    /// For node_exporter's textfile collector: NAME.prom in the collector's folder.
    #[arg(long, value_name = "PATH", help_heading = OUTPUT)]
    pub metrics_file: Option<PathBuf>,

    /// Options for telling a person that a touch is needed.
    #[command(flatten)]
    pub touch_notice: TouchNoticeArgs,

    /// Options that control how much is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The subcommands of `agent`.
#[derive(Subcommand)]
pub enum AgentCommand {
    /// Print variables that make programs use the agent
    ///
    /// Prints shell commands that set AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN. AWS SDKs
    /// and the AWS CLI then get the profile's session from the running agent, and a new one before it expires. The
    /// authorization token opens this profile only.
    #[command(after_long_help = examples::AGENT_ENV)]
    Env(AgentEnvArgs),
}

/// Arguments of `agent env`, which prints variables that make programs use the running agent.
#[derive(Args)]
#[command(mut_args(super::output::of_unasked))]
pub struct AgentEnvArgs {
    /// The profile whose session programs get.
    #[command(flatten)]
    pub profile: super::ProfileArgs,

    /// Port that an SSH connection forwards to the agent
    ///
    /// For programs on another machine: the port there at which the agent of this machine is reached.
    #[arg(long, value_parser = value_parser!(u16).range(1..))]
    pub port: Option<u16>,

    /// sh, bash, zsh, fish, powershell, cmd [default: $SHELL]
    ///
    /// With --port, the default is sh.
    #[arg(long, help_heading = OUTPUT, hide_possible_values = true)]
    pub shell: Option<super::Shell>,

    /// Options that control how much is printed.
    #[command(flatten)]
    pub output: super::OutputArgs,
}
