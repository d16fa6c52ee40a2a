//! Parts of a plan, for checks that go on although the plan as a whole cannot be made.

use super::settings::SettingLookup;
use super::{PlanError, PlanInputs, ProfileChoice, long_term_key, mfa_serial, role};
use crate::aws::LongTermKey;
use crate::aws::client::Network;
use crate::aws::config_file::Profiles;
use aws_config::profile::Profile;

/// Returns the long-term key that the profile's plan would use.
///
/// # Errors
/// [`PlanError`] if the profile or its chain of roles leads to no long-term key.
pub fn key(which: &ProfileChoice, profiles: &Profiles) -> Result<LongTermKey, PlanError> {
    let profile = which.profile(profiles)?;
    match profile.get("role_arn") {
        None => long_term_key(profile),
        Some(_) => long_term_key(role::path(which.name(), profiles)?.root),
    }
}

/// Returns the network settings that the profile's plan would use.
///
/// # Errors
/// [`PlanError`] if an endpoint or the profile's settings cannot be used.
pub fn network(which: &ProfileChoice, said: PlanInputs<'_>) -> Result<Network, PlanError> {
    let PlanInputs { typed, env, profiles, .. } = said;
    let own: Vec<&Profile> = profiles.get(which.name()).into_iter().collect();
    let serial = mfa_serial(typed, &SettingLookup { env, profiles: &own }).unwrap_or(None);
    let settings = profiles.settings(which.for_settings(profiles))?;
    super::network::decide(typed, env, &settings, serial.as_ref())
}
