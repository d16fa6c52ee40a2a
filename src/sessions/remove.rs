//! Removal of a session from the credentials file, and of the section that login added to the config file for it.

use crate::aws::config_file::{self, Profiles};
use crate::aws::credentials_file::{self, OWNER, Removed};
use crate::aws::{ProfileName, SessionProfile};
use crate::plan;
use crate::report::Failure;
use crate::world::World;

/// Removes the session in profile `session` from the credentials file. The section that login added to the config
/// file is removed, too, if it is still unchanged. A profile without a session that this program wrote is left as it
/// is.
///
/// # Errors
/// [`Failure::Write`] or [`Failure::File`] if one of the files cannot be changed.
pub fn remove(session: &SessionProfile, profiles: &Profiles, world: &World) -> Result<(), Failure> {
    let Some(owner) = profiles.get(session).and_then(|profile| profile.get(OWNER)).map(ProfileName::from) else {
        return Ok(());
    };
    let removed = credentials_file::remove(&profiles.locations.credentials, session, &owner);
    if removed.map_err(|error| Failure::Write { spent: false, error })? == Removed::Nothing {
        return Ok(());
    }
    let passed_on = profiles.get(&owner).map(plan::passed_on).unwrap_or_default();
    if !passed_on.is_empty() {
        config_file::remove_profile(&profiles.locations.config, session, &passed_on)?;
    }
    world.person.tell(&format!("Removed the session in profile {session}."));
    Ok(())
}
