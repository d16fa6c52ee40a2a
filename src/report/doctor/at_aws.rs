//! The way to AWS, and what AWS says.

use super::Check;
use crate::aws::client::{AwsError, Through};
use crate::doctor::{AwsFinding, DeviceFinding};
use crate::report::aws::{identity, not_theirs};
use crate::report::refused::refused;
use crate::report::unreached::{self, unreached};
use crate::report::{Report, login, quoted};
use crate::world::printable;
use std::time::Duration;

/// Seconds from which on a clock is worth a warning.
const OFF: u64 = 5;
/// Seconds from which on AWS takes no signature that is made by it (Signature Version 4).
const TOO_FAR: u64 = 300;
/// What puts a clock right.
const CLOCK: &str = "`sudo timedatectl set-ntp true`";

pub(super) fn check(finding: &AwsFinding) -> Check {
    match finding {
        AwsFinding::Proxy { to_sts, to_iam, origin } => {
            Check::ok("proxy", proxy(to_sts.as_ref(), to_iam.as_ref(), *origin))
        }
        AwsFinding::Certificates(None) => Check::ok("certificates", "those that the system trusts"),
        AwsFinding::Certificates(Some((bundle, count))) => {
            let (path, s) = (printable(&bundle.path.to_string_lossy(), 300), if *count == 1 { "" } else { "s" });
            Check::ok(
                "certificates",
                format!("{count} certificate{s} in {path} ({}) instead of the system's", bundle.origin),
            )
        }
        AwsFinding::Network(fault) => {
            let name = if fault.is_of_proxy() { "proxy" } else { "certificates" };
            Check::error(name, unreached::report(fault))
        }
        AwsFinding::Answered { route, took } => {
            let (host, region) = (printable(&route.host, 120), printable(&route.region, 60));
            Check::ok("endpoint", format!("{host}, region {region}, answered within {} ms", took.as_millis()))
        }
        AwsFinding::Unreached(error) => {
            let name = if error.is_clock() { "clock" } else { "endpoint" };
            Check::stop(name, unreached(String::new(), error))
        }
        AwsFinding::Identity(identity) if identity.is_root() => Check::warning(
            "identity",
            format!("the key is the root user's, {identity}, whose sessions last an hour at most"),
            "make an IAM user with a key of its own, and delete the root user's in the IAM console",
        ),
        AwsFinding::Identity(identity) => Check::ok("identity", format!("the key is {identity}'s")),
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
        Some(to_iam) if to_iam != to_sts => format!("to STS {}, to IAM {}", named(to_sts), named(to_iam)),
        _ => format!("AWS is asked {}", named(to_sts)),
    };
    match (origin, to_sts) {
        (Some(origin), None) => format!("{text}, whatever {origin} says (NO_PROXY, or this machine)"),
        _ => text,
    }
}

fn clock(behind: i64) -> Check {
    let by = behind.unsigned_abs();
    let direction = if behind > 0 { "behind" } else { "ahead of" };
    let said =
        format!("this machine's clock is {} {direction} AWS's", humantime::format_duration(Duration::from_secs(by)));
    match by {
        0 => Check::ok("clock", "this machine's clock is AWS's, within two seconds"),
        1..OFF => Check::ok("clock", said),
        OFF..TOO_FAR => Check::warning("clock", format!("{said}, which login allows for"), CLOCK),
        _ => Check::fault("clock", format!("{said}; login allows for it, and other programs are refused"), CLOCK),
    }
}

fn device(finding: &DeviceFinding) -> Check {
    const NAME: &str = "mfa-device";
    match finding {
        DeviceFinding::Theirs(serial) => Check::ok(NAME, format!("{serial} is this user's")),
        DeviceFinding::Named(serial) => {
            Check::ok(NAME, format!("{serial} is to be used; whose it is could not be asked"))
        }
        DeviceFinding::Listed { profile, serial } => Check::warning(
            NAME,
            format!("the profile names none; {serial} is the one that login would find, by asking IAM each time"),
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
    format!("whether {serial} is this user's shows at login only: {why}")
}

fn unlisted_fix(error: &AwsError) -> String {
    match error {
        AwsError::Refused(refusal) if refusal.code.starts_with("AccessDenied") => {
            "login works without; to have it checked, allow iam:ListMFADevices to the user, without MFA".to_owned()
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
