//! The profile, the files that it stands in, and what AWS's clients use instead of its session.

use super::Check;
use crate::aws::credentials_file::CredentialsNotice;
use crate::doctor::{FileFinding, FileKind, ProfileFinding, Winner};
use crate::file;
use crate::plan::{ChoiceReason, PlanError};
use crate::report::file::{credentials, notice_text, report as file_report};
use crate::report::plan::report as plan_report;
use crate::report::{length, quoted};
use crate::world::printable;
use std::path::Path;

pub(super) fn check(finding: &ProfileFinding) -> Check {
    match finding {
        ProfileFinding::Meant { profile, reason, session_profile } => {
            Check::ok("profile", meant(profile, *reason, session_profile.as_deref()))
        }
        ProfileFinding::Fault(error) => Check::error(about(error), plan_report(error)),
        ProfileFinding::Key { end } => Check::ok("key", format!("there is a long-term key, …{}", printable(end, 4))),
        ProfileFinding::Role { arn, source: Some(source) } => Check::ok(
            "role",
            format!("{} is assumed with the session of profile {}", printable(arn, 200), printable(source, 80)),
        ),
        ProfileFinding::Role { arn, source: None } => {
            Check::ok("role", format!("{} is assumed with a code of its own", printable(arn, 200)))
        }
        ProfileFinding::Session { session_profile, left, expires } => {
            let left = length::at_least(*left);
            Check::ok(
                "session",
                format!(
                    "the one in profile {} is good for another {left}, until {expires}",
                    printable(session_profile, 80)
                ),
            )
        }
        ProfileFinding::NoSession { profile } => {
            let profile = printable(profile, 80);
            Check::ok(
                "session",
                format!("there is none that is good; `aws-mfa-key login {}` gets one", quoted(&profile)),
            )
        }
    }
}

fn meant(profile: &str, reason: ChoiceReason, session_profile: Option<&str>) -> String {
    let why = match reason {
        ChoiceReason::Typed => "as it was named".to_owned(),
        ChoiceReason::Variable(variable) => format!("as {variable} says"),
        ChoiceReason::Usual => "since none was named".to_owned(),
    };
    let goes = session_profile.map_or(String::new(), |name| format!("; its session goes to {}", printable(name, 80)));
    format!("{}, {why}{goes}", printable(profile, 80))
}

/// What an error in a plan is about.
fn about(error: &PlanError) -> &'static str {
    match error {
        PlanError::File(_) => "credentials-file",
        PlanError::TwoProfiles
        | PlanError::NoProfile { .. }
        | PlanError::BadName { .. }
        | PlanError::NothingToDo
        | PlanError::NoneUsable => "profile",
        PlanError::NoLongTermKey { .. } | PlanError::HoldsSession { .. } => "key",
        PlanError::BadChain { .. } | PlanError::ChainTooLong { .. } => "role",
        PlanError::OwnProfile { .. }
        | PlanError::Outranked { .. }
        | PlanError::Overruled { .. }
        | PlanError::OneSessionProfile { .. } => "session",
        PlanError::BadSerial { .. } | PlanError::NoSerial { .. } | PlanError::OneSerialForMany => "mfa-device",
        PlanError::BadLength { .. }
        | PlanError::BadWait { .. }
        | PlanError::BadSwitch { .. }
        | PlanError::BadSource { .. }
        | PlanError::CommandInCommand { .. } => "settings",
        PlanError::BadToken { .. } => "token",
        PlanError::BadCode { .. } | PlanError::OneCodeForMany => "settings",
        PlanError::PlainHttp { .. } | PlanError::BadEndpoint { .. } => "endpoint",
        PlanError::NoState => "state",
    }
}

fn name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Config => "config-file",
        FileKind::Credentials => "credentials-file",
        FileKind::State => "state",
    }
}

fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy(), 300)
}

pub(super) fn file(finding: &FileFinding) -> Check {
    match finding {
        FileFinding::Fine { kind: FileKind::Config, path, is_there: true } => {
            Check::ok("config-file", format!("{} can be read, and be added to", shown(path)))
        }
        FileFinding::Fine { kind, path, is_there: true } => {
            Check::ok(name(*kind), format!("{} can be written, and is for you alone", shown(path)))
        }
        FileFinding::Fine { kind: FileKind::State, path, .. } => {
            Check::ok("state", format!("{} is new, and can be written", shown(path)))
        }
        FileFinding::Fine { kind, path, .. } => Check::ok(name(*kind), format!("there is no {}", shown(path))),
        FileFinding::Fault { kind, error } => Check::error(name(*kind), file_report(error)),
        FileFinding::Refused(error) => Check::error("session", credentials(false, error)),
        FileFinding::Notice { path, notice } => file_notice(path, notice),
        FileFinding::Foreign { kind, path, owner, as_root } => {
            let message = format!("{} belongs to user {owner}, and not to you", shown(path));
            let fix = if *as_root {
                "run it as that user, without sudo".to_owned()
            } else {
                format!("`sudo chown \"$(id -un)\" {}`", quoted(&shown(path)))
            };
            Check::warning(name(*kind), message, fix)
        }
        FileFinding::Open { kind: FileKind::State, path, mode } => Check::warning(
            "state",
            format!("others can read or write {} (mode {mode:04o})", shown(path)),
            format!("`chmod 700 {}`", quoted(&shown(path))),
        ),
        FileFinding::Open { kind, path, mode } => Check::warning(
            name(*kind),
            format!(
                "others can write {} (mode {mode:04o}), and say which key is used and which programs run",
                shown(path)
            ),
            format!("`chmod go-w {}`", quoted(&shown(path))),
        ),
        FileFinding::NoState(error) => Check::error("state", plan_report(error)),
    }
}

fn file_notice(path: &Path, notice: &CredentialsNotice) -> Check {
    let word = quoted(&shown(path));
    match notice {
        CredentialsNotice::File(file::ReplaceNotice::Tightened { mode }) => Check::warning(
            "credentials-file",
            format!("others can read or write {} (mode {mode:04o})", shown(path)),
            format!("`chmod 600 {word}`"),
        ),
        CredentialsNotice::File(file::ReplaceNotice::LinkCut { .. }) => Check::warning(
            "credentials-file",
            notice_text(&shown(path), notice),
            format!("find it: `find ~ -xdev -samefile {word}`; use a symbolic link instead"),
        ),
        CredentialsNotice::Line(warning) => Check::warning(
            "credentials-file",
            notice_text(&shown(path), notice),
            format!("mend it in an editor: `vi +{} {word}`", warning.line),
        ),
    }
}

pub(super) fn winner(winner: &Winner) -> Check {
    const NAME: &str = "environment";
    match winner {
        Winner::Nobody { session_profile } => {
            let name = printable(session_profile, 80);
            Check::ok(NAME, format!("nothing in it is used instead of the session in profile {name}"))
        }
        Winner::Keys { end, is_session } => {
            let which = if *is_session { "a session" } else { "a long-term key" };
            let end = printable(end, 4);
            Check::warning(
                NAME,
                format!(
                    "AWS_ACCESS_KEY_ID (…{end}, {which}) is used instead, by programs that are told no profile, and by most that AWS_PROFILE tells one"
                ),
                "`unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN`",
            )
        }
        Winner::WebIdentity => Check::warning(
            NAME,
            "AWS_WEB_IDENTITY_TOKEN_FILE is used instead, by the AWS CLI, boto3 and Java's SDK",
            "`unset AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN`",
        ),
        Winner::Container { variable } => Check::warning(
            NAME,
            format!("{variable} is used instead, by programs that are told no profile"),
            format!("`unset {variable}`, or tell them one: --profile, AWS_PROFILE"),
        ),
        Winner::OtherProfile { variable, value, session_profile, is_owner } => {
            let value = printable(value, 80);
            let why = if *is_owner {
                format!("{variable} is {value}: programs use its long-term key, without MFA")
            } else {
                format!(
                    "{variable} is {value}: programs do not use the session in profile {}",
                    printable(session_profile, 80)
                )
            };
            Check::warning(NAME, why, format!("`export {variable}={}`", quoted(&printable(session_profile, 80))))
        }
    }
}
