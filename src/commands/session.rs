//! A profile's session, for every command that needs one: the one in the credentials file if it is good, else a fresh one.

use super::round::obtain_all;
use crate::aws::config_file::Profiles;
use crate::aws::credentials_file::Stored;
use crate::aws::{MfaSerial, Session};
use crate::cli;
use crate::ledger;
use crate::plan::{self, Aim, Named, Plan, Said, Which};
use crate::report::Failure;
use crate::world::{Clock, World};
use aws_smithy_types::DateTime;
use secrecy::SecretString;
use std::io::{BufRead, Read};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// How long standard input has to bring a code.
const PIPING: Duration = Duration::from_mins(2);

/// A session, and how it was come by.
#[derive(Clone)]
pub(super) struct Got {
    pub(super) session_profile: String,
    /// Who one is with it, as an ARN.
    pub(super) identity: Option<String>,
    pub(super) session: Session,
    /// The MFA device whose code it was made with.
    pub(super) mfa_serial: Option<String>,
    pub(super) left: Duration,
    /// Where the code came from, if one was needed.
    pub(super) source: Option<String>,
    pub(super) fresh: bool,
}

/// Decides how the one profile that was named gets its session, by what AWS's files say now.
pub(super) fn plan(named: &cli::Named, how: &cli::How, world: &mut World) -> Result<(Plan, Profiles), Failure> {
    plan_for(Aim::Session, named, how, world)
}

/// The same, for what it is wanted for.
pub(super) fn plan_for(
    aim: Aim,
    named: &cli::Named,
    how: &cli::How,
    world: &mut World,
) -> Result<(Plan, Profiles), Failure> {
    let manner = plan::manner(how.talk, &how.calls, &world.env)?;
    world.person.adjust(&manner);
    let profiles = Profiles::read(&world.env)?;
    let code = given_code(how, world)?;
    let named = Named { argument: named.named.as_deref(), flag: named.profile.as_deref() };
    let which = Which::of(named, &world.env, &profiles)?;
    let said = Said { aim, typed: how, code: code.as_ref(), env: &world.env, profiles: &profiles };
    Ok((Plan::make(&which, said)?, profiles))
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

/// The session of one plan: the present one if it is good, else a fresh one, written to its profile.
pub(super) fn obtain(plan: &Plan, world: &World) -> Result<Got, Failure> {
    let mut outcomes = obtain_all(&[plan], world)?;
    outcomes.pop().unwrap_or(Err(Failure::NotValid { profile: plan.profile.clone() }))
}

/// The present session, if it is the plan's and has enough time left, by AWS's clock as far as it is known.
pub(super) fn good(plan: &Plan, profiles: &Profiles, clock: &dyn Clock) -> Option<Got> {
    let got = present(plan, profiles, clock)?;
    (!plan.force && got.left >= plan.min_ttl).then_some(got)
}

/// The present session, if it is the plan's and not over.
pub(super) fn present(plan: &Plan, profiles: &Profiles, clock: &dyn Clock) -> Option<Got> {
    let section = profiles.get(&plan.session_profile)?;
    let stored = Stored::read(section)?;
    let session = stored.session(section)?;
    let left = ledger::time_left(&stored, Some(&plan.state), clock);
    let serial = plan.mfa_serial.as_ref().map(MfaSerial::as_str);
    let same_device = serial.is_none_or(|serial| stored.mfa_serial.as_deref() == Some(serial));
    (stored.owner == plan.profile && same_device && !left.is_zero()).then(|| Got {
        session_profile: plan.session_profile.clone(),
        identity: stored.identity,
        session,
        mfa_serial: stored.mfa_serial,
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
