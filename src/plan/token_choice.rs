//! Choice of the token for commands that work on a token, not on a profile.

use super::settings::{self, SettingLookup};
use super::{Origin, PlanError, interaction, reader, token};
use crate::cli;
use crate::world::{Environment, Interaction};
use std::time::Duration;

/// The token to use, and how a person is asked to plug it in.
pub struct TokenChoice {
    /// Serial number of the token; `None` for any token.
    pub token: Option<u32>,
    /// Text that a reader's name must contain; `None` to use the readers of recognised tokens only.
    pub reader: Option<String>,
    /// How long to wait for a token that is not plugged in; `None` to fail without a wait.
    pub wait: Option<Duration>,
    /// How much to print, and whether a person may be prompted and notified.
    pub interaction: Interaction,
}

impl TokenChoice {
    /// Decides which token to use, from flags and environment variables only, since no profile is involved.
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

/// Returns true if a new account should require a touch for every code.
///
/// # Errors
/// [`PlanError::BadSwitch`] if `AWS_MFA_KEY_TOUCH` is neither on nor off.
pub fn touch(flag: bool, env: &Environment) -> Result<bool, PlanError> {
    settings::switch(flag, "AWS_MFA_KEY_TOUCH", env)
}
