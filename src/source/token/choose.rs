//! The one token that is meant, where the account is not what tells.

use super::search::{SearchOutcome, is_there, locked, unseen};
use super::{TokenError, name};
use crate::world::printable;
use hw::survey::{Contents, Survey, TokenInfo};

/// The tokens that were looked at, and among them the one with this serial number, if one was named.
///
/// # Errors
/// [`TokenError`] if there is none: a token that is merely busy is not a token that is missing.
pub fn present(survey: &Survey, serial: Option<u32>) -> Result<Vec<&TokenInfo>, TokenError> {
    let is_meant = |look: &&TokenInfo| serial.is_none_or(|serial| look.identity.serial == Some(serial));
    let looks: Vec<&TokenInfo> = survey.tokens.iter().filter(is_meant).collect();
    match serial {
        _ if !looks.is_empty() => Ok(looks),
        _ if let Some(unseen) = unseen(survey) => Err(unseen),
        Some(wanted) if !survey.tokens.is_empty() => {
            Err(TokenError::OtherTokens { wanted, present: survey.tokens.iter().map(name).collect() })
        }
        _ => Err(TokenError::NoToken),
    }
}

/// The one token that is plugged in, or the one with this serial number. Between two it is never guessed, even if one of
/// them cannot be looked at.
///
/// # Errors
/// [`TokenError`].
pub fn choose(survey: &Survey, serial: Option<u32>) -> Result<SearchOutcome<TokenInfo>, TokenError> {
    let looks = present(survey, serial)?;
    let hidden = survey.unseen.iter().filter(|unseen| serial.is_none() && is_there(unseen));
    let mut tokens: Vec<String> = looks.iter().map(|look| name(look)).collect();
    tokens.extend(hidden.map(|unseen| format!("one in {}", printable(&unseen.reader, 100))));
    let (&[look], 1) = (looks.as_slice(), tokens.len()) else { return Err(TokenError::SeveralPlugged { tokens }) };
    match &look.contents {
        Contents::NoApplet { disabled, .. } => {
            Err(TokenError::NoApplet { token: name(look), disabled: *disabled == Some(true) })
        }
        Contents::Locked { .. } | Contents::Open { .. } => {
            Ok(locked(look).unwrap_or_else(|| SearchOutcome::Found(look.clone())))
        }
    }
}
