//! Reports of tokens that are missing, busy or locked, or that do not have the account.

use super::oath::{carrier, oath};
use super::{Exit, Report, change, listed};
use crate::source::token::{PasswordPlace, TokenError};
use crate::world::{Process, printable};

/// Next step if the program that is using the token is unknown.
const NOBODY_KNOWN: &str =
    "close Yubico Authenticator, or run `gpgconf --kill scdaemon` to make GnuPG release the token, then try again";

/// Next step if a token does not respond.
const CLOSE_OR_UNPLUG: &str = "close that program, or unplug the token and plug it in again";
/// Next step if the setting that chooses an account is missing or wrong.
const CHOOSE_ACCOUNT: &str = "choose an account: --account ID, or mfa_key_account in the profile";

pub(super) fn report(what: String, error: &TokenError) -> Report {
    match error {
        TokenError::Bus(why) => carrier(what, None, why),
        TokenError::NoToken => Report::new(
            Exit::NoToken,
            what,
            "no token is plugged in",
            "plug in the token, then try again (--wait waits for it)",
        ),
        TokenError::NotCome { waited, missing } => {
            let waited = humantime::format_duration(*waited);
            let Report { cause, exit, .. } = report(what.clone(), missing);
            let cause = format!("{cause} (waited {waited} for it)");
            Report::new(exit, what, cause, "plug in the right token, then try again")
        }
        TokenError::OtherTokens { wanted, present } => Report::new(
            Exit::NoToken,
            what,
            format!("token {wanted} is not plugged in, only {}", listed(present.iter())),
            "plug it in (--wait waits for it), or change --token or mfa_key_token",
        ),
        TokenError::NoApplet { token, disabled: true } => Report::new(
            Exit::Failed,
            what,
            format!("the OATH applet of {token} is disabled"),
            "enable it: `ykman config usb --enable OATH`",
        ),
        TokenError::NoApplet { token, disabled: false } => Report::new(
            Exit::Change,
            what,
            format!("{token} has no OATH applet"),
            "plug in a token that has one (a \"Security Key\" has only FIDO)",
        ),
        TokenError::NoMatch { present, named, behind_pin } => {
            no_match(what, present, named.as_deref(), behind_pin.as_deref())
        }
        TokenError::SeveralAccounts { matching } => Report::new(
            Exit::Change,
            what,
            format!("several accounts match: {}", listed(matching.iter())),
            match matching.first() {
                Some(id) => format!(
                    "choose one, for example: --account {}; or set mfa_key_account in the profile",
                    change::quoted(id)
                ),
                None => CHOOSE_ACCOUNT.to_owned(),
            },
        ),
        TokenError::NotByTime { id } => Report::new(
            Exit::Change,
            what,
            format!("account {id} is counter-based (HOTP), and AWS needs time-based codes (TOTP)"),
            "choose another account (--account ID), or add it again as TOTP",
        ),
        TokenError::NotSixDigits { id, digits } => Report::new(
            Exit::Change,
            what,
            format!("account {id} has codes of {digits} digits, and AWS needs six"),
            "choose another account: --account ID, or mfa_key_account in the profile",
        ),
        TokenError::SeveralTokens { tokens } => Report::new(
            Exit::Change,
            what,
            format!("several tokens have the account: {}", listed(tokens.iter())),
            "choose one: --token SERIAL, or mfa_key_token in the profile",
        ),
        TokenError::SeveralPlugged { tokens } => Report::new(
            Exit::Change,
            what,
            format!("several tokens are plugged in: {}", listed(tokens.iter())),
            "choose one: --token SERIAL, or unplug the others",
        ),
        TokenError::Change { token, why } => change::report(what, token, why),
        TokenError::Unanswered { token, waited, begun: false } => Report::new(
            Exit::Failed,
            what,
            format!(
                "{token} did not respond within {} s, and another program may be using it; nothing was changed",
                waited.as_secs()
            ),
            CLOSE_OR_UNPLUG,
        ),
        TokenError::Unanswered { token, waited, begun: true } => Report::new(
            Exit::Failed,
            what,
            format!("{token} did not respond within {} s; {}", waited.as_secs(), change::UNCERTAIN),
            format!("unplug the token, plug it in again, and {}", change::CHECK),
        ),
        TokenError::Locked { token } => Report::new(
            Exit::Person,
            what,
            format!("{token} needs its OATH password, and nobody entered it"),
            "run it in a terminal; `aws-mfa-key accounts password remember` stores the password for later",
        ),
        TokenError::Refused { token, places } => Report::new(
            Exit::Person,
            what,
            format!("{token} rejected the password from {}, and nobody entered another", listed(places.iter())),
            match places.iter().any(|place| matches!(place, PasswordPlace::File(_) | PasswordPlace::Credential(_))) {
                true => "correct it there, or run it in a terminal and enter the password",
                false => "store the right one, in a terminal: `aws-mfa-key accounts password remember`",
            },
        ),
        TokenError::PasswordFile { place, fault } => super::file::password(what, place, fault),
        TokenError::WrongPassword { token } => Report::new(
            Exit::Person,
            what,
            format!("that is not the OATH password of {token}"),
            "try again; if the password is lost, `ykman oath reset` removes it together with all accounts",
        ),
        TokenError::TouchWanted { token } => Report::new(
            Exit::Person,
            what,
            format!("the account on {token} needs a touch, and nobody may be asked for it (--non-interactive)"),
            "run it without --non-interactive, or add the account again without --touch",
        ),
        TokenError::Unseen { reader, why } => oath(what, reader, why),
        TokenError::NoCode { token, why } => oath(what, token, why),
        TokenError::Busy { token, holders } => Report::new(
            Exit::Failed,
            what,
            format!("another program is using {token}{}", guess(holders)),
            let_go(holders).unwrap_or_else(|| NOBODY_KNOWN.to_owned()),
        ),
        TokenError::Stuck { waited, holders } => {
            let seconds = waited.as_secs();
            let cause = format!("the token did not respond within {seconds} s; another program may be using it");
            let next = let_go(holders).unwrap_or_else(|| CLOSE_OR_UNPLUG.to_owned());
            Report::new(Exit::Failed, what, cause + &guess(holders), next)
        }
    }
}

/// Names the programs that are probably using a token. This is a guess, because PC/SC does not report which program
/// uses a token.
fn guess(holders: &[Process]) -> String {
    let said = |process: &Process| format!("{} (pid {})", printable(&process.name, 40), process.pid);
    match holders {
        [] => String::new(),
        [one] => format!(", probably {}", said(one)),
        [first, rest @ ..] => format!(", probably {} or {}", said(first), listed(rest.iter().map(said))),
    }
}

/// Returns the next step: a command that makes the program that probably holds the token release it. The command is
/// only suggested, never run.
fn let_go(holders: &[Process]) -> Option<String> {
    let Process { name, pid } = holders.first()?;
    Some(match name.as_str() {
        "scdaemon" => "run `gpgconf --kill scdaemon`, then try again".to_owned(),
        "yubikey-agent" => format!("run `kill -HUP {pid}` to make it release the token, then try again"),
        "authenticator" | "authenticator-helper" | "yubioath-desktop" => {
            "close Yubico Authenticator, then try again".to_owned()
        }
        _ => format!("wait for it to finish or run `kill {pid}`, then try again"),
    })
}

fn no_match(
    what: String,
    present: &[(String, Vec<hw::oath::AccountId>)],
    named: Option<&str>,
    behind_pin: Option<&str>,
) -> Report {
    let there: Vec<String> = present
        .iter()
        .map(|(token, ids)| match ids.as_slice() {
            [] => format!("{token} has no accounts"),
            ids => format!("{token} has {}", listed(ids.iter())),
        })
        .collect();
    let wanted = named.map_or("for this MFA device".to_owned(), |id| format!("\"{id}\""));
    let cause = format!("no account {wanted} on the token: {}", listed(there.iter()));
    let next = CHOOSE_ACCOUNT;
    match behind_pin {
        Some(token) => {
            let cause = format!("{cause}; accounts protected by the PIN of {token} are hidden");
            Report::new(
                Exit::Change,
                what,
                cause,
                format!("{next}; an account protected by the PIN has to be added again without it"),
            )
        }
        None => {
            let next = format!("{next}; or plug in the token that has it (--wait waits for it)");
            Report::new(Exit::Change, what, cause, next)
        }
    }
}
