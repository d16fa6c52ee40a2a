//! Parts of a plan, each by itself, for where something else keeps the whole from being made.

use super::settings::Chosen;
use super::{PlanError, Said, Which, long_term_key, mfa_serial, network, role};
use crate::aws::LongTermKey;
use crate::aws::client::Network;
use crate::aws::config_file::Profiles;
use aws_config::profile::Profile;

/// The long-term key of a profile's plan, whatever else keeps that from being made.
///
/// # Errors
/// [`PlanError`].
pub fn key(which: &Which, profiles: &Profiles) -> Result<LongTermKey, PlanError> {
    let profile = which.profile(profiles)?;
    match profile.get("role_arn") {
        None => long_term_key(profile),
        Some(_) => long_term_key(role::path(which.name(), profiles)?.root),
    }
}

/// The way to AWS of a profile's plan, whatever else keeps that from being made.
///
/// # Errors
/// [`PlanError`].
pub fn way(which: &Which, said: Said<'_>) -> Result<Network, PlanError> {
    let Said { typed, env, profiles, .. } = said;
    let own: Vec<&Profile> = profiles.get(which.name()).into_iter().collect();
    let serial = mfa_serial(typed, &Chosen { env, profiles: &own }).unwrap_or(None);
    let settings = profiles.settings(which.for_settings(profiles))?;
    network::decide(typed, env, &settings, serial.as_ref())
}
