//! `logout`: removes the sessions that this program wrote, and nothing else.

use crate::aws::config_file::Profiles;
use crate::cli;
use crate::plan::{self, ProfileChoice};
use crate::report::Failure;
use crate::sessions::remove;
use crate::world::{Interaction, Level, World, printable};

pub(super) fn run(typed: &cli::LogoutArgs, world: &mut World) -> Result<(), Failure> {
    let level = if typed.output.quiet { Level::Quiet } else { Level::Normal };
    world.person.adjust(&Interaction { level, askable: false, notices: false, on_touch: None });
    let profiles = Profiles::read(&world.env)?;
    let mut sessions = Vec::new();
    if typed.all {
        sessions = plan::sessions_of(None, &profiles);
    } else {
        let (arguments, flag) = (typed.profiles.arguments(), typed.profiles.flag());
        for which in ProfileChoice::of_each(&arguments, flag, &world.env, &profiles)? {
            let theirs = plan::sessions_of(Some(which.name()), &profiles);
            if theirs.is_empty() {
                which.profile(&profiles)?;
                world.person.tell(&format!("Profile {} has no session.", printable(which.name(), 100)));
            }
            sessions.extend(theirs);
        }
    }
    if typed.all && sessions.is_empty() {
        world.person.tell("There are no sessions.");
    }
    for session in sessions {
        remove(&session, &profiles, world)?;
    }
    Ok(())
}
