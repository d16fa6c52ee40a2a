//! Checks of the tokens: which are plugged in, whether they are locked, and whether one of them has the MFA device's
//! account. Checks of secrets in software.

use super::Finding;
use super::subject::Subject;
use crate::aws::{Identity, MfaSerial};
use crate::plan::Plan;
use crate::source::Source;
use crate::source::secret::{SecretFault, SecretPlace};
use crate::source::token::{Found, TokenError, Tokens, is_there, name, present, search};
use crate::world::{Interaction, Level, Person, PersonContext};
use hw::survey::{Contents, Survey, TokenInfo, Unseen};
use std::sync::Arc;

/// Finding about a token, or about a secret in software.
pub enum TokenFinding {
    /// The token could be examined.
    Seen {
        /// Name of the token, as shown to a person.
        token: String,
        /// Identity and accounts of the token.
        look: Box<TokenInfo>,
    },
    /// The token's applet is locked with a password.
    Locked {
        /// Name of the token, as shown to a person.
        token: String,
        /// True if login can ask a person for the password.
        askable: bool,
    },
    /// A token has the MFA device's account.
    Account {
        /// The account and its token.
        found: Found,
        /// Name of the profile that uses the MFA device.
        profile: String,
    },
    /// The account may be on this token, whose applet is locked.
    AccountBehindPassword {
        /// Name of the token, as shown to a person.
        token: String,
    },
    /// A token cannot be used, or no token has the account.
    Fault {
        /// Error of the token, or of the search for the account.
        error: TokenError,
        /// The part of the token that the error is about.
        about: About,
        /// Name of the profile whose login would fail; `None` if no plan could be made.
        profile: Option<String>,
        /// True if a login may succeed nevertheless: with a code from another source, or after asking a person.
        is_dispensable: bool,
    },
    /// A secret from which codes can be computed.
    Secret(SecretPlace),
    /// A secret from which no codes can be computed.
    SecretFault {
        /// Place where the secret should be.
        place: SecretPlace,
        /// The reason why no code can be computed from the secret.
        fault: SecretFault,
        /// True if a login may succeed nevertheless: with a code from another source, or after asking a person.
        is_dispensable: bool,
    },
}

/// The part of a token that a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The token itself.
    Token,
    /// The password that unlocks the token's applet.
    Password,
    /// The account on the token, or its absence.
    Account,
}

/// The MFA device and its owner, as far as they are known.
pub(super) struct Owner<'a> {
    pub(super) serial: Option<&'a MfaSerial>,
    pub(super) identity: Option<&'a Identity>,
}

pub(super) async fn look(subject: &Subject<'_>, owner: &Owner<'_>, askable: bool, tokens: &Tokens) -> Vec<Finding> {
    let plan = subject.plan.as_ref().ok();
    // Look for the account first: that unlocks every applet whose password is remembered.
    let account = match plan {
        Some(plan) => account(plan, owner, askable, tokens).await,
        None => None,
    };
    // If the readers cannot be listed, the check of the service reports it.
    let mut found = tokens.look().await.map_or_else(|_| Vec::new(), |survey| seen(plan, &survey, askable, tokens));
    found.extend(account);
    if let Some(plan) = plan {
        found.extend(secrets(plan).await);
    }
    found.into_iter().map(Finding::Token).collect()
}

fn seen(plan: Option<&Plan>, survey: &Arc<Survey>, askable: bool, tokens: &Tokens) -> Vec<TokenFinding> {
    let is_dispensable = plan.is_some_and(is_dispensable);
    let profile = || plan.map(|plan| plan.profile.to_string());
    let fault = |error| {
        let (error, about, profile) = (tokens.explained(error), About::Token, profile());
        TokenFinding::Fault { error, about, profile, is_dispensable }
    };
    let mut found = Vec::new();
    for look in &survey.tokens {
        let token = name(look);
        match &look.contents {
            Contents::NoApplet { disabled, .. } => {
                found.push(fault(TokenError::NoApplet { token, disabled: *disabled == Some(true) }));
            }
            Contents::Locked { .. } => {
                found.push(TokenFinding::Seen { token: token.clone(), look: Box::new(look.clone()) });
                found.push(TokenFinding::Locked { token, askable });
            }
            Contents::Open { .. } => found.push(TokenFinding::Seen { token, look: Box::new(look.clone()) }),
        }
    }
    let unseen = |unseen: &Unseen| TokenError::Unseen { reader: unseen.reader.clone(), why: unseen.why.clone() };
    let there: Vec<TokenError> = survey.unseen.iter().filter(|unseen| is_there(unseen)).map(unseen).collect();
    let is_told = !there.is_empty();
    found.extend(there.into_iter().map(fault));
    let wanted = plan.and_then(|plan| plan.token);
    let missing = present(survey, wanted).err();
    found.extend(missing.filter(|error| !is_told || !matches!(error, TokenError::Unseen { .. })).map(fault));
    found
}

/// Looks for the account in the same way as a login that cannot prompt anybody.
async fn account(plan: &Plan, owner: &Owner<'_>, askable: bool, tokens: &Tokens) -> Option<TokenFinding> {
    let is_asked = plan.sources.iter().any(|source| matches!(source, Source::Token));
    let serial = owner.serial.filter(|_| is_asked)?;
    let wanted = plan.search(serial, owner.identity);
    let nobody = nobody();
    match tokens.unlocked(&nobody, None, |survey| search(survey, &wanted)).await {
        Ok(found) => Some(TokenFinding::Account { found, profile: plan.profile.to_string() }),
        Err(TokenError::Locked { token }) => Some(TokenFinding::AccountBehindPassword { token }),
        // The checks of tokens and service report these errors.
        Err(
            TokenError::NoToken
            | TokenError::OtherTokens { .. }
            | TokenError::NoApplet { .. }
            | TokenError::Unseen { .. }
            | TokenError::Busy { .. }
            | TokenError::Stuck { .. }
            | TokenError::Bus(_),
        ) => None,
        Err(error) => {
            let about = match error {
                TokenError::Refused { .. } | TokenError::PasswordFile { .. } => About::Password,
                _ => About::Account,
            };
            // A person who can be asked would type the right password.
            let is_asked_for = askable && matches!(error, TokenError::Refused { .. });
            let is_dispensable = is_asked_for || is_dispensable(plan);
            let profile = Some(plan.profile.to_string());
            Some(TokenFinding::Fault { error, about, profile, is_dispensable })
        }
    }
}

/// Returns a person who is asked nothing and shown nothing.
fn nobody() -> Person {
    let nobody = Person::new(Box::new(std::io::sink()), None, PersonContext::default());
    nobody.adjust(&Interaction { level: Level::Quiet, askable: false, notices: false, on_touch: None });
    nobody
}

/// Returns true if a login may get a code without a token and without a person.
fn is_dispensable(plan: &Plan) -> bool {
    let first = plan.sources.iter().position(|source| matches!(source, Source::Token));
    let has_other =
        plan.sources.iter().any(|source| matches!(source, Source::Given(_) | Source::Secret(_) | Source::Command(_)));
    first.is_none() || has_other
}

async fn secrets(plan: &Plan) -> Vec<TokenFinding> {
    let (nobody, is_alone) = (nobody(), plan.sources.len() == 1);
    let mut found = Vec::new();
    for source in &plan.sources {
        let place = match source {
            Source::Secret(place) => place.clone(),
            Source::Given(_) | Source::Token | Source::Command(_) | Source::Prompt => continue,
        };
        found.push(match place.read(&nobody).await.and_then(|secret| secret.check()) {
            Ok(()) => TokenFinding::Secret(place),
            Err(fault) => {
                let is_dispensable = !is_alone && fault.is_absence();
                TokenFinding::SecretFault { place, fault, is_dispensable }
            }
        });
    }
    found
}
