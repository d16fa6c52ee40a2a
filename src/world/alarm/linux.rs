//! An alarm for Linux: a timerfd for the time of day and changes to the clock, inotify for files, and an eventfd for
//! events from other threads.

use super::{Alarm, Bell, Event, Last};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Timer value if nothing is due. It is so far in the future that the timer only reports changes to the clock.
const NEVER: Timespec = Timespec { tv_sec: i64::MAX / 2_000_000_000, tv_nsec: 0 };
/// Changes to a file that are reported: written in place, created or linked, replaced by a rename, moved away,
/// deleted.
const CHANGES: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::CREATE)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ONLYDIR);

/// An alarm that uses Linux's timerfd, inotify and eventfd.
pub struct LinuxAlarm {
    timer: OwnedFd,
    files: OwnedFd,
    /// For each watched file: the watch descriptor of its folder, the folder, and the file's name.
    watched: Vec<(i32, PathBuf, OsString)>,
    ring: Arc<Ring>,
}

/// State shared between the waiting thread and the threads that report events.
struct Ring {
    bell: OwnedFd,
    rung: Mutex<Vec<Event>>,
    last: Mutex<Option<Last>>,
}

impl LinuxAlarm {
    /// Makes an alarm. It watches no files until [`Alarm::watch`] is called.
    ///
    /// # Errors
    /// If the system has no file descriptors or memory to spare.
    pub fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        let files = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let ring = Arc::new(Ring { bell, rung: Mutex::default(), last: Mutex::default() });
        Ok(Self { timer, files, watched: Vec::new(), ring })
    }

    /// Returns a function that runs the cleanup set by [`Alarm::before_end`], for the thread that ends the process.
    #[must_use]
    pub fn ender(&self) -> Last {
        let ring = Arc::clone(&self.ring);
        Box::new(move || {
            if let Some(last) = &*ring.last.lock().unwrap_or_else(PoisonError::into_inner) {
                last();
            }
        })
    }

    fn set(&self, until: Option<SystemTime>) {
        let since = until.map(|until| until.duration_since(UNIX_EPOCH).unwrap_or_default());
        let it_value = since.map_or(NEVER, |since| Timespec {
            tv_sec: i64::try_from(since.as_secs()).unwrap_or(NEVER.tv_sec).min(NEVER.tv_sec),
            // Zero would disarm the timer (timerfd_settime(2)).
            tv_nsec: i64::from(since.subsec_nanos().max(1)),
        });
        let setting = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        // Only kernels before 3.0 refuse CANCEL_ON_SET, so the result is ignored.
        let _ = timerfd_settime(&self.timer, flags, &setting);
    }

    /// Reads the timer without blocking; `None` if it has not fired. `ECANCELED` means that the clock was set
    /// (timerfd_create(2)).
    fn timer_event(&self) -> Option<Event> {
        match rustix::io::read(&self.timer, &mut [0; 8]) {
            Ok(_) => Some(Event::Due),
            Err(Errno::CANCELED) => Some(Event::ClockSet),
            Err(_) => None,
        }
    }

    /// Reads all pending inotify events; returns true if a watched file changed.
    fn has_changed(&self) -> bool {
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.files, &mut room);
        let mut changed = false;
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| name.to_bytes());
            let is_ours = |(watch, _, file): &(i32, PathBuf, OsString)| {
                *watch == event.wd() && name.is_none_or(|name| name == file.as_bytes())
            };
            // A file that was created empty is ignored here, since another event follows once it has been written.
            let is_begun = |(_, folder, file): &(i32, PathBuf, OsString)| {
                let length = || fs::metadata(folder.join(file)).map(|meta| meta.len()).ok();
                event.events().contains(ReadFlags::CREATE) && length() == Some(0)
            };
            changed |= event.events().contains(ReadFlags::QUEUE_OVERFLOW);
            changed |= self.watched.iter().any(|watched| is_ours(watched) && !is_begun(watched));
        }
        changed
    }
}

/// Returns freed memory to the system before a wait that may last hours. Two hundred logins briefly need a lot of
/// memory.
fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code, reason = "it takes no pointer, and any thread may call it at any time: malloc_trim(3)")]
    unsafe {
        libc::malloc_trim(0);
    }
}

impl Alarm for LinuxAlarm {
    fn watch(&mut self, files: &[PathBuf]) {
        // The target of a symbolic link is watched too, because replacing the target changes only the target's
        // folder.
        let real = files.iter().filter_map(|file| file.canonicalize().ok());
        let mut wanted: Vec<(PathBuf, OsString)> = Vec::new();
        for file in files.iter().cloned().chain(real) {
            let Some((folder, name)) = file.parent().map(Path::to_owned).zip(file.file_name()) else { continue };
            let place = (folder, name.to_owned());
            if !wanted.contains(&place) {
                wanted.push(place);
            }
        }
        // Adding a folder again yields the same watch. Watches that are no longer needed are kept, since they are
        // rare and do no harm.
        let watch = |(folder, name): (PathBuf, OsString)| {
            Some((inotify::add_watch(&self.files, &folder, CHANGES).ok()?, folder, name))
        };
        self.watched = wanted.into_iter().filter_map(watch).collect();
    }

    fn wait(&mut self, until: Option<SystemTime>) -> Vec<Event> {
        give_back_memory();
        self.set(until);
        loop {
            let mut events = std::mem::take(&mut *self.ring.rung());
            events.extend(self.timer_event());
            if self.has_changed() {
                events.push(Event::Files);
            }
            if !events.is_empty() {
                return events;
            }
            let mut fds = [&self.timer, &self.files, &self.ring.bell].map(|fd| PollFd::new(fd, PollFlags::IN));
            // An interruption by a signal does not matter, since all sources are read after any return.
            let _ = poll(&mut fds, None);
            let _ = rustix::io::read(&self.ring.bell, &mut [0; 8]);
        }
    }

    fn bell(&self) -> Bell {
        let ring = Arc::clone(&self.ring);
        Arc::new(move |event| {
            ring.rung().push(event);
            // The write fails only if the counter is full, and a full counter wakes up the thread anyway.
            let _ = rustix::io::write(&ring.bell, &1_u64.to_ne_bytes());
        })
    }

    fn before_end(&mut self, last: Last) {
        *self.ring.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}

impl Ring {
    fn rung(&self) -> MutexGuard<'_, Vec<Event>> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn assert_files_changed(alarm: &mut LinuxAlarm, what: &str) {
        let events = alarm.wait(Some(SystemTime::now() + Duration::from_secs(20)));
        assert_eq!(events.first(), Some(&Event::Files), "{what}");
        alarm.has_changed();
    }

    #[test]
    fn a_wait_ends_at_its_time_or_when_the_bell_rings() {
        let mut alarm = LinuxAlarm::new().unwrap();
        assert_eq!(alarm.wait(Some(UNIX_EPOCH)), [Event::Due], "long ago");
        let until = SystemTime::now() + Duration::from_millis(50);
        assert_eq!(alarm.wait(Some(until)), [Event::Due]);
        assert!(SystemTime::now() >= until);
        let bell = alarm.bell();
        let ringing = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            bell(Event::Reload);
        });
        assert_eq!(alarm.wait(None), [Event::Reload]);
        ringing.join().unwrap();
    }

    #[test]
    fn written_replaced_and_removed_files_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let (config, real) = (folder.path().join("config"), folder.path().join("dotfiles"));
        fs::create_dir(&real).unwrap();
        fs::write(real.join("config"), "a").unwrap();
        std::os::unix::fs::symlink(real.join("config"), &config).unwrap();
        let mut alarm = LinuxAlarm::new().unwrap();
        alarm.watch(&[config.clone(), folder.path().join("credentials")]);
        fs::write(&config, "b").unwrap();
        assert_files_changed(&mut alarm, "written through the link");
        fs::write(real.join("new"), "c").unwrap();
        fs::rename(real.join("new"), real.join("config")).unwrap();
        assert_files_changed(&mut alarm, "replaced where it leads to");
        fs::write(folder.path().join("credentials"), "d").unwrap();
        assert_files_changed(&mut alarm, "one that was not there");
        fs::write(folder.path().join("other"), "e").unwrap();
        assert_eq!(
            alarm.wait(Some(SystemTime::now() + Duration::from_millis(50))),
            [Event::Due],
            "others do not count"
        );
        fs::remove_file(&config).unwrap();
        assert_files_changed(&mut alarm, "removed");
        std::os::unix::fs::symlink(real.join("config"), &config).unwrap();
        assert_files_changed(&mut alarm, "linked");
        alarm.watch(std::slice::from_ref(&config));
        fs::write(&config, "f").unwrap();
        assert_files_changed(&mut alarm, "written through the new link");
        fs::remove_file(&config).unwrap();
        assert_files_changed(&mut alarm, "removed again");
        let begun = fs::File::create(&config).unwrap();
        let soon = SystemTime::now() + Duration::from_millis(50);
        assert_eq!(alarm.wait(Some(soon)), [Event::Due], "there is nothing in it yet");
        drop(begun);
        assert_files_changed(&mut alarm, "written as a whole");
    }
}
