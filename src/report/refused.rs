//! A refusal by AWS that nothing here explains better, in AWS's own words.

use super::{Exit, Report};
use crate::aws::client::AwsRefusal;
use crate::world::printable;

/// What decides whether a role can be assumed.
pub(super) const TRUST: &str =
    "look at the role's trust policy (who, external id, MFA) and at the user's sts:AssumeRole";

/// Reports what AWS said, with what helps where its code or message tells.
pub(super) fn refused(what: String, refusal: &AwsRefusal) -> Report {
    let id = refusal.request_id.as_deref().map_or(String::new(), |id| format!(", request {}", printable(id, 60)));
    let code = printable(&refusal.code, 80);
    let cause = match printable(&refusal.message, 300) {
        message if message.is_empty() => format!("AWS says {code} (HTTP {}{id})", refusal.status),
        message => format!("AWS says {code}: {message} (HTTP {}{id})", refusal.status),
    };
    if refusal.is_clock() {
        return Report::new(Exit::Failed, what, cause, "set this machine's clock: `timedatectl`");
    }
    if refusal.code == "ValidationError" && refusal.message.contains("DurationSeconds") {
        return Report::new(Exit::Refused, what, cause, "ask for less: `--duration 1h`, or change duration_seconds");
    }
    if refusal.message.contains("sts:AssumeRole") {
        return Report::new(Exit::Refused, what, cause, TRUST);
    }
    if refusal.is_throttling() {
        return Report::new(
            Exit::Refused,
            what,
            cause,
            "too much was asked in too short a time; wait a minute, then try again",
        );
    }
    if refusal.is_outage() {
        return Report::new(
            Exit::Unreachable,
            what,
            cause,
            "AWS has a problem; try again in a minute, or with another --region",
        );
    }
    Report::new(Exit::Refused, what, cause, "look at the long-term key and its user in the IAM console")
}
