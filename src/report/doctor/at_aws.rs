//! Messages and fixes for findings about the connection to AWS, and about AWS's responses.

use super::Check;
use crate::aws::client::{AwsError, Through};
use crate::doctor::{AwsFinding, DeviceFinding};
use crate::report::aws::{identity, not_theirs};
use crate::report::refused::refused;
use crate::report::unreached::{self, unreached};
use crate::report::{Report, login, quoted};
use crate::world::printable;
use std::time::Duration;

/// Clock offset from which a warning is shown, in seconds.
const OFF: u64 = 5;
/// Clock offset from which AWS rejects signatures, in seconds (Signature Version 4).
const TOO_FAR: u64 = 300;
/// Command that synchronizes the clock.
const CLOCK: &str = "`sudo timedatectl set-ntp true`";

pub(super) fn check(finding: &AwsFinding) -> Check {
    match finding {
        AwsFinding::Proxy { to_sts, to_iam, origin } => {
            Check::ok("proxy", proxy(to_sts.as_ref(), to_iam.as_ref(), *origin))
        }
        AwsFinding::Certificates(None) => Check::ok("certificates", "those that the system trusts are used"),
        AwsFinding::Certificates(Some((bundle, count))) => {
            let (path, s) = (printable(&bundle.path.to_string_lossy(), 300), if *count == 1 { "" } else { "s" });
            Check::ok(
                "certificates",
                format!("{count} certificate{s} in {path} ({}) replace the system's", bundle.origin),
            )
        }
        AwsFinding::Network(fault) => {
            let name = if fault.is_of_proxy() { "proxy" } else { "certificates" };
            Check::error(name, unreached::report(fault))
        }
        AwsFinding::Answered { route, took } => {
            let (host, region) = (printable(&route.host, 120), printable(&route.region, 60));
            Check::ok("endpoint", format!("{host}, region {region}, responded within {} ms", took.as_millis()))
        }
        AwsFinding::Unreached(error) => {
            let name = if error.is_clock() { "clock" } else { "endpoint" };
            Check::stop(name, unreached(String::new(), error))
        }
        AwsFinding::Identity(identity) if identity.is_root() => Check::warning(
            "identity",
            format!("the key belongs to the root user, {identity}, whose sessions last one hour at most"),
            "create an IAM user with its own key, and delete the root user's key in the IAM console",
        ),
        AwsFinding::Identity(identity) => Check::ok("identity", format!("the key belongs to {identity}")),
        AwsFinding::Refused { profile, error } => Check::stop("identity", identity(profile, error)),
        AwsFinding::Clock { behind } => clock(*behind),
        AwsFinding::Device(finding) => device(finding),
    }
}

fn proxy(to_sts: Option<&Through>, to_iam: Option<&Option<Through>>, origin: Option<&str>) -> String {
    let named = |through: Option<&Through>| match through {
        Some(through) => format!("through {} ({})", printable(&through.host, 120), through.origin),
        None => "directly".to_owned(),
    };
    let to_iam = to_iam.map(Option::as_ref);
    let text = match to_iam {
        Some(to_iam) if to_iam != to_sts => {
            format!("STS is reached {}, IAM {}", named(to_sts), named(to_iam))
        }
        _ => format!("AWS is reached {}", named(to_sts)),
    };
    match (origin, to_sts) {
        (Some(origin), None) => format!("{text}, despite {origin} (NO_PROXY, or an endpoint on this machine)"),
        _ => text,
    }
}

fn clock(behind: i64) -> Check {
    let by = behind.unsigned_abs();
    let direction = if behind > 0 { "behind" } else { "ahead of" };
    let said =
        format!("this machine's clock is {} {direction} AWS's", humantime::format_duration(Duration::from_secs(by)));
    match by {
        0 => Check::ok("clock", "this machine's clock agrees with AWS's within two seconds"),
        1..OFF => Check::ok("clock", said),
        OFF..TOO_FAR => Check::warning("clock", format!("{said}; login corrects for it"), CLOCK),
        _ => Check::fault("clock", format!("{said}; login corrects for it, but AWS rejects other programs"), CLOCK),
    }
}

fn device(finding: &DeviceFinding) -> Check {
    const NAME: &str = "mfa-device";
    match finding {
        DeviceFinding::Theirs(serial) => Check::ok(NAME, format!("{serial} belongs to this user")),
        DeviceFinding::Named(serial) => {
            Check::ok(NAME, format!("{serial} is configured; its owner could not be checked"))
        }
        DeviceFinding::Listed { profile, serial } => Check::warning(
            NAME,
            format!("none is configured; login asks IAM each time, and finds {serial}"),
            format!("`aws configure set mfa_serial {serial} --profile {}`", quoted(&printable(profile, 80))),
        ),
        DeviceFinding::Unlisted { serial, error } => {
            Check::warning(NAME, unlisted(&serial.to_string(), error), unlisted_fix(error))
        }
        DeviceFinding::NotTheirs { profile, serial, identity, devices } => {
            let (cause, next) = not_theirs(profile, serial, identity, devices);
            Check::fault(NAME, cause, next)
        }
        DeviceFinding::Fault { profile, error } => Check::stop(NAME, login(profile, error)),
    }
}

fn unlisted(serial: &str, error: &AwsError) -> String {
    let why = match error {
        AwsError::Refused(refusal) if refusal.code.starts_with("AccessDenied") => {
            "this user may not list MFA devices".to_owned()
        }
        error => explained(error).cause,
    };
    format!("could not check that {serial} belongs to this user: {why}")
}

fn unlisted_fix(error: &AwsError) -> String {
    match error {
        AwsError::Refused(refusal) if refusal.code.starts_with("AccessDenied") => {
            "login works without it; to have it checked, allow the user iam:ListMFADevices without MFA".to_owned()
        }
        error => explained(error).next,
    }
}

fn explained(error: &AwsError) -> Report {
    match error {
        AwsError::Refused(refusal) => refused(String::new(), refusal),
        AwsError::Unreached(error) => unreached(String::new(), error),
    }
}
