//! `login`: a fresh session for each profile, written to its session profile.

use super::line::Line;
use super::session::{Got, given_code, obtain};
use crate::aws::config_file::Profiles;
use crate::aws::credentials_file::rfc3339;
use crate::aws::short_name;
use crate::cli;
use crate::plan::{self, Named, Plan, PlanError, Which};
use crate::report::{self, Exit, Failure};
use crate::world::{World, printable};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn run(typed: &cli::Login, world: &mut World) -> Result<(), Failure> {
    let manner = plan::manner(&typed.how, &world.env)?;
    world.person.adjust(manner.level, manner.askable);
    let json = plan::json(typed.json, &world.env)?;
    let outcomes = match plans(typed, world) {
        Ok(plans) => plans.into_iter().map(|(name, plan)| one(name, plan, json, world)).collect(),
        Err(failure) => vec![(None, Err(failure))],
    };
    let printed = if json { print_json(&outcomes, world) } else { Ok(()) };
    let count = outcomes.len();
    let failures: Vec<Failure> = outcomes.into_iter().filter_map(|(_, outcome)| outcome.err()).collect();
    if let Some(failure) = told(failures, count, world) {
        return Err(failure);
    }
    printed
}

type Outcome = (Option<String>, Result<Got, Failure>);
type Planned = (String, Result<Plan, Failure>);

/// The plans for all that were named; one that cannot be does not stop the others.
fn plans(typed: &cli::Login, world: &mut World) -> Result<Vec<Planned>, Failure> {
    let profiles = Profiles::read(&world.env)?;
    let code = given_code(&typed.how, world)?;
    let whiches = whiches(typed, &profiles, world)?;
    let plan = |which: &Which| Plan::make(which, &typed.how, code.as_ref(), &world.env, &profiles);
    let plans: Vec<(String, Result<Plan, PlanError>)> =
        whiches.iter().map(|which| (which.name().to_owned(), plan(which))).collect();
    let mut keys: Vec<&str> = plans.iter().filter_map(|(_, plan)| Some(plan.as_ref().ok()?.key.id.as_str())).collect();
    keys.sort_unstable();
    keys.dedup();
    if typed.how.mfa_serial.is_some() && keys.len() > 1 {
        return Err(PlanError::OneSerialForMany.into());
    }
    Ok(plans.into_iter().map(|(name, plan)| (name, plan.map_err(Failure::from))).collect())
}

fn whiches(typed: &cli::Login, profiles: &Profiles, world: &World) -> Result<Vec<Which>, Failure> {
    if typed.all {
        let all = plan::all(profiles);
        return if all.is_empty() { Err(PlanError::NothingToDo.into()) } else { Ok(all) };
    }
    let flag = typed.profile.as_deref();
    let named: Vec<Named<'_>> = match typed.named.as_slice() {
        [] => vec![Named { argument: None, flag }],
        names => names.iter().map(|name| Named { argument: Some(name.as_str()), flag }).collect(),
    };
    let mut whiches = Vec::new();
    for named in named {
        let which = Which::of(named, &world.env, profiles)?;
        if !whiches.contains(&which) {
            whiches.push(which);
        }
    }
    Ok(whiches)
}

fn one(name: String, plan: Result<Plan, Failure>, json: bool, world: &mut World) -> Outcome {
    let outcome = plan.and_then(|plan| obtain(&plan, world));
    if let (Ok(got), false) = (&outcome, json) {
        world.person.tell(&sentence(got));
    }
    (Some(name), outcome)
}

/// Tells all failures but the last, which is the outcome; failures that do not all end alike end with 1.
fn told(mut failures: Vec<Failure>, of: usize, world: &mut World) -> Option<Failure> {
    let last = failures.pop()?;
    if of == 1 {
        return Some(last);
    }
    let exit = report::report(&last).exit;
    let alike = failures.iter().all(|failure| report::report(failure).exit == exit);
    for failure in &failures {
        world.person.must_know(&report::report(failure).to_string());
    }
    let exit = if alike { exit } else { Exit::Failed };
    Some(Failure::Some { failed: failures.len() + 1, of, last: Box::new(last), exit })
}

fn sentence(got: &Got) -> String {
    let (profile, expires) = (&got.session_profile, rfc3339(&got.session.expires));
    let left = humantime::format_duration(Duration::from_secs(got.left.as_secs().div_ceil(60) * 60));
    if got.fresh {
        let who = printable(got.identity.as_deref().map_or("the user", short_name), 128);
        format!("{who} has a session in profile {profile} for {left}, until {expires}; use it with --profile {profile}")
    } else {
        format!("the session in profile {profile} is good for another {left}, until {expires} (--force renews it)")
    }
}

fn print_json(outcomes: &[Outcome], world: &mut World) -> Result<(), Failure> {
    let sessions: Vec<Value> = outcomes.iter().map(|(profile, outcome)| as_json(profile.as_deref(), outcome)).collect();
    writeln!(world.out, "{}", json!({ "sessions": sessions })).map_err(Failure::Output)
}

fn as_json(profile: Option<&str>, outcome: &Result<Got, Failure>) -> Value {
    let profile = profile.map(str::to_owned);
    match outcome {
        Ok(got) => {
            let (expires, left) = (Some(rfc3339(&got.session.expires)), got.left);
            let session_profile = Some(got.session_profile.clone());
            let (identity, source) = (got.identity.clone(), got.source.clone());
            Line { profile, session_profile, identity, expires, left, source }.as_json()
        }
        Err(failure) => {
            let report = report::report(failure);
            let mut line = Line { profile, ..Line::default() }.as_json();
            line["error"] = json!({ "error": report.error, "cause": report.cause, "next": report.next });
            line
        }
    }
}
