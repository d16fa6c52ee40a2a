//! `login`: a fresh session for each profile, written to its session profile.

use super::line::Line;
use super::round::obtain_all;
use super::session::{Got, given_code};
use super::table::ascii;
use crate::aws::config_file::Profiles;
use crate::aws::credentials_file::rfc3339;
use crate::aws::{MfaSerial, short_name};
use crate::cli;
use crate::plan::{self, Aim, Named, Plan, PlanError, Said, Which};
use crate::report::{self, Exit, Failure, Report, length};
use crate::world::{World, printable};
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) fn run(typed: &cli::Login, world: &mut World) -> Result<(), Failure> {
    let manner = plan::manner(typed.how.talk, &typed.how.calls, &world.env)?;
    world.person.adjust(&manner);
    let json = plan::json(typed.json, &world.env)?;
    let outcomes = outcomes(typed, world).unwrap_or_else(|failure| vec![(None, Err(failure))]);
    let printed = if json { print_json(&outcomes, world) } else { Ok(()) };
    for got in outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()).filter(|_| !json) {
        world.person.tell(&sentence(got));
    }
    match told(outcomes, world) {
        Some(failure) => Err(failure),
        None => printed,
    }
}

type Outcome = (Option<String>, Result<Got, Failure>);
type Planned = (String, Result<Plan, Failure>);

/// What came of all that were named.
fn outcomes(typed: &cli::Login, world: &mut World) -> Result<Vec<Outcome>, Failure> {
    let planned = plans(typed, world)?;
    let plans: Vec<&Plan> = planned.iter().filter_map(|(_, plan)| plan.as_ref().ok()).collect();
    let mut obtained = obtain_all(&plans, world)?.into_iter();
    let outcome = |(name, plan): Planned| {
        let outcome = plan.and_then(|plan| obtained.next().unwrap_or(Err(Failure::NotValid { profile: plan.profile })));
        (Some(name), outcome)
    };
    Ok(planned.into_iter().map(outcome).collect())
}

/// The plans for all that were named; one that cannot be does not stop the others.
fn plans(typed: &cli::Login, world: &mut World) -> Result<Vec<Planned>, Failure> {
    let profiles = Profiles::read(&world.env)?;
    let code = given_code(&typed.how, world)?;
    let whiches = whiches(typed, &profiles, world)?;
    let said = Said { aim: Aim::Session, typed: &typed.how, code: code.as_ref(), env: &world.env, profiles: &profiles };
    let plan = |which: &Which| Plan::make(which, said);
    let plans: Vec<(String, Result<Plan, PlanError>)> =
        whiches.iter().map(|which| (which.name().to_owned(), plan(which))).collect();
    let mut keys: Vec<&str> = plans.iter().filter_map(|(_, plan)| plan.as_ref().ok()?.key_id()).collect();
    keys.sort_unstable();
    keys.dedup();
    if typed.how.mfa_serial.is_some() && keys.len() > 1 {
        return Err(PlanError::OneSerialForMany.into());
    }
    let good = || plans.iter().filter_map(|(_, plan)| plan.as_ref().ok());
    let mut devices: Vec<_> = good().map(|plan| plan.mfa_serial.as_ref().map(MfaSerial::as_str)).collect();
    devices.dedup();
    if code.is_some() && (keys.len() > 1 || devices.len() > 1) {
        return Err(PlanError::OneCodeForMany.into());
    }
    check_session_profiles(good())?;
    Ok(plans.into_iter().map(|(name, plan)| (name, plan.map_err(Failure::from))).collect())
}

/// Two sessions in one place: one would be lost.
pub(super) fn check_session_profiles<'a>(plans: impl Iterator<Item = &'a Plan>) -> Result<(), PlanError> {
    let mut owners: HashMap<&str, &str> = HashMap::new();
    let with_source = |plan: &'a Plan| [Some(plan), plan.role.as_ref().and_then(|role| role.source.as_deref())];
    for plan in plans.flat_map(with_source).flatten() {
        let owner = *owners.entry(&plan.session_profile).or_insert(&plan.profile);
        if owner != plan.profile {
            let (session_profile, profiles) = (plan.session_profile.clone(), [owner.to_owned(), plan.profile.clone()]);
            return Err(PlanError::OneSessionProfile { session_profile, profiles });
        }
    }
    Ok(())
}

fn whiches(typed: &cli::Login, profiles: &Profiles, world: &World) -> Result<Vec<Which>, Failure> {
    if typed.all {
        let all = plan::all(profiles);
        return if all.is_empty() { Err(PlanError::NothingToDo.into()) } else { Ok(all) };
    }
    let flag = typed.profiles.profile.as_deref();
    let named: Vec<Named<'_>> = match typed.profiles.named.as_slice() {
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

/// Tells all failures but the last, which is the outcome; failures that do not all end alike end with 1.
fn told(outcomes: Vec<Outcome>, world: &World) -> Option<Failure> {
    let of = outcomes.len();
    let failed = outcomes.into_iter().filter_map(|(name, outcome)| Some((name.unwrap_or_default(), outcome.err()?)));
    let mut groups: Vec<(Vec<String>, Failure)> = Vec::new();
    for (name, failure) in failed {
        match groups.iter_mut().find(|(_, other)| other.is_same(&failure)) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], failure)),
        }
    }
    let failed = groups.iter().map(|(names, _)| names.len()).sum();
    let reports: Vec<Report> = groups.iter().map(|(_, failure)| report::report(failure)).collect();
    let alike = reports.windows(2).all(|pair| pair[0].exit == pair[1].exit);
    let (names, last) = groups.pop()?;
    if of == 1 {
        return Some(last);
    }
    for ((names, _), report) in groups.iter().zip(&reports) {
        world.person.must_know(&format!("{report}{}", others(names)));
    }
    let exit = if alike { report::report(&last).exit } else { Exit::Failed };
    let others = names.into_iter().skip(1).collect();
    Some(Failure::Some { failed, of, last: Box::new(last), others, exit })
}

/// Whom else a failure is about.
fn others(names: &[String]) -> String {
    match names {
        [] | [_] => String::new(),
        [_, others @ ..] => format!("\n also: {}", others.join(", ")),
    }
}

pub(super) fn sentence(got: &Got) -> String {
    let (profile, expires) = (&got.session_profile, rfc3339(&got.session.expires));
    let left = length::about(got.left);
    if got.fresh {
        let who = printable(got.identity.as_deref().map_or("the user", short_name), 128);
        format!("{who} has a session in profile {profile} for {left}, until {expires}; use it with --profile {profile}")
    } else {
        format!("the session in profile {profile} is good for another {left}, until {expires} (--force renews it)")
    }
}

fn print_json(outcomes: &[Outcome], world: &mut World) -> Result<(), Failure> {
    let sessions: Vec<Value> = outcomes.iter().map(|(profile, outcome)| as_json(profile.as_deref(), outcome)).collect();
    world.out.write_all(ascii(&json!({ "sessions": sessions })).as_bytes()).map_err(Failure::Output)
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
