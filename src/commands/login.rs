//! `login`: a fresh session for a profile, written to its session profile.

use crate::aws::client::Aws;
use crate::aws::config_file::{Profiles, add_profile};
use crate::aws::credentials_file::{self, Entry, Stored, rfc3339};
use crate::cli;
use crate::ledger;
use crate::login::{Done, Login, mfa_device};
use crate::plan::{self, Plan};
use crate::report::{self, Failure};
use crate::world::World;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use zeroize::Zeroizing;

/// A session, as it is told: just made, or good enough already.
struct Told {
    identity: Option<String>,
    expires: String,
    left: Duration,
    source: Option<String>,
    fresh: bool,
}

pub(super) fn run(typed: &cli::Login, world: &mut World) -> Result<(), Failure> {
    let manner = plan::manner(typed, &world.env)?;
    world.person.adjust(manner.level, manner.askable);
    let profiles = Profiles::read(&world.env)?;
    let code = given_code(typed, world)?;
    let plan = Plan::login(typed, code, &world.env, &profiles)?;
    let outcome = match good_session(&plan, &profiles, world) {
        Some(told) => Ok(told),
        None => fresh_session(&plan, &profiles, world),
    };
    if manner.json {
        print_json(&plan, &outcome, world)?;
    } else if let Ok(told) = &outcome {
        world.person.tell(&sentence(&plan, told));
    }
    outcome.map(drop)
}

/// `--code CODE`, or `--code -` with the code on the first line of standard input.
fn given_code(typed: &cli::Login, world: &mut World) -> Result<Option<SecretString>, Failure> {
    let Some(code) = &typed.code else { return Ok(None) };
    if code != "-" {
        return Ok(Some(SecretString::from(code.to_string_lossy().into_owned())));
    }
    let mut line = Zeroizing::new(String::with_capacity(256));
    world.input.read_line(&mut line).map_err(Failure::Input)?;
    Ok(Some(SecretString::from(line.as_str())))
}

/// The present session, if it is the plan's and has enough time left.
fn good_session(plan: &Plan, profiles: &Profiles, world: &World) -> Option<Told> {
    let stored = profiles.get(&plan.session_profile).and_then(Stored::read)?;
    let expires = stored.expires?;
    let end = UNIX_EPOCH + Duration::from_secs(u64::try_from(expires.secs()).ok()?);
    let left = end.duration_since(world.clock.now()).ok()?;
    let serial = plan.mfa_serial.as_ref().map(|serial| serial.as_str());
    let same_device = serial.is_none_or(|serial| stored.mfa_serial.as_deref() == Some(serial));
    let good = !plan.force && stored.owner == plan.profile && same_device && left >= plan.min_ttl;
    let expires = rfc3339(&expires);
    good.then_some(Told { identity: stored.identity, expires, left, source: None, fresh: false })
}

fn fresh_session(plan: &Plan, profiles: &Profiles, world: &mut World) -> Result<Told, Failure> {
    let credentials = &profiles.locations.credentials;
    credentials_file::rehearse(credentials, &plan.session_profile)
        .map_err(|error| Failure::Write { spent: false, error })?;
    let aws = Aws::new(&plan.network, &plan.key, Arc::clone(&world.clock)).map_err(Failure::Network)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    let failed = |error| Failure::Login { profile: plan.profile.clone(), error };
    let serial = runtime.block_on(mfa_device(plan, &aws)).map_err(failed)?;
    let person = &mut world.person;
    let mut waiting = || person.show("Waiting for another login with the same MFA device", None);
    let held = ledger::hold(&plan.state, &serial, &mut waiting);
    world.person.clear();
    let mut held = held.map_err(crate::login::LoginError::Ledger).map_err(failed)?;
    // Whoever had to wait may find the session made meanwhile.
    if let Some(told) = good_session(plan, &Profiles::read(&world.env)?, world) {
        return Ok(told);
    }
    let login = Login {
        plan,
        aws: &aws,
        bus: (world.bus)(plan.reader.as_deref()),
        person: &mut world.person,
        serial: &serial,
        ledger: &mut held,
    };
    let done = runtime.block_on(login.run()).map_err(failed)?;
    let entry = Entry {
        profile: &plan.session_profile,
        owner: &plan.profile,
        identity: &done.identity,
        mfa_serial: &serial,
        session: &done.session,
    };
    entry.write(credentials).map_err(|error| Failure::Write { spent: true, error })?;
    introduce(plan, profiles, world);
    Ok(told(&done, world))
}

/// Gives a new session profile what its owner says of region and endpoints, so that `--profile P-mfa` works like P.
fn introduce(plan: &Plan, profiles: &Profiles, world: &mut World) {
    let config = &profiles.locations.config;
    if plan.passed_on.is_empty() || profiles.in_config(&plan.session_profile) {
        return;
    }
    if let Err(error) = add_profile(config, &plan.session_profile, &plan.passed_on) {
        let cause = report::report(&Failure::File(error)).cause;
        let line = format!("warning: {} was not added to {}: {cause}", plan.session_profile, config.display());
        world.person.must_know(&line);
    }
}

fn told(done: &Done, world: &World) -> Told {
    let end = UNIX_EPOCH + Duration::from_secs(u64::try_from(done.session.expires.secs()).unwrap_or_default());
    Told {
        identity: Some(done.identity.arn.clone()),
        expires: rfc3339(&done.session.expires),
        left: end.duration_since(world.clock.now()).unwrap_or_default(),
        source: Some(done.source.clone()),
        fresh: true,
    }
}

fn sentence(plan: &Plan, told: &Told) -> String {
    let who = told.identity.as_deref().map_or("the user", |arn| arn.rsplit('/').next().unwrap_or(arn));
    let left = humantime::format_duration(Duration::from_secs(told.left.as_secs().div_ceil(60) * 60));
    let profile = &plan.session_profile;
    if told.fresh {
        format!(
            "{who} has a session in profile {profile} for {left}, until {}; use it with --profile {profile}",
            told.expires
        )
    } else {
        format!(
            "the session in profile {profile} is good for another {left}, until {} (--force renews it)",
            told.expires
        )
    }
}

fn print_json(plan: &Plan, outcome: &Result<Told, Failure>, world: &mut World) -> Result<(), Failure> {
    let mut session = json!({
        "profile": plan.profile,
        "session_profile": plan.session_profile,
        "identity": Value::Null,
        "mfa": Value::Null,
        "expires": Value::Null,
        "seconds_left": Value::Null,
        "source": Value::Null,
        "valid": false,
    });
    match outcome {
        Ok(told) => {
            session["identity"] = told.identity.clone().into();
            session["mfa"] = true.into();
            session["expires"] = told.expires.clone().into();
            session["seconds_left"] = told.left.as_secs().into();
            session["source"] = told.source.clone().into();
            session["valid"] = true.into();
        }
        Err(failure) => {
            let report = report::report(failure);
            session["error"] = json!({ "error": report.error, "cause": report.cause, "next": report.next });
        }
    }
    writeln!(world.out, "{}", json!({ "sessions": [session] })).map_err(Failure::Output)
}
