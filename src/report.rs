//! Reports of failures: three lines (what did not happen, why, what to do next) and an exit code.

mod accounts;
mod aws;
mod change;
pub mod doctor;
mod file;
mod keyring;
pub mod length;
mod oath;
mod plan;
mod refused;
mod secret;
mod token;
mod unreached;

pub use accounts::is_named as account_is_named;
pub use file::notices;

use crate::accounts::AccountsError;
use crate::aws::client::NetworkFault;
use crate::aws::credentials_file::CredentialsError;
use crate::endpoint::address::AgentFault;
use crate::file::FileError;
use crate::login::LoginError;
use crate::mfa_code::CodeError;
use crate::plan::PlanError;
use crate::world::{NoAnswer, Pending, printable};
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The exit code of the program; scripts rely on these values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command did what it was asked to.
    Done = 0,
    /// A failure that has no exit code of its own.
    Failed = 1,
    /// Invalid command line or configuration.
    Change = 2,
    /// No suitable token is plugged in.
    NoToken = 3,
    /// A touch, an answer or a password was needed, and nobody gave it.
    Person = 4,
    /// AWS refused the request.
    Refused = 5,
    /// AWS could not be reached.
    Unreachable = 6,
    /// `exec` could not run the command. A shell ends with the same code.
    NotRunnable = 126,
    /// `exec` could not find the command. A shell ends with the same code.
    NoCommand = 127,
}

/// Reason why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The settings are invalid, so no login could be planned.
    Plan(PlanError),
    /// The settings for the proxy or the CA certificates cannot be used.
    Network(NetworkFault),
    /// The login itself failed.
    Login {
        /// The profile that the login was for.
        profile: String,
        /// The reason why the login failed.
        error: Box<LoginError>,
    },
    /// The session could not be written to the credentials file.
    Write {
        /// True if AWS had issued the session. The session is then lost, and its code cannot be used again.
        spent: bool,
        /// The reason why the session could not be written.
        error: CredentialsError,
    },
    /// A command for tokens, accounts, passwords or secrets failed.
    Accounts {
        /// The `error` line of the report, such as "could not add the account".
        what: &'static str,
        /// The reason why the command failed.
        error: Box<AccountsError>,
    },
    /// A file could not be read or written.
    File(FileError),
    /// Some logins of a command for several profiles failed.
    Some {
        /// Number of logins that failed, at least 1.
        failed: usize,
        /// Number of profiles that the command was to log in with.
        of: usize,
        /// The failure that is still to be reported. All other failures have been printed.
        last: Box<Failure>,
        /// Further profiles that failed for the same reason as `last`.
        others: Vec<String>,
        /// Exit code of the program: that of the failures if they all have the same one, otherwise [`Exit::Failed`].
        exit: Exit,
    },
    /// One failure that several profiles have in common.
    Shared(Arc<Failure>),
    /// The agent cannot serve a session to a program.
    Agent {
        /// The profile whose session was requested.
        profile: String,
        /// The reason why the agent cannot serve the session.
        fault: AgentFault,
    },
    /// An agent cannot start because another one is running for the same user.
    AgentRuns {
        /// Process id of the running agent; `None` if it has not written its id yet.
        pid: Option<u32>,
    },
    /// `status` was asked for a session that is absent or expired.
    NotValid {
        /// The profile without a valid session.
        profile: String,
    },
    /// `credential-process` gave up the login, so that it could answer before the time limit of the SDK that runs it.
    TooLate {
        /// The profile that the login was for.
        profile: String,
        /// Time after which the login was abandoned.
        waited: Duration,
        /// The event that the login was waiting for; `None` if it was not waiting for anything in particular.
        pending: Option<Pending>,
    },
    /// `doctor` found problems, and has printed them.
    Faults,
    /// `exec` could not run its command.
    Exec {
        /// Name or path of the program, as typed.
        program: OsString,
        /// The error of the system call that should have run the program.
        error: std::io::Error,
    },
    /// The async runtime could not start.
    Runtime(std::io::Error),
    /// Standard input could not be read for `--code -`.
    Input(std::io::Error),
    /// Standard output could not be written.
    Output(std::io::Error),
}

impl Failure {
    /// Returns true if both are the same [`Failure::Shared`], so that one report covers several profiles.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Shared(one), Self::Shared(other)) if Arc::ptr_eq(one, other))
    }

    /// Returns true if a login failed because none of its sources of a code is present (no token plugged in, no
    /// secret stored).
    #[must_use]
    pub fn is_without_source(&self) -> bool {
        match self {
            Self::Login { error, .. } => matches!(&**error, LoginError::Code(error) if error.is_absence()),
            Self::Shared(failure) => failure.is_without_source(),
            _ => false,
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// Explanation of a failure for a person, which is printed as three lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Action that failed, in the user's terms.
    pub error: String,
    /// The fact that caused the failure.
    pub cause: String,
    /// A command to paste, or another step that can help.
    pub next: String,
    /// Exit code of the program.
    pub exit: Exit,
}

impl Report {
    fn new(exit: Exit, error: impl Into<String>, cause: impl Into<String>, next: impl Into<String>) -> Self {
        Self { error: error.into(), cause: cause.into(), next: next.into(), exit }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.error)?;
        writeln!(f, "cause: {}", self.cause)?;
        write!(f, " next: {}", self.next)
    }
}

/// Hint at `--wait` in a report's `next`. It is removed where this option does not exist or does not help.
const WAIT_HINT: &str = " (--wait waits for it)";

/// Explains a failure in one line, for a log.
#[must_use]
pub fn in_one_line(failure: &Failure) -> String {
    let Report { error, cause, next, .. } = report(failure);
    format!("{error}: {cause}; next: {next}")
}

/// Explains a failure in one line, for the agent's log. Advice to try again is left out, because the agent does so
/// without a person.
#[must_use]
pub fn in_one_line_unattended(failure: &Failure) -> String {
    /// Parts of a report's `next` that only help a person who typed a command.
    const TYPED: [&str; 2] = [", then try again", WAIT_HINT];
    TYPED.iter().fold(in_one_line(failure), |line, words| line.replace(words, ""))
}

/// Explains a failure in three lines.
#[must_use]
pub fn report(failure: &Failure) -> Report {
    match failure {
        Failure::Plan(error) => plan::report(error),
        Failure::Network(fault) => unreached::report(fault),
        Failure::Login { profile, error } => login(profile, error),
        Failure::Write { spent, error } => file::credentials(*spent, error),
        Failure::Accounts { what, error } => accounts::report((*what).to_owned(), error),
        Failure::File(error) => file::report(error),
        Failure::Some { failed, of, last, others, exit } => {
            let last = report(last);
            let also = if others.is_empty() { String::new() } else { format!(" (and {})", others.join(", ")) };
            let which = if *failed == 1 { ":" } else { ", the last one:" };
            let error = format!("{failed} of {of} logins failed{which} {}{also}", last.error);
            Report { error, exit: *exit, ..last }
        }
        Failure::Shared(failure) => report(failure),
        Failure::Agent { profile, fault } => agent(profile, *fault),
        Failure::AgentRuns { pid } => agent_runs(*pid),
        Failure::NotValid { profile } => Report::new(
            Exit::Failed,
            format!("could not find a valid session for profile {profile}"),
            "there is no session, or it has expired",
            format!("log in: `aws-mfa-key login {}`", profile_word(profile)),
        ),
        Failure::TooLate { profile, waited, pending } => too_late(profile, *waited, pending.as_ref()),
        Failure::Faults => {
            let next = "do what each `fix:` says, then check again: `aws-mfa-key doctor`";
            Report::new(Exit::Failed, "problems found", "a login, or AWS's clients, would fail", next)
        }
        Failure::Exec { program, error } => exec(program, error),
        Failure::Runtime(error) => Report::new(
            Exit::Failed,
            "could not start",
            error.to_string(),
            "close some programs to free memory and processes, then try again",
        ),
        Failure::Input(error) => Report::new(
            Exit::Change,
            "could not read the code from standard input",
            error.to_string(),
            "pipe the code in: `echo 123456 | aws-mfa-key login --code -`",
        ),
        Failure::Output(error) => {
            let next = "check where standard output goes: a full disk, or a program that has ended?";
            Report::new(Exit::Failed, "could not write to standard output", error.to_string(), next)
        }
    }
}

fn too_late(profile: &str, waited: Duration, pending: Option<&Pending>) -> Report {
    let seconds = waited.as_secs();
    let (exit, cause) = match pending {
        Some(Pending::Touch(token)) => (Exit::Person, format!("nobody touched {token} within {seconds} s")),
        Some(Pending::Answer) => {
            (Exit::Person, format!("nobody answered the question on the terminal within {seconds} s"))
        }
        Some(Pending::PlugIn) => (Exit::NoToken, format!("no token was plugged in within {seconds} s")),
        Some(Pending::Other(what)) => {
            let what = what.strip_prefix("Waiting for ").unwrap_or(what);
            (Exit::Failed, format!("still waiting after {seconds} s for {what}"))
        }
        None => (Exit::Failed, format!("AWS and the token took longer than {seconds} s")),
    };
    let next = format!("run `aws-mfa-key login {}` in a terminal, then try again", profile_word(profile));
    Report::new(exit, could_not_log_in(profile), cause, next)
}

fn agent(profile: &str, fault: AgentFault) -> Report {
    let what = format!("could not get the session of profile {profile} from the agent");
    match fault {
        AgentFault::Nowhere => {
            let next =
                "set it: `export XDG_RUNTIME_DIR=/run/user/$(id -u)` (the folder exists while you are logged in)";
            Report::new(Exit::Failed, what, "XDG_RUNTIME_DIR is not set, so the agent cannot be found", next)
        }
        AgentFault::NotRunning => {
            let next = "start one: `aws-mfa-key agent`, in another terminal or as a service";
            Report::new(Exit::Failed, what, "no agent is running for this user", next)
        }
        AgentFault::Silent => {
            let next = "stop it, then start it again: `aws-mfa-key agent`";
            Report::new(Exit::Failed, what, "the running agent does not respond", next)
        }
        AgentFault::NotKept => {
            let word = profile_word(profile);
            let next =
                format!("restart it with this profile: `aws-mfa-key agent {word}`, or without a profile for all");
            Report::new(Exit::Failed, what, "the running agent does not serve this profile", next)
        }
        AgentFault::NoSession => {
            let next = "see what it is waiting for: `aws-mfa-key status`";
            Report::new(Exit::Failed, what, "the agent has no session for this profile right now", next)
        }
    }
}

fn agent_runs(pid: Option<u32>) -> Report {
    let (who, how) = pid.map_or_else(Default::default, |pid| (format!(" (pid {pid})"), format!(" with `kill {pid}`")));
    Report::new(
        Exit::Failed,
        "could not start the agent",
        format!("another agent is already running for this user{who}"),
        format!("use that one (`aws-mfa-key status` shows its state), or stop it{how} and try again"),
    )
}

fn exec(program: &OsString, error: &std::io::Error) -> Report {
    let name = printable(&program.to_string_lossy(), 200);
    let (exit, next) = match error.kind() {
        std::io::ErrorKind::NotFound => (Exit::NoCommand, "check its name and PATH".to_owned()),
        _ => (Exit::NotRunnable, format!("check that it is a program you may run: `ls -l {}`", quoted(&name))),
    };
    Report::new(exit, format!("could not run {name}"), error.to_string(), next)
}

fn login(profile: &str, error: &LoginError) -> Report {
    let (what, word) = (could_not_log_in(profile), profile_word(profile));
    match error {
        LoginError::Identity(error) => aws::identity(profile, error),
        LoginError::MfaDevices(error) => aws::mfa_devices(profile, error),
        LoginError::NoMfaDevice { without_codes } => no_mfa_device(what, *without_codes),
        LoginError::SeveralMfaDevices { serials } => Report::new(
            Exit::Change,
            what,
            format!("the user has several MFA devices: {}", listed(serials.iter())),
            choose_serial(serials.first().map_or("ARN", String::as_str), profile),
        ),
        LoginError::OtherAccount { serial, identity } => Report::new(
            Exit::Change,
            what,
            format!(
                "MFA device {serial} is in another AWS account than the long-term key, which belongs to {identity}"
            ),
            format!(
                "list the user's MFA devices: `aws iam list-mfa-devices --profile {word}`; set mfa_serial to one of them"
            ),
        ),
        LoginError::StrangeIdentity { identity } => Report::new(
            Exit::Change,
            what,
            format!("the long-term key belongs to {identity}, a name that cannot be stored in AWS's files"),
            "use the key of a user whose name and path do not begin with a quote or contain spaces",
        ),
        LoginError::Code(error) => code(what, error),
        LoginError::Ledger(error) => {
            let Report { cause, exit, .. } = file::report(error);
            let path = printable(&error.path.to_string_lossy(), 300);
            let next =
                format!("check `ls -ld {}`, or set AWS_MFA_KEY_STATE_DIR to a folder that you own", quoted(&path));
            Report::new(exit, "could not record the code as used, so none was sent", format!("{path}: {cause}"), next)
        }
        LoginError::Role { arn, error } => aws::role(profile, arn, error),
        LoginError::Network(fault) => unreached::report(fault),
        LoginError::Session(failure) => aws::session(profile, failure),
    }
}

fn code(what: String, error: &CodeError) -> Report {
    match error {
        CodeError::Token(error) => token::report(what, error),
        CodeError::Secret { place, fault } => secret::fault(what, place, fault),
        CodeError::Command { origin, fault } => secret::command(what, origin, fault),
        CodeError::Prompt(answer) => prompt(what, *answer),
        CodeError::NotACode => {
            let next = "read the code from your MFA device, and try again";
            Report::new(Exit::Person, what, "the input was not a code of six digits", next)
        }
        CodeError::Spent { wait } => Report::new(
            Exit::Failed,
            what,
            "the current code was already used, and AWS accepts each code only once",
            format!("wait {} s for the next code, then try again with it", wait.as_secs() + 1),
        ),
    }
}

fn no_mfa_device(what: String, without_codes: usize) -> Report {
    let cause = match without_codes {
        0 => "the user has no MFA device".to_owned(),
        _ => "the user has only FIDO security keys or passkeys, which AWS does not accept for sessions".to_owned(),
    };
    let next = "in the IAM console, add an \"Authenticator app\" to the user; put its secret on the token with `aws-mfa-key accounts add --touch`";
    Report::new(Exit::Change, what, cause, next)
}

fn prompt(what: String, answer: NoAnswer) -> Report {
    const RETRY: &str = "get the MFA device ready, and try again";
    let (cause, next) = match answer {
        NoAnswer::Nobody => (nobody_to_ask("a code has to be typed"), "run it in a terminal, or plug in the token"),
        NoAnswer::Late => ("no code was typed within two minutes".to_owned(), RETRY),
        NoAnswer::Nothing => ("no code was typed".to_owned(), RETRY),
    };
    Report::new(Exit::Person, what, cause, next)
}

/// Quotes a word for a POSIX shell, if it needs quotes.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-/.%@:+,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Returns the `error` line of a login that failed.
fn could_not_log_in(profile: &str) -> String {
    format!("could not log in with profile {profile}")
}

/// Returns a profile's name as a word of a shell command, without control characters and quoted if necessary.
fn profile_word(profile: &str) -> String {
    quoted(&printable(profile, 80))
}

/// Returns the next step for choosing an MFA device: the command that sets it in a profile, with `serial` as an
/// example.
fn choose_serial(serial: &str, profile: &str) -> String {
    let (serial, profile) = (quoted(&printable(serial, 200)), profile_word(profile));
    format!("choose one, for example: `aws configure set mfa_serial {serial} --profile {profile}`")
}

/// Returns the text that something is `needed`, and that nobody can be asked for it.
fn nobody_to_ask(needed: &str) -> String {
    format!("{needed}, and nobody can be asked (no terminal, or --non-interactive)")
}

/// Joins items with commas for a sentence. Only the first eight are listed, followed by the number of the others.
fn listed<T: fmt::Display>(items: impl ExactSizeIterator<Item = T>) -> String {
    const MOST: usize = 8;
    let count = items.len();
    let mut texts: Vec<String> = items.take(MOST).map(|item| printable(&item.to_string(), 100)).collect();
    if count > MOST {
        texts.push(format!("and {} more", count - MOST));
    }
    texts.join(", ")
}
