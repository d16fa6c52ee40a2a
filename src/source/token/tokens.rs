//! The tokens that are plugged in, looked at once for all that is to be done, and the keys that are known of them.

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

/// See the module.
pub struct Tokens {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) limits: TokenLimits,
    /// Where it is looked who else may be using a token.
    pub(super) machine: Machine,
    pub(super) keys: KeyStore,
    pub(super) remembered: Remembered,
    pub(super) recalled: tokio::sync::Mutex<HashMap<DeviceId, Recalled>>,
    /// Who talks to the token in a reader; PC/SC makes others wait a tenth of a second and more.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    pub(super) seen: tokio::sync::Mutex<Option<Seen>>,
    pub(super) person: Person,
    /// What comes and goes, once somebody waits for a token, and since when.
    pub(super) arrivals: OnceLock<Arrivals>,
    pub(super) waiting_since: OnceLock<Instant>,
}

/// What a look came to, and how often what is plugged in had changed when it began.
pub(super) type Seen = (u64, Result<Arc<Survey>, TokenError>);

impl Tokens {
    /// Those on a bus of this machine. The environment says where their passwords may be remembered, and the person is shown
    /// what is waited for.
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

    /// What there is, looked at with what was unlocked so far; whoever asks first has the tokens looked at.
    ///
    /// # Errors
    /// [`TokenError::Bus`], [`TokenError::Stuck`].
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
                wait.show("Waiting for a token to answer; another program may be using it", Some(left));
            }
        });
        let survey = tokio::time::timeout(most, looking).await.ok().and_then(Result::ok);
        let survey = survey.ok_or_else(|| self.stuck(most));
        let survey = survey.and_then(|survey| survey.map(Arc::new).map_err(TokenError::Bus));
        *seen = Some((changes, survey.clone()));
        survey
    }

    /// Nothing was heard of a token for so long.
    pub(super) fn stuck(&self, waited: Duration) -> TokenError {
        TokenError::Stuck { waited, holders: holders(&self.machine) }
    }

    /// An error with a guess at who is using the token, where that is why.
    #[must_use]
    pub fn explained(&self, error: TokenError) -> TokenError {
        error.with_holders(&self.machine)
    }

    /// An account that is known from an earlier run, in the only reader that there is; nothing is sent to the token.
    #[must_use]
    pub fn recall(&self, known: &KnownAccount) -> Option<Found> {
        let KnownAccount { token, serial, device_id, account: id, touch, locked } = known.clone();
        let [reader] = <[String; 1]>::try_from(self.bus.readers().ok()?).ok()?;
        let account = Account { id, kind: OathType::Totp, algorithm: None, digits: None, touch };
        let device_id = Some(device_id);
        let recalled = Some(Recollection { locked });
        Some(Found { token, account, is_guess: false, serial, device_id, recalled, reader })
    }

    /// What is to be remembered of an account that made a code.
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

    /// The turn to talk to the token that has an account: several logins go on side by side.
    pub async fn turn(&self, found: &Found) -> impl Sized + use<> {
        let of_reader = || {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(found.reader.clone()).or_default())
        };
        of_reader().lock_owned().await
    }

    /// Fetches the code of a time step, and asks for the touch as soon as it is known or likely that one is wanted.
    ///
    /// # Errors
    /// [`TokenError::TouchWanted`], [`TokenError::NoCode`], [`TokenError::Busy`], [`TokenError::Stuck`],
    /// [`TokenError::NotSixDigits`].
    pub async fn code(&self, found: &Found, step: u64, person: &Person, purpose: &Purpose) -> Result<Code, TokenError> {
        fetch::code(self, found, step, person, purpose).await.map_err(|error| self.explained(error))
    }
}
