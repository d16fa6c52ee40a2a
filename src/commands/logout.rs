//! `logout`: removes the sessions that we wrote, and nothing else.

use crate::aws::config_file::Profiles;
use crate::cli;
use crate::plan::{self, NamedProfile, ProfileChoice};
use crate::report::Failure;
use crate::sessions::remove;
use crate::world::{Interaction, Level, World, printable};

pub(super) fn run(typed: &cli::LogoutArgs, world: &mut World) -> Result<(), Failure> {
    let level = if typed.quiet { Level::Quiet } else { Level::Normal };
    world.person.adjust(&Interaction { level, askable: false, notices: false, on_touch: None });
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
            let which = ProfileChoice::of(
                NamedProfile { argument, flag: typed.profiles.profile.as_deref() },
                &world.env,
                &profiles,
            )?;
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
