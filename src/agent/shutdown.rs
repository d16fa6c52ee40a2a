//! Last actions of the agent, on whichever thread ends it: writing sessions that AWS has given, and reporting the
//! end.

use super::journal::{Journal, Weight};
use super::{status_file, systemd};
use crate::world::Person;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Time limit for writing sessions. Whoever ends the agent expects it to be gone within a second, even if a file is
/// locked.
const LONGEST: Duration = Duration::from_millis(500);

/// Writes obtained sessions, clears prompts, and reports the end. `folder` is the runtime directory that the sessions
/// were served from.
pub(super) fn run(person: &Person, journal: &Journal, folder: Option<&Path>) {
    write_what_was_got(person);
    person.clear();
    systemd::stopping();
    if let Some(folder) = folder {
        status_file::remove(folder);
    }
    journal.note(Weight::Info, "stopped");
}

/// Writes sessions that were obtained but not written yet, or waits until another thread has written them.
fn write_what_was_got(person: &Person) {
    let (person, (tell, told)) = (person.clone(), mpsc::channel());
    // If no thread can be started, the sessions are lost.
    let _ = std::thread::Builder::new().name("chore".to_owned()).spawn(move || {
        person.do_chore();
        // The receiver is gone if the time limit has passed.
        let _ = tell.send(());
    });
    let _ = told.recv_timeout(LONGEST);
}
