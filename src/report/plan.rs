//! Reports of invalid settings, because of which a login cannot be planned.

use super::file::could_not_write;
use super::{Exit, Report, could_not_log_in, file, listed, profile_word, quoted};
use crate::aws::SerialFault;
use crate::plan::{ChainFault, Origin, PlanError};
use crate::world::printable;
use std::time::Duration;

pub(super) fn report(error: &PlanError) -> Report {
    let (error, cause, next) = match error {
        PlanError::File(error) => return file::report(error),
        PlanError::TwoProfiles => (
            "could not choose a profile".to_owned(),
            "the argument and -p name different profiles".to_owned(),
            "name the profile once".to_owned(),
        ),
        PlanError::NoProfile { profile, known } => no_profile(profile, known),
        PlanError::NoLongTermKey { profile, instead } => no_key(profile, *instead),
        PlanError::HoldsSession { profile } => (
            could_not_log_in(profile),
            "it holds a session, and AWS only accepts a long-term key here".to_owned(),
            format!(
                "enter the long-term key (AKIA…): `aws configure --profile {}`, and remove aws_session_token",
                profile_word(profile)
            ),
        ),
        PlanError::BadSerial { given, origin, fault } => serial(given, origin, *fault),
        PlanError::BadLength { given, origin, longest } => length(given, origin, *longest),
        PlanError::BadWait { given, origin } => {
            let cause = format!("{origin} takes a length of time, at most 24h");
            unusable(given, origin, &cause, "write it like 2m, 1h or 90 (seconds)")
        }
        PlanError::BadSwitch { given, origin } => {
            unusable(given, origin, "it has to be true or false", "set it to true or false, or leave it out")
        }
        PlanError::BadToken { given, origin } => {
            let next = "list the serial numbers of the tokens that are plugged in: `aws-mfa-key tokens`; a token also has it printed on it";
            unusable(given, origin, "a token is named by its serial number", next)
        }
        PlanError::BadSource { given, origin } => {
            let next = "use one or more of these, separated by commas: token, secret:keyring, secret:file:PATH, secret:credential:NAME, command:LINE, prompt";
            unusable(given, origin, "there is no such source", next)
        }
        PlanError::CommandInCommand { origin } => (
            format!("could not use the command in {origin}"),
            "it runs aws-mfa-key, which would run the command again".to_owned(),
            "name the source itself instead of the command: token, secret:keyring, secret:file:PATH, prompt".to_owned(),
        ),
        PlanError::BadCode { yubico_otp } => code(*yubico_otp),
        PlanError::BadName { name } => (
            format!("could not use the profile name \"{}\"", printable(name, 80)),
            "AWS's clients do not all read such a name the same way".to_owned(),
            "use only letters, digits and _-/.%@:+, or choose another name with --session-profile".to_owned(),
        ),
        PlanError::OwnProfile { profile } => (
            could_not_write(profile),
            "it has the long-term key, which would be lost".to_owned(),
            format!(
                "choose another profile: `aws-mfa-key login {} --session-profile {}`",
                profile_word(profile),
                quoted(&format!("{}-mfa", printable(profile, 80)))
            ),
        ),
        PlanError::Outranked { profile, key } => (
            could_not_write(profile),
            format!("{key} is set there, and AWS's clients would use that instead of the session"),
            format!("remove {key} from profile {profile}, or choose another one with --session-profile"),
        ),
        PlanError::Overruled { path, line, key } => return file::overruled(path, *line, key),
        PlanError::PlainHttp { endpoint } => (
            "could not send the code securely".to_owned(),
            format!("the endpoint {} uses plain HTTP, and is not on this machine", without_user(endpoint)),
            "use an https:// endpoint: check AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL and endpoint_url".to_owned(),
        ),
        PlanError::BadEndpoint { given } => (
            "could not use the endpoint".to_owned(),
            format!("\"{}\" is not an https:// URL", without_user(given)),
            "check AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_IAM, AWS_ENDPOINT_URL and endpoint_url".to_owned(),
        ),
        PlanError::BadChain { profile, fault } => chain(profile, fault),
        PlanError::ChainTooLong { profile } => (
            could_not_log_in(profile),
            "AWS limits the session of a role that another role assumes to one hour".to_owned(),
            "request one hour: `--duration 1h`, or lower duration_seconds".to_owned(),
        ),
        PlanError::OneSerialForMany => (
            "could not use one MFA device for several long-term keys".to_owned(),
            "an MFA device belongs to one user".to_owned(),
            "omit --mfa-serial, and set mfa_serial in each profile".to_owned(),
        ),
        PlanError::OneCodeForMany => (
            "could not use one code for several MFA devices".to_owned(),
            "AWS accepts each code once, for one MFA device".to_owned(),
            "log in to one profile at a time, each with its own code".to_owned(),
        ),
        PlanError::OneSessionProfile { session_profile, profiles: [one, other] } => (
            format!("could not write two sessions to profile {}", printable(session_profile, 100)),
            format!("it is the session profile of both {} and {}", printable(one, 100), printable(other, 100)),
            "set another mfa_key_session_profile in one of them, or log in to one at a time".to_owned(),
        ),
        PlanError::NothingToDo => (
            "could not find a profile to log in with".to_owned(),
            "no profile has mfa_serial or an mfa_key_… key".to_owned(),
            "set one: `aws configure set mfa_serial ARN --profile NAME`".to_owned(),
        ),
        PlanError::NoneUsable => (
            "could not find a session to renew".to_owned(),
            "no profile can be used, for the reasons above".to_owned(),
            "fix one of them; `aws-mfa-key doctor PROFILE` checks everything a login needs".to_owned(),
        ),
        PlanError::NoSerial { profile } => (
            format!("could not get a code for profile {profile}"),
            "no MFA device is configured".to_owned(),
            format!(
                "set one: `aws configure set mfa_serial ARN --profile {}`, or use --mfa-serial ARN",
                profile_word(profile)
            ),
        ),
        PlanError::NoState => (
            "could not find a folder to record used codes in".to_owned(),
            "HOME, XDG_STATE_HOME and STATE_DIRECTORY are not set".to_owned(),
            "set AWS_MFA_KEY_STATE_DIR to a folder that you own".to_owned(),
        ),
    };
    Report::new(Exit::Change, error, cause, next)
}

/// Removes the user name and the password from a URL, or from text that was meant to be a URL.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let colon = if scheme.is_empty() { "" } else { "://" };
    printable(&format!("{scheme}{colon}{host}{path}"), 120)
}

/// The three lines of a report: error, cause, next.
type ReportLines = (String, String, String);

fn chain(profile: &str, fault: &ChainFault) -> ReportLines {
    let (cause, next) = match fault {
        ChainFault::NoSource => (
            "it has a role, but nothing to assume it with".to_owned(),
            format!(
                "name the profile with the long-term key: `aws configure set source_profile NAME --profile {}`",
                profile_word(profile)
            ),
        ),
        ChainFault::CredentialSource => (
            "its role is assumed with the machine's own role (credential_source), which has no MFA".to_owned(),
            "use the profile directly on that machine, or set source_profile instead of credential_source".to_owned(),
        ),
        ChainFault::Missing { source } => (
            format!("its source_profile is {}, and there is no such profile", printable(source, 80)),
            format!(
                "change source_profile, or create that profile: `aws configure --profile {}`",
                profile_word(source)
            ),
        ),
        ChainFault::Loop => (
            "its source_profile leads back to itself".to_owned(),
            "set source_profile of one of these profiles to a profile with a long-term key".to_owned(),
        ),
        ChainFault::BadArn { given } => (
            format!("role_arn is {}, which is not the ARN of a role", printable(given, 120)),
            format!(
                "set it: `aws configure set role_arn arn:aws:iam::ACCOUNT:role/NAME --profile {}`",
                profile_word(profile)
            ),
        ),
    };
    (could_not_log_in(profile), cause, next)
}

fn unusable(given: &str, origin: &Origin, cause: &str, next: &str) -> ReportLines {
    (format!("could not use \"{}\" as {origin}", printable(given, 80)), cause.to_owned(), next.to_owned())
}

fn no_profile(profile: &str, known: &[String]) -> ReportLines {
    /// Lowest similarity (Jaro, 0 to 1) at which an existing name is suggested in place of the typed one.
    const ALIKE: f64 = 0.8;
    let likeness = |name: &&String| strsim::jaro(name, profile);
    let alike = known.iter().filter(|name| likeness(name) >= ALIKE).max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let profile = printable(profile, 80);
    let cause = match known {
        [] => "AWS's config and credentials files have no profiles".to_owned(),
        known => format!("AWS's config and credentials files only have: {}", listed(known.iter())),
    };
    let next = match alike {
        Some(name) => format!("did you mean {}?", printable(name, 80)),
        // In `--wait 10m`, `10m` was parsed as the profile name, because the flag's value is optional and needs a
        // `=`.
        None if humantime::parse_duration(&profile).is_ok() => format!("did you mean --wait={profile}?"),
        None => format!("name another profile, or create it: `aws configure --profile {}`", quoted(&profile)),
    };
    (format!("could not find profile {profile}"), cause, next)
}

fn no_key(profile: &str, instead: Option<&str>) -> ReportLines {
    let error = could_not_log_in(profile);
    match instead {
        None => (
            error,
            "it has no long-term key (aws_access_key_id and aws_secret_access_key)".to_owned(),
            format!("add one: `aws configure --profile {}`", profile_word(profile)),
        ),
        Some(key) => (
            error,
            format!("it uses {key} and has no access key of its own"),
            "use a profile that has the long-term key of an IAM user".to_owned(),
        ),
    }
}

fn serial(given: &str, origin: &Origin, fault: SerialFault) -> ReportLines {
    let right = "copy the ARN of the user's \"Authenticator app\" from the IAM console: arn:aws:iam::ACCOUNT:mfa/NAME";
    let other = "add an \"Authenticator app\" to the user in the IAM console, and use its ARN";
    let (cause, next) = match fault {
        SerialFault::Fido => ("it is a FIDO security key or passkey, which AWS does not accept for sessions", other),
        SerialFault::Sms => ("it is an SMS device, which AWS no longer accepts for sessions", other),
        SerialFault::User => ("it is the ARN of the user, not of the MFA device", "replace :user/ with :mfa/"),
        SerialFault::OtherArn => ("it is not the ARN of an MFA device", right),
        SerialFault::Malformed => ("it is not the serial number of an MFA device", right),
    };
    unusable(given, origin, cause, next)
}

fn length(given: &str, origin: &Origin, longest: Option<Duration>) -> ReportLines {
    if let (Ok(number), Some(longest)) = (given.trim().parse::<u64>(), longest)
        && let Some(meant) = meant_length(number, longest)
    {
        let cause = format!("it means {number} seconds, and a session lasts at least 15 minutes");
        return unusable(given, origin, &cause, &format!("did you mean {meant}?"));
    }
    let cause = match longest {
        Some(longest) => {
            let longest = longest.as_secs() / 3600;
            format!("a session lasts from 15m to {longest}h, written like 900 (seconds), 45m or 12h")
        }
        None => "it is not a length of time, such as 900 (seconds), 45m or 12h".to_owned(),
    };
    unusable(given, origin, &cause, "correct it, or leave it out")
}

/// Returns the length of time that was probably meant by a number without a unit, if the number is too small to be
/// seconds.
fn meant_length(number: u64, longest: Duration) -> Option<String> {
    let (hours, minutes) = (longest.as_secs() / 3600, 15..900);
    match number {
        1.. if number <= hours => Some(format!("{number}h")),
        _ => minutes.contains(&number).then(|| format!("{number}m")),
    }
}

fn code(yubico_otp: bool) -> ReportLines {
    let cause = if yubico_otp {
        "it is a Yubico one-time password (what a YubiKey types when touched), not a code of the OATH applet"
    } else {
        "a code has six digits"
    };
    let next = "omit --code: the code is then read from the token";
    ("could not use the given code".to_owned(), cause.to_owned(), next.to_owned())
}
