//! The ledger of an MFA device: time steps sent, AWS's clock, the account that made the last code; and the lock that
//! allows one login at a time.

mod unanswered;

pub use unanswered::UnansweredPrompt;

use crate::aws::MfaSerial;
use crate::aws::credentials_file::Stored;
use crate::file::{self, FileError, FileFault, own};
use crate::world::Clock;
use aws_smithy_types::DateTime;
use hw::oath::{AccountId, DeviceId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Version of the ledger's file format.
const VERSION: u64 = 1;
/// Number of time steps that are remembered; AWS accepts five at any time.
const KEPT: usize = 32;
/// How long to wait for another login with the same MFA device, in which a person may be typing a password and then a
/// code.
const PATIENCE: Duration = Duration::from_mins(5);
/// Time after which another login is assumed to wait for a person.
const SOON: Duration = Duration::from_secs(2);
/// Seconds by which two readings of a clock may differ although nobody set it.
const DOUBT: u64 = 2;
/// Largest number of seconds that is accepted from the file: a thousand years. This program never writes a larger
/// one.
const LONGEST: u64 = 1000 * 366 * 86_400;
/// Space that a ledger needs on disk, in bytes.
const SIZE: u64 = 1024;

/// The ledger of one MFA device, locked: no other process has it at the same time.
pub struct Held {
    path: PathBuf,
    notes: Notes,
    clock: Arc<dyn Clock>,
    _lock: File,
}

/// The content of a ledger. It contains no codes.
#[derive(Default)]
struct Notes {
    /// Time steps in the order in which they were sent, since a clock can go backwards.
    spent: Vec<u64>,
    /// Seconds that this machine's clock was behind AWS's when last measured; negative if it was ahead.
    clock_behind: i64,
    /// Identifier of the machine's boot, and the time of that boot (seconds since 1970) by this machine's clock as it
    /// was set when the offset was measured.
    started: Option<(String, i64)>,
    known: Option<KnownAccount>,
}

/// The account on a token that made the last code of an MFA device. The next login uses it without surveying all
/// tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// Device id that the token's applet reports.
    pub device_id: DeviceId,
    /// Name of the token, as shown to a person.
    pub token: String,
    /// Serial number of the token, if known.
    pub serial: Option<u32>,
    /// Id of the account on the token.
    pub account: AccountId,
    /// True if each code needs a touch; `None` if unknown.
    pub touch: Option<bool>,
    /// True if the applet was locked with a password. The next login then looks up the password in advance.
    pub locked: bool,
}

/// Locks and reads the ledger of an MFA device. While another process has it, calls `waiting` again and again with
/// the time left to wait. The kernel releases the lock when the other process ends, even if it crashes.
///
/// # Errors
/// [`FileError`] if the ledger cannot be written; [`FileFault::Locked`] if the lock is not released within five
/// minutes.
pub async fn hold(
    folder: &Path,
    serial: &MfaSerial,
    clock: &Arc<dyn Clock>,
    waiting: &mut dyn FnMut(Duration),
) -> Result<Held, FileError> {
    let mut waits = |left| {
        waiting(left);
        true
    };
    let held = hold_unless(folder, serial, clock, &mut waits).await?;
    held.ok_or_else(|| FileError { path: path_of(folder, serial), fault: FileFault::Locked })
}

/// Locks and reads a ledger as [`hold`] does, but gives up with `None` when `waiting` returns false.
///
/// # Errors
/// [`FileError`], as for [`hold`].
pub async fn hold_unless(
    folder: &Path,
    serial: &MfaSerial,
    clock: &Arc<dyn Clock>,
    waiting: &mut dyn FnMut(Duration) -> bool,
) -> Result<Option<Held>, FileError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |fault| FileError { path, fault }
    };
    file::make_folder(folder).map_err(at(folder))?;
    let path = path_of(folder, serial);
    let lock_path = path.with_extension("lock");
    let lock = file::lock_file(&lock_path).map_err(at(&lock_path))?;
    let end = Instant::now() + PATIENCE;
    while !file::take(&lock).map_err(at(&lock_path))? {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(at(&lock_path)(FileFault::Locked));
        }
        if !waiting(left) {
            return Ok(None);
        }
        // A login that waits for a person takes a long time, so the lock need not be tried often.
        let waits_long = PATIENCE - left > SOON;
        tokio::time::sleep(if waits_long { 10 * file::PAUSE } else { file::PAUSE }).await;
    }
    own::rehearse(&path, SIZE)?;
    Ok(Some(Held { notes: load(&path), clock: Arc::clone(clock), path, _lock: lock }))
}

/// Returns the seconds that this machine's clock is behind AWS's, as measured by logins with this MFA device. The
/// result is for computing how long a session lasts: in doubt, the session seems to end early rather than late.
#[must_use]
pub fn clock_behind(folder: &Path, serial: &str, clock: &dyn Clock) -> i64 {
    let Ok(serial) = MfaSerial::parse(serial) else { return 0 };
    let notes = load(&path_of(folder, &serial));
    notes.behind_now(clock).unwrap_or(notes.clock_behind.max(0))
}

/// Returns the time until a session ends, by AWS's clock as far as the ledgers in `folder` know it; zero if the
/// session has ended or its end is unknown.
#[must_use]
pub fn time_left(stored: &Stored, folder: Option<&Path>, clock: &dyn Clock) -> Duration {
    let behind = folder.zip(stored.mfa_serial.as_deref());
    let behind = behind.map_or(0, |(folder, serial)| clock_behind(folder, serial, clock));
    let now = DateTime::from(clock.now()).secs();
    let seconds = stored.expires.map_or(0, |end| end.secs().saturating_sub(now).saturating_sub(behind));
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// Checks that the ledger of an MFA device can be written, or if `serial` is `None`, that a ledger could be written
/// to `folder`. A ledger that another login has locked counts as writable.
///
/// # Errors
/// [`FileError`] if the folder, the lock or the ledger cannot be written.
pub fn rehearse(folder: &Path, serial: Option<&MfaSerial>) -> Result<(), FileError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |fault| FileError { path, fault }
    };
    file::make_folder(folder).map_err(at(folder))?;
    let path = serial.map_or_else(|| folder.join("none.json"), |serial| path_of(folder, serial));
    let lock_path = path.with_extension("lock");
    // The login that holds the lock has checked this already.
    let lock = serial.map(|_| file::lock_file(&lock_path)).transpose().map_err(at(&lock_path))?;
    let is_ours = lock.as_ref().map_or(Ok(true), file::take).map_err(at(&lock_path))?;
    if is_ours { own::rehearse(&path, SIZE) } else { Ok(()) }
}

fn path_of(folder: &Path, serial: &MfaSerial) -> PathBuf {
    folder.join(format!("mfa-{}.json", hex::encode(&Sha256::digest(serial.as_str())[..16])))
}

/// Reads a ledger. A damaged or missing ledger counts as empty. This does no harm, since at worst AWS refuses one
/// code.
fn load(path: &Path) -> Notes {
    let text = file::read(path).ok().flatten().unwrap_or_default();
    parse(&text).unwrap_or_default()
}

impl Held {
    /// Returns true if a code of this time step was sent.
    #[must_use]
    pub fn is_spent(&self, step: u64) -> bool {
        self.notes.spent.contains(&step)
    }

    /// Records that a time step is spent, before its code is sent. The record is on disk when this returns.
    ///
    /// # Errors
    /// [`FileError`] if the record cannot be written, in which case the code must not be sent.
    pub fn spend(&mut self, step: u64) -> Result<(), FileError> {
        self.notes.spent.push(step);
        self.save()
    }

    /// Removes the record of a time step whose code certainly was not sent.
    ///
    /// # Errors
    /// [`FileError`] if the file cannot be written; the time step then still counts as spent.
    pub fn give_back(&mut self, step: u64) -> Result<(), FileError> {
        self.notes.spent.retain(|spent| *spent != step);
        self.save()
    }

    /// Returns the seconds that this machine's clock is behind AWS's, as far as known: the last measurement,
    /// corrected if the clock was set since then.
    #[must_use]
    pub fn clock_behind(&self) -> i64 {
        self.notes.behind_now(&*self.clock).unwrap_or(self.notes.clock_behind)
    }

    /// Returns the seconds that this machine's clock was behind AWS's at the last measurement.
    #[must_use]
    pub fn noted_behind(&self) -> i64 {
        self.notes.clock_behind
    }

    /// Records the seconds that this machine's clock is behind AWS's. The record is written to disk when the next
    /// time step is marked as spent.
    pub fn set_clock_behind(&mut self, seconds: i64) {
        self.notes.clock_behind = seconds;
        self.notes.started = started(&*self.clock);
    }

    /// Returns the account that made the last code; `None` if the code did not come from a token.
    #[must_use]
    pub fn known(&self) -> Option<&KnownAccount> {
        self.notes.known.as_ref()
    }

    /// Records the account that makes the codes. The record is written to disk when the next time step is marked as
    /// spent.
    pub fn set_known(&mut self, known: Option<KnownAccount>) {
        self.notes.known = known;
    }

    fn save(&mut self) -> Result<(), FileError> {
        let spent = &mut self.notes.spent;
        spent.drain(..spent.len().saturating_sub(KEPT));
        own::overwrite(&self.path, self.notes.as_json().to_string().as_bytes())
    }
}

impl Notes {
    fn as_json(&self) -> Value {
        let known = self.known.as_ref().map(|known| {
            let (device_id, account) = (known.device_id.to_string(), hex::encode(known.account.as_bytes()));
            json!({
                "device_id": device_id,
                "token": known.token,
                "serial": known.serial,
                "account": account,
                "touch": known.touch,
                "locked": known.locked,
            })
        });
        let started = self.started.as_ref().map(|(start, at)| json!({ "start": start, "at": at }));
        json!({
            "version": VERSION,
            "spent": self.spent,
            "clock_behind": self.clock_behind,
            "started": started,
            "known": known,
        })
    }

    /// Returns the seconds that this machine's clock is behind AWS's: the last measurement, plus the time by which
    /// the clock was set back since then. `None` if the machine was restarted, because its clock may have been set
    /// during the restart.
    fn behind_now(&self, clock: &dyn Clock) -> Option<i64> {
        let Some((start, at)) = &self.started else { return Some(self.clock_behind) };
        let Some((start_now, at_now)) = started(clock) else { return Some(self.clock_behind) };
        let set_back = at.saturating_sub(at_now);
        let set_back = if set_back.unsigned_abs() > DOUBT { set_back } else { 0 };
        (*start == start_now).then_some(self.clock_behind.saturating_add(set_back))
    }
}

/// Returns the identifier of the machine's boot, and the time of that boot by this machine's clock, in seconds since
/// 1970. Setting the clock shifts that time by the same amount.
fn started(clock: &dyn Clock) -> Option<(String, i64)> {
    let uptime = clock.uptime()?;
    let seconds = |time: Duration| i64::try_from(time.as_millis() / 1000).unwrap_or(i64::MAX);
    let now = clock.now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or_else(|before| -seconds(before.duration()), seconds);
    Some((uptime.start, now.saturating_sub(seconds(uptime.time))))
}

fn parse(text: &[u8]) -> Option<Notes> {
    let value: Value = serde_json::from_slice(text).ok()?;
    let is_ours = value.get("version")?.as_u64()? == VERSION;
    let steps = value.get("spent")?.as_array()?.iter().map(Value::as_u64);
    let clock_behind = value.get("clock_behind").and_then(seconds).unwrap_or_default();
    let known = value.get("known").and_then(parse_known);
    let started = value.get("started").and_then(parse_started);
    is_ours.then_some(Notes { spent: steps.collect::<Option<_>>()?, clock_behind, started, known })
}

fn parse_started(value: &Value) -> Option<(String, i64)> {
    Some((value.get("start")?.as_str()?.to_owned(), seconds(value.get("at")?)?))
}

fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().filter(|seconds| seconds.unsigned_abs() <= LONGEST)
}

fn parse_known(value: &Value) -> Option<KnownAccount> {
    let bytes = |key: &str| hex::decode(value.get(key)?.as_str()?).ok();
    Some(KnownAccount {
        device_id: DeviceId::from_bytes(&bytes("device_id")?),
        token: value.get("token")?.as_str()?.to_owned(),
        serial: value.get("serial").and_then(Value::as_u64).and_then(|serial| u32::try_from(serial).ok()),
        account: AccountId::from_bytes(&bytes("account")?),
        touch: value.get("touch").and_then(Value::as_bool),
        locked: value.get("locked").and_then(Value::as_bool).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Uptime;
    use std::sync::Mutex;

    fn alice() -> MfaSerial {
        MfaSerial::parse("arn:aws:iam::123456789012:mfa/alice").unwrap()
    }

    /// A clock for tests, with settable values: seconds since 1970, seconds of uptime, number of the boot.
    struct Set(Mutex<(u64, u64, u32)>);

    impl Clock for Set {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.lock().unwrap().0)
        }

        fn uptime(&self) -> Option<Uptime> {
            let (_, time, start) = *self.0.lock().unwrap();
            Some(Uptime { start: start.to_string(), time: Duration::from_secs(time) })
        }
    }

    fn clock() -> Arc<dyn Clock> {
        Arc::new(Set(Mutex::new((1_000_000, 100, 1))))
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    fn held(folder: &Path) -> Held {
        now(hold(folder, &alice(), &clock(), &mut |_| {})).unwrap()
    }

    #[test]
    fn a_spent_step_stays_spent_unless_it_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = held(folder.path());
        first.spend(7).unwrap();
        first.spend(8).unwrap();
        first.give_back(8).unwrap();
        drop(first);
        let second = held(folder.path());
        assert_eq!((second.is_spent(7), second.is_spent(8)), (true, false));
    }

    #[test]
    fn a_damaged_ledger_counts_as_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = held(folder.path()).path.clone();
        for text in
            ["", "{", "{\"version\":1}", "{\"version\":9,\"spent\":[7]}", "{\"version\":1,\"spent\":[-7]}", "\u{0}"]
        {
            std::fs::write(&path, text).unwrap();
            let mut ledger = held(folder.path());
            assert_eq!(ledger.clock_behind(), 0, "{text}");
            assert!(!ledger.is_spent(7), "{text}");
            ledger.spend(9).unwrap();
            drop(ledger);
            assert!(held(folder.path()).is_spent(9), "{text}");
        }
    }

    #[test]
    fn an_impossible_time_in_the_file_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = held(folder.path()).path.clone();
        for (behind, at) in [(i64::MIN, 999_900), (i64::MAX, 999_900), (0, i64::MIN), (0, i64::MAX)] {
            let started = json!({ "start": "1", "at": at });
            let ledger = json!({ "version": VERSION, "spent": [], "clock_behind": behind, "started": started });
            std::fs::write(&path, ledger.to_string()).unwrap();
            assert_eq!(held(folder.path()).clock_behind(), 0, "{ledger}");
            assert_eq!(clock_behind(folder.path(), alice().as_str(), &*clock()), 0, "{ledger}");
        }
    }

    #[test]
    fn the_account_that_made_a_code_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownAccount {
            device_id: DeviceId::from_bytes(&[0, 1, 255]),
            token: "YubiKey 1".to_owned(),
            serial: Some(1),
            account: AccountId::from_bytes(b"AWS:\xff\x00"),
            touch: Some(true),
            locked: true,
        };
        let mut first = held(folder.path());
        first.set_known(Some(known.clone()));
        first.spend(1).unwrap();
        drop(first);
        assert_eq!(held(folder.path()).known(), Some(&known));
    }

    #[test]
    fn old_steps_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = held(folder.path());
        for step in 0..40 {
            ledger.spend(step).unwrap();
        }
        assert_eq!((ledger.is_spent(7), ledger.is_spent(8), ledger.is_spent(39)), (false, true, true));
    }

    #[test]
    fn a_second_login_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = held(folder.path());
        let path = folder.path().to_owned();
        let (tell, told) = std::sync::mpsc::channel();
        let second = std::thread::spawn(move || {
            let mut waiting = |_| {
                // Sending fails if the receiver is gone, which does no harm.
                let _ = tell.send(());
            };
            now(hold(&path, &alice(), &clock(), &mut waiting)).map(drop)
        });
        told.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn a_login_can_stop_waiting_for_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let _first = held(folder.path());
        let mut asked = 0;
        let second = now(hold_unless(folder.path(), &alice(), &clock(), &mut |left| {
            asked += 1;
            assert!(left <= PATIENCE);
            asked < 3
        }));
        assert!(second.unwrap().is_none());
        assert_eq!(asked, 3);
    }

    #[test]
    fn a_change_of_the_clock_is_taken_into_account() {
        let folder = tempfile::tempdir().unwrap();
        let set = Arc::new(Set(Mutex::new((1_000_000, 100, 1))));
        let clock: Arc<dyn Clock> = Arc::<Set>::clone(&set);
        let mut ledger = now(hold(folder.path(), &alice(), &clock, &mut |_| {})).unwrap();
        ledger.set_clock_behind(-86_400);
        ledger.spend(1).unwrap();
        // Clock, uptime and boot of the machine; then the seconds that the clock is behind, for sessions and for
        // codes.
        let cases = [
            ("nothing", (1_000_000, 100, 1), -86_400, -86_400),
            ("time went by", (1_003_601, 3_700, 1), -86_400, -86_400),
            ("it was put right", (913_600, 100, 1), 0, 0),
            ("it was put right, and a day went by", (1_000_000, 86_500, 1), 0, 0),
            ("it was set on by an hour", (1_003_610, 110, 1), -90_000, -90_000),
            ("the machine was started anew", (1_000_000, 10, 2), 0, -86_400),
        ];
        for (what, time, sessions, codes) in cases {
            *set.0.lock().unwrap() = time;
            let found = clock_behind(folder.path(), alice().as_str(), &*set);
            assert_eq!((found, ledger.clock_behind(), ledger.noted_behind()), (sessions, codes, -86_400), "{what}");
        }
    }
}
