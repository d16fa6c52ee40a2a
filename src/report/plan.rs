//! What has to change before there can be a plan.

use super::{Exit, Report, file, listed, quoted};
use crate::aws::SerialFault;
use crate::plan::{ChainFault, Origin, PlanError};
use crate::world::printable;
use std::time::Duration;

pub(super) fn report(error: &PlanError) -> Report {
    let (error, cause, next) = match error {
        PlanError::File(error) => return file::report(error),
        PlanError::TwoProfiles => (
            "two different profiles are named".to_owned(),
            "the argument names one, and -p another".to_owned(),
            "name the profile once".to_owned(),
        ),
        PlanError::NoProfile { profile, known } => no_profile(profile, known),
        PlanError::NoLongTermKey { profile, instead } => no_key(profile, *instead),
        PlanError::HoldsSession { profile } => (
            format!("could not log in profile {profile}"),
            "it holds a session, and only a long-term key can get one".to_owned(),
            format!(
                "put the long-term key (AKIA…) there: `aws configure --profile {profile}`, and remove aws_session_token"
            ),
        ),
        PlanError::BadSerial { given, origin, fault } => serial(given, origin, *fault),
        PlanError::BadLength { given, origin, longest } => length(given, origin, *longest),
        PlanError::BadWait { given, origin } => {
            unusable(given, origin, "a token is waited for for some time, a day at most", "write it like 2m, 1h or 90")
        }
        PlanError::BadSwitch { given, origin } => {
            unusable(given, origin, "it is neither true nor false", "set it to true or false, or unset it")
        }
        PlanError::BadToken { given, origin } => {
            let next = "`aws-mfa-key tokens` shows those that are plugged in; it is printed on the token, too";
            unusable(given, origin, "a token's serial number is a number", next)
        }
        PlanError::BadSource { given, origin } => {
            let next = "name some of these, with commas between them: token, secret:keyring, secret:file:PATH, secret:credential:NAME, command:LINE, prompt";
            unusable(given, origin, "there is no such source", next)
        }
        PlanError::CommandInCommand { origin } => (
            format!("the command in {origin} runs aws-mfa-key, which would run it again"),
            "a command is where a code comes from; ours comes from the next source".to_owned(),
            "name that source instead of the command: token, secret:keyring, secret:file:PATH, prompt".to_owned(),
        ),
        PlanError::BadCode { yubico_otp } => code(*yubico_otp),
        PlanError::BadName { name } => (
            format!("the profile name \"{}\" cannot be used", printable(name, 80)),
            "AWS's clients do not all read such a name alike".to_owned(),
            "use letters, digits and _-/.%@:+ only, or name another with --session-profile".to_owned(),
        ),
        PlanError::OwnProfile { profile } => (
            format!("the session cannot be written to profile {profile}"),
            "the long-term key is there, and would be lost".to_owned(),
            format!("name another profile: `aws-mfa-key login {profile} --session-profile {profile}-mfa`"),
        ),
        PlanError::Outranked { profile, key } => (
            format!("the session cannot be written to profile {profile}"),
            format!("{key} is set there, and AWS's clients would use that instead of the session"),
            format!("remove {key} from it, or name another profile with --session-profile"),
        ),
        PlanError::Overruled { path, line, key } => return file::overruled(path, *line, key),
        PlanError::PlainHttp { endpoint } => (
            "the code is not sent without encryption".to_owned(),
            format!("the endpoint {} is plain HTTP, and not on this machine", without_user(endpoint)),
            "use an https:// endpoint".to_owned(),
        ),
        PlanError::BadEndpoint { given } => (
            "the endpoint cannot be used".to_owned(),
            format!("\"{}\" is not an https:// URL", without_user(given)),
            "look at AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_IAM, AWS_ENDPOINT_URL and endpoint_url".to_owned(),
        ),
        PlanError::BadChain { profile, fault } => chain(profile, fault),
        PlanError::ChainTooLong { profile } => (
            format!("could not log in profile {profile}"),
            "AWS gives no more than an hour for a role that another role assumes".to_owned(),
            "ask for an hour: `--duration 1h`, or change duration_seconds".to_owned(),
        ),
        PlanError::OneSerialForMany => (
            "one MFA device is named for several long-term keys".to_owned(),
            "an MFA device belongs to one user".to_owned(),
            "set mfa_serial in each profile instead".to_owned(),
        ),
        PlanError::OneCodeForMany => (
            "one code is given for several MFA devices".to_owned(),
            "AWS takes each code once, and of one MFA device only".to_owned(),
            "log in one profile after the other, each with a code of its own".to_owned(),
        ),
        PlanError::OneSessionProfile { session_profile, profiles: [one, other] } => (
            format!("two sessions would go to profile {}", printable(session_profile, 100)),
            format!("it is the session profile of {} and of {}", printable(one, 100), printable(other, 100)),
            "set another mfa_key_session_profile in one of them, or log in one at a time".to_owned(),
        ),
        PlanError::NothingToDo => (
            "there is nothing to log in".to_owned(),
            "no profile has an mfa_serial or an mfa_key_… key".to_owned(),
            "set it: `aws configure set mfa_serial ARN --profile NAME`".to_owned(),
        ),
        PlanError::NoneUsable => (
            "there is no session to keep".to_owned(),
            "what is wrong with each profile is told above".to_owned(),
            "mend that; `aws-mfa-key doctor PROFILE` looks at all that a login needs".to_owned(),
        ),
        PlanError::NoSerial { profile } => (
            format!("there is no code for profile {profile}"),
            "nothing says which MFA device to use".to_owned(),
            format!("set it: `aws configure set mfa_serial ARN --profile {profile}`, or --mfa-serial ARN"),
        ),
        PlanError::NoState => (
            "there is no place to note which codes were sent".to_owned(),
            "HOME is not set, and neither is XDG_STATE_HOME or STATE_DIRECTORY".to_owned(),
            "set AWS_MFA_KEY_STATE_DIR to a folder of your own".to_owned(),
        ),
    };
    Report::new(Exit::Change, error, cause, next)
}

/// A URL, or what was meant to be one, without the user name and password that may stand in it.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let colon = if scheme.is_empty() { "" } else { "://" };
    printable(&format!("{scheme}{colon}{host}{path}"), 120)
}

type ReportLines = (String, String, String);

fn chain(profile: &str, fault: &ChainFault) -> ReportLines {
    let (cause, next) = match fault {
        ChainFault::NoSource => (
            "it has a role, and nothing to assume it with".to_owned(),
            "set source_profile to the profile with the long-term key",
        ),
        ChainFault::CredentialSource => {
            let next = "assume it where it is meant to be assumed; credential_source has no MFA";
            ("it is assumed with a machine's own role (credential_source)".to_owned(), next)
        }
        ChainFault::Missing { source } => (
            format!("there is no profile {}, which source_profile names", printable(source, 80)),
            "change source_profile, or make that profile",
        ),
        ChainFault::Loop => (
            "its source_profile leads back to itself".to_owned(),
            "let one of them name a profile with a long-term key",
        ),
        ChainFault::BadArn { given } => (
            format!("role_arn = {} is not a role's ARN", printable(given, 120)),
            "write arn:aws:iam::ACCOUNT:role/NAME",
        ),
    };
    (format!("could not log in profile {profile}"), cause, next.to_owned())
}

fn unusable(given: &str, origin: &Origin, cause: &str, next: &str) -> ReportLines {
    (format!("{origin} cannot be \"{}\"", printable(given, 80)), cause.to_owned(), next.to_owned())
}

fn no_profile(profile: &str, known: &[String]) -> ReportLines {
    /// From here on two names are alike, from 0 to 1 (Jaro).
    const ALIKE: f64 = 0.8;
    let likeness = |name: &&String| strsim::jaro(name, profile);
    let alike = known.iter().filter(|name| likeness(name) >= ALIKE).max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let profile = printable(profile, 80);
    let cause = match known {
        [] => "AWS's config and credentials files name no profile at all".to_owned(),
        known => format!("AWS's config and credentials files have only: {}", listed(known.iter())),
    };
    let next = match alike {
        Some(name) => format!("did you mean {}?", printable(name, 80)),
        // `--wait 10m`: the length of a flag that may have none.
        None if humantime::parse_duration(&profile).is_ok() => format!("did you mean --wait={profile}?"),
        None => format!("name another, or make it: `aws configure --profile {}`", quoted(&profile)),
    };
    (format!("there is no profile {profile}"), cause, next)
}

fn no_key(profile: &str, instead: Option<&str>) -> ReportLines {
    let error = format!("could not log in profile {profile}");
    match instead {
        None => (
            error,
            "it has no long-term key (aws_access_key_id and aws_secret_access_key)".to_owned(),
            format!("put one there: `aws configure --profile {profile}`"),
        ),
        Some(key) => (
            error,
            format!("it gets its credentials otherwise ({key}), and has no long-term key"),
            "name a profile with the long-term key of an IAM user".to_owned(),
        ),
    }
}

fn serial(given: &str, origin: &Origin, fault: SerialFault) -> ReportLines {
    let right = "the serial number of the user's \"Authenticator app\" is arn:aws:iam::ACCOUNT:mfa/NAME";
    let (cause, next) = match fault {
        SerialFault::Fido => {
            let cause = "it is a FIDO security key or passkey, with which AWS gives no sessions";
            (cause, "add an \"Authenticator app\" to the user in the IAM console, and use its serial number")
        }
        SerialFault::Sms => {
            let cause = "it is a text message device, with which AWS gives no sessions any more";
            (cause, "add an \"Authenticator app\" to the user in the IAM console, and use its serial number")
        }
        SerialFault::User => ("it is the user's ARN, not the MFA device's", "write :mfa/ where :user/ stands"),
        SerialFault::OtherArn => ("it is not the ARN of an MFA device", right),
        SerialFault::Malformed => ("it is not a serial number of an MFA device", right),
    };
    unusable(given, origin, cause, next)
}

fn length(given: &str, origin: &Origin, longest: Option<Duration>) -> ReportLines {
    if let (Ok(number), Some(longest)) = (given.trim().parse::<u64>(), longest)
        && let Some(meant) = meant_length(number, longest)
    {
        let cause = format!("{number} is {number} seconds, and such a session lasts 15 minutes at least");
        return unusable(given, origin, &cause, &format!("did you mean {meant}?"));
    }
    let cause = match longest {
        Some(longest) => {
            let longest = longest.as_secs() / 3600;
            format!("such a session lasts between 15m and {longest}h, written like 900, 45m or 12h")
        }
        None => "it is not a length of time, such as 900, 45m or 12h".to_owned(),
    };
    unusable(given, origin, &cause, "change it, or leave it out")
}

/// What a number without a unit may have been meant for, where as seconds it is too little.
fn meant_length(number: u64, longest: Duration) -> Option<String> {
    let (hours, minutes) = (longest.as_secs() / 3600, 15..900);
    match number {
        1.. if number <= hours => Some(format!("{number}h")),
        _ => minutes.contains(&number).then(|| format!("{number}m")),
    }
}

fn code(yubico_otp: bool) -> ReportLines {
    let cause = if yubico_otp {
        "it is what a YubiKey types when it is touched (a Yubico OTP), not a code of the OATH applet"
    } else {
        "a code has six digits"
    };
    let next = "leave out --code: the code is then read from the token";
    ("the code that was given cannot be one".to_owned(), cause.to_owned(), next.to_owned())
}
