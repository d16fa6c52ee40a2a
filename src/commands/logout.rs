//! `logout`: removes the sessions that we wrote, and nothing else.

use crate::aws::config_file::{self, Profiles};
use crate::aws::credentials_file::{self, OWNER, Removed};
use crate::cli;
use crate::plan::{self, Named, Which};
use crate::report::Failure;
use crate::world::{Level, Manner, World, printable};

pub(super) fn run(typed: &cli::Logout, world: &mut World) -> Result<(), Failure> {
    let level = if typed.quiet { Level::Quiet } else { Level::Normal };
    world.person.adjust(&Manner { level, askable: false, notices: false, on_touch: None });
    let profiles = Profiles::read(&world.env)?;
    let mut sessions: Vec<&str> = Vec::new();
    if typed.all {
        sessions = plan::sessions_of(None, &profiles);
    } else {
        let names: Vec<Option<&str>> = match typed.profiles.named.as_slice() {
            [] => vec![None],
            names => names.iter().map(|name| Some(name.as_str())).collect(),
        };
        for argument in names {
            let which = Which::of(Named { argument, flag: typed.profiles.profile.as_deref() }, &world.env, &profiles)?;
            let theirs = plan::sessions_of(Some(which.name()), &profiles);
            if theirs.is_empty() {
                which.profile(&profiles)?;
                world.person.tell(&format!("profile {} has no session", printable(which.name(), 100)));
            }
            sessions.extend(theirs);
        }
    }
    if typed.all && sessions.is_empty() {
        world.person.tell("there are no sessions");
    }
    for session in sessions {
        remove(session, &profiles, world)?;
    }
    Ok(())
}

/// Takes a session out of the credentials file, and its profile out of the config file if it is still as we made it.
pub(super) fn remove(session: &str, profiles: &Profiles, world: &World) -> Result<(), Failure> {
    let Some(owner) = profiles.get(session).and_then(|profile| profile.get(OWNER)) else { return Ok(()) };
    let removed = credentials_file::remove(&profiles.locations.credentials, session, owner);
    if removed.map_err(|error| Failure::Write { spent: false, error })? == Removed::Nothing {
        return Ok(());
    }
    let passed_on = profiles.get(owner).map(plan::passed_on).unwrap_or_default();
    if !passed_on.is_empty() {
        config_file::remove_profile(&profiles.locations.config, session, &passed_on)?;
    }
    world.person.tell(&format!("removed the session in profile {session}"));
    Ok(())
}
