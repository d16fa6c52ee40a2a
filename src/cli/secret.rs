//! The arguments of `secret`.

use super::{OutputArgs, ProfileArgs, examples};
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Arguments of `secret`.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct SecretArgs {
    /// The subcommand.
    #[command(subcommand)]
    pub command: SecretCommand,
}

/// The subcommands of `secret`.
#[derive(Subcommand)]
pub enum SecretCommand {
    /// Store the secret of a profile's MFA device
    ///
    /// The secret is pasted at a prompt that does not show it, piped in, or read from a picture of the QR code: an
    /// otpauth:// URI, or base32. It is never an argument, where other users could read it.
    #[command(after_long_help = examples::SECRET_ADD)]
    Add(Box<SecretAddArgs>),
    /// Remove the secret of a profile's MFA device
    #[command(after_long_help = examples::SECRET_REMOVE)]
    Remove(SecretRemoveArgs),
    /// List the names of the secrets in the keyring
    #[command(after_long_help = examples::SECRET_LIST)]
    List(SecretListArgs),
}

/// The place where a secret is kept. Without an option: where `mfa_key_source` of the profile says, else the keyring.
#[derive(Args)]
pub struct SecretPlaceArgs {
    /// The profile whose secret it is.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// Name in the desktop's keyring [default: the profile's]
    ///
    /// If neither --keyring nor --file is given, mfa_key_source of the profile says where the secret is; otherwise it is
    /// in the keyring, under the profile's name.
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    pub keyring: Option<String>,

    /// File instead of the keyring, readable only by you
    #[arg(long, value_name = "PATH")]
    pub file: Option<PathBuf>,
}

/// Arguments of `secret add`; the secret is never one of them.
#[derive(Args)]
pub struct SecretAddArgs {
    /// The place that the secret is stored in.
    #[command(flatten)]
    pub place: SecretPlaceArgs,

    /// PNG or JPEG file with the QR code (- reads stdin)
    #[arg(long, value_name = "FILE")]
    pub qr: Option<PathBuf>,

    /// Overwrite a secret in the same place
    #[arg(short, long)]
    pub force: bool,

    /// Amount of output.
    #[command(flatten)]
    pub output: OutputArgs,

    /// Words in the place where other programs take the secret: they are refused, and never printed.
    #[arg(hide = true, value_name = "…")]
    pub more: Vec<OsString>,
}

/// Arguments of `secret remove`.
#[derive(Args)]
pub struct SecretRemoveArgs {
    /// The place that the secret is removed from.
    #[command(flatten)]
    pub place: SecretPlaceArgs,

    /// Do not ask for confirmation
    #[arg(short, long, visible_alias = "force", short_alias = 'f')]
    pub yes: bool,

    /// Amount of output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `secret list`, which lists the secrets in the keyring.
#[derive(Args)]
pub struct SecretListArgs {
    /// Amount of output.
    #[command(flatten)]
    pub output: OutputArgs,
}
