//! A file in which the agent notes what it waits for, so that `status` can show it.

use crate::endpoint::folder::{self, RuntimeFolder};
use crate::file::{self, FileError, own};
use crate::world::Environment;
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Version of the file's format.
const VERSION: u64 = 1;

/// Writes what each profile waits for.
pub(super) fn write(runtime_folder: &RuntimeFolder, waits: &BTreeMap<&str, String>) -> Result<(), FileError> {
    let note = json!({ "version": VERSION, "pid": std::process::id(), "waits": waits });
    own::overwrite(&runtime_folder.folder.join("agent.json"), note.to_string().as_bytes())
}

/// Removes the file when the agent ends.
pub(super) fn remove(folder: &Path) {
    // Ignore errors: an agent that ends early has no file yet.
    let _ = std::fs::remove_file(folder.join("agent.json"));
}

/// Returns for each profile what it waits for; empty if no agent is running.
pub fn waits(env: &Environment) -> BTreeMap<String, String> {
    let read = || -> Option<BTreeMap<String, String>> {
        let text = file::read(&folder::find(env)?.join("agent.json")).ok()??;
        let note: Value = serde_json::from_slice(&text).ok()?;
        let pid = i32::try_from(note.get("pid")?.as_i64()?).ok().and_then(Pid::from_raw)?;
        let is_ours = note.get("version")?.as_u64()? == VERSION && test_kill_process(pid).is_ok();
        let waits = note.get("waits")?.as_object()?.iter();
        let waits = waits.map(|(profile, what)| Some((profile.clone(), what.as_str()?.to_owned())));
        waits.collect::<Option<_>>().filter(|_| is_ours)
    };
    read().unwrap_or_default()
}
