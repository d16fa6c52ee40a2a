//! Any error becomes three lines and an exit code: what did not happen, why, and what to type next.

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

/// How the program ends; scripts rely on these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The command line or the configuration must change.
    Change = 2,
    /// No token plugged in.
    NoToken = 3,
    /// A person was needed and none came.
    Person = 4,
    /// AWS refused.
    Refused = 5,
    /// AWS could not be reached.
    Unreachable = 6,
    /// `exec`: the command cannot be run.
    NotRunnable = 126,
    /// `exec`: there is no such command.
    NoCommand = 127,
}

/// Everything that can keep a command from being done.
#[derive(Debug)]
pub enum Failure {
    /// No plan.
    Plan(PlanError),
    /// No way to AWS.
    Network(NetworkFault),
    /// No session.
    Login {
        /// The profile.
        profile: String,
        /// Why.
        error: Box<LoginError>,
    },
    /// The session could not be written. It is lost if it was there already.
    Write {
        /// Whether a code was spent on it.
        spent: bool,
        /// Why.
        error: CredentialsError,
    },
    /// The tokens could not be looked at, or one not changed.
    Accounts {
        /// What was not done.
        what: &'static str,
        /// Why.
        error: Box<AccountsError>,
    },
    /// A file.
    File(FileError),
    /// Several profiles were asked for, and some of them failed.
    Some {
        /// How many.
        failed: usize,
        /// Of how many.
        of: usize,
        /// The last of them.
        last: Box<Failure>,
        /// The other profiles that failed together with the last.
        others: Vec<String>,
        /// How the program ends.
        exit: Exit,
    },
    /// Several profiles failed together.
    Shared(Arc<Failure>),
    /// A program cannot be pointed at the agent.
    Agent {
        /// The profile.
        profile: String,
        /// Why not.
        fault: AgentFault,
    },
    /// Another agent runs for the same user.
    AgentRuns {
        /// Its process, if that is known.
        pid: Option<u32>,
    },
    /// A session that was asked for is not valid.
    NotValid {
        /// The profile.
        profile: String,
    },
    /// An SDK's patience would have ended before ours.
    TooLate {
        /// The profile.
        profile: String,
        /// How long it was waited.
        waited: Duration,
        /// For what, if that was told.
        pending: Option<Pending>,
    },
    /// The doctor found faults, and has told them.
    Faults,
    /// The command could not be run.
    Exec {
        /// Its name.
        program: OsString,
        /// Why.
        error: std::io::Error,
    },
    /// The runtime did not start.
    Runtime(std::io::Error),
    /// Standard input, where a code was to be read.
    Input(std::io::Error),
    /// Standard output.
    Output(std::io::Error),
}

impl Failure {
    /// Whether both are one and the same, met together.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Shared(one), Self::Shared(other)) if Arc::ptr_eq(one, other))
    }

    /// Whether none of the places is there that a code may come from.
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

/// An error as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What did not happen.
    pub error: String,
    /// Why.
    pub cause: String,
    /// What to do.
    pub next: String,
    /// How the program ends.
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

/// The same in one line, as a journal has it.
#[must_use]
pub fn in_one_line(failure: &Failure) -> String {
    let Report { error, cause, next, .. } = report(failure);
    format!("{error}: {cause}; next: {next}")
}

/// The same for one who tries again by itself, so that nobody is told to.
#[must_use]
pub fn in_one_line_unattended(failure: &Failure) -> String {
    /// What only helps one who typed a command.
    const TYPED: [&str; 3] = [", then try again", "; --wait waits for it", " (--wait waits for it)"];
    TYPED.iter().fold(in_one_line(failure), |line, words| line.replace(words, ""))
}

/// Explains a failure.
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
            let which = if *failed == 1 { "" } else { " the last:" };
            let error = format!("{failed} of {of} failed:{which} {}{also}", last.error);
            Report { error, exit: *exit, ..last }
        }
        Failure::Shared(failure) => report(failure),
        Failure::Agent { profile, fault } => agent(profile, *fault),
        Failure::AgentRuns { pid } => agent_runs(*pid),
        Failure::NotValid { profile } => Report::new(
            Exit::Failed,
            format!("profile {profile} has no valid session"),
            "there is none, or it has expired",
            format!("`aws-mfa-key login {profile}`"),
        ),
        Failure::TooLate { profile, waited, pending } => too_late(profile, *waited, pending.as_ref()),
        Failure::Faults => {
            let next = "type what is behind each `fix:`, then look again: `aws-mfa-key doctor`";
            Report::new(Exit::Failed, "not all is as it should be", "there are faults", next)
        }
        Failure::Exec { program, error } => exec(program, error),
        Failure::Runtime(error) => Report::new(
            Exit::Failed,
            "could not start",
            error.to_string(),
            "free some memory or processes, then try again",
        ),
        Failure::Input(error) => Report::new(
            Exit::Change,
            "could not read the code from standard input",
            error.to_string(),
            "pipe the code in: `echo 123456 | aws-mfa-key login --code -`",
        ),
        Failure::Output(error) => {
            Report::new(Exit::Failed, "could not write to standard output", error.to_string(), "look where it leads to")
        }
    }
}

fn too_late(profile: &str, waited: Duration, pending: Option<&Pending>) -> Report {
    let seconds = waited.as_secs();
    let (exit, cause) = match pending {
        Some(Pending::Touch(token)) => (Exit::Person, format!("nobody touched {token} within {seconds} s")),
        Some(Pending::Answer) => {
            (Exit::Person, format!("nobody answered the question at the terminal within {seconds} s"))
        }
        Some(Pending::PlugIn) => (Exit::NoToken, format!("no token was plugged in within {seconds} s")),
        Some(Pending::Other(what)) => {
            let what = what.strip_prefix("Waiting for ").unwrap_or(what);
            (Exit::Failed, format!("after {seconds} s it was still waiting for {what}"))
        }
        None => (Exit::Failed, format!("AWS and the token took longer than {seconds} s")),
    };
    let next = format!("`aws-mfa-key login {profile}` in a terminal, then try again");
    Report::new(exit, format!("could not log in profile {profile}"), cause, next)
}

fn agent(profile: &str, fault: AgentFault) -> Report {
    let what = format!("could not get the session of profile {profile} from the agent");
    match fault {
        AgentFault::Nowhere => {
            let next = "set it: `export XDG_RUNTIME_DIR=/run/user/$(id -u)`, which is there while you are logged in";
            Report::new(Exit::Failed, what, "XDG_RUNTIME_DIR is not set, which says where the agent is", next)
        }
        AgentFault::NotRunning => {
            let next = "start it: `aws-mfa-key agent`, in another terminal or as a service";
            Report::new(Exit::Failed, what, "no agent is running for this user", next)
        }
        AgentFault::Silent => {
            let next = "end it, and start it anew: `aws-mfa-key agent`";
            Report::new(Exit::Failed, what, "the agent that is running does not answer", next)
        }
        AgentFault::NotKept => {
            let next = format!("start it with this profile: `aws-mfa-key agent {profile}`, or without any for all");
            Report::new(Exit::Failed, what, "the agent that is running does not keep this profile", next)
        }
        AgentFault::NoSession => {
            let next = "`aws-mfa-key status` says what it waits for";
            Report::new(Exit::Failed, what, "the agent has no session for it at the moment", next)
        }
    }
}

fn agent_runs(pid: Option<u32>) -> Report {
    let (who, how) = pid.map_or_else(Default::default, |pid| (format!(" (pid {pid})"), format!(" with `kill {pid}`")));
    Report::new(
        Exit::Failed,
        "the agent did not start",
        format!("another one is running for this user already{who}"),
        format!("use that one: `aws-mfa-key status` says how it goes; or end it{how}, and try again"),
    )
}

fn exec(program: &OsString, error: &std::io::Error) -> Report {
    let name = printable(&program.to_string_lossy(), 200);
    let (exit, next) = match error.kind() {
        std::io::ErrorKind::NotFound => (Exit::NoCommand, "look at its name and at PATH"),
        _ => (Exit::NotRunnable, "look whether it is a program, and may be run: `ls -l`"),
    };
    Report::new(exit, format!("could not run {name}"), error.to_string(), next)
}

fn login(profile: &str, error: &LoginError) -> Report {
    let what = format!("could not log in profile {profile}");
    match error {
        LoginError::Identity(error) => aws::identity(profile, error),
        LoginError::MfaDevices(error) => aws::mfa_devices(profile, error),
        LoginError::NoMfaDevice { without_codes } => no_mfa_device(what, *without_codes),
        LoginError::SeveralMfaDevices { serials } => Report::new(
            Exit::Change,
            what,
            format!("the user has several MFA devices: {}", listed(serials.iter())),
            format!("say which: `aws configure set mfa_serial ARN --profile {profile}`, or --mfa-serial ARN"),
        ),
        LoginError::OtherAccount { serial, identity } => Report::new(
            Exit::Change,
            what,
            format!("MFA device {serial} is not in the AWS account of the long-term key, which is {identity}'s"),
            format!(
                "`aws iam list-mfa-devices --profile {profile}` lists those of the user; set mfa_serial to one of them"
            ),
        ),
        LoginError::StrangeIdentity { identity } => Report::new(
            Exit::Change,
            what,
            format!("the long-term key's owner has a name that AWS's files cannot hold: {identity}"),
            "use the key of a user whose name and path have no quotes in front and no blanks",
        ),
        LoginError::Code(error) => code(what, error),
        LoginError::Ledger(error) => {
            let Report { cause, exit, .. } = file::report(error);
            let path = printable(&error.path.to_string_lossy(), 300);
            let next = format!("look at `ls -ld {path}`, or set AWS_MFA_KEY_STATE_DIR to a folder of your own");
            Report::new(exit, "could not note which codes were sent, so none was", format!("{path}: {cause}"), next)
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
            let next = "look at your MFA device, and try again";
            Report::new(Exit::Person, what, "what was typed is not a code: six digits", next)
        }
        CodeError::Spent { wait } => Report::new(
            Exit::Failed,
            what,
            "a code of this half minute was sent already, and AWS takes each only once",
            format!("wait {} s for the next code, and try again with it", wait.as_secs() + 1),
        ),
    }
}

fn no_mfa_device(what: String, without_codes: usize) -> Report {
    let cause = match without_codes {
        0 => "the user has no MFA device".to_owned(),
        _ => "the user's only MFA devices are FIDO keys or passkeys, with which AWS gives no sessions".to_owned(),
    };
    let next = "in the IAM console, add an \"Authenticator app\" to the user; `aws-mfa-key accounts add --touch` puts it on the token";
    Report::new(Exit::Change, what, cause, next)
}

fn prompt(what: String, answer: NoAnswer) -> Report {
    let (cause, next) = match answer {
        NoAnswer::Nobody => {
            ("the code has to be typed, and nobody can be asked here", "run it in a terminal, or plug in the token")
        }
        NoAnswer::Late => ("no code was typed within two minutes", "try again when you have the MFA device at hand"),
        NoAnswer::Nothing => ("no code was typed", "try again when you have the MFA device at hand"),
    };
    Report::new(Exit::Person, what, cause, next)
}

/// A word as one types it to a shell.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-/.%@:+,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A list for a sentence, cut where it gets long.
fn listed<T: fmt::Display>(items: impl ExactSizeIterator<Item = T>) -> String {
    const MOST: usize = 8;
    let count = items.len();
    let mut texts: Vec<String> = items.take(MOST).map(|item| printable(&item.to_string(), 100)).collect();
    if count > MOST {
        texts.push(format!("and {} more", count - MOST));
    }
    texts.join(", ")
}
