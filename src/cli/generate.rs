//! The arguments of `generate`.

use super::examples;
use clap::{Args, Subcommand};
use clap_complete::Shell;

/// Arguments of `generate`.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct GenerateArgs {
    /// The file to generate.
    #[command(subcommand)]
    pub what: GenerateCommand,
}

/// The files that can be generated.
#[derive(Subcommand)]
pub enum GenerateCommand {
    /// Print the completion script for a shell
    #[command(after_long_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_long_help = examples::MAN)]
    Man,
}

/// Arguments of `generate completions`.
#[derive(Args)]
pub struct CompletionsArgs {
    /// Shell to generate completions for
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}
