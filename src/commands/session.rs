//! A profile's session, for every command that needs one: the one in the credentials file if it is good, else a fresh one.

use crate::aws::client::{Aws, shifted};
use crate::aws::config_file::{Profiles, add_profile};
use crate::aws::credentials_file::{self, Entry, Stored};
use crate::aws::{Identity, MfaSerial, Session};
use crate::cli;
use crate::ledger::{self, Held};
use crate::login::{Grant, Login, LoginError, assume_all, mfa_device};
use crate::plan::{self, Named, Plan, Role, Which};
use crate::report::{self, Failure};
use crate::world::{World, printable};
use aws_smithy_types::DateTime;
use secrecy::SecretString;
use std::io::{BufRead, Read};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};
use tokio::runtime::{self, Runtime};
use zeroize::Zeroizing;

/// How long standard input has to bring a code.
const PIPING: Duration = Duration::from_mins(2);

/// A session, and how it was come by.
pub(super) struct Got {
    pub(super) session_profile: String,
    /// Who one is with it, as an ARN.
    pub(super) identity: Option<String>,
    pub(super) session: Session,
    pub(super) left: Duration,
    /// Where the code came from, if one was needed.
    pub(super) source: Option<String>,
    pub(super) fresh: bool,
}

/// Decides how the one profile that was named gets its session, by what AWS's files say now.
pub(super) fn plan(named: &cli::Named, how: &cli::How, world: &mut World) -> Result<(Plan, Profiles), Failure> {
    let manner = plan::manner(how, &world.env)?;
    world.person.adjust(manner.level, manner.askable);
    let profiles = Profiles::read(&world.env)?;
    let code = given_code(how, world)?;
    let named = Named { argument: named.named.as_deref(), flag: named.profile.as_deref() };
    let which = Which::of(named, &world.env, &profiles)?;
    Ok((Plan::make(&which, how, code.as_ref(), &world.env, &profiles)?, profiles))
}

/// `--code CODE`, or `--code -` with the code on the first line of standard input.
pub(super) fn given_code(how: &cli::How, world: &mut World) -> Result<Option<SecretString>, Failure> {
    /// Longest line that is read, in bytes.
    const LONGEST: u64 = 256;
    let Some(code) = &how.code else { return Ok(None) };
    if code != "-" {
        return Ok(Some(SecretString::from(code.to_string_lossy().into_owned())));
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
    told.recv_timeout(PIPING).unwrap_or_else(late).map(Some).map_err(Failure::Input)
}

/// The session of a plan: the present one if it is good, else a fresh one, written to its profile.
pub(super) fn obtain(plan: &Plan, world: &mut World) -> Result<Got, Failure> {
    let profiles = Profiles::read(&world.env)?;
    if let Some(got) = good(plan, &profiles, world.clock.now()) {
        return Ok(got);
    }
    let credentials = &profiles.locations.credentials;
    let notices = credentials_file::rehearse(credentials, &plan.session_profile)
        .map_err(|error| Failure::Write { spent: false, error })?;
    for notice in report::notices(credentials, &notices) {
        world.person.tell(&notice);
    }
    let base = match plan.role.as_ref().and_then(|role| role.source.as_deref()) {
        Some(source) => Some(obtain(source, world)?),
        None => None,
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    let outcome = match base {
        Some(base) => assume(plan, base, &profiles, &runtime, world),
        None => log_in(plan, &profiles, &runtime, world),
    };
    // It does not wait for a name that is still being looked up.
    runtime.shutdown_background();
    outcome
}

/// The present session, if it is the plan's and has enough time left, by AWS's clock as far as it is known.
fn good(plan: &Plan, profiles: &Profiles, now: SystemTime) -> Option<Got> {
    let got = present(plan, profiles, now)?;
    (!plan.force && got.left >= plan.min_ttl).then_some(got)
}

/// The present session, if it is the plan's and not over.
pub(super) fn present(plan: &Plan, profiles: &Profiles, now: SystemTime) -> Option<Got> {
    let section = profiles.get(&plan.session_profile)?;
    let stored = Stored::read(section)?;
    let session = stored.session(section)?;
    let behind = stored.mfa_serial.as_deref().map_or(0, |serial| ledger::clock_behind(&plan.state, serial));
    let left = left_until(&session.expires, now, behind);
    let serial = plan.mfa_serial.as_ref().map(MfaSerial::as_str);
    let same_device = serial.is_none_or(|serial| stored.mfa_serial.as_deref() == Some(serial));
    (stored.owner == plan.profile && same_device && !left.is_zero()).then(|| Got {
        session_profile: plan.session_profile.clone(),
        identity: stored.identity,
        session,
        left,
        source: None,
        fresh: false,
    })
}

/// Time until `end`, on a clock that is so many seconds behind AWS's.
pub(super) fn left_until(end: &DateTime, now: SystemTime, behind: i64) -> Duration {
    let seconds = end.secs() - DateTime::from(now).secs() - behind;
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

fn log_in(plan: &Plan, profiles: &Profiles, runtime: &Runtime, world: &mut World) -> Result<Got, Failure> {
    let aws = Aws::new(&plan.network, &plan.key, Arc::clone(&world.clock)).map_err(Failure::Network)?;
    let failed = |error| Failure::Login { profile: plan.profile.clone(), error: Box::new(error) };
    let serial = runtime.block_on(mfa_device(plan, &aws)).map_err(failed)?;
    let mut ledger = hold(plan, &serial, world).map_err(failed)?;
    // Whoever had to wait may find the session made meanwhile.
    if let Some(got) = good(plan, &Profiles::read(&world.env)?, world.clock.now()) {
        return Ok(got);
    }
    let bus = (world.bus)(plan.reader.as_deref());
    let grant = match plan.role.as_ref().and_then(|role| role.steps.last()) {
        Some(step) => Grant::Role(step),
        None => Grant::Session,
    };
    let login = Login { plan, aws: &aws, bus, person: &mut world.person, serial: &serial, ledger: &mut ledger };
    let done = runtime.block_on(login.run(grant)).map_err(failed)?;
    let written =
        Written { plan, serial: &serial, identity: &done.identity, session: done.session, source: Some(done.source) };
    written.down(profiles, aws.now(), world)
}

/// The role of a plan, with the session of the profile that it comes from: no code, no touch.
fn assume(plan: &Plan, base: Got, profiles: &Profiles, runtime: &Runtime, world: &mut World) -> Result<Got, Failure> {
    let failed = |error| Failure::Login { profile: plan.profile.clone(), error: Box::new(error) };
    let steps = plan.role.as_ref().map(|role: &Role| role.steps.as_slice()).unwrap_or_default();
    let stored = Profiles::read(&world.env)?;
    let serial = stored.get(&base.session_profile).and_then(Stored::read).and_then(|stored| stored.mfa_serial);
    let serial = serial.as_deref().and_then(|serial| MfaSerial::parse(serial).ok()).or_else(|| plan.mfa_serial.clone());
    let behind = serial.as_ref().map_or(0, |serial| ledger::clock_behind(&plan.state, serial.as_str()));
    let from = (base.session, base.identity.unwrap_or_default());
    let assumed = runtime.block_on(assume_all(plan, steps, from, &world.clock)).map_err(failed)?;
    let (session, identity) = assumed;
    let Some(serial) = serial else {
        return Err(plan::PlanError::NoSerial { profile: plan.profile.clone() }.into());
    };
    let now = shifted(world.clock.now(), behind);
    Written { plan, serial: &serial, identity: &identity, session, source: base.source }.down(profiles, now, world)
}

fn hold(plan: &Plan, serial: &MfaSerial, world: &mut World) -> Result<Held, LoginError> {
    let person = &mut world.person;
    let mut waiting = || person.show("Waiting for another login with the same MFA device", None);
    let held = ledger::hold(&plan.state, serial, &mut waiting);
    world.person.clear();
    held.map_err(LoginError::Ledger)
}

/// A fresh session on its way into the credentials file.
struct Written<'a> {
    plan: &'a Plan,
    serial: &'a MfaSerial,
    identity: &'a Identity,
    session: Session,
    source: Option<String>,
}

impl Written<'_> {
    fn down(self, profiles: &Profiles, now: SystemTime, world: &mut World) -> Result<Got, Failure> {
        let plan = self.plan;
        let entry = Entry {
            profile: &plan.session_profile,
            owner: &plan.profile,
            identity: self.identity,
            mfa_serial: self.serial,
            session: &self.session,
        };
        let written = entry.write(&profiles.locations.credentials);
        written.map_err(|error| Failure::Write { spent: self.source.is_some(), error })?;
        introduce(plan, profiles, world);
        Ok(Got {
            session_profile: plan.session_profile.clone(),
            identity: Some(self.identity.arn.clone()),
            left: left_until(&self.session.expires, now, 0),
            session: self.session,
            source: self.source,
            fresh: true,
        })
    }
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
