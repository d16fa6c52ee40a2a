//! Plans for the sessions that the agent renews, made from AWS's files as they are now.

use super::schedule::renewal;
use crate::aws::ProfileName;
use crate::aws::config_file::Profiles;
use crate::cli;
use crate::plan::{self, Aim, Plan, PlanError, PlanInputs, ProfileChoice};
use crate::report::Failure;
use crate::world::World;

/// Plans for all profiles, and the reasons why some profiles have none.
pub(super) struct Plans {
    pub(super) plans: Vec<Plan>,
    pub(super) broken: Vec<(ProfileName, Failure)>,
}

/// Makes a plan for each profile that is named, or else for each that is configured. The sessions that roles are
/// assumed with are renewed as well; otherwise a person would have to be asked for them when a role's session is
/// about to end.
pub(super) fn decide(typed: &cli::AgentArgs, profiles: &Profiles, world: &World) -> Result<Plans, Failure> {
    let how = cli::LoginOptions { reader: typed.reader.clone(), ..cli::LoginOptions::default() };
    let said = PlanInputs { aim: Aim::Session, typed: &how, code: None, env: &world.env, profiles };
    let mut choices = choices(typed, profiles, world)?;
    let (mut plans, mut broken): (Vec<Plan>, _) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(which) = choices.get(at).cloned() {
        at += 1;
        match Plan::make(&which, said) {
            Ok(mut plan) => {
                (plan.force, plan.remember, plan.wait) = (false, false, None);
                plan.min_ttl = renewal(plan.duration);
                let source = plan.source().map(|source| ProfileChoice::exactly(&source.profile));
                choices.extend(source.filter(|source| !choices.contains(source)));
                plans.push(plan);
            }
            Err(error) => broken.push((which.name().to_owned(), error.into())),
        }
    }
    plan::check_session_profiles(plans.iter())?;
    Ok(Plans { plans, broken })
}

fn choices(typed: &cli::AgentArgs, profiles: &Profiles, world: &World) -> Result<Vec<ProfileChoice>, PlanError> {
    let names: Vec<&str> = typed.named.iter().map(String::as_str).chain(typed.profile.as_deref()).collect();
    if names.is_empty() { plan::all(profiles) } else { ProfileChoice::of_each(&names, None, &world.env, profiles) }
}
