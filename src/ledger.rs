//! What is remembered of an MFA device: which time steps were sent, AWS's clock, who had its account; and one login at a time.

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

/// Version of the file's format.
const VERSION: u64 = 1;
/// Steps that are remembered; AWS takes five at any time.
const KEPT: usize = 32;
/// How long another login of the same MFA device is waited for: somebody may be typing a password there, and then a code.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long a login takes that waits for nobody.
const SOON: Duration = Duration::from_secs(2);
/// Seconds by which two looks at a clock may differ although nobody set it.
const DOUBT: u64 = 2;
/// Longest time that is taken for one, in seconds: a thousand years. What is longer was not noted by us.
const LONGEST: u64 = 1000 * 366 * 86_400;
/// Room for a ledger, in bytes.
const SIZE: u64 = 1024;

/// The ledger of one MFA device, which no other process has while this one does.
pub struct Held {
    path: PathBuf,
    notes: Notes,
    clock: Arc<dyn Clock>,
    _lock: File,
}

/// What stands in a ledger; no code does.
#[derive(Default)]
struct Notes {
    /// In the order in which they were sent: a clock can go backwards.
    spent: Vec<u64>,
    /// Seconds that this machine's clock was behind AWS's.
    clock_behind: i64,
    /// When that clock said that the machine was started, and which start that was.
    started: Option<(String, i64)>,
    known: Option<KnownAccount>,
}

/// The account on a token that made a code of this MFA device: it is asked without a look at all there is the next time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// What the token's applet calls itself.
    pub device_id: DeviceId,
    /// How a person knows the token.
    pub token: String,
    /// Its serial number.
    pub serial: Option<u32>,
    /// The account.
    pub account: AccountId,
    /// Whether each code needs a touch.
    pub touch: Option<bool>,
    /// Whether the applet was locked with a password, which is then looked for beforehand.
    pub locked: bool,
}

/// Takes the ledger of an MFA device. While another process has it, `waiting` is told again and again how long it is waited
/// for yet. The kernel gives it back, however its holder ends.
///
/// # Errors
/// [`FileError`] if there can be no ledger, [`FileFault::Locked`] if it is not given back within five minutes.
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

/// The same, as long as `waiting` says that it is still wanted; `None` if not.
///
/// # Errors
/// [`FileError`] as [`hold`].
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
        // Who waits for a person need not look that often.
        let waits_long = PATIENCE - left > SOON;
        tokio::time::sleep(if waits_long { 10 * file::PAUSE } else { file::PAUSE }).await;
    }
    own::rehearse(&path, SIZE)?;
    Ok(Some(Held { notes: load(&path), clock: Arc::clone(clock), path, _lock: lock }))
}

/// Seconds that this machine's clock is behind AWS's, as far as logins with this MFA device have told: for how long a session
/// is good. Where that is uncertain, it is rather too short than too long.
#[must_use]
pub fn clock_behind(folder: &Path, serial: &str, clock: &dyn Clock) -> i64 {
    let Ok(serial) = MfaSerial::parse(serial) else { return 0 };
    let notes = load(&path_of(folder, &serial));
    notes.behind_now(clock).unwrap_or(notes.clock_behind.max(0))
}

/// How long a session is good yet, by AWS's clock as far as it is known from the ledgers in `folder`.
#[must_use]
pub fn time_left(stored: &Stored, folder: Option<&Path>, clock: &dyn Clock) -> Duration {
    let behind = folder.zip(stored.mfa_serial.as_deref());
    let behind = behind.map_or(0, |(folder, serial)| clock_behind(folder, serial, clock));
    let now = DateTime::from(clock.now()).secs();
    let seconds = stored.expires.map_or(0, |end| end.secs().saturating_sub(now).saturating_sub(behind));
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// Whether the ledger of an MFA device can be kept, or any at all, if none is named; one that another login holds can.
///
/// # Errors
/// [`FileError`] as [`hold`].
pub fn rehearse(folder: &Path, serial: Option<&MfaSerial>) -> Result<(), FileError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |fault| FileError { path, fault }
    };
    file::make_folder(folder).map_err(at(folder))?;
    let path = serial.map_or_else(|| folder.join("none.json"), |serial| path_of(folder, serial));
    let lock_path = path.with_extension("lock");
    // Whoever holds it has found out.
    let lock = serial.map(|_| file::lock_file(&lock_path)).transpose().map_err(at(&lock_path))?;
    let is_ours = lock.as_ref().map_or(Ok(true), file::take).map_err(at(&lock_path))?;
    if is_ours { own::rehearse(&path, SIZE) } else { Ok(()) }
}

fn path_of(folder: &Path, serial: &MfaSerial) -> PathBuf {
    folder.join(format!("mfa-{}.json", hex::encode(&Sha256::digest(serial.as_str())[..16])))
}

/// A ledger that is damaged or gone does no harm: at worst AWS refuses one code.
fn load(path: &Path) -> Notes {
    let text = file::read(path).ok().flatten().unwrap_or_default();
    parse(&text).unwrap_or_default()
}

impl Held {
    /// Whether a code of this time step was sent.
    #[must_use]
    pub fn is_spent(&self, step: u64) -> bool {
        self.notes.spent.contains(&step)
    }

    /// Notes, before a code leaves, that its step is spent. It is on disk when this returns.
    ///
    /// # Errors
    /// [`FileError`]; the code must not be sent then.
    pub fn spend(&mut self, step: u64) -> Result<(), FileError> {
        self.notes.spent.push(step);
        self.save()
    }

    /// Takes that back, where it is certain that the code did not leave.
    ///
    /// # Errors
    /// [`FileError`]; the step then counts as spent.
    pub fn give_back(&mut self, step: u64) -> Result<(), FileError> {
        self.notes.spent.retain(|spent| *spent != step);
        self.save()
    }

    /// Seconds that this machine's clock is behind AWS's, as far as is known, if it was set meanwhile, too.
    #[must_use]
    pub fn clock_behind(&self) -> i64 {
        self.notes.behind_now(&*self.clock).unwrap_or(self.notes.clock_behind)
    }

    /// Seconds that this machine's clock was behind AWS's when that was noted.
    #[must_use]
    pub fn noted_behind(&self) -> i64 {
        self.notes.clock_behind
    }

    /// Notes how far this machine's clock is behind AWS's; it is on disk with the next step that is spent.
    pub fn set_clock_behind(&mut self, seconds: i64) {
        self.notes.clock_behind = seconds;
        self.notes.started = started(&*self.clock);
    }

    /// The account that made the last code, if a token did.
    #[must_use]
    pub fn known(&self) -> Option<&KnownAccount> {
        self.notes.known.as_ref()
    }

    /// Notes which account makes the codes; it is on disk with the next step that is spent.
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

    /// Seconds that this machine's clock is behind AWS's: what was noted, and what the clock was set by since. `None` if the
    /// machine was started anew: whoever started it may have set the clock.
    fn behind_now(&self, clock: &dyn Clock) -> Option<i64> {
        let Some((start, at)) = &self.started else { return Some(self.clock_behind) };
        let Some((start_now, at_now)) = started(clock) else { return Some(self.clock_behind) };
        let set_back = at.saturating_sub(at_now);
        let set_back = if set_back.unsigned_abs() > DOUBT { set_back } else { 0 };
        (*start == start_now).then_some(self.clock_behind.saturating_add(set_back))
    }
}

/// Which start of this machine it was, and when its clock says that this was. Whoever sets the clock sets that, too.
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

    /// A clock that says so many seconds since 1970, on a machine started so many seconds ago for the so manieth time.
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
    fn what_was_spent_stays_spent_and_what_was_given_back_does_not() {
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
    fn a_damaged_ledger_does_no_harm() {
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
    fn a_time_that_nobody_noted_is_none() {
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
    fn the_account_that_made_a_code_is_known_again() {
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
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = held(folder.path());
        let path = folder.path().to_owned();
        let (tell, told) = std::sync::mpsc::channel();
        let second = std::thread::spawn(move || {
            let mut waiting = |_| {
                // Told once too often does no harm.
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
    fn who_does_not_want_it_any_more_does_not_get_it() {
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
    fn a_clock_that_was_set_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let set = Arc::new(Set(Mutex::new((1_000_000, 100, 1))));
        let clock: Arc<dyn Clock> = Arc::<Set>::clone(&set);
        let mut ledger = now(hold(folder.path(), &alice(), &clock, &mut |_| {})).unwrap();
        ledger.set_clock_behind(-86_400);
        ledger.spend(1).unwrap();
        // Clock, uptime and start of the machine, and how far the clock is then behind: for sessions, and for codes.
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
