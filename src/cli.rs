//! The grammar of the command line, and nothing else: what was typed, not what it means.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  failed
  2  the command line or the configuration must change
  3  no token plugged in
  4  a person was needed (touch, password, prompt) and none came
  5  AWS refused
  6  AWS could not be reached
130  interrupted

Every flag but --code has an environment variable: --min-ttl is AWS_MFA_KEY_MIN_TTL, and so on.
Flag > environment > profile > default.";

/// Touch your YubiKey, and AWS works: reads the MFA code from the token and writes the session to the AWS credentials file.
#[derive(Parser)]
#[command(name = "aws-mfa-key", version, after_help = EXIT_CODES, max_term_width = 110)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Subcommand)]
pub enum Command {
    /// Get a fresh session for each profile and write it to the credentials file
    Login(Box<Login>),
    /// Show each session: whose, how long, still good or not
    Status(Status),
    /// Print a session as the JSON that AWS's SDKs read; logs in if it has to
    CredentialProcess(Box<CredentialProcess>),
    /// Print a session as commands for a shell; logs in if it has to
    Env(Box<Env>),
    /// Run a command with a session in its environment; logs in if it has to
    Exec(Box<Exec>),
    /// Print a code of the MFA device, and nothing else
    Code(Box<Code>),
    /// Remove the sessions that were written, and nothing else
    Logout(Logout),
    /// Show the tokens that are plugged in, and what they have for AWS
    Tokens(Tokens),
    /// Show and change what is on a token
    Accounts(Accounts),
}

/// `login`: whose sessions, and how.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct Login {
    /// Profiles to log in [default: AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default"]
    #[arg(value_name = "PROFILE")]
    pub named: Vec<String>,

    /// The same, as a flag
    #[arg(short, long)]
    pub profile: Option<String>,

    /// Every profile with an mfa_serial, an mfa_key_… key or a PROFILE-long-term twin
    #[arg(long, conflicts_with_all = ["named", "profile"])]
    pub all: bool,

    /// Print the outcome as JSON
    #[arg(long)]
    pub json: bool,

    /// How to log in.
    #[command(flatten)]
    pub how: How,
}

/// How to log in, where that is needed.
#[derive(Args, Default)]
pub struct How {
    /// How long the session lasts: 12h, 45m or seconds; 15m to 36h [default: 12h; a role: 1h]
    #[arg(short, long, value_name = "LENGTH")]
    pub duration: Option<String>,

    /// Serial number (ARN) of the MFA device [default: mfa_serial of the profile, else the one that IAM lists]
    #[arg(long, value_name = "ARN", alias = "serial-number")]
    pub mfa_serial: Option<String>,

    /// A code that you have already; `-` reads it from stdin
    #[arg(long, value_name = "CODE", aliases = ["token-code", "mfa-token"])]
    pub code: Option<OsString>,

    /// Serial number of the token to use [default: the one that has the account]
    #[arg(long, value_name = "SERIAL", alias = "device")]
    pub token: Option<String>,

    /// Account on the token, byte for byte [default: found by the MFA device's and the user's name]
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,

    /// Where the code comes from, first that can answer wins: token, secret:file:PATH, prompt [default: token, prompt]
    #[arg(long, value_name = "LIST")]
    pub source: Option<String>,

    /// Profile that the session is written to [default: PROFILE-mfa]
    #[arg(short = 'u', long, value_name = "NAME", alias = "update-profile")]
    pub session_profile: Option<String>,

    /// AWS region whose STS is asked [default: AWS_REGION, else the profile's]
    #[arg(long)]
    pub region: Option<String>,

    /// Only readers with this in their name, for tokens that are not known by name
    #[arg(long, value_name = "SUBSTRING")]
    pub reader: Option<String>,

    /// A session with at least this much time left is good enough [default: 20m, at most a third of its length]
    #[arg(long, value_name = "LENGTH")]
    pub min_ttl: Option<String>,

    /// Log in even if the present session is still good
    #[arg(short, long)]
    pub force: bool,

    /// Write down the MFA device that was found, where the profile names none (mfa_serial)
    #[arg(long)]
    pub remember: bool,

    /// Never ask: what would need a person ends with its own exit code
    #[arg(long)]
    pub non_interactive: bool,

    /// Say nothing but errors and what a person must do
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say what is done, step by step
    #[arg(short, long)]
    pub verbose: bool,
}

/// One profile, named in one of two ways.
#[derive(Args, Default)]
pub struct Named {
    /// Profile whose session it is [default: AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default"]
    #[arg(value_name = "PROFILE")]
    pub named: Option<String>,

    /// The same, as a flag
    #[arg(short, long)]
    pub profile: Option<String>,
}

/// `status`: which sessions, and for whom.
#[derive(Args)]
pub struct Status {
    /// Only the sessions of these profiles; exit code 1 if one of them is not valid
    #[arg(value_name = "PROFILE")]
    pub named: Vec<String>,

    /// The same, as a flag
    #[arg(short, long)]
    pub profile: Option<String>,

    /// For programs
    #[arg(long)]
    pub json: bool,
}

/// `credential-process`: whose session.
#[derive(Args)]
#[command(after_help = "In the config file of a profile without keys of its own:

  [profile work]
  credential_process = \"/path/to/aws-mfa-key\" credential-process dev")]
pub struct CredentialProcess {
    /// Whose.
    #[command(flatten)]
    pub profile: Named,

    /// How to log in, if need be.
    #[command(flatten)]
    pub how: How,
}

/// `env`: whose session, for which shell.
#[derive(Args)]
#[command(after_help = "sh, bash, zsh:  eval \"$(aws-mfa-key env dev)\"
fish:           aws-mfa-key env dev --shell fish | source
PowerShell:     aws-mfa-key env dev --shell powershell | Out-String | Invoke-Expression")]
pub struct Env {
    /// Whose.
    #[command(flatten)]
    pub profile: Named,

    /// Shell to write for [default: the one in SHELL, else sh]
    #[arg(long)]
    pub shell: Option<Shell>,

    /// Take out of the environment what this command puts there
    #[arg(long)]
    pub unset: bool,

    /// How to log in, if need be.
    #[command(flatten)]
    pub how: How,
}

/// The shells that `env` writes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// POSIX.
    #[value(aliases = ["dash", "ksh", "posix"])]
    Sh,
    /// GNU.
    Bash,
    /// Z shell.
    Zsh,
    /// Friendly interactive shell.
    Fish,
    /// Windows and elsewhere.
    #[value(alias = "pwsh")]
    Powershell,
    /// Windows, of old.
    Cmd,
}

/// `exec`: whose session, for which command.
#[derive(Args)]
#[command(after_help = "The exit code is the command's own; 127 if there is no such command, 126 if it cannot be run.")]
pub struct Exec {
    /// Whose.
    #[command(flatten)]
    pub profile: Named,

    /// How to log in, if need be.
    #[command(flatten)]
    pub how: How,

    /// The command, and what it is given
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `code`: whose MFA device.
#[derive(Args)]
pub struct Code {
    /// Whose.
    #[command(flatten)]
    pub profile: Named,

    /// Where it comes from.
    #[command(flatten)]
    pub how: How,
}

/// `logout`: whose sessions.
#[derive(Args)]
pub struct Logout {
    /// Profiles whose sessions are removed [default: as for login]
    #[arg(value_name = "PROFILE")]
    pub named: Vec<String>,

    /// The same, as a flag
    #[arg(short, long)]
    pub profile: Option<String>,

    /// All sessions that we wrote
    #[arg(long, conflicts_with_all = ["named", "profile"])]
    pub all: bool,

    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// Which token, and how to talk.
#[derive(Args, Default)]
pub struct Plugged {
    /// Serial number of the token [default: the one that is plugged in]
    #[arg(long, value_name = "SERIAL", alias = "device")]
    pub token: Option<String>,

    /// Only readers with this in their name, for tokens that are not known by name
    #[arg(long, value_name = "SUBSTRING")]
    pub reader: Option<String>,

    /// Never ask: what would need a person ends with its own exit code
    #[arg(long)]
    pub non_interactive: bool,

    /// Say nothing but errors and what a person must do
    #[arg(short, long)]
    pub quiet: bool,
}

/// `tokens`: which, and for whom.
#[derive(Args)]
pub struct Tokens {
    /// For programs
    #[arg(long)]
    pub json: bool,

    /// Only which.
    #[command(flatten)]
    pub plugged: Plugged,
}

/// `accounts`: what is to be done with them.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Accounts {
    /// What.
    #[command(subcommand)]
    pub command: AccountsCommand,
}

/// What can be done with the accounts on a token.
#[derive(Subcommand)]
pub enum AccountsCommand {
    /// Show the accounts on a token
    List(List),
    /// Put an account on a token
    Add(Box<Add>),
    /// Give an account another id
    Rename(Rename),
    /// Take an account off a token, and its secret with it
    Remove(Remove),
    /// Set, change or clear the password of a token's OATH applet
    Password(Password),
}

/// `accounts list`: of which token, and for whom.
#[derive(Args)]
pub struct List {
    /// For programs
    #[arg(long)]
    pub json: bool,

    /// Of which token.
    #[command(flatten)]
    pub plugged: Plugged,
}

/// `accounts add`: which account, to which token. The secret is never among the arguments.
#[derive(Args)]
#[command(after_help = "The secret is typed or pasted at a prompt that does not show it, or piped in:
an otpauth:// URI, or base32 (then ID says what the account is called).

  aws-mfa-key accounts add --touch --qr screenshot.png
  aws-mfa-key accounts add --touch \"Amazon Web Services:alice@example\"")]
pub struct Add {
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
    pub algorithm: Option<Algorithm>,

    /// Digits of a code, 6 to 8 [default: the URI's, else 6, which is AWS's]
    #[arg(long)]
    pub digits: Option<u8>,

    /// Seconds for which a code is good [default: the URI's, else 30, which is AWS's]
    #[arg(long, value_name = "SECONDS")]
    pub period: Option<u32>,

    /// To which token.
    #[command(flatten)]
    pub plugged: Plugged,

    /// What stands where other programs take the secret: it is refused, and not said again.
    #[arg(hide = true, value_name = "…")]
    pub more: Vec<OsString>,
}

/// The hash functions of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
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
pub struct Rename {
    /// What the token knows it by, byte for byte
    #[arg(value_name = "OLD")]
    pub old: String,

    /// What it is to know it by
    #[arg(value_name = "NEW")]
    pub new: String,

    /// On which token.
    #[command(flatten)]
    pub plugged: Plugged,
}

/// `accounts remove`: which account, from which token.
#[derive(Args)]
pub struct Remove {
    /// What the token knows it by, byte for byte
    #[arg(value_name = "ID")]
    pub id: String,

    /// Do not ask whether it is meant
    #[arg(short, long, visible_alias = "force", short_alias = 'f')]
    pub yes: bool,

    /// From which token.
    #[command(flatten)]
    pub plugged: Plugged,
}

/// `accounts password`: what is to be done with it.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Password {
    /// What.
    #[command(subcommand)]
    pub command: PasswordCommand,
}

/// What can be done with the password of a token's OATH applet.
#[derive(Subcommand)]
pub enum PasswordCommand {
    /// Set a password where there is none
    Set(PasswordOf),
    /// Set another password
    Change(PasswordOf),
    /// Take the password away
    Clear(PasswordOf),
}

/// `accounts password …`: of which token, and from where.
#[derive(Args)]
pub struct PasswordOf {
    /// Read stdin instead of asking: the present password on one line, if there is one, then the new one
    #[arg(long)]
    pub stdin: bool,

    /// Of which token.
    #[command(flatten)]
    pub plugged: Plugged,
}
