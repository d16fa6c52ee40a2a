//! Which token is meant by a command that is about tokens and no profile.

use super::settings::{self, SettingLookup};
use super::{Origin, PlanError, interaction, reader, token};
use crate::cli;
use crate::world::{Environment, Interaction};
use std::time::Duration;

/// Which token is meant, decided.
pub struct TokenChoice {
    /// Its serial number.
    pub token: Option<u32>,
    /// Part of its reader's name.
    pub reader: Option<String>,
    /// How long a token that is not plugged in is waited for, if it is.
    pub wait: Option<Duration>,
    /// How a person is dealt with.
    pub interaction: Interaction,
}

impl TokenChoice {
    /// Decides which token is meant. No profile has a say: a command that names none is about what is plugged in.
    ///
    /// # Errors
    /// [`PlanError::BadToken`], [`PlanError::BadSwitch`].
    pub fn decide(typed: &cli::TokenArgs, env: &Environment) -> Result<Self, PlanError> {
        let lookup = SettingLookup { env, profiles: &[] };
        // An ARN is an MFA device's, of which nothing is known here.
        if let Some(given) = typed.token.as_ref().filter(|token| token.starts_with("arn:")) {
            return Err(PlanError::BadToken { given: given.clone(), origin: Origin::Flag("--token") });
        }
        let how = cli::LoginOptions { token: typed.token.clone(), ..cli::LoginOptions::default() };
        Ok(Self {
            token: token(&how, &lookup)?,
            reader: reader(typed.reader.as_deref(), env),
            wait: settings::wait(typed.wait.as_deref(), env)?,
            interaction: interaction(typed.output, &cli::TouchNoticeArgs::default(), env)?,
        })
    }
}

/// Whether the codes of a new account are to need a touch.
///
/// # Errors
/// [`PlanError::BadSwitch`].
pub fn touch(flag: bool, env: &Environment) -> Result<bool, PlanError> {
    settings::switch(flag, "AWS_MFA_KEY_TOUCH", env)
}
