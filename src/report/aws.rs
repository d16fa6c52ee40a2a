//! What AWS refused.

use super::refused::{TRUST, refused};
use super::unreached::unreached;
use super::{Exit, Report};
use crate::aws::client::AwsError;
use crate::aws::{Identity, MfaSerial};
use crate::login::NoSession;
use crate::world::printable;
use std::time::Duration;

/// GetCallerIdentity failed: it is the long-term key, the clock, or the way.
pub(super) fn identity(profile: &str, error: &AwsError) -> Report {
    let what = format!("could not log in profile {profile}");
    let refusal = match error {
        AwsError::Refused(refusal) => refusal,
        AwsError::Unreached(error) => return unreached(what, error),
    };
    let list = format!("`aws iam list-access-keys --profile {profile}`, or the IAM console, shows the user's keys");
    let (cause, next) = match refusal.code.as_str() {
        "InvalidClientTokenId" | "UnrecognizedClientException" => (
            "AWS does not know the long-term key: it was deleted, is inactive, or belongs to another partition"
                .to_owned(),
            list,
        ),
        "SignatureDoesNotMatch" if !refusal.is_clock() => (
            "the secret access key does not belong to the access key id".to_owned(),
            format!("enter both again: `aws configure --profile {profile}`"),
        ),
        _ => return refused(what, refusal),
    };
    Report::new(Exit::Refused, what, cause, next)
}

/// ListMFADevices failed, and nothing else says which MFA device is meant.
pub(super) fn mfa_devices(profile: &str, error: &AwsError) -> Report {
    let AwsError::Refused(refusal) = error else { return identity(profile, error) };
    if !refusal.code.starts_with("AccessDenied") {
        return identity(profile, error);
    }
    Report::new(
        Exit::Change,
        format!("could not log in profile {profile}"),
        "nothing says which MFA device to use, and this user may not list them (iam:ListMFADevices)",
        format!("`aws configure set mfa_serial arn:aws:iam::ACCOUNT:mfa/NAME --profile {profile}`"),
    )
}

/// GetSessionToken failed: what is known tells more than AWS's sentence.
pub(super) fn session(profile: &str, failure: &NoSession) -> Report {
    let what = format!("could not log in profile {profile}");
    let refusal = match &failure.error {
        AwsError::Refused(refusal) => refusal,
        AwsError::Unreached(error) => {
            let mut report = unreached(what, error);
            if failure.error.may_have_arrived() {
                report.cause.push_str(" (the code is spent)");
            }
            return report;
        }
    };
    let message = refusal.message.to_lowercase();
    let (exit, cause, next) = if refusal.is_wrong_code() {
        (Exit::Refused, wrong_code(failure), "wait for the next code (half a minute), then try again".to_owned())
    } else if refusal.is_wrong_device() {
        let (cause, next) = wrong_device(profile, failure);
        (Exit::Refused, cause, next)
    } else if message.contains("session credentials") {
        (
            Exit::Change,
            "the profile holds a session, and only a long-term key can get one".to_owned(),
            format!("put the long-term key (AKIA…) there: `aws configure --profile {profile}`"),
        )
    } else if refusal.code == "RegionDisabledException" {
        (
            Exit::Refused,
            "STS is not active in this region for the AWS account".to_owned(),
            "use another: `--region us-east-1`".to_owned(),
        )
    } else {
        let mut report = refused(what, refusal);
        report.cause.push_str(&format!(" (the code from {} is spent)", failure.source));
        return report;
    };
    Report::new(exit, what, cause, next)
}

/// AssumeRole failed.
pub(super) fn role(profile: &str, arn: &str, error: &AwsError) -> Report {
    let what = format!("could not log in profile {profile}");
    let refusal = match error {
        AwsError::Refused(refusal) => refusal,
        AwsError::Unreached(error) => return unreached(what, error),
    };
    let arn = printable(arn, 200);
    if refusal.code == "AccessDenied" {
        return Report::new(Exit::Refused, what, format!("AWS does not let this session assume {arn}"), TRUST);
    }
    refused(what, refusal)
}

/// An MFA device is not among those that its user has.
pub(super) fn not_theirs(
    profile: &str,
    serial: &MfaSerial,
    identity: &Identity,
    devices: &[String],
) -> (String, String) {
    let usable: Vec<&String> = devices.iter().filter(|device| MfaSerial::parse(device).is_ok()).collect();
    let cause = format!("MFA device {serial} is not, or no longer, {identity}'s");
    match usable[..] {
        [] => (cause, "add an MFA device with codes (\"Authenticator app\") in the IAM console".to_owned()),
        [one] => (
            format!("{cause}, who has {}", printable(one, 200)),
            format!("`aws configure set mfa_serial {} --profile {profile}`", printable(one, 200)),
        ),
        _ => (
            format!("{cause}, who has {}", super::listed(usable.into_iter())),
            format!("say which: `aws configure set mfa_serial ARN --profile {profile}`"),
        ),
    }
}

/// The MFA device is not the user's, or it is and AWS does not want to hear of it for a while.
fn wrong_device(profile: &str, failure: &NoSession) -> (String, String) {
    let NoSession { serial, identity, .. } = failure;
    let Some(devices) = &failure.devices else {
        return (
            format!(
                "AWS does not take codes of {serial} from {identity}: it is not this user's, was removed, or is blocked for some minutes after too many wrong codes"
            ),
            format!("compare with `aws iam list-mfa-devices --profile {profile}`; if it is there, wait two minutes"),
        );
    };
    if devices.iter().any(|device| device == serial.as_str()) {
        return (
            format!("AWS has blocked {serial} for some minutes, after too many wrong codes"),
            "wait two minutes, then try again; look who else sends its codes".to_owned(),
        );
    }
    not_theirs(profile, serial, identity, devices)
}

fn wrong_code(failure: &NoSession) -> String {
    let NoSession { serial, source, .. } = failure;
    if failure.typed {
        return format!("AWS refused the code: it is wrong, too old, was used before, or is not of {serial}");
    }
    let which = if failure.codes > 1 { "two codes" } else { "the code" };
    let mut text = format!(
        "AWS refused {which} from {source}: its secret is not that of {serial}, or something else used this code"
    );
    if failure.clock_behind != 0 {
        let by = humantime::format_duration(Duration::from_secs(failure.clock_behind.unsigned_abs()));
        text.push_str(&format!("; this machine's clock is off by {by}, which was allowed for"));
    }
    text
}
