//! Tokens that are missing, busy, locked, or have no such account.

use super::oath::{carrier, oath};
use super::{Exit, Report, change, listed};
use crate::source::token::{PasswordPlace, TokenError};
use crate::world::{Process, printable};

/// What may help where nobody is known to be using the token.
const NOBODY_KNOWN: &str = "close Yubico Authenticator; `gpgconf --kill scdaemon` makes GnuPG let go; then try again";

pub(super) fn report(what: String, error: &TokenError) -> Report {
    match error {
        TokenError::Bus(why) => carrier(what, None, why),
        TokenError::NoToken => Report::new(
            Exit::NoToken,
            what,
            "no token is plugged in",
            "plug in the token, then try again; --wait waits for it",
        ),
        TokenError::NotCome { waited, missing } => {
            let waited = humantime::format_duration(*waited);
            let Report { cause, exit, .. } = report(what.clone(), missing);
            let cause = format!("{cause}; nothing else came within {waited}");
            Report::new(exit, what, cause, "plug in the token that is meant, then try again")
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
            format!("the OATH applet of {token} is switched off"),
            "switch it on: `ykman config usb --enable OATH`",
        ),
        TokenError::NoApplet { token, disabled: false } => Report::new(
            Exit::Change,
            what,
            format!("{token} has no OATH applet"),
            "plug in a token that has one (not a \"Security Key\", which has FIDO only)",
        ),
        TokenError::NoMatch { present, named, behind_pin } => {
            no_match(what, present, named.as_deref(), behind_pin.as_deref())
        }
        TokenError::SeveralAccounts { matching } => Report::new(
            Exit::Change,
            what,
            format!("several accounts could be meant: {}", listed(matching.iter())),
            "name one: --account ID, or mfa_key_account in the profile",
        ),
        TokenError::NotByTime { id } => Report::new(
            Exit::Change,
            what,
            format!("account {id} counts (HOTP), and AWS's codes go by the time (TOTP)"),
            "name another account, or add it again as TOTP",
        ),
        TokenError::NotSixDigits { id, digits } => Report::new(
            Exit::Change,
            what,
            format!("the codes of account {id} have {digits} digits, and AWS's have six"),
            "name another account: --account ID, or mfa_key_account in the profile",
        ),
        TokenError::SeveralTokens { tokens } => Report::new(
            Exit::Change,
            what,
            format!("several tokens have the account: {}", listed(tokens.iter())),
            "name one: --token SERIAL, or mfa_key_token in the profile",
        ),
        TokenError::SeveralPlugged { tokens } => Report::new(
            Exit::Change,
            what,
            format!("several tokens are plugged in: {}", listed(tokens.iter())),
            "name one: --token SERIAL, or pull the others out",
        ),
        TokenError::Change { token, why } => change::report(what, token, why),
        TokenError::Unanswered { token, waited, begun: false } => Report::new(
            Exit::Failed,
            what,
            format!(
                "{token} did not answer within {} s, another program may be using it; nothing was changed",
                waited.as_secs()
            ),
            "end that program, or pull the token out and plug it in again",
        ),
        TokenError::Unanswered { token, waited, begun: true } => Report::new(
            Exit::Failed,
            what,
            format!("{token} did not answer within {} s: it may be done, or not", waited.as_secs()),
            "pull the token out, plug it in again, and look: `aws-mfa-key accounts list`",
        ),
        TokenError::Locked { token } => Report::new(
            Exit::Person,
            what,
            format!("the OATH applet of {token} is locked with a password, and nobody typed it"),
            "type it in a terminal; `aws-mfa-key accounts password remember` keeps it for the next time",
        ),
        TokenError::Refused { token, places } => Report::new(
            Exit::Person,
            what,
            format!("{token} did not take the password from {}, and nobody typed another", listed(places.iter())),
            match places.iter().any(|place| matches!(place, PasswordPlace::File(_) | PasswordPlace::Credential(_))) {
                true => "put the right one there, or type it in a terminal",
                false => "type it in a terminal: `aws-mfa-key accounts password remember` remembers the right one",
            },
        ),
        TokenError::PasswordFile { place, fault } => super::file::password(what, place, fault),
        TokenError::WrongPassword { token } => Report::new(
            Exit::Person,
            what,
            format!("that is not the password of {token}"),
            "try again; if it is lost, `ykman oath reset` deletes it, and all accounts with it",
        ),
        TokenError::TouchWanted { token } => Report::new(
            Exit::Person,
            what,
            format!("the account on {token} wants a touch, and nobody may be asked for it (--non-interactive)"),
            "leave out --non-interactive, or add the account without --touch",
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
            let cause = format!("the token did not answer within {seconds} s; another program may be using it");
            let next = let_go(holders);
            let next =
                next.unwrap_or_else(|| "end that program, or pull the token out and plug it in again".to_owned());
            Report::new(Exit::Failed, what, cause + &guess(holders), next)
        }
    }
}

/// Who may be using a token: PC/SC does not say.
fn guess(holders: &[Process]) -> String {
    let said = |process: &Process| format!("{} (pid {})", printable(&process.name, 40), process.pid);
    match holders {
        [] => String::new(),
        [one] => format!(", probably {}", said(one)),
        [first, rest @ ..] => format!(", probably {} or {}", said(first), listed(rest.iter().map(said))),
    }
}

/// What makes the likeliest holder let go; nothing is done to it by us.
fn let_go(holders: &[Process]) -> Option<String> {
    let Process { name, pid } = holders.first()?;
    Some(match name.as_str() {
        "scdaemon" => "run `gpgconf --kill scdaemon`, then try again".to_owned(),
        "yubikey-agent" => format!("run `kill -HUP {pid}`, then try again"),
        "authenticator" | "authenticator-helper" | "yubioath-desktop" => {
            "close Yubico Authenticator, then try again".to_owned()
        }
        _ => format!("wait until it is done, or run `kill {pid}`, then try again"),
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
            [] => format!("{token} has none"),
            ids => format!("{token} has {}", listed(ids.iter())),
        })
        .collect();
    let wanted = named.map_or("no account of this MFA device".to_owned(), |id| format!("no account \"{id}\""));
    let cause = format!("{wanted} on the token: {}", listed(there.iter()));
    let next = "name the account: --account ID, or mfa_key_account in the profile";
    match behind_pin {
        Some(token) => {
            let cause = format!("{cause}; accounts behind the PIN of {token} cannot be seen");
            Report::new(
                Exit::Change,
                what,
                cause,
                format!("{next}; one behind the PIN has to be added again without it"),
            )
        }
        None => {
            let next = format!("{next}; or plug in the token that has it (--wait waits for it)");
            Report::new(Exit::Change, what, cause, next)
        }
    }
}
