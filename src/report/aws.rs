//! Reports of requests that AWS refused, with an explanation for each kind of request.

use super::refused::{TRUST, refused};
use super::unreached::unreached;
use super::{Exit, Report, choose_serial, could_not_log_in, profile_word, quoted};
use crate::aws::client::AwsError;
use crate::aws::{Identity, MfaSerial};
use crate::login::NoSession;
use crate::world::printable;
use std::time::Duration;

/// Reports a failed GetCallerIdentity request: the long-term key, the clock or the network is at fault.
pub(super) fn identity(profile: &str, error: &AwsError) -> Report {
    let what = could_not_log_in(profile);
    let refusal = match error {
        AwsError::Refused(refusal) => refusal,
        AwsError::Unreached(error) => return unreached(what, error),
    };
    // A key that AWS rejects cannot be used to list the user's keys.
    let check = "check the user's access keys in the IAM console";
    let word = profile_word(profile);
    let (cause, next) = match refusal.code.as_str() {
        "InvalidClientTokenId" | "UnrecognizedClientException" => (
            "AWS rejected the long-term key: it was deleted, is inactive, or belongs to another partition",
            format!("{check}, and enter an active one: `aws configure --profile {word}`"),
        ),
        "SignatureDoesNotMatch" if !refusal.is_clock() => (
            "the secret access key does not match the access key ID",
            format!("enter both again: `aws configure --profile {word}`"),
        ),
        _ => return refused(what, refusal),
    };
    Report::new(Exit::Refused, what, cause, next)
}

/// Reports a failed ListMFADevices request, which is sent if no setting names the MFA device.
pub(super) fn mfa_devices(profile: &str, error: &AwsError) -> Report {
    let AwsError::Refused(refusal) = error else { return identity(profile, error) };
    if !refusal.code.starts_with("AccessDenied") {
        return identity(profile, error);
    }
    Report::new(
        Exit::Change,
        could_not_log_in(profile),
        "no MFA device is configured, and this user may not list them (iam:ListMFADevices)",
        format!(
            "set it: `aws configure set mfa_serial arn:aws:iam::ACCOUNT:mfa/NAME --profile {}`",
            profile_word(profile)
        ),
    )
}

/// Reports a failed GetSessionToken request. The known facts about the login explain more than AWS's message does.
pub(super) fn session(profile: &str, failure: &NoSession) -> Report {
    let what = could_not_log_in(profile);
    let refusal = match &failure.error {
        AwsError::Refused(refusal) => refusal,
        AwsError::Unreached(error) => {
            let mut report = unreached(what, error);
            if failure.error.may_have_arrived() {
                report.cause.push_str(" (the code counts as used)");
            }
            return report;
        }
    };
    let message = refusal.message.to_lowercase();
    let (exit, cause, next) = if refusal.is_wrong_code() {
        let (cause, next) = wrong_code(failure);
        (Exit::Refused, cause, next)
    } else if refusal.is_wrong_device() {
        let (cause, next) = wrong_device(profile, failure);
        (Exit::Refused, cause, next)
    } else if message.contains("session credentials") {
        (
            Exit::Change,
            "the profile holds a session, and AWS only accepts a long-term key here".to_owned(),
            format!("enter the long-term key (AKIA…): `aws configure --profile {}`", profile_word(profile)),
        )
    } else if refusal.code == "RegionDisabledException" {
        (
            Exit::Refused,
            "STS is not active in this region for the AWS account".to_owned(),
            "use another region, for example: `--region us-east-1`".to_owned(),
        )
    } else {
        let mut report = refused(what, refusal);
        report.cause.push_str(&format!(" (the code from {} counts as used)", failure.source));
        return report;
    };
    Report::new(exit, what, cause, next)
}

/// Reports a failed AssumeRole request.
pub(super) fn role(profile: &str, arn: &str, error: &AwsError) -> Report {
    let what = could_not_log_in(profile);
    let refusal = match error {
        AwsError::Refused(refusal) => refusal,
        AwsError::Unreached(error) => return unreached(what, error),
    };
    let arn = printable(arn, 200);
    if refusal.code == "AccessDenied" {
        return Report::new(Exit::Refused, what, format!("AWS does not allow this session to assume {arn}"), TRUST);
    }
    refused(what, refusal)
}

/// Returns the cause and the next step if an MFA device is not among `devices`, the MFA devices of the user.
pub(super) fn not_theirs(
    profile: &str,
    serial: &MfaSerial,
    identity: &Identity,
    devices: &[String],
) -> (String, String) {
    let usable: Vec<&String> = devices.iter().filter(|device| MfaSerial::parse(device).is_ok()).collect();
    let cause = format!("MFA device {serial} does not belong to {identity}, or no longer does");
    match usable[..] {
        [] => (cause, "add an MFA device of type \"Authenticator app\" in the IAM console".to_owned()),
        [one] => (
            format!("{cause}; that user has {}", printable(one, 200)),
            format!(
                "set it: `aws configure set mfa_serial {} --profile {}`",
                quoted(&printable(one, 200)),
                profile_word(profile)
            ),
        ),
        [first, ..] => {
            (format!("{cause}; that user has {}", super::listed(usable.iter())), choose_serial(first, profile))
        }
    }
}

/// Returns the cause and the next step if the MFA device does not belong to the user, or is blocked for a few
/// minutes.
fn wrong_device(profile: &str, failure: &NoSession) -> (String, String) {
    let NoSession { serial, identity, .. } = failure;
    let Some(devices) = &failure.devices else {
        return (
            format!(
                "AWS does not accept codes of {serial} from {identity}: it is not this user's, was removed, or is blocked for a few minutes after too many wrong codes"
            ),
            // The user's MFA devices are unknown, most likely because the user may not list them.
            "compare it with the user's MFA devices in the IAM console; if it is there, wait two minutes, then try again"
                .to_owned(),
        );
    };
    if devices.iter().any(|device| device == serial.as_str()) {
        return (
            format!("AWS has blocked {serial} for a few minutes after too many wrong codes"),
            "check what else sends codes of this MFA device; wait two minutes, then try again".to_owned(),
        );
    }
    not_theirs(profile, serial, identity, devices)
}

/// Returns the cause and the next step if AWS refused the code itself.
fn wrong_code(failure: &NoSession) -> (String, String) {
    let NoSession { serial, source, .. } = failure;
    if failure.typed {
        return (
            format!("AWS refused the code: it is wrong, expired, already used, or not from {serial}"),
            "wait for the next code (at most 30 s), then try again".to_owned(),
        );
    }
    let which = if failure.codes > 1 { "two codes" } else { "the code" };
    let mut text = format!(
        "AWS refused {which} from {source}: its secret is not that of {serial}, or something else used the code"
    );
    if failure.clock_behind != 0 {
        let by = humantime::format_duration(Duration::from_secs(failure.clock_behind.unsigned_abs()));
        text.push_str(&format!("; this machine's clock is off by {by}, which was corrected for"));
    }
    let next = "wait for the next code (at most 30 s), then try again; if AWS refuses it too, set up the MFA device anew in the IAM console";
    (text, next.to_owned())
}
