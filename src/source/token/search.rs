//! Search for the one token that has an account, among all tokens that are plugged in.

use super::matching::{self, AccountMatch, MatchError, WantedAccount};
use super::{Found, TokenError, name};
use crate::source::DIGITS;
use crate::world::printable;
use hw::oath::{Account, DeviceId};
use hw::survey::{Contents, Survey, TokenInfo, Unseen};
use hw::transport::CarrierError;

/// Criteria for finding an account on the tokens.
pub struct Search<'a> {
    /// Serial number of the token; `None` for any token.
    pub token: Option<u32>,
    /// Known facts about the account.
    pub account: WantedAccount<'a>,
}

/// Outcome of a search among the tokens: what was found, or a locked token that has to be unlocked first.
pub enum SearchOutcome<T> {
    /// The item that was searched for.
    Found(T),
    /// The item may be on this token, which is locked.
    Locked {
        /// Name of the token, as shown to a person.
        token: String,
        /// Device id, from which the applet's key is derived; `None` if a password cannot unlock the applet.
        device_id: Option<DeviceId>,
        /// Serial number of the token; `None` if the token does not report it.
        serial: Option<u32>,
    },
}

/// Finds the account among the tokens of a survey.
///
/// # Errors
/// [`TokenError`] if no account matches, several match, or several tokens have the account. If no account matches and
/// a token could not be examined, the error is about that token.
pub fn search(survey: &Survey, wanted: &Search<'_>) -> Result<SearchOutcome<Found>, TokenError> {
    let ours = |look: &&TokenInfo| wanted.token.is_none_or(|serial| look.identity.serial == Some(serial));
    let looks: Vec<&TokenInfo> = survey.tokens.iter().filter(ours).collect();
    let accounts = |look: &&TokenInfo| look.accounts().unwrap_or_default().to_vec();
    // All tokens' accounts are matched together, so that a good match on one token outweighs a poor one on another.
    let all: Vec<Account> = looks.iter().flat_map(accounts).collect();
    match matching::find(&all, &wanted.account) {
        Ok(AccountMatch { account, is_guess }) => {
            if is_guess && let Some(better) = may_fit_better(survey, &looks) {
                return better;
            }
            if let Some(digits) = account.digits.filter(|digits| usize::from(*digits) != DIGITS) {
                return Err(TokenError::NotSixDigits { id: account.id.clone(), digits });
            }
            let own = |look: &&TokenInfo| {
                let same = look.accounts()?.iter().find(|other| other.id == account.id)?;
                Some(found_on(look, same, is_guess))
            };
            let mut found: Vec<Found> = looks.iter().filter_map(own).collect();
            if found.len() == 1 {
                return Ok(SearchOutcome::Found(found.remove(0)));
            }
            Err(TokenError::SeveralTokens { tokens: found.into_iter().map(|one| one.token).collect() })
        }
        Err(MatchError::Several { matching }) => Err(TokenError::SeveralAccounts { matching }),
        Err(MatchError::NotByTime { id }) => Err(TokenError::NotByTime { id }),
        Err(MatchError::NoMatch { .. } | MatchError::NoSuchId { .. }) => {
            looks.iter().find_map(|look| locked(look)).ok_or_else(|| missing(survey, &looks, wanted))
        }
    }
}

/// Returns a locked token, or else the error of a token that could not be examined. Called if the match on another
/// token is only a guess, because the wanted account may be on such a token.
fn may_fit_better(survey: &Survey, looks: &[&TokenInfo]) -> Option<Result<SearchOutcome<Found>, TokenError>> {
    if let Some(locked) = looks.iter().find_map(|look| locked(look)) {
        return Some(Ok(locked));
    }
    unseen(survey).map(Err)
}

/// Returns the error of a token that is plugged in but could not be examined. A token that was pulled out during the
/// survey counts only if no other token was examined.
pub(super) fn unseen(survey: &Survey) -> Option<TokenError> {
    let unseen = survey.most_hopeful()?;
    (is_there(unseen) || survey.tokens.is_empty() && is_removed(unseen))
        .then(|| TokenError::Unseen { reader: printable(&unseen.reader, 100), why: unseen.why.clone() })
}

/// Returns true if the reader holds a token that could not be examined; false if the reader is empty or its token was
/// pulled out.
#[must_use]
pub fn is_there(unseen: &Unseen) -> bool {
    !matches!(unseen.why.carrier(), Some(CarrierError::Empty | CarrierError::Removed))
}

fn is_removed(unseen: &Unseen) -> bool {
    matches!(unseen.why.carrier(), Some(CarrierError::Removed))
}

fn found_on(look: &TokenInfo, account: &Account, is_guess: bool) -> Found {
    Found {
        token: name(look),
        account: account.clone(),
        is_guess,
        serial: look.identity.serial,
        reader: look.reader.clone(),
        device_id: look.device_id().cloned(),
        recalled: None,
    }
}

pub(super) fn locked<T>(look: &TokenInfo) -> Option<SearchOutcome<T>> {
    let Contents::Locked { select_response, .. } = &look.contents else { return None };
    let serial = look.identity.serial;
    Some(SearchOutcome::Locked { token: name(look), device_id: select_response.device_id.clone(), serial })
}

fn missing(survey: &Survey, looks: &[&TokenInfo], wanted: &Search<'_>) -> TokenError {
    if let Some(unseen) = unseen(survey) {
        return unseen;
    }
    if survey.tokens.is_empty() {
        return TokenError::NoToken;
    }
    if let (Some(serial), []) = (wanted.token, looks) {
        return TokenError::OtherTokens { wanted: serial, present: survey.tokens.iter().map(name).collect() };
    }
    let mut present = Vec::new();
    let mut without = None;
    for look in looks {
        match &look.contents {
            Contents::NoApplet { disabled, .. } => without = Some((name(look), *disabled == Some(true))),
            Contents::Locked { .. } => {}
            Contents::Open { accounts, .. } => {
                present.push((name(look), accounts.iter().map(|account| account.id.clone()).collect()));
            }
        }
    }
    match without {
        Some((token, disabled)) if present.is_empty() => TokenError::NoApplet { token, disabled },
        _ => {
            let named = wanted.account.id.map(|id| String::from_utf8_lossy(id).into_owned());
            let keeps_some = |look: &&&TokenInfo| {
                look.select_response().is_some_and(|select_response| select_response.pin_tries.is_some())
            };
            let behind_pin = looks.iter().find(keeps_some).map(|look| name(look));
            TokenError::NoMatch { present, named, behind_pin }
        }
    }
}
