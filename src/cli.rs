//! The grammar of the command line, and nothing else: what was typed, not what it means.

mod accounts;
mod agent;
mod doctor;
mod generate;
mod login_options;
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
pub use output::{OutputArgs, TouchNoticeArgs};
pub use secret::{SecretAddArgs, SecretArgs, SecretCommand, SecretListArgs, SecretPlaceArgs, SecretRemoveArgs};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  failed
  2  the command line or the configuration must change
  3  no token plugged in
  4  a person was needed (touch, password, prompt) and none came
  5  AWS refused
  6  AWS could not be reached
130  interrupted

Each flag of `login` but --all and --code has an environment variable, which counts wherever there \
is such a flag: --min-ttl is AWS_MFA_KEY_MIN_TTL, and so on; but --force of `accounts add` has none, \
nor has --yes.
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

impl Cli {
    /// What was typed.
    ///
    /// # Errors
    /// What is wrong with it, or what was asked for: help, the version.
    pub fn read(typed: &[OsString]) -> Result<Self, clap::Error> {
        if let Some(at_once) = Self::at_once(typed) {
            return Ok(at_once);
        }
        Self::try_parse_from(typed).map_err(|error| with_tip(error, typed))
    }

    /// Reads `credential-process`, which programs run for each of their calls, without the grammar of all other commands:
    /// building that takes longer than finding a session. A profile alone needs no grammar. Mistakes and requests for help
    /// are left to the whole grammar.
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

/// The only argument of a command, if it cannot be a flag.
fn alone(own: &[OsString]) -> Option<&str> {
    let [_, argument] = own else { return None };
    argument.to_str().filter(|argument| !argument.starts_with('-'))
}

/// The command that `exec` runs is often typed as one would without `exec`.
fn with_tip(mut error: clap::Error, typed: &[OsString]) -> clap::Error {
    let is_exec = typed.get(1).is_some_and(|word| word == "exec") && !typed.iter().any(|word| word == "--");
    if is_exec && matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::MissingRequiredArgument) {
        let tip = "two dashes go before the command: aws-mfa-key exec PROFILE -- COMMAND".to_owned();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The subcommands.
#[derive(Subcommand)]
pub enum Command {
    /// Get a fresh session for each profile and write it to the credentials file
    Login(Box<LoginArgs>),
    /// Show each session: whose, how long, still good or not
    Status(StatusArgs),
    /// Print a session as the JSON that AWS's SDKs read; logs in if it has to
    CredentialProcess(Box<CredentialProcessArgs>),
    /// Print a session as commands for a shell; logs in if it has to
    Env(Box<EnvArgs>),
    /// Run a command with a session in its environment; logs in if it has to
    Exec(Box<ExecArgs>),
    /// Print a code of the MFA device, and nothing else
    Code(Box<CodeArgs>),
    /// Remove the sessions that were written, and nothing else
    Logout(LogoutArgs),
    /// Keep sessions fresh, unattended
    Agent(AgentArgs),
    /// Show the tokens that are plugged in, and what they have for AWS
    Tokens(TokensArgs),
    /// Show and change what is on a token
    Accounts(AccountsArgs),
    /// Keep the secret of an MFA device in software, where there is no token
    Secret(SecretArgs),
    /// Look at everything from the reader to IAM, and say what to mend, and how
    Doctor(Box<DoctorArgs>),
    /// Print the man page, or what makes a shell complete our command line
    Generate(GenerateArgs),
}

/// `login`: whose sessions, and how.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct LoginArgs {
    /// Whose.
    #[command(flatten)]
    pub profiles: ProfilesArgs,

    /// Every profile with an mfa_serial, an mfa_key_… key or a PROFILE-long-term twin
    #[arg(long, conflicts_with_all = ["named", "profile"])]
    pub all: bool,

    /// Print the outcome as JSON
    #[arg(long)]
    pub json: bool,

    /// How to log in.
    #[command(flatten)]
    pub how: LoginOptions,
}

/// `status`: which sessions, and for whom.
#[derive(Args)]
#[command(mut_args(output::of_unasked), mut_args(quiet_status))]
pub struct StatusArgs {
    /// Only the sessions of these profiles; exit code 1 if one of them is not valid
    #[arg(value_name = "PROFILE")]
    pub named: Vec<String>,

    /// The same, as a flag
    #[arg(short, long)]
    pub profile: Option<String>,

    /// For programs
    #[arg(long)]
    pub json: bool,

    /// How much is told.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `status --quiet` leaves out the table, too, and has nothing left to print as JSON.
fn quiet_status(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "quiet" => arg
            .help("Say nothing; the exit code is 1 if one of these profiles has no valid session")
            .conflicts_with("json"),
        _ => arg,
    }
}

/// `credential-process`: whose session.
#[derive(Args)]
#[command(after_help = "In the config file of a profile without keys of its own:

  [profile work]
  credential_process = \"/path/to/aws-mfa-key\" credential-process dev")]
pub struct CredentialProcessArgs {
    /// Whose.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// How to log in, if need be.
    #[command(flatten)]
    pub how: LoginOptions,
}

/// `env`: whose session, for which shell.
#[derive(Args)]
#[command(after_help = "sh, bash, zsh:  eval \"$(aws-mfa-key env dev)\"
fish:           aws-mfa-key env dev --shell fish | source
PowerShell:     aws-mfa-key env dev --shell powershell | Out-String | Invoke-Expression")]
pub struct EnvArgs {
    /// Whose.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// Shell to write for [default: the one in SHELL, else sh]
    #[arg(long)]
    pub shell: Option<Shell>,

    /// Take out of the environment what this command puts there
    #[arg(long)]
    pub unset: bool,

    /// How to log in, if need be.
    #[command(flatten)]
    pub how: LoginOptions,
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
pub struct ExecArgs {
    /// Whose.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// How to log in, if need be.
    #[command(flatten)]
    pub how: LoginOptions,

    /// Have the agent give it its sessions, which then renew themselves as long as it runs
    #[arg(long)]
    pub serve: bool,

    /// The command, and what it is given
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// What `code` takes as `login` does, and has no use for.
const OF_SESSIONS: [&str; 7] = ["duration", "code", "session_profile", "region", "min_ttl", "force", "remember"];

/// `code`: whose MFA device.
#[derive(Args)]
#[command(mut_args(|arg| if OF_SESSIONS.contains(&arg.get_id().as_str()) { arg.hide(true) } else { arg }))]
pub struct CodeArgs {
    /// Whose.
    #[command(flatten)]
    pub profile: ProfileArgs,

    /// Where it comes from.
    #[command(flatten)]
    pub how: LoginOptions,
}

/// `logout`: whose sessions.
#[derive(Args)]
#[command(mut_args(output::of_unasked))]
pub struct LogoutArgs {
    /// Whose.
    #[command(flatten)]
    pub profiles: ProfilesArgs,

    /// All sessions that we wrote
    #[arg(long, conflicts_with_all = ["named", "profile"])]
    pub all: bool,

    /// How much is told.
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
