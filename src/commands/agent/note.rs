//! What the agent is waiting for, noted for `status`.

use crate::file;
use crate::world::Environment;
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

/// Version of the note's format.
const VERSION: u64 = 1;

/// Where the agent's own files are, which do not outlive the machine's start: systemd's folder for a service, or the
/// user's.
pub(super) fn folder(env: &Environment) -> Option<PathBuf> {
    if let Some(folder) = env.text("RUNTIME_DIRECTORY").and_then(|list| list.split(':').next()) {
        return Some(folder.into());
    }
    env.os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("aws-mfa-key"))
}

/// Notes what each profile waits for.
pub(super) fn write(env: &Environment, waits: &BTreeMap<&str, String>) -> Option<()> {
    let folder = folder(env)?;
    file::make_folder(&folder).ok()?;
    let note = json!({ "version": VERSION, "pid": std::process::id(), "waits": waits });
    let mut file = tempfile::NamedTempFile::new_in(&folder).ok()?;
    file.write_all(note.to_string().as_bytes()).ok()?;
    file.persist(folder.join("agent.json")).ok().map(drop)
}

/// The agent is not there any more.
pub(super) fn remove(env: &Environment) {
    if let Some(folder) = folder(env) {
        // It may not have come to writing one.
        let _ = std::fs::remove_file(folder.join("agent.json"));
    }
}

/// What each profile waits for, if an agent is there.
pub(in crate::commands) fn waits(env: &Environment) -> BTreeMap<String, String> {
    let read = || -> Option<BTreeMap<String, String>> {
        let text = file::read(&folder(env)?.join("agent.json")).ok()??;
        let note: Value = serde_json::from_slice(&text).ok()?;
        let pid = i32::try_from(note.get("pid")?.as_i64()?).ok().and_then(Pid::from_raw)?;
        let is_ours = note.get("version")?.as_u64()? == VERSION && test_kill_process(pid).is_ok();
        let waits = note.get("waits")?.as_object()?.iter();
        let waits = waits.map(|(profile, what)| Some((profile.clone(), what.as_str()?.to_owned())));
        waits.collect::<Option<_>>().filter(|_| is_ours)
    };
    read().unwrap_or_default()
}
