//! Reports of refusals by AWS, in AWS's own words.

use super::{Exit, Report};
use crate::aws::client::AwsRefusal;
use crate::world::printable;

/// Next step if a role cannot be assumed: check the policies that decide about it.
pub(super) const TRUST: &str =
    "check the role's trust policy (principal, external ID, MFA) and the user's sts:AssumeRole permission";

/// Reports a refusal in AWS's own words. The next step depends on the error code and the message; for those that are
/// not known here, it is a general one.
pub(super) fn refused(what: String, refusal: &AwsRefusal) -> Report {
    let id = refusal.request_id.as_deref().map_or(String::new(), |id| format!(", request {}", printable(id, 60)));
    let code = printable(&refusal.code, 80);
    let cause = match printable(&refusal.message, 300) {
        message if message.is_empty() => format!("AWS says {code} (HTTP {}{id})", refusal.status),
        message => format!("AWS says {code}: {message} (HTTP {}{id})", refusal.status),
    };
    if refusal.is_clock() {
        return Report::new(Exit::Failed, what, cause, "set this machine's clock: `sudo timedatectl set-ntp true`");
    }
    if refusal.code == "ValidationError" && refusal.message.contains("DurationSeconds") {
        return Report::new(
            Exit::Refused,
            what,
            cause,
            "request a shorter session: `--duration 1h`, or lower duration_seconds",
        );
    }
    if refusal.message.contains("sts:AssumeRole") {
        return Report::new(Exit::Refused, what, cause, TRUST);
    }
    if refusal.is_throttling() {
        return Report::new(Exit::Refused, what, cause, "AWS limits the request rate: wait a minute, then try again");
    }
    if refusal.is_outage() {
        return Report::new(
            Exit::Unreachable,
            what,
            cause,
            "AWS has a problem: try again in a minute, or with another --region",
        );
    }
    Report::new(Exit::Refused, what, cause, "check the long-term key and its user in the IAM console")
}
