//! `login`: requests a session for each profile, and writes it to its session profile.

use super::profile_plan::given_code;
use super::session_json::SessionJson;
use super::table::ascii;
use crate::aws::MfaSerial;
use crate::aws::config_file::Profiles;
use crate::aws::credentials_file::rfc3339;
use crate::cli;
use crate::plan::{self, Aim, Plan, PlanError, PlanInputs, ProfileChoice};
use crate::report::{self, Exit, Failure, Report};
use crate::sessions::{ObtainedSession, obtain_all};
use crate::world::World;
use serde_json::{Value, json};

pub(super) fn run(typed: &cli::LoginArgs, world: &mut World) -> Result<(), Failure> {
    let interaction = plan::interaction(typed.how.output, &typed.how.touch_notice, &world.env)?;
    world.person.adjust(&interaction);
    let json = plan::json(typed.json, &world.env)?;
    let outcomes = outcomes(typed, world).unwrap_or_else(|failure| vec![(None, Err(failure))]);
    let printed = if json { print_json(&outcomes, world) } else { Ok(()) };
    for got in outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()).filter(|_| !json) {
        world.person.tell(&got.summary());
    }
    match told(outcomes, world) {
        Some(failure) => Err(failure),
        None => printed,
    }
}

type NamedOutcome = (Option<String>, Result<ObtainedSession, Failure>);
type NamedPlan = (String, Result<Plan, Failure>);

/// Obtains the sessions of all profiles that were named.
fn outcomes(typed: &cli::LoginArgs, world: &mut World) -> Result<Vec<NamedOutcome>, Failure> {
    let planned = plans(typed, world)?;
    let plans: Vec<&Plan> = planned.iter().filter_map(|(_, plan)| plan.as_ref().ok()).collect();
    let mut obtained = obtain_all(&plans, world)?.into_iter();
    let outcome = |(name, plan): NamedPlan| {
        let outcome = plan
            .and_then(|plan| obtained.next().unwrap_or(Err(Failure::NotValid { profile: plan.profile.to_string() })));
        (Some(name), outcome)
    };
    Ok(planned.into_iter().map(outcome).collect())
}

/// Makes the plans for all profiles that were named. A profile without a plan does not stop the others.
fn plans(typed: &cli::LoginArgs, world: &mut World) -> Result<Vec<NamedPlan>, Failure> {
    let profiles = Profiles::read(&world.env)?;
    let code = given_code(&typed.how, world)?;
    let choices = if typed.all {
        plan::all(&profiles)?
    } else {
        ProfileChoice::of_each(&typed.profiles.arguments(), typed.profiles.flag(), &world.env, &profiles)?
    };
    let said =
        PlanInputs { aim: Aim::Session, typed: &typed.how, code: code.as_ref(), env: &world.env, profiles: &profiles };
    let plan = |which: &ProfileChoice| Plan::make(which, said);
    let plans: Vec<(String, Result<Plan, PlanError>)> =
        choices.iter().map(|which| (which.name().to_string(), plan(which))).collect();
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
    plan::check_session_profiles(good())?;
    Ok(plans.into_iter().map(|(name, plan)| (name, plan.map_err(Failure::from))).collect())
}

/// Reports all failures but the last, which is returned. If they have different exit codes, the exit code is 1.
fn told(outcomes: Vec<NamedOutcome>, world: &World) -> Option<Failure> {
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

/// Returns a line with the other profiles that have the same failure.
fn others(names: &[String]) -> String {
    match names {
        [] | [_] => String::new(),
        [_, others @ ..] => format!("\n also: {}", others.join(", ")),
    }
}

fn print_json(outcomes: &[NamedOutcome], world: &mut World) -> Result<(), Failure> {
    let sessions: Vec<Value> = outcomes.iter().map(|(profile, outcome)| as_json(profile.as_deref(), outcome)).collect();
    world.out.write_all(ascii(&json!({ "sessions": sessions })).as_bytes()).map_err(Failure::Output)
}

fn as_json(profile: Option<&str>, outcome: &Result<ObtainedSession, Failure>) -> Value {
    let profile = profile.map(str::to_owned);
    match outcome {
        Ok(got) => {
            let (expires, left) = (Some(rfc3339(&got.session.expires)), got.left);
            let session_profile = Some(got.session_profile.to_string());
            let (identity, source) = (got.identity.clone(), got.source.clone());
            SessionJson { profile, session_profile, identity, expires, left, source }.as_json()
        }
        Err(failure) => {
            let report = report::report(failure);
            let mut line = SessionJson { profile, ..SessionJson::default() }.as_json();
            line["error"] = json!({ "error": report.error, "cause": report.cause, "next": report.next });
            line
        }
    }
}
