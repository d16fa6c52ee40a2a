//! The arguments of the commands about tokens: `tokens` and `accounts`.

use super::headings::{OUTPUT, TOKEN};
use super::{OutputArgs, examples};
use clap::{Arg, Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Options that choose a token, and the amount of output.
#[derive(Args, Default)]
pub struct TokenArgs {
    /// Token serial number [default: the one plugged in]
    #[arg(long, value_name = "SERIAL", alias = "device", help_heading = TOKEN)]
    pub token: Option<String>,

    /// Use readers whose name contains this (for unrecognised tokens)
    #[arg(long, value_name = "TEXT", help_heading = TOKEN)]
    pub reader: Option<String>,

    /// Wait for the token to be plugged in (2m if no LENGTH)
    #[arg(long, value_name = "LENGTH", help_heading = TOKEN)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub wait: Option<String>,

    /// Amount of output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `tokens`.
#[derive(Args)]
#[command(mut_args(all_tokens))]
pub struct TokensArgs {
    /// The tokens to list.
    #[command(flatten)]
    pub plugged: TokenArgs,

    /// Print JSON
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}

/// Adjusts `--token` for `tokens`, which lists more than one.
fn all_tokens(arg: Arg) -> Arg {
    if arg.get_id() == "token" { arg.help("Token serial number [default: all tokens]") } else { arg }
}

/// Arguments of `accounts`.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct AccountsArgs {
    /// The subcommand.
    #[command(subcommand)]
    pub command: AccountsCommand,
}

/// The subcommands of `accounts`.
#[derive(Subcommand)]
pub enum AccountsCommand {
    /// List the accounts on a token
    #[command(after_long_help = examples::ACCOUNTS_LIST)]
    List(ListArgs),
    /// Add an account to a token
    ///
    /// The secret is pasted at a prompt that does not show it, piped in, or read from a picture of the QR code: an
    /// otpauth:// URI, or base32 together with ID. It is never an argument, where other users could read it.
    #[command(after_long_help = examples::ACCOUNTS_ADD)]
    Add(Box<AddArgs>),
    /// Rename an account on a token
    #[command(after_long_help = examples::ACCOUNTS_RENAME)]
    Rename(RenameArgs),
    /// Remove an account and its secret from a token
    #[command(after_long_help = examples::ACCOUNTS_REMOVE)]
    Remove(RemoveArgs),
    /// Manage the password of a token's OATH applet
    ///
    /// To unlock a token, aws-mfa-key looks for its password in this order: in the file that AWS_MFA_KEY_PASSWORD_FILE
    /// names, which only you or root may read; in the systemd credentials aws-mfa-key.password.SERIAL and
    /// aws-mfa-key.password; in the keyring, if `remember` put it there; in what ykman and Yubico Authenticator remember.
    /// Otherwise it prompts.
    #[command(after_long_help = examples::PASSWORD)]
    Password(PasswordArgs),
}

/// Arguments of `accounts list`.
#[derive(Args)]
pub struct ListArgs {
    /// The token whose accounts are listed.
    #[command(flatten)]
    pub plugged: TokenArgs,

    /// Print JSON
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}

/// Arguments of `accounts add`; the secret is never one of them.
#[derive(Args)]
pub struct AddArgs {
    /// Account name for the token [default: ISSUER:NAME of the URI]
    #[arg(value_name = "ID")]
    pub named: Option<String>,

    /// Account name (same as the argument)
    #[arg(long, value_name = "ID", conflicts_with = "named")]
    pub id: Option<String>,

    /// PNG or JPEG file with the QR code (- reads stdin)
    #[arg(long, value_name = "FILE")]
    pub qr: Option<PathBuf>,

    /// Require a touch for every code
    #[arg(short, long)]
    pub touch: bool,

    /// Overwrite an account of the same name
    #[arg(short, long)]
    pub force: bool,

    /// SHA1, SHA256 or SHA512 [default: the URI's, or SHA1]
    #[arg(long, value_name = "HASH", value_enum, ignore_case = true, hide_possible_values = true)]
    pub algorithm: Option<AlgorithmArg>,

    /// Digits of a code, 6 to 8 [default: the URI's, or 6]
    #[arg(long)]
    pub digits: Option<u8>,

    /// Seconds that a code lasts [default: the URI's, or 30]
    #[arg(long, value_name = "SECONDS")]
    pub period: Option<u32>,

    /// The token that gets the account.
    #[command(flatten)]
    pub plugged: TokenArgs,

    /// Words in the place where other programs take the secret: they are refused, and never printed.
    #[arg(hide = true, value_name = "…")]
    pub more: Vec<OsString>,
}

/// The hash functions of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AlgorithmArg {
    /// SHA-1, which AWS uses
    #[value(name = "SHA1", alias = "SHA-1")]
    Sha1,
    /// SHA-256
    #[value(name = "SHA256", alias = "SHA-256")]
    Sha256,
    /// SHA-512, on YubiKeys since firmware 4.3.1
    #[value(name = "SHA512", alias = "SHA-512")]
    Sha512,
}

/// Arguments of `accounts rename`.
#[derive(Args)]
pub struct RenameArgs {
    /// Exact account name on the token
    #[arg(value_name = "OLD")]
    pub old: String,

    /// New account name
    #[arg(value_name = "NEW")]
    pub new: String,

    /// The token that has the account.
    #[command(flatten)]
    pub plugged: TokenArgs,
}

/// Arguments of `accounts remove`.
#[derive(Args)]
pub struct RemoveArgs {
    /// Exact account name on the token
    #[arg(value_name = "ID")]
    pub id: String,

    /// Do not ask for confirmation
    #[arg(short, long, visible_alias = "force", short_alias = 'f')]
    pub yes: bool,

    /// The token that has the account.
    #[command(flatten)]
    pub plugged: TokenArgs,
}

/// Arguments of `accounts password`.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct PasswordArgs {
    /// The subcommand.
    #[command(subcommand)]
    pub command: PasswordCommand,
}

/// The subcommands of `accounts password`.
#[derive(Subcommand)]
pub enum PasswordCommand {
    /// Set a password on a token that has none
    ///
    /// Every command that uses the token's accounts then needs the password.
    #[command(after_long_help = examples::PASSWORD_SET)]
    Set(PasswordChangeArgs),
    /// Change the password of a token
    #[command(after_long_help = examples::PASSWORD_CHANGE)]
    Change(PasswordChangeArgs),
    /// Remove the password from a token
    #[command(after_long_help = examples::PASSWORD_CLEAR)]
    #[command(visible_alias = "unset")]
    Clear(PasswordChangeArgs),
    /// Remember the password in the desktop's keyring
    ///
    /// The keyring gets a key that is derived from the password and unlocks this token only, never the password.
    #[command(after_long_help = examples::PASSWORD_REMEMBER)]
    Remember(PasswordChangeArgs),
    /// Remove the password from the desktop's keyring
    #[command(after_long_help = examples::PASSWORD_FORGET)]
    Forget(ForgetArgs),
}

/// Arguments of `accounts password forget`.
#[derive(Args)]
pub struct ForgetArgs {
    /// Forget the passwords of all tokens, plugged in or not
    #[arg(short, long, conflicts_with = "token")]
    pub all: bool,

    /// The token whose password is forgotten.
    #[command(flatten)]
    pub plugged: TokenArgs,
}

/// Arguments of `accounts password set`, `change`, `clear` and `remember`.
#[derive(Args)]
pub struct PasswordChangeArgs {
    /// Read the passwords from stdin instead of a prompt
    ///
    /// One per line: the current password, if the token has one, then the new password, if one is set.
    #[arg(long)]
    pub stdin: bool,

    /// The token whose password it is.
    #[command(flatten)]
    pub plugged: TokenArgs,
}
