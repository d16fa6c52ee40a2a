//! The tokens that are plugged in, surveyed once for all logins of a run, with the keys known for their applets.

use super::arrival::Arrivals;
use super::keys::{KeyStore, Used};
use super::remembered::Remembered;
use super::unlock::Recalled;
use super::{Found, Recollection, TokenError, fetch, holders, on_a_thread};
use crate::ledger::KnownAccount;
use crate::source::Code;
use crate::world::{Machine, Person, Purpose, TokenLimits, World};
use hw::oath::{Account, DeviceId, OathType};
use hw::survey::{self, Survey};
use hw::transport::Bus;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The tokens that are plugged in. All logins of a run share one survey, and the keys known for the applets.
pub struct Tokens {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) limits: TokenLimits,
    /// This machine, whose processes are searched for those that may be using a token.
    pub(super) machine: Machine,
    pub(super) keys: KeyStore,
    pub(super) remembered: Remembered,
    pub(super) recalled: tokio::sync::Mutex<HashMap<DeviceId, Recalled>>,
    /// One lock per reader, held while a login talks to its token. Without the lock, PC/SC would make the other
    /// logins wait a tenth of a second or more.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    pub(super) seen: tokio::sync::Mutex<Option<Seen>>,
    pub(super) person: Person,
    /// Watcher for tokens that are plugged in or pulled out; started at the first wait for a token.
    pub(super) arrivals: OnceLock<Arrivals>,
    /// Beginning of the first wait for a token. All waits share one time limit.
    pub(super) waiting_since: OnceLock<Instant>,
}

/// Number of times that tokens had come or gone when the survey began, and the survey's result.
pub(super) type Seen = (u64, Result<Arc<Survey>, TokenError>);

impl Tokens {
    /// Returns the tokens on a bus of this machine. The environment says where passwords may be remembered; the
    /// person is told about waits.
    #[must_use]
    pub fn on(bus: Arc<dyn Bus>, world: &World) -> Self {
        Self {
            bus,
            limits: world.token_limits,
            machine: world.machine.clone(),
            keys: KeyStore::default(),
            remembered: Remembered::of(&world.env),
            recalled: tokio::sync::Mutex::default(),
            turns: Mutex::default(),
            seen: tokio::sync::Mutex::default(),
            person: world.person.clone(),
            arrivals: OnceLock::new(),
            waiting_since: OnceLock::new(),
        }
    }

    /// Surveys the tokens, unlocking applets whose key is known. The result is cached until a token comes or goes
    /// during a wait, or a new key becomes known.
    ///
    /// # Errors
    /// [`TokenError::Bus`] if the readers cannot be listed; [`TokenError::Stuck`] if the tokens do not answer in
    /// time.
    pub async fn look(&self) -> Result<Arc<Survey>, TokenError> {
        let mut seen = self.seen.lock().await;
        let changes = self.arrivals.get().map_or(0, |arrivals| *arrivals.changes.borrow());
        if let Some((_, outcome)) = seen.as_ref().filter(|(at, _)| *at == changes) {
            return outcome.clone();
        }
        let (bus, keys, patience) = (Arc::clone(&self.bus), self.keys.clone(), self.limits.patience);
        let looking = on_a_thread(move || {
            let used = RefCell::new(Used::new());
            let survey = survey::survey(&*bus, patience, &|id| keys.take(id, &used))?;
            keys.learn(&survey, &used.into_inner());
            Ok(survey)
        });
        let TokenLimits { look: most, look_announced: moment, .. } = self.limits;
        let begun = Instant::now();
        let looking = self.person.wait_for(moment, looking, |wait| {
            if let Some(_attention) = self.person.free_attention() {
                let left = most.saturating_sub(begun.elapsed());
                wait.show("Waiting for a token to respond; another program may be using it", Some(left));
            }
        });
        let survey = tokio::time::timeout(most, looking).await.ok().and_then(Result::ok);
        let survey = survey.ok_or_else(|| self.stuck(most));
        let survey = survey.and_then(|survey| survey.map(Arc::new).map_err(TokenError::Bus));
        *seen = Some((changes, survey.clone()));
        survey
    }

    /// Returns the error for a token that did not answer for `waited`, with a guess at who is using it.
    pub(super) fn stuck(&self, waited: Duration) -> TokenError {
        TokenError::Stuck { waited, holders: holders(&self.machine) }
    }

    /// Adds a guess at who is using the token, if the error says that another program is using it.
    #[must_use]
    pub fn explained(&self, error: TokenError) -> TokenError {
        error.with_holders(&self.machine)
    }

    /// Returns an account that is known from an earlier run, assuming its token is in the only reader. Returns `None`
    /// if there is not exactly one reader. Sends nothing to the token.
    #[must_use]
    pub fn recall(&self, known: &KnownAccount) -> Option<Found> {
        let KnownAccount { token, serial, device_id, account: id, touch, locked } = known.clone();
        let [reader] = <[String; 1]>::try_from(self.bus.readers().ok()?).ok()?;
        let account = Account { id, kind: OathType::Totp, algorithm: None, digits: None, touch };
        let device_id = Some(device_id);
        let recalled = Some(Recollection { locked });
        Some(Found { token, account, is_guess: false, serial, device_id, recalled, reader })
    }

    /// Returns the facts to remember about an account that made a code; `None` for applets without a device id.
    #[must_use]
    pub fn known(&self, found: &Found) -> Option<KnownAccount> {
        let device_id = found.device_id.clone()?;
        Some(KnownAccount {
            locked: self.keys.find(&device_id).is_some(),
            device_id,
            token: found.token.clone(),
            serial: found.serial,
            account: found.account.id.clone(),
            touch: found.account.touch,
        })
    }

    /// Waits for the turn to talk to the token that has an account, since several logins run concurrently. Dropping
    /// the returned guard ends the turn.
    pub async fn turn(&self, found: &Found) -> impl Sized + use<> {
        let of_reader = || {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(found.reader.clone()).or_default())
        };
        of_reader().lock_owned().await
    }

    /// Fetches the code of a time step. Asks for a touch as soon as it is known or likely that one is needed.
    ///
    /// # Errors
    /// [`TokenError::TouchWanted`] if the account needs a touch and nobody can be asked; [`TokenError::NoCode`] if
    /// the token reports an error; [`TokenError::Busy`] if another program has exclusive access;
    /// [`TokenError::Stuck`] if the token does not answer in time; [`TokenError::NotSixDigits`] if the code is not of
    /// AWS's kind.
    pub async fn code(&self, found: &Found, step: u64, person: &Person, purpose: &Purpose) -> Result<Code, TokenError> {
        fetch::code(self, found, step, person, purpose).await.map_err(|error| self.explained(error))
    }
}
