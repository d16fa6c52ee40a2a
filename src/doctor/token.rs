//! The tokens: which are there, whether they are locked, and whether one has the account of the MFA device.

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

/// What was found of tokens, and of secrets in software.
pub enum TokenFinding {
    /// It can be looked at.
    Seen {
        /// How a person knows it.
        token: String,
        /// What it is.
        look: Box<TokenInfo>,
    },
    /// Its applet is locked.
    Locked {
        /// How a person knows it.
        token: String,
        /// Whether a person can be asked for the password.
        askable: bool,
    },
    /// It has the account.
    Account {
        /// The account.
        found: Found,
        /// Whose MFA device it belongs to.
        profile: String,
    },
    /// It may have the account, and is locked.
    AccountBehindPassword {
        /// How a person knows it.
        token: String,
    },
    /// A token that cannot be used, or none that has the account.
    Fault {
        /// Why.
        error: TokenError,
        /// Which it is about.
        about: About,
        /// Whose session it keeps from being made, if there can be one.
        profile: Option<String>,
        /// Whether login can do without it.
        is_dispensable: bool,
    },
    /// A secret that makes codes.
    Secret(SecretPlace),
    /// A secret that makes none.
    SecretFault {
        /// Where it should be.
        place: SecretPlace,
        /// Why.
        fault: SecretFault,
        /// Whether login can do without it.
        is_dispensable: bool,
    },
}

/// What a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The token itself.
    Token,
    /// What unlocks it.
    Password,
    /// The account on it.
    Account,
}

/// What is known of the MFA device and its owner.
pub(super) struct Owner<'a> {
    pub(super) serial: Option<&'a MfaSerial>,
    pub(super) identity: Option<&'a Identity>,
}

pub(super) async fn look(subject: &Subject<'_>, owner: &Owner<'_>, askable: bool, tokens: &Tokens) -> Vec<Finding> {
    let plan = subject.plan.as_ref().ok();
    // The account first: looking for it unlocks what can be unlocked without a person.
    let account = match plan {
        Some(plan) => account(plan, owner, askable, tokens).await,
        None => None,
    };
    // Where not even the readers are known, it is the service that is told of.
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

/// The account, as login looks for it where nobody can be asked.
async fn account(plan: &Plan, owner: &Owner<'_>, askable: bool, tokens: &Tokens) -> Option<TokenFinding> {
    let is_asked = plan.sources.iter().any(|source| matches!(source, Source::Token));
    let serial = owner.serial.filter(|_| is_asked)?;
    let wanted = plan.search(serial, owner.identity);
    let nobody = nobody();
    match tokens.unlocked(&nobody, None, |survey| search(survey, &wanted)).await {
        Ok(found) => Some(TokenFinding::Account { found, profile: plan.profile.to_string() }),
        Err(TokenError::Locked { token }) => Some(TokenFinding::AccountBehindPassword { token }),
        // That is told of the token, or of the service.
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
            // Who can be asked types the right one.
            let is_asked_for = askable && matches!(error, TokenError::Refused { .. });
            let is_dispensable = is_asked_for || is_dispensable(plan);
            let profile = Some(plan.profile.to_string());
            Some(TokenFinding::Fault { error, about, profile, is_dispensable })
        }
    }
}

/// Nothing is asked of anybody, and nothing is shown.
fn nobody() -> Person {
    let nobody = Person::new(Box::new(std::io::sink()), None, PersonContext::default());
    nobody.adjust(&Interaction { level: Level::Quiet, askable: false, notices: false, on_touch: None });
    nobody
}

/// Whether login has, or may have, a code without a token and without a person.
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
