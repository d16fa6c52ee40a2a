//! Reports of files that cannot be read, written or trusted, and warnings about the content of files.

use super::{Exit, Report, quoted};
use crate::aws::credentials_file::{CredentialsError, CredentialsNotice};
use crate::aws::sections::warnings::{Misread, Warning};
use crate::file::{self, FileError, FileFault};
use crate::source::private_file::PrivateFault;
use crate::source::token::PasswordPlace;
use crate::world::printable;
use std::path::Path;

pub(super) fn report(error: &FileError) -> Report {
    let path = printable(&error.path.to_string_lossy(), 300);
    let word = quoted(&path);
    let reading = || format!("could not read {path}");
    let writing = || format!("could not write {path}");
    match &error.fault {
        FileFault::NoHome => Report::new(
            Exit::Change,
            format!("could not find {path}"),
            "HOME is not set",
            "set HOME, or both AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
        ),
        FileFault::Absent => {
            Report::new(Exit::Change, reading(), "there is no such file", "check its path, or create it")
        }
        FileFault::NotAFile => {
            let cause = "it is not a regular file (a folder, a pipe or a device)";
            Report::new(
                Exit::Change,
                reading(),
                cause,
                "put a regular file there, or change the variable that names it",
            )
        }
        FileFault::LinkCycle => Report::new(
            Exit::Change,
            reading(),
            "its symbolic links form a loop",
            format!("make it point to a regular file; `ls -l {word}` shows where it points"),
        ),
        FileFault::NotText => {
            let cause = "it is larger than 10 MiB or contains NUL bytes, so it is not one of AWS's files";
            Report::new(Exit::Change, reading(), cause, "put AWS's file there, or change the variable that names it")
        }
        FileFault::NotUtf8 { line } => Report::new(
            Exit::Change,
            reading(),
            format!("line {line} is not UTF-8, and AWS's clients cannot read the file either"),
            format!("retype that line, or convert the file (`iconv -f latin1 -t utf-8 {word}` prints it converted)"),
        ),
        FileFault::Damaged { what } => Report::new(
            Exit::Change,
            format!("could not use {path}"),
            printable(what, 300),
            "correct that line in an editor; nothing was changed",
        ),
        FileFault::Read(error) => {
            Report::new(Exit::Change, reading(), error.to_string(), format!("check who may read it: `ls -l {word}`"))
        }
        FileFault::Write(error) => {
            let next = format!("check who may write there: `ls -ld \"$(dirname {word})\"`");
            Report::new(Exit::Failed, writing(), error.to_string(), next)
        }
        FileFault::DiskFull => {
            let next =
                format!("free some space (`df -h \"$(dirname {word})\"` shows how much is left), then try again");
            Report::new(Exit::Failed, writing(), "the disk is full, or a limit is reached; nothing was changed", next)
        }
        FileFault::CannotReplace => Report::new(
            Exit::Failed,
            writing(),
            "it is bind-mounted and can only be overwritten in place, which could lose its content",
            "mount its folder instead of the file",
        ),
        FileFault::Immutable => Report::new(
            Exit::Failed,
            writing(),
            "the file or its folder is immutable (chattr +i) or append-only (chattr +a)",
            format!("see which: `lsattr -d {word} \"$(dirname {word})\"`; clear it: `sudo chattr -i -a PATH`"),
        ),
        FileFault::Locked => Report::new(
            Exit::Failed,
            writing(),
            "another aws-mfa-key process has locked it",
            "stop that process (`pgrep -a aws-mfa-key` lists them), then try again",
        ),
        FileFault::NotOurs => Report::new(
            Exit::Change,
            format!("could not use {path}"),
            "it belongs to another user or others can write to it, so they could read what is served from there",
            format!("check `ls -ld {word}`; set XDG_RUNTIME_DIR to a folder that you own"),
        ),
        FileFault::Restless => Report::new(
            Exit::Failed,
            writing(),
            "another program keeps rewriting it",
            "stop that program, then try again",
        ),
        FileFault::OddPath => Report::new(
            Exit::Change,
            format!("could not use {path}"),
            "some of AWS's clients expand ~user and $NAME in its path, others do not",
            "write the full path in AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
        ),
        FileFault::TwoInOne => Report::new(
            Exit::Change,
            format!("could not use {path}"),
            "it is both the config file and the credentials file, whose section headers differ",
            "set AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE to different files",
        ),
    }
}

/// Reports a key in `[DEFAULT]` that AWS's clients would use instead of a session.
pub(super) fn overruled(path: &Path, line: usize, key: &str) -> Report {
    Report::new(
        Exit::Change,
        "could not write a session that AWS's clients would use",
        format!(
            "line {line} of {}: boto3 and the AWS CLI apply {key} in [DEFAULT] to every section",
            printable(&path.to_string_lossy(), 300)
        ),
        "move that line to the section that it is meant for",
    )
}

/// Returns the `error` line for a session that may not be written to a profile.
pub(super) fn could_not_write(profile: &str) -> String {
    format!("could not write the session to profile {profile}")
}

/// Reports a session that could not be written. `spent` is true if AWS had issued the session, for which a code was
/// used.
pub(super) fn credentials(spent: bool, error: &CredentialsError) -> Report {
    let mut told = match error {
        CredentialsError::File(error) => report(error),
        CredentialsError::LongTermKey { path, profile } => Report::new(
            Exit::Change,
            could_not_write(profile),
            format!("it has a long-term key in {}, which would be lost", printable(&path.to_string_lossy(), 300)),
            "choose another profile with --session-profile",
        ),
        CredentialsError::Overruled { path, line, key } => overruled(path, *line, key),
        CredentialsError::Strange { key } => Report::new(
            Exit::Failed,
            "could not write the session",
            format!("the value for {key} has characters that AWS's clients read differently"),
            "check which endpoint answers: AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, endpoint_url",
        ),
    };
    if spent {
        told.cause.push_str(" (the code counts as used, and the session is lost)");
    }
    told
}

/// Returns warnings about a credentials file: its content, and the effects of writing it. At most five are listed,
/// followed by the number of the others.
#[must_use]
pub fn notices(path: &Path, notices: &[CredentialsNotice]) -> Vec<String> {
    /// Maximum number of warnings that are listed.
    const MOST: usize = 5;
    let path = printable(&path.to_string_lossy(), 300);
    let mut told: Vec<String> =
        notices.iter().take(MOST).map(|notice| format!("warning: {}", notice_text(&path, notice))).collect();
    if notices.len() > MOST {
        told.push(format!("warning: {path}: {} more warnings of this kind", notices.len() - MOST));
    }
    told
}

/// Returns the text of a notice, without the word "warning".
pub(super) fn notice_text(path: &str, notice: &CredentialsNotice) -> String {
    match notice {
        CredentialsNotice::File(file::ReplaceNotice::Tightened { mode }) => {
            format!("others could read {path} (mode {mode:04o}); it is now private to you (0600)")
        }
        CredentialsNotice::File(file::ReplaceNotice::LinkCut { others: 1 }) => {
            format!("{path} has another hard link, which keeps the old content")
        }
        CredentialsNotice::File(file::ReplaceNotice::LinkCut { others }) => {
            format!("{path} has {others} other hard links, which keep the old content")
        }
        CredentialsNotice::Line(Warning { line, what }) => format!("{path}, line {line}: {}", misread(what)),
    }
}

fn misread(what: &Misread) -> String {
    const MOST: &str = "boto3 and the AWS CLI cannot read the file";
    const ALL: &str = "boto3, the AWS CLI and the Rust SDK cannot read the file";
    const RUST: &str = "the Rust SDK cannot read the file";
    let name = |text: &str| printable(text, 80);
    match what {
        Misread::ByteOrderMark => format!("a byte order mark, so {ALL}"),
        Misread::SectionTwice { section } => format!("[{}] appears a second time, so {MOST}", name(section)),
        Misread::KeyTwice { key } => format!("{} appears a second time, so {MOST}", name(key)),
        Misread::ForAll { key } => format!("boto3 and the AWS CLI apply {} in [DEFAULT] to every section", name(key)),
        Misread::OddHeader => "AWS's clients disagree on which section begins here".to_owned(),
        Misread::Colon { key } => format!("a colon after {}, so {RUST}", name(key)),
        Misread::Unreadable => format!("neither a section, a key nor a comment, so {ALL}"),
        Misread::BeforeSections => format!("a key before the first section, so {ALL}"),
        Misread::IndentedKey => format!("an indented key, so {RUST}"),
        Misread::IndentedComment => {
            "an indented comment, which the Rust SDK reads as part of the value above".to_owned()
        }
        Misread::CommentBehind { key } => {
            format!("a comment after {}, which boto3 and the AWS CLI read as part of its value", name(key))
        }
        Misread::NotLowerCase { key } => {
            format!("{} is not in lower case, so the JavaScript SDK does not find it", name(key))
        }
        Misread::LoneReturn => {
            "a carriage return inside the line, which boto3 and the AWS CLI read as its end".to_owned()
        }
    }
}

/// Reports a problem with the file that holds a token's password.
pub(super) fn password(what: String, place: &PasswordPlace, fault: &PrivateFault) -> Report {
    let (path, kind, named_by) = match place {
        PasswordPlace::File(path) => (path.to_string_lossy(), "password file", "AWS_MFA_KEY_PASSWORD_FILE"),
        PasswordPlace::Credential(path) => {
            (path.to_string_lossy(), "systemd credential", "LoadCredential= in the unit")
        }
        PasswordPlace::Keyring | PasswordPlace::Ykman => (place.to_string().into(), "password", "the keyring"),
    };
    let after = "if others may have read it, change the password: `aws-mfa-key accounts password change`";
    let (cause, next) = private(&printable(&path, 300), kind, named_by, after, fault);
    Report::new(Exit::Change, what, cause, next)
}

/// Returns the cause and the next step if a file with a secret or password cannot be used. `kind` is the word for
/// such a file in messages, such as "secret file". `named_by` is the setting that has the file's path. `after` is the
/// advice if others may have read the file.
pub(super) fn private(path: &str, kind: &str, named_by: &str, after: &str, fault: &PrivateFault) -> (String, String) {
    let word = quoted(path);
    match fault {
        PrivateFault::Absent => {
            (format!("there is no {kind} {path}"), format!("create it, or correct the path in {named_by}"))
        }
        PrivateFault::Unreadable(error) => {
            (format!("{path}: {error}"), format!("check who may read it: `ls -l {word}`"))
        }
        PrivateFault::NotAFile => (format!("{path} is not a regular file"), format!("correct the path in {named_by}")),
        PrivateFault::Foreign => (
            format!("the {kind} {path} belongs to another user, who could change it"),
            format!("make it yours: `sudo chown \"$(id -un)\" {word}`"),
        ),
        PrivateFault::Open { mode } => (
            format!("others can read or write the {kind} {path} (mode {mode:04o})"),
            format!("make it private: `chmod 600 {word}`; {after}"),
        ),
        PrivateFault::NoText => (
            format!("the {kind} {path} is empty or not text"),
            format!("correct its content, or the path in {named_by}"),
        ),
    }
}
