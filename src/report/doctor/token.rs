//! Messages and fixes for findings about tokens, their accounts, and software secrets.

use super::Check;
use crate::doctor::{About, TokenFinding};
use crate::report::{WAIT_HINT, nobody_to_ask, quoted, secret, token};
use crate::source::token::{Found, TokenError};
use crate::world::printable;
use hw::oath::SelectResponse;
use hw::survey::{Contents, TokenInfo};

pub(super) fn check(finding: &TokenFinding) -> Check {
    match finding {
        TokenFinding::Seen { token, look } => Check::ok("token", seen(token, look)),
        TokenFinding::Locked { token, askable: true } => {
            Check::ok("password", format!("{token} needs its OATH password, and login asks for it"))
        }
        TokenFinding::Locked { token, askable: false } => Check::fault(
            "password",
            nobody_to_ask(&format!("{token} needs its OATH password")),
            "run it in a terminal; `aws-mfa-key accounts password remember` stores the password for later",
        ),
        TokenFinding::Account { found, profile } => account(found, profile),
        TokenFinding::AccountBehindPassword { token } => Check::warning(
            "account",
            format!("could not check that {token} has the account while it is locked"),
            "unlock it and list its accounts: `aws-mfa-key accounts list`",
        ),
        TokenFinding::Fault { error, about, profile, is_dispensable } => {
            let name = match about {
                About::Token => "token",
                About::Password => "password",
                About::Account => "account",
            };
            let mut report = token::report(String::new(), error);
            report.next = report.next.replace(WAIT_HINT, "");
            let mut check = Check::stop(name, report).merely(*is_dispensable);
            check.fix = profile.as_deref().and_then(|profile| choice(error, profile)).or(check.fix);
            check
        }
        TokenFinding::Secret(place) => Check::ok("secret", format!("there is a usable secret in {place}")),
        TokenFinding::SecretFault { place, fault, is_dispensable } => {
            Check::stop("secret", secret::fault(String::new(), place, fault)).merely(*is_dispensable)
        }
    }
}

/// Returns a fix that names an account or a token in the profile, with the first candidate as an example; `None` if
/// the error does not call for a choice.
fn choice(error: &TokenError, profile: &str) -> Option<String> {
    let set = |key: &str, value: &str| {
        let (value, profile) = (quoted(value), quoted(&printable(profile, 80)));
        format!("choose one, for example: `aws configure set {key} {value} --profile {profile}`")
    };
    match error {
        TokenError::SeveralAccounts { matching } => Some(set("mfa_key_account", &matching.first()?.to_string())),
        TokenError::NoMatch { present, .. } => match present.iter().find_map(|(_, ids)| ids.first()) {
            Some(id) => Some(set("mfa_key_account", &id.to_string())),
            None => Some("add it: `aws-mfa-key accounts add --touch`".to_owned()),
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
        Some(enabled) => format!(", enabled: {enabled}"),
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
        Contents::Open { .. } if has_password => ", its password is stored",
        _ => "",
    };
    format!("{token}, firmware {firmware}{applets}{room}{password}")
}

fn account(found: &Found, profile: &str) -> Check {
    let (id, token) = (&found.account.id, &found.token);
    let touch = match found.account.touch {
        Some(true) => ", needs a touch for each code",
        Some(false) => ", needs no touch",
        None => "",
    };
    let message = format!("{id} on {token}{touch}");
    if found.is_guess {
        let set =
            format!("`aws configure set mfa_key_account {} --profile {}`", quoted(&id.to_string()), quoted(profile));
        return Check::warning(
            "account",
            format!("{message}, matches only by a word in its name"),
            format!("if it is the right one: {set}"),
        );
    }
    Check::ok("account", message)
}
