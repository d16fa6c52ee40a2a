//! What the agent does last, from whichever thread: sessions that AWS has given are written, and all who know of it are told.

use super::journal::{Journal, Weight};
use super::{status_file, systemd};
use crate::world::Person;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// How long writing may take: whoever ends it does not wait for a file that cannot be had, and is gone within a second.
const LONGEST: Duration = Duration::from_millis(500);

/// See the module. `folder`: where it was served from.
pub(super) fn run(person: &Person, journal: &Journal, folder: Option<&Path>) {
    write_what_was_got(person);
    person.clear();
    systemd::stopping();
    if let Some(folder) = folder {
        status_file::remove(folder);
    }
    journal.note(Weight::Info, "ended");
}

/// Writes it, or waits until another thread has.
fn write_what_was_got(person: &Person) {
    let (person, (tell, told)) = (person.clone(), mpsc::channel());
    // Without a thread it is lost.
    let _ = std::thread::Builder::new().name("chore".to_owned()).spawn(move || {
        person.do_chore();
        // Nobody listens any more if it took too long.
        let _ = tell.send(());
    });
    let _ = told.recv_timeout(LONGEST);
}
