//! `status`: lists the sessions in the credentials file, without a request to AWS.

use super::session_json::SessionJson;
use super::table::{ascii, table};
use crate::agent;
use crate::aws::config_file::Profiles;
use crate::aws::credentials_file::{Stored, rfc3339};
use crate::cli;
use crate::ledger;
use crate::plan::{self, ProfileChoice};
use crate::report::{Failure, length};
use crate::world::{World, printable};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn run(typed: &cli::StatusArgs, world: &mut World) -> Result<(), Failure> {
    let profiles = Profiles::read(&world.env)?;
    let asked = typed.named.iter().map(String::as_str).chain(typed.profile.as_deref());
    let asked: Vec<&str> = asked.collect();
    let mut rows = Vec::new();
    let choices =
        if asked.is_empty() { Vec::new() } else { ProfileChoice::of_each(&asked, None, &world.env, &profiles)? };
    for which in choices {
        let theirs = plan::sessions_of(Some(which.name()), &profiles);
        if theirs.is_empty() {
            which.profile(&profiles)?;
            rows.push(SessionJson { profile: Some(which.name().to_string()), ..SessionJson::default() });
        }
        rows.extend(theirs.into_iter().filter_map(|profile| row(&profile, &profiles, world)));
    }
    if asked.is_empty() {
        let all = plan::sessions_of(None, &profiles);
        rows = all.into_iter().filter_map(|profile| row(&profile, &profiles, world)).collect();
    }
    let mut waits = agent::waits(&world.env);
    if !asked.is_empty() {
        waits.retain(|profile, _| rows.iter().any(|row| row.profile.as_ref() == Some(profile)));
    }
    let text = if plan::json(typed.json, &world.env)? { as_json(&rows, &waits) } else { as_text(&rows, &waits) };
    if !typed.output.quiet {
        world.out.write_all(text.as_bytes()).map_err(Failure::Output)?;
    }
    let missing = rows.into_iter().find(|row| !row.is_valid()).filter(|_| !asked.is_empty());
    missing.map_or(Ok(()), |row| Err(Failure::NotValid { profile: row.profile.unwrap_or_default() }))
}

fn row(profile: &str, profiles: &Profiles, world: &World) -> Option<SessionJson> {
    let stored = Stored::read(profiles.get(profile)?)?;
    let state = plan::state_folder(&world.env).ok();
    let left = ledger::time_left(&stored, state.as_deref(), &*world.clock);
    Some(SessionJson {
        profile: Some(stored.owner.to_string()),
        session_profile: Some(profile.to_owned()),
        identity: stored.identity,
        expires: stored.expires.as_ref().map(rfc3339),
        left,
        source: None,
    })
}

/// Formats the sessions as a table, followed by what the agent waits for.
fn as_text(rows: &[SessionJson], waits: &BTreeMap<String, String>) -> String {
    let mut text = as_table(rows);
    for (profile, what) in waits {
        let (what, profile) = (printable(what, 200), printable(profile, 100));
        text.push_str(&format!("For profile {profile}, the agent is waiting for {what}.\n"));
    }
    text
}

fn as_json(rows: &[SessionJson], waits: &BTreeMap<String, String>) -> String {
    let sessions: Vec<Value> = rows.iter().map(SessionJson::as_json).collect();
    ascii(&json!({ "sessions": sessions, "agent_waits_for": waits }))
}

fn as_table(rows: &[SessionJson]) -> String {
    if rows.is_empty() {
        return "No sessions. Log in: `aws-mfa-key login`\n".to_owned();
    }
    let cells = |row: &SessionJson| {
        let shown = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), |text| printable(text, 200));
        let left = match (row.is_valid(), &row.expires) {
            (true, _) => length::at_least(row.left).to_string(),
            (false, Some(_)) => "expired".to_owned(),
            (false, None) => "none".to_owned(),
        };
        let mfa = if row.session_profile.is_some() { "yes" } else { "-" };
        [
            shown(&row.profile),
            shown(&row.session_profile),
            shown(&row.identity),
            mfa.to_owned(),
            left,
            shown(&row.expires),
        ]
    };
    table(["PROFILE", "SESSION IN", "IDENTITY", "MFA", "LEFT", "UNTIL"], rows.iter().map(cells))
}
