//! The grammar of the command line: what may be typed, and its help. [`crate::plan`] decides what it means.

mod accounts;
mod agent;
mod doctor;
mod examples;
mod generate;
pub mod headings;
mod login_options;
mod notes;
mod output;
mod secret;

pub use accounts::{
    AccountsArgs, AccountsCommand, AddArgs, AlgorithmArg, ForgetArgs, ListArgs, PasswordArgs, PasswordChangeArgs,
    PasswordCommand, RemoveArgs, RenameArgs, TokenArgs, TokensArgs,
};
pub use agent::{AgentArgs, AgentCommand, AgentEnvArgs};
pub use doctor::DoctorArgs;
pub use generate::{CompletionsArgs, GenerateArgs, GenerateCommand};
pub use login_options::{LoginOptions, ProfileArgs, ProfilesArgs};
pub use notes::EXIT_CODES;
pub use output::{OutputArgs, TouchNoticeArgs};
pub use secret::{SecretAddArgs, SecretArgs, SecretCommand, SecretListArgs, SecretPlaceArgs, SecretRemoveArgs};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use headings::{OUTPUT, SESSION};
use std::ffi::OsString;

/// Touch your YubiKey, and AWS works
///
/// Reads an MFA code from a YubiKey, from another token with an OATH applet or from a secret in software, exchanges it
/// for a session at AWS STS, and saves the session in the AWS credentials file, where every AWS client finds it.
#[derive(Parser)]
#[command(name = "aws-mfa-key", version, after_long_help = notes::all(), max_term_width = 110)]
#[command(after_help = "For all options and examples of a command: aws-mfa-key COMMAND --help")]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// The command that was typed.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Parses the command line.
    ///
    /// # Errors
    /// A mistake in the command line; also the text of the help or the version, if that was asked for.
    pub fn read(typed: &[OsString]) -> Result<Self, clap::Error> {
        if let Some(at_once) = Self::at_once(typed) {
            return Ok(at_once);
        }
        Self::try_parse_from(typed).map_err(|error| with_tip(error, typed))
    }

    /// Parses `credential-process`, which SDKs run for each of their calls, without building the grammar of the other
    /// commands: that takes longer than finding a session. A profile alone needs no grammar at all. Returns `None` for
    /// other commands, for mistakes and for `--help`, which need the full grammar.
    fn at_once(typed: &[OsString]) -> Option<Self> {
        const NAME: &str = "credential-process";
        let own = typed.get(1..).filter(|own| own.first().is_some_and(|word| word == NAME))?;
        let typed = if let Some(profile) = alone(own) {
            let profile = ProfileArgs { named: Some(profile.to_owned()), profile: None };
            CredentialProcessArgs { profile, how: LoginOptions::default() }
        } else {
            let grammar = CredentialProcessArgs::augment_args(clap::Command::new(NAME));
            CredentialProcessArgs::from_arg_matches(&grammar.try_get_matches_from(own).ok()?).ok()?
        };
        Some(Self { command: Command::CredentialProcess(Box::new(typed)) })
    }
}

/// Returns the only argument of a command, unless it may be an option.
fn alone(own: &[OsString]) -> Option<&str> {
    let [_, argument] = own else { return None };
    argument.to_str().filter(|argument| !argument.starts_with('-'))
}

/// Adds where the dashes go if `exec` was typed without them.
fn with_tip(mut error: clap::Error, typed: &[OsString]) -> clap::Error {
    let is_exec = typed.get(1).is_some_and(|word| word == "exec") && !typed.iter().any(|word| word == "--");
    if is_exec && matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::MissingRequiredArgument) {
        let tip = "put two dashes before the command: aws-mfa-key exec PROFILE -- COMMAND".to_owned();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The commands. What only the help needs stands here and not with the arguments, which [`Cli::read`] may parse alone.
#[derive(Subcommand)]
pub enum Command {
    /// Log in with MFA and save the session
    ///
    /// Gets a code, exchanges it for a session at AWS STS, and saves the session in the AWS credentials file, by default
    /// in profile PROFILE-mfa. A session that is still good is kept. A profile with role_arn gets a session of its role.
    ///
    /// Several profiles are logged in side by side. Those with the same long-term key and MFA device share one code, and a
    /// profile that fails does not stop the others.
    #[command(after_long_help = examples::LOGIN)]
    Login(Box<LoginArgs>),
    /// Show sessions and the time they have left
    ///
    /// Reads files on this machine only: neither AWS nor a token is needed. If an agent runs, status also shows what the
    /// agent waits for.
    #[command(after_long_help = examples::STATUS)]
    Status(StatusArgs),
    /// Print a session as JSON for AWS SDKs
    ///
    /// Meant for credential_process in the AWS config file: SDKs and the AWS CLI then run this command whenever they need
    /// a session. A session is renewed once it has less than 16 minutes left (or a third of its length, if that is less).
    /// If that takes a touch, the terminal and the desktop ask for it.
    ///
    /// Give the full path of aws-mfa-key if the SDK runs with another PATH than you.
    #[command(after_long_help = examples::CREDENTIAL_PROCESS, mut_args(rarely), mut_args(without_min_ttl))]
    CredentialProcess(Box<CredentialProcessArgs>),
    /// Print a session as shell commands
    ///
    /// Prints commands that set AWS_ACCESS_KEY_ID and the session's other variables, and unset the variables that would
    /// override them. Logs in if there is no good session. A session in variables cannot be renewed: for programs that
    /// run longer, use `exec --serve` or `agent env`.
    #[command(after_long_help = examples::ENV, mut_args(rarely))]
    Env(Box<EnvArgs>),
    /// Run a command with a session in its environment
    ///
    /// Logs in if there is no good session, and then becomes COMMAND: the process stays the same, so signals reach COMMAND
    /// directly.
    #[command(after_long_help = examples::EXEC, mut_args(rarely))]
    Exec(Box<ExecArgs>),
    /// Print one MFA code
    ///
    /// Prints the code and nothing else. No network is needed. The code counts as used: neither a later login nor another
    /// `code` gets it again. Works wherever `ykman oath accounts code -s` does, and as aws-vault's mfa_process.
    #[command(after_long_help = examples::CODE, mut_args(for_code))]
    Code(Box<CodeArgs>),
    /// Remove saved sessions
    ///
    /// Removes sessions that aws-mfa-key wrote to the AWS credentials file, and nothing else. This revokes nothing: AWS
    /// accepts a copied session until it expires.
    #[command(after_long_help = examples::LOGOUT)]
    Logout(LogoutArgs),
    /// Renew sessions in the background
    ///
    /// Keeps running, and renews each session when a third of its time is left. A touch is asked for as soon as a token is
    /// plugged in, otherwise with growing pauses; what needs no touch is renewed in silence. The agent notices when the
    /// AWS config and credentials files change; without a terminal, SIGHUP makes it read them again, too.
    ///
    /// Programs get sessions from the agent by `exec --serve` or `agent env`.
    #[command(after_long_help = examples::AGENT)]
    Agent(AgentArgs),
    /// List the tokens that are plugged in
    ///
    /// Shows serial number, firmware, free space and AWS accounts of each token. Prompts for nothing and changes nothing.
    #[command(after_long_help = examples::TOKENS)]
    Tokens(TokensArgs),
    /// Manage the accounts on a token
    #[command(after_long_help = examples::ACCOUNTS)]
    Accounts(AccountsArgs),
    /// Keep MFA secrets in software, for machines without a token
    ///
    /// A secret is kept in the desktop's keyring, or in a file. mfa_key_source in the AWS config file says where a profile
    /// gets its codes: secret:keyring or secret:file:PATH.
    #[command(after_long_help = examples::SECRET)]
    Secret(SecretArgs),
    /// Check everything a login needs and suggest fixes
    ///
    /// Checks the card reader, the token, the profile, the AWS files, the network, the clock and IAM, and says for each
    /// problem what to type. Makes no code and prompts for nothing. The output is safe to share: it contains names, but no
    /// secrets, keys, passwords or codes.
    #[command(after_long_help = examples::DOCTOR)]
    Doctor(Box<DoctorArgs>),
    /// Generate shell completions or the manual page
    #[command(after_long_help = examples::GENERATE)]
    Generate(GenerateArgs),
}

/// Arguments of `login`.
#[derive(Args)]
pub struct LoginArgs {
    /// The profiles to log in with.
    #[command(flatten)]
    pub profiles: ProfilesArgs,

    /// Log in with every configured profile
    ///
    /// These are the profiles with mfa_serial, with a key that begins with mfa_key_, or with a section NAME-long-term.
    #[arg(long, conflicts_with_all = ["named", "profile"])]
    pub all: bool,

    /// Settings of the login.
    #[command(flatten)]
    pub how: LoginOptions,

    /// Print JSON
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}

/// Arguments of `status`.
#[derive(Args)]
#[command(mut_args(output::of_unasked), mut_args(quiet_status))]
pub struct StatusArgs {
    /// Profiles to show [default: all sessions]
    #[arg(value_name = "PROFILE")]
    pub named: Vec<String>,

    /// Profile name (same as the argument)
    #[arg(short, long)]
    pub profile: Option<String>,

    /// Amount of output.
    #[command(flatten)]
    pub output: OutputArgs,

    /// Print JSON
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
}

/// Adjusts `--quiet` for `status`, which then prints no table, and has nothing left to print as JSON.
fn quiet_status(arg: Arg) -> Arg {
    if arg.get_id() == "quiet" { arg.conflicts_with("json") } else { arg }
}

/// Arguments of `credential-process`.
#[derive(Args)]
pub struct CredentialProcessArgs {
    /// The profile whose session is printed.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// Settings of the login, if there has to be one.
    #[command(flatten)]
    pub how: LoginOptions,
}

/// Leaves `--remember` to `--help` where a login is not the main purpose: `-h` is one screen.
fn rarely(arg: Arg) -> Arg {
    if arg.get_id() == "remember" { arg.hide_short_help(true) } else { arg }
}

/// Hides `--min-ttl`, which `credential-process` accepts and overrides.
fn without_min_ttl(arg: Arg) -> Arg {
    if arg.get_id() == "min_ttl" { arg.hide(true) } else { arg }
}

/// Arguments of `env`.
#[derive(Args)]
pub struct EnvArgs {
    /// The profile whose session is printed.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// Unset the variables that this command sets
    #[arg(long)]
    pub unset: bool,

    /// Settings of the login, if there has to be one.
    #[command(flatten)]
    pub how: LoginOptions,

    /// sh, bash, zsh, fish, powershell, cmd [default: $SHELL]
    #[arg(long, help_heading = OUTPUT, hide_possible_values = true)]
    pub shell: Option<Shell>,
}

/// The shells that `env` prints commands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// POSIX shells: sh, dash, ksh
    #[value(aliases = ["dash", "ksh", "posix"])]
    Sh,
    /// Bash
    Bash,
    /// Z shell
    Zsh,
    /// Fish
    Fish,
    /// PowerShell, on all systems
    #[value(alias = "pwsh")]
    Powershell,
    /// Command Prompt of Windows
    Cmd,
}

/// Arguments of `exec`.
#[derive(Args)]
pub struct ExecArgs {
    /// The profile whose session the command gets.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// Let the agent serve credentials, so they renew while the command runs
    #[arg(long, help_heading = SESSION)]
    pub serve: bool,

    /// Settings of the login, if there has to be one.
    #[command(flatten)]
    pub how: LoginOptions,

    /// Command to run, and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Options of a login that `code` accepts and has no use for.
const OF_SESSIONS: [&str; 7] = ["duration", "code", "session_profile", "region", "min_ttl", "force", "remember"];

/// Hides the options of a login that make no difference to `code`.
fn for_code(arg: Arg) -> Arg {
    if OF_SESSIONS.contains(&arg.get_id().as_str()) { arg.hide(true) } else { arg }
}

/// Arguments of `code`.
#[derive(Args)]
pub struct CodeArgs {
    /// The profile whose MFA device the code is for.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// Settings of the code's source.
    #[command(flatten)]
    pub how: LoginOptions,
}

/// Arguments of `logout`.
#[derive(Args)]
#[command(mut_args(output::of_unasked))]
pub struct LogoutArgs {
    /// The profiles whose sessions are removed.
    #[command(flatten)]
    pub profiles: ProfilesArgs,

    /// Remove all saved sessions
    #[arg(long, conflicts_with_all = ["named", "profile"])]
    pub all: bool,

    /// Amount of output.
    #[command(flatten)]
    pub output: OutputArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The profile that was named, or how it was refused.
    fn named(read: Result<Cli, clap::Error>) -> Result<Option<String>, ErrorKind> {
        match read.map_err(|error| error.kind())?.command {
            Command::CredentialProcess(typed) => Ok(typed.profile.named),
            _ => Ok(None),
        }
    }

    #[test]
    fn a_profile_alone_is_read_as_the_grammar_reads_it() {
        for word in
            ["dev", "", " ", "a b", "ä", "help", "@file", "a=b", "-", "--", "-p", "-pdev", "-h", "--help", "--x"]
        {
            let typed = ["aws-mfa-key", "credential-process", word].map(OsString::from);
            assert_eq!(named(Cli::read(&typed)), named(Cli::try_parse_from(&typed)), "{word:?}");
        }
    }

    #[test]
    fn no_flag_has_a_default_that_a_profile_alone_would_miss() {
        let grammar = CredentialProcessArgs::augment_args(clap::Command::new("credential-process"));
        let with_default: Vec<_> = grammar
            .get_arguments()
            .filter(|argument| !matches!(argument.get_action(), clap::ArgAction::SetTrue))
            .filter(|argument| !argument.get_default_values().is_empty())
            .map(clap::Arg::get_id)
            .collect();
        assert!(with_default.is_empty(), "{with_default:?}");
    }
}
