//! `login`: a fresh session for a profile, written to its session profile.

use crate::aws::client::Aws;
use crate::aws::config_file::{Profiles, add_profile};
use crate::aws::credentials_file::{self, Entry, Stored, rfc3339};
use crate::cli;
use crate::ledger::{self, Held};
use crate::login::{Done, Login, LoginError, mfa_device};
use crate::plan::{self, Plan};
use crate::report::{self, Failure};
use crate::world::{World, printable};
use aws_smithy_types::DateTime;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::io::{BufRead, Read};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};
use tokio::runtime::{self, Runtime};
use zeroize::Zeroizing;

/// How long standard input has to bring a code.
const PIPING: Duration = Duration::from_mins(2);

/// A session, as it is told: just made, or good enough already.
struct Told {
    session_profile: String,
    identity: Option<String>,
    expires: String,
    left: Duration,
    source: Option<String>,
    fresh: bool,
}

pub(super) fn run(typed: &cli::Login, world: &mut World) -> Result<(), Failure> {
    let manner = plan::manner(typed, &world.env)?;
    world.person.adjust(manner.level, manner.askable);
    let mut profile = None;
    let outcome = session(typed, &mut profile, world);
    let printed = if manner.json { print_json(profile.as_deref(), &outcome, world) } else { Ok(()) };
    let told = outcome?;
    if !manner.json {
        world.person.tell(&sentence(&told));
    }
    printed
}

/// The present session if it is good, else a fresh one. `profile` is set as soon as it is known.
fn session(typed: &cli::Login, profile: &mut Option<String>, world: &mut World) -> Result<Told, Failure> {
    let profiles = Profiles::read(&world.env)?;
    let code = typed.code.as_ref().map(|code| given_code(code, world)).transpose()?;
    let plan = Plan::login(typed, code, &world.env, &profiles)?;
    *profile = Some(plan.profile.clone());
    match good_session(&plan, &profiles, world.clock.now()) {
        Some(told) => Ok(told),
        None => fresh_session(&plan, &profiles, world),
    }
}

/// `--code CODE`, or `--code -` with the code on the first line of standard input.
fn given_code(code: &std::ffi::OsStr, world: &mut World) -> Result<SecretString, Failure> {
    /// Longest line that is read, in bytes.
    const LONGEST: u64 = 256;
    if code != "-" {
        return Ok(SecretString::from(code.to_string_lossy().into_owned()));
    }
    let (tell, told) = mpsc::channel();
    let input = world.input.take();
    // On a thread of its own, since a pipe can stay open and silent.
    std::thread::spawn(move || {
        let mut line = Zeroizing::new(String::with_capacity(256));
        let read = input.map(|input| input.take(LONGEST).read_line(&mut line)).transpose();
        // Nobody listens any more if it took too long.
        let _ = tell.send(read.map(|_| SecretString::from(line.as_str())));
    });
    let late = |_| Err(std::io::ErrorKind::TimedOut.into());
    told.recv_timeout(PIPING).unwrap_or_else(late).map_err(Failure::Input)
}

/// The present session, if it is the plan's and has enough time left, by AWS's clock as far as it is known.
fn good_session(plan: &Plan, profiles: &Profiles, now: SystemTime) -> Option<Told> {
    let stored = profiles.get(&plan.session_profile).and_then(Stored::read)?;
    let expires = stored.expires?;
    let behind = stored.mfa_serial.as_deref().map_or(0, |serial| ledger::clock_behind(&plan.state, serial));
    let left = Duration::from_secs(u64::try_from(seconds_until(&expires, now) - behind).ok()?);
    let serial = plan.mfa_serial.as_ref().map(|serial| serial.as_str());
    let same_device = serial.is_none_or(|serial| stored.mfa_serial.as_deref() == Some(serial));
    let good = !plan.force && stored.owner == plan.profile && same_device && left >= plan.min_ttl;
    good.then(|| Told {
        session_profile: plan.session_profile.clone(),
        identity: stored.identity,
        expires: rfc3339(&expires),
        left,
        source: None,
        fresh: false,
    })
}

/// Seconds until `end`; negative, if it is past.
fn seconds_until(end: &DateTime, now: SystemTime) -> i64 {
    end.secs() - DateTime::from(now).secs()
}

fn fresh_session(plan: &Plan, profiles: &Profiles, world: &mut World) -> Result<Told, Failure> {
    let credentials = &profiles.locations.credentials;
    credentials_file::rehearse(credentials, &plan.session_profile)
        .map_err(|error| Failure::Write { spent: false, error })?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    let outcome = log_in(plan, profiles, &runtime, world);
    // It does not wait for a name that is still being looked up.
    runtime.shutdown_background();
    outcome
}

fn log_in(plan: &Plan, profiles: &Profiles, runtime: &Runtime, world: &mut World) -> Result<Told, Failure> {
    let aws = Aws::new(&plan.network, &plan.key, Arc::clone(&world.clock)).map_err(Failure::Network)?;
    let failed = |error| Failure::Login { profile: plan.profile.clone(), error };
    let serial = runtime.block_on(mfa_device(plan, &aws)).map_err(failed)?;
    let mut ledger = hold(plan, &serial, world).map_err(failed)?;
    // Whoever had to wait may find the session made meanwhile.
    if let Some(told) = good_session(plan, &Profiles::read(&world.env)?, world.clock.now()) {
        return Ok(told);
    }
    let bus = (world.bus)(plan.reader.as_deref());
    let login = Login { plan, aws: &aws, bus, person: &mut world.person, serial: &serial, ledger: &mut ledger };
    let done = runtime.block_on(login.run()).map_err(failed)?;
    let entry = Entry {
        profile: &plan.session_profile,
        owner: &plan.profile,
        identity: &done.identity,
        mfa_serial: &serial,
        session: &done.session,
    };
    entry.write(&profiles.locations.credentials).map_err(|error| Failure::Write { spent: true, error })?;
    introduce(plan, profiles, world);
    Ok(told(plan, &done, aws.now()))
}

fn hold(plan: &Plan, serial: &crate::aws::MfaSerial, world: &mut World) -> Result<Held, LoginError> {
    let person = &mut world.person;
    let mut waiting = || person.show("Waiting for another login with the same MFA device", None);
    let held = ledger::hold(&plan.state, serial, &mut waiting);
    world.person.clear();
    held.map_err(LoginError::Ledger)
}

/// Gives a new session profile what its owner says of region and endpoints, so that `--profile P-mfa` works like P.
fn introduce(plan: &Plan, profiles: &Profiles, world: &mut World) {
    let config = &profiles.locations.config;
    if plan.passed_on.is_empty() || profiles.in_config(&plan.session_profile) {
        return;
    }
    if let Err(error) = add_profile(config, &plan.session_profile, &plan.passed_on) {
        let path = printable(&config.to_string_lossy(), 300);
        let cause = report::report(&Failure::File(error)).cause;
        world.person.must_know(&format!("warning: {} was not added to {path}: {cause}", plan.session_profile));
    }
}

fn told(plan: &Plan, done: &Done, now: SystemTime) -> Told {
    Told {
        session_profile: plan.session_profile.clone(),
        identity: Some(done.identity.arn.clone()),
        expires: rfc3339(&done.session.expires),
        left: Duration::from_secs(u64::try_from(seconds_until(&done.session.expires, now)).unwrap_or_default()),
        source: Some(done.source.clone()),
        fresh: true,
    }
}

fn sentence(told: &Told) -> String {
    let Told { session_profile: profile, expires, .. } = told;
    let left = humantime::format_duration(Duration::from_secs(told.left.as_secs().div_ceil(60) * 60));
    if told.fresh {
        let who = told.identity.as_deref().and_then(|arn| arn.rsplit('/').next()).unwrap_or("the user");
        let who = printable(who, 128);
        format!("{who} has a session in profile {profile} for {left}, until {expires}; use it with --profile {profile}")
    } else {
        format!("the session in profile {profile} is good for another {left}, until {expires} (--force renews it)")
    }
}

fn print_json(profile: Option<&str>, outcome: &Result<Told, Failure>, world: &mut World) -> Result<(), Failure> {
    let session = match outcome {
        Ok(told) => json!({
            "profile": profile,
            "session_profile": told.session_profile,
            "identity": told.identity,
            "mfa": true,
            "expires": told.expires,
            "seconds_left": told.left.as_secs(),
            "source": told.source,
            "valid": true,
        }),
        Err(failure) => {
            let report = report::report(failure);
            json!({
                "profile": profile,
                "session_profile": Value::Null,
                "identity": Value::Null,
                "mfa": Value::Null,
                "expires": Value::Null,
                "seconds_left": Value::Null,
                "source": Value::Null,
                "valid": false,
                "error": { "error": report.error, "cause": report.cause, "next": report.next },
            })
        }
    };
    writeln!(world.out, "{}", json!({ "sessions": [session] })).map_err(Failure::Output)
}
