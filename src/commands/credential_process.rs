//! `credential-process`: the JSON that AWS's SDKs read, printed before their time limit passes.

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

/// Time that must be left of a session. AWS's Python clients renew at 15 minutes; one minute is for the way there.
const RENEWED: Duration = Duration::from_mins(16);
/// Time limit for a login. The Rust SDK waits 21.6 seconds, and some time is left for printing the result.
const PATIENCE: Duration = Duration::from_secs(17);

pub(super) fn run(typed: &cli::CredentialProcessArgs, world: &mut World) -> Result<(), Failure> {
    let (mut plan, profiles) = profile_plan::for_session(&typed.profile, &typed.how, world)?;
    plan.min_ttl = RENEWED.min(plan.duration / 3);
    let found = present(&plan, &profiles, &*world.clock);
    let got = match found {
        Some(got) if got.left >= plan.min_ttl && !plan.force => got,
        // A session that is still valid is better than none, if nobody touches the token.
        Some(got) => renewed(plan, &got, world).unwrap_or(got),
        None => in_time(plan, world)?,
    };
    let text = Zeroizing::new(ascii(&as_json(&got)));
    world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush()).map_err(Failure::Output)
}

/// Returns a fresh session, or `None` if there is none in time. If nobody answered the prompt, no person is asked for
/// the next minute: an SDK runs this program for each of a program's requests, and each would wait for somebody who
/// is not there.
fn renewed(plan: Plan, present: &ObtainedSession, world: &World) -> Option<ObtainedSession> {
    let serial = present.mfa_serial.as_deref().and_then(|serial| MfaSerial::parse(serial).ok());
    let unanswered = serial.map(|serial| UnansweredPrompt::of(&plan.state, &serial));
    let now = || world.clock.now();
    if !plan.force && unanswered.as_ref().is_some_and(|unanswered| unanswered.is_recent(now())) {
        world.person.detail("nobody responded a moment ago; using the current session");
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

/// Runs a login on a thread of its own, which ends with the process if the time limit passes.
fn in_time(plan: Plan, world: &World) -> Result<ObtainedSession, Failure> {
    let (tell, told) = mpsc::channel();
    let profile = plan.profile.to_string();
    let theirs = world.shared();
    std::thread::spawn(move || {
        let outcome = obtain(&plan, &theirs);
        theirs.person.clear();
        // The receiver is gone if the time limit has passed.
        let _ = tell.send(outcome);
    });
    told.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let pending = world.person.pending();
        // Write any sessions that were obtained so far, such as the one that a role is assumed with: the next run
        // uses them.
        world.person.do_chore();
        world.person.clear();
        world.person.leave(End::Late);
        terminal::leave();
        Err(Failure::TooLate { profile, waited: PATIENCE, pending })
    })
}

/// Returns the object in the form that every SDK accepts: `Version` is a number, `Expiration` is RFC 3339 with `Z`.
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
