//! Files that cannot be read, written or trusted.

use super::{Exit, Report};
use crate::aws::credentials_file::CredentialsError;
use crate::file::{FileError, FileFault};
use crate::source::secret::SecretFault;
use crate::world::printable;
use std::path::Path;

pub(super) fn report(error: &FileError) -> Report {
    let path = printable(&error.path.to_string_lossy(), 300);
    let reading = || format!("could not read {path}");
    let writing = || format!("could not write {path}");
    match &error.fault {
        FileFault::NoHome => Report::new(
            Exit::Change,
            format!("could not find {path}"),
            "HOME is not set",
            "set HOME, or AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
        ),
        FileFault::Absent => {
            Report::new(Exit::Change, reading(), "there is no such file", format!("look: `ls -l {path}`"))
        }
        FileFault::NotAFile => {
            let cause = "it is a folder, a pipe or a device";
            Report::new(Exit::Change, reading(), cause, "put a regular file there, or set the variable that names it")
        }
        FileFault::LinkCycle => {
            Report::new(Exit::Change, reading(), "its links lead in a circle", format!("look at them: `ls -l {path}`"))
        }
        FileFault::NotText => {
            let cause = "it is larger than 10 MiB, or holds NUL bytes: it is not one of AWS's files";
            Report::new(Exit::Change, reading(), cause, "put AWS's file there, or set the variable that names it")
        }
        FileFault::NotUtf8 { line } => Report::new(
            Exit::Change,
            reading(),
            format!("line {line} is not UTF-8, and AWS's clients do not read the file either"),
            "retype that line, or convert the file: `iconv -f latin1 -t utf-8`",
        ),
        FileFault::Damaged { what } => Report::new(
            Exit::Change,
            format!("could not use {path}"),
            printable(what, 300),
            "mend that line in an editor; nothing was changed",
        ),
        FileFault::Read(error) => {
            Report::new(Exit::Change, reading(), error.to_string(), format!("look who may read it: `ls -l {path}`"))
        }
        FileFault::Write(error) => {
            let next = format!("look who may write there: `ls -ld \"$(dirname {path})\"`");
            Report::new(Exit::Failed, writing(), error.to_string(), next)
        }
        FileFault::DiskFull => {
            let next = format!("free some space: `df -h \"$(dirname {path})\"`, then try again");
            Report::new(Exit::Failed, writing(), "the disk is full, or a limit is reached; the file is as it was", next)
        }
        FileFault::CannotReplace => Report::new(
            Exit::Failed,
            writing(),
            "it can only be overwritten in place (a bind mount), which could lose it",
            "mount its folder instead of the file",
        ),
        FileFault::Locked => Report::new(
            Exit::Failed,
            writing(),
            "another aws-mfa-key has it, and does not let go",
            "end that one (`pgrep -a aws-mfa-key`), then try again",
        ),
        FileFault::Restless => Report::new(
            Exit::Failed,
            writing(),
            "another program keeps rewriting it",
            "end that program, then try again",
        ),
    }
}

/// The session could not be written.
pub(super) fn credentials(spent: bool, error: &CredentialsError) -> Report {
    let mut told = match error {
        CredentialsError::File(error) => report(error),
        CredentialsError::LongTermKey { path, profile } => Report::new(
            Exit::Change,
            format!("the session cannot be written to profile {profile}"),
            format!("{} has a long-term key there, which would be lost", printable(&path.to_string_lossy(), 300)),
            "name another profile with --session-profile",
        ),
        CredentialsError::Strange { key } => Report::new(
            Exit::Failed,
            "the session was not written",
            format!("the value for {key} has characters that AWS's clients read differently"),
            "look which endpoint answers: AWS_ENDPOINT_URL_STS, endpoint_url",
        ),
    };
    if spent {
        told.cause.push_str(" (the code is spent, and the session is lost)");
    }
    told
}

pub(super) fn secret(what: String, path: &Path, fault: &SecretFault) -> Report {
    let shown = printable(&path.to_string_lossy(), 300);
    let (cause, next) = match fault {
        SecretFault::Absent => (format!("there is no secret file {shown}"), "look at mfa_key_source".to_owned()),
        SecretFault::Unreadable(error) => {
            (format!("{shown}: {error}"), format!("look who may read it: `ls -l {shown}`"))
        }
        SecretFault::NotAFile => (format!("{shown} is not a regular file"), "look at mfa_key_source".to_owned()),
        SecretFault::Foreign => (
            format!("the secret file {shown} belongs to another user, who could change it"),
            format!("make it yours: `sudo chown \"$USER\" {shown}`"),
        ),
        SecretFault::Open { mode } => (
            format!("others can read or write the secret file {shown} (mode {mode:04o})"),
            format!("`chmod 600 {shown}`; if others could read it, make a new MFA device"),
        ),
        SecretFault::Malformed => (
            format!("the first line of {shown} is neither base32 nor an otpauth://totp/ URI"),
            "put the secret there that IAM shows with the QR code (\"Show secret key\")".to_owned(),
        ),
        SecretFault::Unlike { digits, period, algorithm } => (
            format!(
                "the secret in {shown} makes codes of {digits} digits for {period} s by {algorithm}; AWS's have 6 for 30 s by SHA1"
            ),
            "put the secret of the AWS MFA device there".to_owned(),
        ),
    };
    Report::new(Exit::Change, what, cause, next)
}
