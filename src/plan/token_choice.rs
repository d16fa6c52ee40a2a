//! Choice of a token by commands that are about tokens, not profiles.

use super::settings::{self, SettingLookup};
use super::{Origin, PlanError, interaction, reader, token};
use crate::cli;
use crate::world::{Environment, Interaction};
use std::time::Duration;

/// The token that is meant, and how a person is asked to plug it in.
pub struct TokenChoice {
    /// Serial number of the token; `None` for any token.
    pub token: Option<u32>,
    /// Part of a reader's name; `None` for the readers of known tokens.
    pub reader: Option<String>,
    /// Time for which a token that is not plugged in is waited for; `None` if it is not.
    pub wait: Option<Duration>,
    /// Settings for talking to a person.
    pub interaction: Interaction,
}

impl TokenChoice {
    /// Decides which token is meant, from flags and environment only: without a profile, its settings do not count.
    ///
    /// # Errors
    /// [`PlanError::BadToken`] if the serial number is not a number; [`PlanError::BadWait`] if the time to wait is
    /// out of range; [`PlanError::BadSwitch`] if a switch's environment variable is neither on nor off.
    pub fn decide(typed: &cli::TokenArgs, env: &Environment) -> Result<Self, PlanError> {
        let lookup = SettingLookup { env, profiles: &[] };
        // `--token` accepts the ARN of an MFA device for logins only.
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

/// Returns true if a touch is required for every code of a new account.
///
/// # Errors
/// [`PlanError::BadSwitch`] if `AWS_MFA_KEY_TOUCH` is neither on nor off.
pub fn touch(flag: bool, env: &Environment) -> Result<bool, PlanError> {
    settings::switch(flag, "AWS_MFA_KEY_TOUCH", env)
}
