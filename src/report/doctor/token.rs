//! Tokens, their accounts, and secrets in software.

use super::Check;
use crate::doctor::{About, TokenFinding};
use crate::report::{quoted, secret, token};
use crate::source::token::{Found, TokenError};
use crate::world::printable;
use hw::oath::SelectResponse;
use hw::survey::{Contents, TokenInfo};

pub(super) fn check(finding: &TokenFinding) -> Check {
    match finding {
        TokenFinding::Seen { token, look } => Check::ok("token", seen(token, look)),
        TokenFinding::Locked { token, askable: true } => {
            Check::ok("password", format!("the OATH applet of {token} is locked with a password, which login asks for"))
        }
        TokenFinding::Locked { token, askable: false } => Check::fault(
            "password",
            format!("the OATH applet of {token} is locked with a password, and nobody can be asked for it"),
            "run it in a terminal, or let it be remembered: `aws-mfa-key accounts password remember`",
        ),
        TokenFinding::Account { found, profile } => account(found, profile),
        TokenFinding::AccountBehindPassword { token } => Check::warning(
            "account",
            format!("whether {token} has the account cannot be seen while it is locked"),
            "look at them with its password: `aws-mfa-key accounts list`",
        ),
        TokenFinding::Fault { error, about, profile, is_dispensable } => {
            let name = match about {
                About::Token => "token",
                About::Password => "password",
                About::Account => "account",
            };
            let mut check = Check::stop(name, token::report(String::new(), error)).merely(*is_dispensable);
            check.fix = profile.as_deref().and_then(|profile| choice(error, profile)).or(check.fix);
            check
        }
        TokenFinding::Secret(place) => Check::ok("secret", format!("{place}: there is a secret that makes codes")),
        TokenFinding::SecretFault { place, fault, is_dispensable } => {
            Check::stop("secret", secret::fault(String::new(), place, fault)).merely(*is_dispensable)
        }
    }
}

/// What to type where one of several has to be named; the first of them stands for all.
fn choice(error: &TokenError, profile: &str) -> Option<String> {
    let set = |key: &str, value: &str| {
        let (value, profile) = (quoted(value), quoted(&printable(profile, 80)));
        format!("name the one that is meant, such as: `aws configure set {key} {value} --profile {profile}`")
    };
    match error {
        TokenError::SeveralAccounts { matching } => Some(set("mfa_key_account", &matching.first()?.to_string())),
        TokenError::NoMatch { present, .. } => match present.iter().find_map(|(_, ids)| ids.first()) {
            Some(id) => Some(set("mfa_key_account", &id.to_string())),
            None => Some("put it there: `aws-mfa-key accounts add --touch`".to_owned()),
        },
        TokenError::SeveralTokens { tokens } => {
            let mut serials = tokens.iter().filter_map(|token| token.rsplit(' ').next()?.parse::<u32>().ok());
            Some(set("mfa_key_token", &serials.next()?.to_string()))
        }
        _ => None,
    }
}

fn seen(token: &str, look: &TokenInfo) -> String {
    let firmware = look.identity.firmware.map_or("unknown".to_owned(), |firmware| firmware.to_string());
    let applets = match look.identity.enabled {
        Some(enabled) => format!(", switched on: {enabled}"),
        None => String::new(),
    };
    let used = look.accounts().map(<[_]>::len);
    let room = match (used, look.capacity()) {
        (Some(used), Some(capacity)) => format!(", {used} of {capacity} accounts"),
        (Some(used), None) => format!(", {used} accounts"),
        (None, _) => String::new(),
    };
    let has_password = look.select_response().is_some_and(SelectResponse::has_password);
    let password = match &look.contents {
        Contents::Open { .. } if has_password => ", its password is remembered",
        _ => "",
    };
    format!("{token}, firmware {firmware}{applets}{room}{password}")
}

fn account(found: &Found, profile: &str) -> Check {
    let (id, token) = (&found.account.id, &found.token);
    let touch = match found.account.touch {
        Some(true) => ", which wants a touch for each code",
        Some(false) => ", which wants no touch",
        None => "",
    };
    let message = format!("{id} on {token}{touch}");
    if found.is_guess {
        let set =
            format!("`aws configure set mfa_key_account {} --profile {}`", quoted(&id.to_string()), quoted(profile));
        return Check::warning(
            "account",
            format!("{message}, is taken for a word in its name alone"),
            format!("if it is the one: {set}"),
        );
    }
    Check::ok("account", message)
}
