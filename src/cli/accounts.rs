//! The grammar of the commands that are about tokens: which is meant, and what is to be done with its accounts.

use super::OutputArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Which token, and how to talk.
#[derive(Args, Default)]
pub struct TokenArgs {
    /// Serial number of the token [default: the one that is plugged in]
    #[arg(long, value_name = "SERIAL", alias = "device")]
    pub token: Option<String>,

    /// Only readers with this in their name, for tokens that are not known by name
    #[arg(long, value_name = "SUBSTRING")]
    pub reader: Option<String>,

    /// Wait for a token that is not plugged in, 2m if no LENGTH is given
    #[arg(long, value_name = "LENGTH", num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    pub wait: Option<String>,

    /// How to talk.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `tokens`: which, and for whom.
#[derive(Args)]
pub struct TokensArgs {
    /// For programs
    #[arg(long)]
    pub json: bool,

    /// Only which.
    #[command(flatten)]
    pub plugged: TokenArgs,
}

/// `accounts`: what is to be done with them.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct AccountsArgs {
    /// What.
    #[command(subcommand)]
    pub command: AccountsCommand,
}

/// What can be done with the accounts on a token.
#[derive(Subcommand)]
pub enum AccountsCommand {
    /// Show the accounts on a token
    List(ListArgs),
    /// Put an account on a token
    Add(Box<AddArgs>),
    /// Give an account another id
    Rename(RenameArgs),
    /// Take an account off a token, and its secret with it
    Remove(RemoveArgs),
    /// Set, change or clear the password of a token's OATH applet; let this machine remember it
    Password(PasswordArgs),
}

/// `accounts list`: of which token, and for whom.
#[derive(Args)]
pub struct ListArgs {
    /// For programs
    #[arg(long)]
    pub json: bool,

    /// Of which token.
    #[command(flatten)]
    pub plugged: TokenArgs,
}

/// `accounts add`: which account, to which token. The secret is never among the arguments.
#[derive(Args)]
#[command(after_help = "The secret is typed or pasted at a prompt that does not show it, or piped in:
an otpauth:// URI, or base32 (then ID says what the account is called).

  aws-mfa-key accounts add --touch --qr screenshot.png
  aws-mfa-key accounts add --touch \"Amazon Web Services:alice@example\"")]
pub struct AddArgs {
    /// What the token is to know it by, byte for byte [default: ISSUER:NAME of the URI]
    #[arg(value_name = "ID")]
    pub named: Option<String>,

    /// The same, as a flag
    #[arg(long, value_name = "ID", conflicts_with = "named")]
    pub id: Option<String>,

    /// A PNG or JPEG with the QR code; `-` reads it from stdin
    #[arg(long, value_name = "FILE")]
    pub qr: Option<PathBuf>,

    /// Each code is to need a touch
    #[arg(short, long)]
    pub touch: bool,

    /// Overwrite an account that has the id
    #[arg(short, long)]
    pub force: bool,

    /// Hash function [default: the URI's, else SHA1, which is AWS's]
    #[arg(long, value_enum, ignore_case = true)]
    pub algorithm: Option<AlgorithmArg>,

    /// Digits of a code, 6 to 8 [default: the URI's, else 6, which is AWS's]
    #[arg(long)]
    pub digits: Option<u8>,

    /// Seconds for which a code is good [default: the URI's, else 30, which is AWS's]
    #[arg(long, value_name = "SECONDS")]
    pub period: Option<u32>,

    /// To which token.
    #[command(flatten)]
    pub plugged: TokenArgs,

    /// What stands where other programs take the secret: it is refused, and not said again.
    #[arg(hide = true, value_name = "…")]
    pub more: Vec<OsString>,
}

/// The hash functions of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AlgorithmArg {
    /// What AWS uses.
    #[value(name = "SHA1", alias = "SHA-1")]
    Sha1,
    /// Longer.
    #[value(name = "SHA256", alias = "SHA-256")]
    Sha256,
    /// Longest; since firmware 4.3.1.
    #[value(name = "SHA512", alias = "SHA-512")]
    Sha512,
}

/// `accounts rename`: which account, on which token.
#[derive(Args)]
pub struct RenameArgs {
    /// What the token knows it by, byte for byte
    #[arg(value_name = "OLD")]
    pub old: String,

    /// What it is to know it by
    #[arg(value_name = "NEW")]
    pub new: String,

    /// On which token.
    #[command(flatten)]
    pub plugged: TokenArgs,
}

/// `accounts remove`: which account, from which token.
#[derive(Args)]
pub struct RemoveArgs {
    /// What the token knows it by, byte for byte
    #[arg(value_name = "ID")]
    pub id: String,

    /// Do not ask whether it is meant
    #[arg(short, long, visible_alias = "force", short_alias = 'f')]
    pub yes: bool,

    /// From which token.
    #[command(flatten)]
    pub plugged: TokenArgs,
}

/// `accounts password`: what is to be done with it.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Where a password is looked for before anybody is asked:
  1. the file that AWS_MFA_KEY_PASSWORD_FILE names; only you or root may read it
  2. the systemd credential aws-mfa-key.password.SERIAL, or aws-mfa-key.password
  3. the keyring, if `remember` put it there; it keeps a key made of the password, never the password
  4. what ykman and Yubico Authenticator remember (`ykman oath access remember`)")]
pub struct PasswordArgs {
    /// What.
    #[command(subcommand)]
    pub command: PasswordCommand,
}

/// What can be done with the password of a token's OATH applet.
#[derive(Subcommand)]
pub enum PasswordCommand {
    /// Set a password where there is none
    Set(PasswordChangeArgs),
    /// Set another password
    Change(PasswordChangeArgs),
    /// Take the password away
    #[command(visible_alias = "unset")]
    Clear(PasswordChangeArgs),
    /// Let the keyring of this desktop remember it, so that it need not be typed
    Remember(PasswordChangeArgs),
    /// Take it out of the keyring again
    Forget(ForgetArgs),
}

/// `accounts password forget`: of which tokens.
#[derive(Args)]
pub struct ForgetArgs {
    /// Of all tokens, plugged in or not
    #[arg(short, long, conflicts_with = "token")]
    pub all: bool,

    /// Of which token.
    #[command(flatten)]
    pub plugged: TokenArgs,
}

/// `accounts password …`: of which token, and from where.
#[derive(Args)]
pub struct PasswordChangeArgs {
    /// Read stdin instead of asking, a line each: the present password, if there is one, then the new one, if one is set
    #[arg(long)]
    pub stdin: bool,

    /// Of which token.
    #[command(flatten)]
    pub plugged: TokenArgs,
}
