//! Whose sessions are kept, decided by what AWS's files say now.

use crate::agent::schedule::renewal;
use crate::aws::config_file::Profiles;
use crate::cli;
use crate::commands::login::check_session_profiles;
use crate::plan::{self, Aim, Named, Plan, PlanError, Said, Which};
use crate::report::Failure;
use crate::world::World;

/// The plans, and why there is none for some of the profiles.
pub(super) struct Plans {
    pub(super) plans: Vec<Plan>,
    pub(super) broken: Vec<(String, Failure)>,
}

/// Decides for all that are named, or configured. The sessions that roles are assumed with are kept as well: else a person
/// would have to be asked for them when the role is nearly over.
pub(super) fn decide(typed: &cli::Agent, profiles: &Profiles, world: &World) -> Result<Plans, Failure> {
    let how = cli::How { reader: typed.reader.clone(), ..cli::How::default() };
    let said = Said { aim: Aim::Session, typed: &how, code: None, env: &world.env, profiles };
    let mut whiches = whiches(typed, profiles, world)?;
    let (mut plans, mut broken): (Vec<Plan>, _) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(which) = whiches.get(at).cloned() {
        at += 1;
        match Plan::make(&which, said) {
            Ok(mut plan) => {
                (plan.force, plan.remember, plan.wait) = (false, false, None);
                plan.min_ttl = renewal(plan.duration);
                let source = plan.role.as_ref().and_then(|role| role.source.as_deref());
                let source = source.map(|source| Which::exactly(&source.profile));
                whiches.extend(source.filter(|source| !whiches.contains(source)));
                plans.push(plan);
            }
            Err(error) => broken.push((which.name().to_owned(), error.into())),
        }
    }
    check_session_profiles(plans.iter())?;
    Ok(Plans { plans, broken })
}

fn whiches(typed: &cli::Agent, profiles: &Profiles, world: &World) -> Result<Vec<Which>, Failure> {
    let names: Vec<&str> = typed.named.iter().map(String::as_str).chain(typed.profile.as_deref()).collect();
    if names.is_empty() {
        let all = plan::all(profiles);
        return if all.is_empty() { Err(PlanError::NothingToDo.into()) } else { Ok(all) };
    }
    let mut whiches = Vec::new();
    for name in names {
        let which = Which::of(Named { argument: Some(name), flag: None }, &world.env, profiles)?;
        if !whiches.contains(&which) {
            whiches.push(which);
        }
    }
    Ok(whiches)
}
