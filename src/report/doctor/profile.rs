//! Messages and fixes for findings about the profile, its files, and variables that override its session in AWS's
//! clients.

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
        ProfileFinding::Key { end } => {
            Check::ok("key", format!("the profile has a long-term key, …{}", printable(end, 4)))
        }
        ProfileFinding::Role { arn, source: Some(source) } => Check::ok(
            "role",
            format!("{} is assumed with the session of profile {}", printable(arn, 200), printable(source, 80)),
        ),
        ProfileFinding::Role { arn, source: None } => {
            Check::ok("role", format!("{} is assumed directly, with a code", printable(arn, 200)))
        }
        ProfileFinding::Session { session_profile, left, expires } => {
            let left = length::at_least(*left);
            Check::ok(
                "session",
                format!(
                    "the session in profile {} is valid for another {left}, until {expires}",
                    printable(session_profile, 80)
                ),
            )
        }
        ProfileFinding::NoSession { profile } => {
            let profile = printable(profile, 80);
            Check::ok(
                "session",
                format!("there is no valid session; `aws-mfa-key login {}` gets one", quoted(&profile)),
            )
        }
    }
}

fn meant(profile: &str, reason: ChoiceReason, session_profile: Option<&str>) -> String {
    let why = match reason {
        ChoiceReason::Typed => "from the command line".to_owned(),
        ChoiceReason::Variable(variable) => format!("from {variable}"),
        ChoiceReason::Usual => "because no other was given".to_owned(),
    };
    let goes =
        session_profile.map_or(String::new(), |name| format!("; its session is stored in {}", printable(name, 80)));
    format!("{}, {why}{goes}", printable(profile, 80))
}

/// Returns the name of the check that an invalid setting belongs to.
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
            Check::ok("config-file", format!("{} is readable and writable", shown(path)))
        }
        FileFinding::Fine { kind, path, is_there: true } => {
            Check::ok(name(*kind), format!("{} is writable, and private to you", shown(path)))
        }
        FileFinding::Fine { kind: FileKind::State, path, .. } => {
            Check::ok("state", format!("{} does not exist yet, and can be created", shown(path)))
        }
        FileFinding::Fine { kind, path, .. } => Check::ok(name(*kind), format!("{} does not exist", shown(path))),
        FileFinding::Fault { kind, error } => Check::error(name(*kind), file_report(error)),
        FileFinding::Refused(error) => Check::error("session", credentials(false, error)),
        FileFinding::Notice { path, notice } => file_notice(path, notice),
        FileFinding::Foreign { kind, path, owner, as_root } => {
            let message = format!("{} belongs to user {owner}, not to you", shown(path));
            let fix = if *as_root {
                "run it as that user, without sudo".to_owned()
            } else {
                format!("make it yours: `sudo chown \"$(id -un)\" {}`", quoted(&shown(path)))
            };
            Check::warning(name(*kind), message, fix)
        }
        FileFinding::Open { kind: FileKind::State, path, mode } => Check::warning(
            "state",
            format!("others can read or write {} (mode {mode:04o})", shown(path)),
            format!("make it private: `chmod 700 {}`", quoted(&shown(path))),
        ),
        FileFinding::Open { kind, path, mode } => Check::warning(
            name(*kind),
            format!(
                "others can write to {} (mode {mode:04o}), and so choose which key is used and which programs run",
                shown(path)
            ),
            format!("make it writable only by you: `chmod go-w {}`", quoted(&shown(path))),
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
            format!("make it private: `chmod 600 {word}`"),
        ),
        CredentialsNotice::File(file::ReplaceNotice::LinkCut { .. }) => Check::warning(
            "credentials-file",
            notice_text(&shown(path), notice),
            format!("find the other one: `find ~ -xdev -samefile {word}`; use a symbolic link instead"),
        ),
        CredentialsNotice::Line(warning) => Check::warning(
            "credentials-file",
            notice_text(&shown(path), notice),
            format!("correct it in an editor: `vi +{} {word}`", warning.line),
        ),
    }
}

pub(super) fn winner(winner: &Winner) -> Check {
    const NAME: &str = "environment";
    match winner {
        Winner::Nobody { session_profile } => {
            let name = printable(session_profile, 80);
            Check::ok(NAME, format!("no variable overrides the session in profile {name}"))
        }
        Winner::Keys { end, is_session } => {
            let which = if *is_session { "a session" } else { "a long-term key" };
            let end = printable(end, 4);
            Check::warning(
                NAME,
                format!(
                    "AWS_ACCESS_KEY_ID (…{end}, {which}) overrides the session in programs without --profile, and in most of them even if AWS_PROFILE is set"
                ),
                "remove it: `unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN`",
            )
        }
        Winner::WebIdentity => Check::warning(
            NAME,
            "AWS_WEB_IDENTITY_TOKEN_FILE overrides the session in the AWS CLI, boto3 and the Java SDK",
            "remove it: `unset AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN`",
        ),
        Winner::Container { variable } => Check::warning(
            NAME,
            format!("{variable} overrides the session in programs that are not given a profile"),
            format!("remove it: `unset {variable}`; or give programs a profile: --profile, AWS_PROFILE"),
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
            Check::warning(
                NAME,
                why,
                format!("set it: `export {variable}={}`", quoted(&printable(session_profile, 80))),
            )
        }
    }
}
