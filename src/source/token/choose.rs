//! Choice of the token for commands that do not search for an account: the token with a given serial number, or the
//! only one that is plugged in.

use super::search::{SearchOutcome, is_there, locked, unseen};
use super::{TokenError, name};
use crate::world::printable;
use hw::survey::{Contents, Survey, TokenInfo};

/// Returns the tokens that were examined; if `serial` is given, only the one with this serial number.
///
/// # Errors
/// [`TokenError`] if there is no such token. If a token could not be examined, the error is about that token, since
/// it may be the one that was asked for.
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

/// Returns the token with this serial number, or the only one that is plugged in. Never guesses between two tokens,
/// even if one of them could not be examined.
///
/// # Errors
/// Those of [`present`]; [`TokenError::SeveralPlugged`] if more than one token comes into question;
/// [`TokenError::NoApplet`] if the token has no OATH applet.
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
