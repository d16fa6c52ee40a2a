//! The grammar of `generate`: what is made from the grammar itself.

use clap::{Args, Subcommand};
use clap_complete::Shell;

/// `generate`: what is to be made.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct GenerateArgs {
    /// What.
    #[command(subcommand)]
    pub what: GenerateCommand,
}

/// What can be made.
#[derive(Subcommand)]
pub enum GenerateCommand {
    /// Print what makes a shell complete our command line
    Completions(CompletionsArgs),
    /// Print the man page
    #[command(after_help = "  aws-mfa-key generate man | man -l -
  aws-mfa-key generate man >~/.local/share/man/man1/aws-mfa-key.1")]
    Man,
}

/// `generate completions`: for which shell.
#[derive(Args)]
#[command(
    after_help = "bash:  aws-mfa-key generate completions bash >~/.local/share/bash-completion/completions/aws-mfa-key
fish:  aws-mfa-key generate completions fish >~/.config/fish/completions/aws-mfa-key.fish
zsh:   aws-mfa-key generate completions zsh >_aws-mfa-key, in one of the folders of $fpath"
)]
pub struct CompletionsArgs {
    /// Shell to write for
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}
