//! Choice of the profile that a session is written to, with checks that AWS's clients will use the session there.

use super::settings::{Flag, SettingLookup};
use super::{Plan, PlanError, ProfileChoice, STRONGER, passed_on};
use crate::aws::config_file::Profiles;
use crate::aws::{ProfileName, SessionProfile, is_portable};
use crate::cli;
use aws_config::profile::Profile;
use std::collections::HashMap;

/// Keys in `[DEFAULT]` that AWS's Python clients prefer to the session of any profile.
const STRONGER_FOR_ALL: [&str; 4] = ["role_arn", "sso_session", "sso_start_url", "web_identity_token_file"];

pub(super) fn session_profile(
    typed: &cli::LoginOptions,
    lookup: &SettingLookup<'_>,
    which: &ProfileChoice,
    profiles: &Profiles,
) -> Result<SessionProfile, PlanError> {
    let flag = Flag { name: "--session-profile", value: typed.session_profile.as_deref() };
    let own = SettingLookup { env: lookup.env, profiles: &lookup.profiles[..1] };
    let setting = own.text(flag, &["AWS_MFA_KEY_SESSION_PROFILE"], &["mfa_key_session_profile"]);
    let name = setting.map(|name| name.as_str().into()).unwrap_or_else(|| which.usual_session_profile());
    checked_session_profile(name, which, profiles)
}

/// Returns the session profile for the session with which a role is assumed. The settings of `root` decide which one
/// it is; no flag does.
pub(super) fn session_profile_of(
    root: &Profile,
    lookup: &SettingLookup<'_>,
    which: &ProfileChoice,
    profiles: &Profiles,
) -> Result<SessionProfile, PlanError> {
    let setting = lookup.text(Flag { name: "", value: None }, &[], &["mfa_key_session_profile"]);
    let name = setting
        .map(|name| name.as_str().into())
        .unwrap_or_else(|| ProfileChoice::exactly(root.name()).usual_session_profile());
    checked_session_profile(name, which, profiles)
}

fn checked_session_profile(
    name: SessionProfile,
    which: &ProfileChoice,
    profiles: &Profiles,
) -> Result<SessionProfile, PlanError> {
    for name in [which.name().as_str(), name.as_str()] {
        if !is_portable(name) {
            return Err(PlanError::BadName { name: name.to_owned() });
        }
    }
    if name.as_str() == which.name().as_str() {
        return Err(PlanError::OwnProfile { profile: name.to_string() });
    }
    let stronger = profiles.get(&name).and_then(|there| STRONGER.into_iter().find(|key| there.get(key).is_some()));
    if let Some(key) = stronger {
        return Err(PlanError::Outranked { profile: name.to_string(), key });
    }
    // A new section is written to the config file if the owner has keys to copy.
    let in_config =
        || profiles.in_config(&name) || profiles.get(which.name()).is_some_and(|own| !passed_on(own).is_empty());
    match profiles.in_default(&STRONGER_FOR_ALL) {
        Some((key, line)) if in_config() => {
            Err(PlanError::Overruled { path: profiles.locations.config.clone(), line, key })
        }
        _ => Ok(name),
    }
}

/// Checks that no two plans write to the same session profile, since one session would overwrite the other.
pub fn check_session_profiles<'a>(plans: impl Iterator<Item = &'a Plan>) -> Result<(), PlanError> {
    let mut owners: HashMap<&SessionProfile, &ProfileName> = HashMap::new();
    let with_source = |plan: &'a Plan| [Some(plan), plan.source()];
    for plan in plans.flat_map(with_source).flatten() {
        let owner = *owners.entry(&plan.session_profile).or_insert(&plan.profile);
        if *owner != plan.profile {
            let (session_profile, profiles) =
                (plan.session_profile.to_string(), [owner.to_string(), plan.profile.to_string()]);
            return Err(PlanError::OneSessionProfile { session_profile, profiles });
        }
    }
    Ok(())
}
