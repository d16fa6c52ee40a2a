//! `credential-process`: the JSON that AWS's SDKs read, in time, whatever happens.

use super::profile_plan;
use super::table::ascii;
use crate::aws::MfaSerial;
use crate::aws::credentials_file::rfc3339;
use crate::cli;
use crate::ledger::UnansweredPrompt;
use crate::plan::Plan;
use crate::report::{self, Exit, Failure};
use crate::sessions::{ObtainedSession, obtain, present};
use crate::world::{End, World, terminal};
use secrecy::ExposeSecret;
use serde_json::json;
use std::sync::mpsc;
use std::time::Duration;
use zeroize::Zeroizing;

/// AWS's Python clients ask for a new session when less than 15 minutes are left; a minute goes to the way there.
const RENEWED: Duration = Duration::from_mins(16);
/// The Rust SDK gives us 21.6 seconds; after this long there is an answer, and a little is left to deliver it.
const PATIENCE: Duration = Duration::from_secs(17);

pub(super) fn run(typed: &cli::CredentialProcessArgs, world: &mut World) -> Result<(), Failure> {
    let (mut plan, profiles) = profile_plan::for_session(&typed.profile, &typed.how, world)?;
    plan.min_ttl = RENEWED.min(plan.duration / 3);
    let found = present(&plan, &profiles, &*world.clock);
    let got = match found {
        Some(got) if got.left >= plan.min_ttl && !plan.force => got,
        // A session that is still good is better than none, if nobody touches.
        Some(got) => renewed(plan, &got, world).unwrap_or(got),
        None => in_time(plan, world)?,
    };
    let text = Zeroizing::new(ascii(&as_json(&got)));
    world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush()).map_err(Failure::Output)
}

/// A fresh session in time, or none. Where nobody came, nobody is called for the next minute: an SDK asks for each request of
/// a program anew, and each would wait for a person who is not there.
fn renewed(plan: Plan, present: &ObtainedSession, world: &World) -> Option<ObtainedSession> {
    let serial = present.mfa_serial.as_deref().and_then(|serial| MfaSerial::parse(serial).ok());
    let unanswered = serial.map(|serial| UnansweredPrompt::of(&plan.state, &serial));
    let now = || world.clock.now();
    if !plan.force && unanswered.as_ref().is_some_and(|unanswered| unanswered.is_recent(now())) {
        world.person.detail("nobody came a moment ago: the present session will do");
        return None;
    }
    let outcome = in_time(plan, world);
    let nobody_came = |failure: &Failure| report::report(failure).exit == Exit::Person;
    if let (Some(unanswered), Err(failure)) = (unanswered, &outcome)
        && world.person.was_kept_waiting()
        && nobody_came(failure)
    {
        unanswered.begin(now());
    }
    outcome.ok()
}

/// A login on a thread of its own, which ends with the process if it takes too long.
fn in_time(plan: Plan, world: &World) -> Result<ObtainedSession, Failure> {
    let (tell, told) = mpsc::channel();
    let profile = plan.profile.to_string();
    let theirs = world.shared();
    std::thread::spawn(move || {
        let outcome = obtain(&plan, &theirs);
        theirs.person.clear();
        // Nobody listens any more if it took too long.
        let _ = tell.send(outcome);
    });
    told.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let pending = world.person.pending();
        // What was got already, such as the session that a role is assumed with, is for the next time.
        world.person.do_chore();
        world.person.clear();
        world.person.leave(End::Late);
        terminal::leave();
        Err(Failure::TooLate { profile, waited: PATIENCE, pending })
    })
}

/// What every SDK takes: `Version` is a number, `Expiration` is RFC 3339 with `Z`.
fn as_json(got: &ObtainedSession) -> serde_json::Value {
    let session = &got.session;
    let account = got.identity.as_deref().and_then(|arn| arn.split(':').nth(4)).filter(|account| !account.is_empty());
    let mut answer = json!({
        "Version": 1,
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key.expose_secret(),
        "SessionToken": session.session_token.expose_secret(),
        "Expiration": rfc3339(&session.expires),
    });
    if let Some(account) = account {
        answer["AccountId"] = account.into();
    }
    answer
}
