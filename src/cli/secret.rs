//! The grammar of the commands that are about secrets in software: where, and what is to be done.

use super::{OutputArgs, ProfileArgs};
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// `secret`: what is to be done with it.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct SecretArgs {
    /// What.
    #[command(subcommand)]
    pub command: SecretCommand,
}

/// What can be done with secrets in software.
#[derive(Subcommand)]
pub enum SecretCommand {
    /// Keep the secret of a profile's MFA device, for a machine without a token
    Add(Box<SecretAddArgs>),
    /// Remove the secret of a profile's MFA device
    Remove(SecretRemoveArgs),
    /// Show the names of the secrets in the keyring
    List(SecretListArgs),
}

/// Where a secret is.
#[derive(Args)]
pub struct SecretPlaceArgs {
    /// Whose secret it is.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// In the keyring, under this name [default: where mfa_key_source says, else the keyring, under the profile's name]
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    pub keyring: Option<String>,

    /// In a file that only you can read
    #[arg(long, value_name = "PATH")]
    pub file: Option<PathBuf>,
}

/// `secret add`: where. The secret is never among the arguments.
#[derive(Args)]
#[command(after_help = "The secret is typed or pasted at a prompt that does not show it, or piped in:
an otpauth:// URI, or base32.

  aws-mfa-key secret add dev --qr screenshot.png
  aws-mfa-key secret add dev --file ~/.aws/dev.secret < secret.txt")]
pub struct SecretAddArgs {
    /// Where.
    #[command(flatten)]
    pub place: SecretPlaceArgs,

    /// A PNG or JPEG with the QR code; `-` reads it from stdin
    #[arg(long, value_name = "FILE")]
    pub qr: Option<PathBuf>,

    /// Replace one that is there
    #[arg(short, long)]
    pub force: bool,

    /// How to talk.
    #[command(flatten)]
    pub output: OutputArgs,

    /// What stands where other programs take the secret: it is refused, and not said again.
    #[arg(hide = true, value_name = "…")]
    pub more: Vec<OsString>,
}

/// `secret remove`: from where.
#[derive(Args)]
pub struct SecretRemoveArgs {
    /// Where.
    #[command(flatten)]
    pub place: SecretPlaceArgs,

    /// Do not ask whether it is meant
    #[arg(short, long, visible_alias = "force", short_alias = 'f')]
    pub yes: bool,

    /// How to talk.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `secret list`.
#[derive(Args)]
pub struct SecretListArgs {
    /// How to talk.
    #[command(flatten)]
    pub output: OutputArgs,
}
