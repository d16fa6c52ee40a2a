//! Files that cannot be read, written or trusted.

use super::{Exit, Report};
use crate::aws::credentials_file::{CredentialsError, CredentialsNotice};
use crate::aws::sections::warnings::{Misread, Warning};
use crate::file::{self, FileError, FileFault};
use crate::source::private_file::PrivateFault;
use crate::source::token::PasswordPlace;
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
        FileFault::Immutable => Report::new(
            Exit::Failed,
            writing(),
            "it or its folder is marked as one that does not change (chattr +i), or only grows (+a)",
            format!("look: `lsattr -d {path} \"$(dirname {path})\"`; root takes the mark away with chattr -i or -a"),
        ),
        FileFault::Locked => Report::new(
            Exit::Failed,
            writing(),
            "another aws-mfa-key has it, and does not let go",
            "end that one (`pgrep -a aws-mfa-key`), then try again",
        ),
        FileFault::NotOurs => Report::new(
            Exit::Change,
            format!("could not use {path}"),
            "it is somebody else's, or others can write to it: what is served from there could be theirs to read",
            format!("look: `ls -ld {path}`; set XDG_RUNTIME_DIR to a folder of your own"),
        ),
        FileFault::Restless => Report::new(
            Exit::Failed,
            writing(),
            "another program keeps rewriting it",
            "end that program, then try again",
        ),
        FileFault::OddPath => Report::new(
            Exit::Change,
            format!("could not use {path}"),
            "some of AWS's clients expand ~user and $NAME in it, others do not",
            "write the path out in AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
        ),
        FileFault::TwoInOne => Report::new(
            Exit::Change,
            format!("could not use {path}"),
            "it is named as config file and as credentials file, in which headers are written differently",
            "let AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name two files",
        ),
    }
}

/// Something in `[DEFAULT]` would win over a session.
pub(super) fn overruled(path: &Path, line: usize, key: &str) -> Report {
    Report::new(
        Exit::Change,
        "a session there would not be used",
        format!(
            "line {line} of {}: boto3 and the AWS CLI read {key} in [DEFAULT] into every section",
            printable(&path.to_string_lossy(), 300)
        ),
        "move that line to the section it is meant for",
    )
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
        CredentialsError::Overruled { path, line, key } => overruled(path, *line, key),
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

/// Warnings of what stands in a credentials file, and of what writing it changes; the first few, if there are many.
#[must_use]
pub fn notices(path: &Path, notices: &[CredentialsNotice]) -> Vec<String> {
    /// More lines than this nobody reads.
    const MOST: usize = 5;
    let path = printable(&path.to_string_lossy(), 300);
    let mut told: Vec<String> =
        notices.iter().take(MOST).map(|notice| format!("warning: {}", notice_text(&path, notice))).collect();
    if notices.len() > MOST {
        told.push(format!("warning: {path}: {} more of this kind", notices.len() - MOST));
    }
    told
}

/// What a notice says, without saying that it is one.
pub(super) fn notice_text(path: &str, notice: &CredentialsNotice) -> String {
    match notice {
        CredentialsNotice::File(file::ReplaceNotice::Tightened { mode }) => {
            format!("others can read {path} (mode {mode:04o}); now its owner alone (0600)")
        }
        CredentialsNotice::File(file::ReplaceNotice::LinkCut { others: 1 }) => {
            format!("{path} has another name (a hard link), which keeps the old text")
        }
        CredentialsNotice::File(file::ReplaceNotice::LinkCut { others }) => {
            format!("{path} has {others} other names (hard links), which keep the old text")
        }
        CredentialsNotice::Line(Warning { line, what }) => format!("{path}, line {line}: {}", misread(what)),
    }
}

fn misread(what: &Misread) -> String {
    const NOTHING: &str = "boto3 and the AWS CLI read nothing of the file";
    let name = |text: &str| printable(text, 80);
    match what {
        Misread::ByteOrderMark => format!("a byte order mark, so {NOTHING}, nor does Rust's SDK"),
        Misread::SectionTwice { section } => format!("[{}] stands there a second time, so {NOTHING}", name(section)),
        Misread::KeyTwice { key } => format!("{} stands there a second time, so {NOTHING}", name(key)),
        Misread::ForAll { key } => format!("boto3 and the AWS CLI read {} in [DEFAULT] into every section", name(key)),
        Misread::OddHeader => "AWS's clients disagree which section begins there".to_owned(),
        Misread::Colon { key } => format!("a colon behind {}, so Rust's SDK reads nothing of the file", name(key)),
        Misread::Unreadable => format!("neither a section, a key nor a comment, so {NOTHING}, nor does Rust's SDK"),
        Misread::BeforeSections => format!("a key before the first section, so {NOTHING}, nor does Rust's SDK"),
        Misread::IndentedKey => {
            "a key that does not begin the line, so Rust's SDK reads nothing of the file".to_owned()
        }
        Misread::IndentedComment => {
            "a comment that does not begin the line, which Rust's SDK takes for a part of the value above".to_owned()
        }
        Misread::CommentBehind { key } => {
            format!("a comment behind {}, which boto3 and the AWS CLI take for a part of its value", name(key))
        }
        Misread::NotLowerCase { key } => {
            format!("{} is not in lower case there, so JavaScript's SDK does not find it", name(key))
        }
        Misread::LoneReturn => {
            "a carriage return inside the line, which boto3 and the AWS CLI take for its end".to_owned()
        }
    }
}

/// A file with the password of a token cannot be used.
pub(super) fn password(what: String, place: &PasswordPlace, fault: &PrivateFault) -> Report {
    let (path, kind, named_by) = match place {
        PasswordPlace::File(path) => (path.to_string_lossy(), "password file", "AWS_MFA_KEY_PASSWORD_FILE"),
        PasswordPlace::Credential(path) => {
            (path.to_string_lossy(), "systemd credential", "LoadCredential= in the unit")
        }
        PasswordPlace::Keyring | PasswordPlace::Ykman => (place.to_string().into(), "password", "the keyring"),
    };
    let after = "if others could read it, change the password: `aws-mfa-key accounts password change`";
    let (cause, next) = private(&printable(&path, 300), kind, named_by, after, fault);
    Report::new(Exit::Change, what, cause, next)
}

/// Why a file with something secret in it is not taken, and what to do. `named_by` is where its name stands.
pub(super) fn private(path: &str, kind: &str, named_by: &str, after: &str, fault: &PrivateFault) -> (String, String) {
    match fault {
        PrivateFault::Absent => (format!("there is no {kind} {path}"), format!("look at {named_by}")),
        PrivateFault::Unreadable(error) => {
            (format!("{path}: {error}"), format!("look who may read it: `ls -l {path}`"))
        }
        PrivateFault::NotAFile => (format!("{path} is not a regular file"), format!("look at {named_by}")),
        PrivateFault::Foreign => (
            format!("the {kind} {path} belongs to another user, who could change it"),
            format!("make it yours: `sudo chown \"$USER\" {path}`"),
        ),
        PrivateFault::Open { mode } => (
            format!("others can read or write the {kind} {path} (mode {mode:04o})"),
            format!("`chmod 600 {path}`; {after}"),
        ),
        PrivateFault::NoText => (format!("the {kind} {path} is empty, or no text"), format!("look at {named_by}")),
    }
}
