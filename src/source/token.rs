//! Codes from a token: a look at what is plugged in, the one that has the account, and its code, each on a thread of its own.

use super::{Code, DIGITS, PERIOD};
use crate::world::{Person, printable};
use hw::oath::{
    self, AccessKey, Account, AccountId, DeviceId, Match, MatchError, OathError, Password, TimeStep, Wanted,
};
use hw::survey::{Contents, Look, Survey};
use hw::transport::{Bus, CarrierError};
use hw::{fetch, survey};
use secrecy::SecretString;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long a look may take; another program that talks to a token makes us wait.
const LOOK: Duration = Duration::from_secs(15);
/// How long a code may take. Tokens give up on a touch after 15 to 30 seconds by themselves.
const FETCH: Duration = Duration::from_secs(45);
/// Silence after which a token is believed to wait for a touch, where it is not known beforehand.
const SILENCE: Duration = Duration::from_millis(500);
/// Silence after which it is said what is waited for.
const MOMENT: Duration = Duration::from_secs(2);
/// How long a YubiKey waits for a touch.
const TOUCH: Duration = Duration::from_secs(15);

/// Why there is no code from a token.
#[derive(Debug)]
pub enum TokenError {
    /// Not even the readers could be asked for.
    Bus(CarrierError),
    /// No reader with a token.
    NoToken,
    /// Not the token with this serial number.
    OtherTokens {
        /// The one that is wanted.
        wanted: u32,
        /// Those that are there.
        present: Vec<String>,
    },
    /// Tokens without the applet, or with it switched off.
    NoApplet {
        /// The token.
        token: String,
        /// Whether it is switched off.
        disabled: bool,
    },
    /// No account fits.
    NoMatch {
        /// What there is, by token.
        present: Vec<(String, Vec<AccountId>)>,
        /// The id that was named, if one was.
        named: Option<String>,
    },
    /// More than one account fits.
    SeveralAccounts {
        /// Those that fit.
        matching: Vec<AccountId>,
    },
    /// The account is there, and counts.
    NotByTime {
        /// Its id.
        id: AccountId,
    },
    /// The account's codes are not AWS's, which have six digits.
    NotSixDigits {
        /// Its id.
        id: AccountId,
        /// How many they have.
        digits: u8,
    },
    /// More than one token has the account.
    SeveralTokens {
        /// Their names.
        tokens: Vec<String>,
    },
    /// The applet is locked, and nobody could be asked for the password.
    Locked {
        /// The token.
        token: String,
    },
    /// The password was wrong.
    WrongPassword {
        /// The token.
        token: String,
    },
    /// The account wants a touch, and nobody may be asked for it.
    TouchWanted {
        /// The token.
        token: String,
    },
    /// A token could not be looked at.
    Unseen {
        /// The reader it is in.
        reader: String,
        /// Why.
        why: OathError,
    },
    /// It could be looked at, but gave no code.
    NoCode {
        /// The token.
        token: String,
        /// Why.
        why: OathError,
    },
    /// The token, or another program that is using it, did not answer in time.
    Stuck {
        /// How long it was waited for.
        waited: Duration,
    },
}

/// The keys of applets that a person unlocked.
#[derive(Clone, Default)]
pub struct Keyring(Arc<Mutex<Vec<(DeviceId, AccessKey)>>>);

impl Keyring {
    fn find(&self, id: &DeviceId) -> Option<AccessKey> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().rev().find(|(known, _)| known == id).map(|(_, key)| key.clone())
    }

    fn add(&self, id: DeviceId, key: AccessKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((id, key));
    }
}

/// What is looked for among the tokens.
pub struct Search<'a> {
    /// Serial number of the token.
    pub token: Option<u32>,
    /// What is known of the account.
    pub account: Wanted<'a>,
}

/// The account of an MFA device, found.
#[derive(Clone)]
pub struct Found {
    /// The token, as one names it to a person.
    pub token: String,
    /// The account.
    pub account: Account,
    reader: String,
    device_id: Option<DeviceId>,
}

/// What a search among the tokens came to.
pub enum Outcome {
    /// The account.
    Found(Found),
    /// It may be on a token that is locked: this one.
    Locked {
        /// The token, as one names it to a person.
        token: String,
        /// What its key is derived for; `None` if it cannot be unlocked with a password.
        device_id: Option<DeviceId>,
        /// Whether a password was tried and was wrong.
        refused: bool,
    },
}

/// Looks at all tokens, with what was unlocked so far. It begins at once, so that AWS can be asked meanwhile.
///
/// # Errors
/// [`TokenError::Bus`], [`TokenError::Stuck`].
pub fn look(bus: &Arc<dyn Bus>, keys: &Keyring) -> impl Future<Output = Result<Survey, TokenError>> + use<> {
    let (bus, keys) = (Arc::clone(bus), keys.clone());
    let looking = on_a_thread(move || survey::survey(&*bus, &|id| keys.find(id)));
    async {
        let survey = tokio::time::timeout(LOOK, looking).await;
        survey.ok().and_then(Result::ok).ok_or(TokenError::Stuck { waited: LOOK })?.map_err(TokenError::Bus)
    }
}

/// How a person knows a token.
#[must_use]
pub fn name(look: &Look) -> String {
    let reader = look.reader.to_lowercase();
    let kind = ["YubiKey", "Nitrokey", "CanoKey"].into_iter().find(|kind| reader.contains(&kind.to_lowercase()));
    match (kind, look.identity.serial) {
        (kind, Some(serial)) => format!("{} {serial}", kind.unwrap_or("token")),
        (Some(kind), None) => format!("{kind} without a serial number"),
        (None, None) => format!("token in {}", printable(&look.reader, 100)),
    }
}

/// Finds the account among the tokens that were looked at.
///
/// # Errors
/// [`TokenError`], the most hopeful one: a token that is merely busy is not a token that is missing.
pub fn search(survey: &Survey, wanted: &Search<'_>) -> Result<Outcome, TokenError> {
    let ours = |look: &&Look| wanted.token.is_none_or(|serial| look.identity.serial == Some(serial));
    let looks: Vec<&Look> = survey.looks.iter().filter(ours).collect();
    let accounts = |look: &&Look| look.accounts().unwrap_or_default().to_vec();
    // All at once, so that a good fit on one token outweighs a poor one on another.
    let all: Vec<Account> = looks.iter().flat_map(accounts).collect();
    match oath::find(&all, &wanted.account) {
        Ok(Match { account, is_guess }) => {
            if is_guess && let Some(better) = may_fit_better(survey, &looks) {
                return better;
            }
            if let Some(digits) = account.digits.filter(|digits| usize::from(*digits) != DIGITS) {
                return Err(TokenError::NotSixDigits { id: account.id.clone(), digits });
            }
            let own = |look: &&Look| {
                let same = look.accounts()?.iter().find(|other| other.id == account.id)?;
                Some(found_on(look, same))
            };
            let mut found: Vec<Found> = looks.iter().filter_map(own).collect();
            if found.len() == 1 {
                return Ok(Outcome::Found(found.remove(0)));
            }
            Err(TokenError::SeveralTokens { tokens: found.into_iter().map(|one| one.token).collect() })
        }
        Err(MatchError::Several { matching }) => Err(TokenError::SeveralAccounts { matching }),
        Err(MatchError::NotByTime { id }) => Err(TokenError::NotByTime { id }),
        Err(MatchError::NoMatch { .. } | MatchError::NoSuchId { .. }) => {
            looks.iter().find_map(|look| locked(look)).ok_or_else(|| missing(survey, &looks, wanted))
        }
    }
}

/// A token that could not be looked at may have the account itself, where one that could has no more than a word of it.
fn may_fit_better(survey: &Survey, looks: &[&Look]) -> Option<Result<Outcome, TokenError>> {
    if let Some(locked) = looks.iter().find_map(|look| locked(look)) {
        return Some(Ok(locked));
    }
    unseen(survey).map(Err)
}

/// The token that could not be looked at, and is there.
fn unseen(survey: &Survey) -> Option<TokenError> {
    let unseen = survey.most_hopeful()?;
    let gone = matches!(unseen.why.carrier(), Some(CarrierError::Empty | CarrierError::Removed));
    (!gone).then(|| TokenError::Unseen { reader: printable(&unseen.reader, 100), why: unseen.why.clone() })
}

fn found_on(look: &Look, account: &Account) -> Found {
    Found {
        token: name(look),
        account: account.clone(),
        reader: look.reader.clone(),
        device_id: look.device_id().cloned(),
    }
}

fn locked(look: &Look) -> Option<Outcome> {
    let Contents::Locked { greeting, refused } = &look.contents else { return None };
    Some(Outcome::Locked { token: name(look), device_id: greeting.device_id.clone(), refused: *refused })
}

fn missing(survey: &Survey, looks: &[&Look], wanted: &Search<'_>) -> TokenError {
    if let Some(unseen) = unseen(survey) {
        return unseen;
    }
    if survey.looks.is_empty() {
        return TokenError::NoToken;
    }
    if let (Some(serial), []) = (wanted.token, looks) {
        return TokenError::OtherTokens { wanted: serial, present: survey.looks.iter().map(name).collect() };
    }
    let mut present = Vec::new();
    let mut without = None;
    for look in looks {
        match &look.contents {
            Contents::NoApplet { disabled, .. } => without = Some((name(look), *disabled == Some(true))),
            Contents::Locked { .. } => {}
            Contents::Open { accounts, .. } => {
                present.push((name(look), accounts.iter().map(|account| account.id.clone()).collect()));
            }
        }
    }
    match without {
        Some((token, disabled)) if present.is_empty() => TokenError::NoApplet { token, disabled },
        _ => {
            let named = wanted.account.id.map(|id| String::from_utf8_lossy(id).into_owned());
            TokenError::NoMatch { present, named }
        }
    }
}

/// Keeps the key of a password that somebody typed for an applet.
pub fn unlock(keys: &Keyring, device_id: &DeviceId, password: &SecretString) {
    use secrecy::ExposeSecret;
    let password = Password::new(password.expose_secret().to_owned());
    keys.add(device_id.clone(), AccessKey::derive(&password, device_id));
}

/// Fetches the code of a time step, and asks for the touch as soon as it is known or likely that one is wanted.
///
/// # Errors
/// [`TokenError::TouchWanted`], [`TokenError::NoCode`], [`TokenError::Stuck`].
pub async fn code(
    bus: &Arc<dyn Bus>,
    found: &Found,
    step: u64,
    keys: &Keyring,
    person: &mut Person,
    purpose: &str,
) -> Result<Code, TokenError> {
    let touch = found.account.touch;
    let nobody = || TokenError::TouchWanted { token: found.token.clone() };
    if touch == Some(true) && !person.may_be_bothered() {
        return Err(nobody());
    }
    let mut fetching = start(bus, found, step, keys);
    let begun = Instant::now();
    let quiet_until = match touch {
        Some(true) => Duration::ZERO,
        Some(false) => MOMENT,
        None => SILENCE,
    };
    let outcome = loop {
        let passed = begun.elapsed();
        if passed >= FETCH {
            break None;
        }
        let pause = if passed < quiet_until { quiet_until - passed } else { Duration::from_secs(1) };
        if passed >= quiet_until && touch.is_none() && !person.may_be_bothered() {
            return Err(nobody());
        }
        if passed >= quiet_until {
            let touch_left = TOUCH.checked_sub(passed).filter(|_| touch != Some(false));
            person.show(&waiting_for(found, touch, purpose), touch_left);
        }
        if let Ok(outcome) = tokio::time::timeout(pause, &mut fetching).await {
            break outcome.ok();
        }
    };
    person.clear();
    let outcome = outcome.ok_or(TokenError::Stuck { waited: FETCH })?;
    let code = outcome.map_err(|why| TokenError::NoCode { token: found.token.clone(), why })?;
    let digits = u8::try_from(code.digits().len()).unwrap_or(u8::MAX);
    if usize::from(digits) != DIGITS {
        return Err(TokenError::NotSixDigits { id: found.account.id.clone(), digits });
    }
    Ok(Code { digits: SecretString::from(code.digits()), step })
}

fn start(
    bus: &Arc<dyn Bus>,
    found: &Found,
    step: u64,
    keys: &Keyring,
) -> oneshot::Receiver<Result<oath::Code, OathError>> {
    const SECONDS: NonZeroU32 = NonZeroU32::new(PERIOD as u32).unwrap();
    let (bus, found, keys) = (Arc::clone(bus), found.clone(), keys.clone());
    on_a_thread(move || {
        let step = TimeStep::numbered(step, SECONDS);
        let request = fetch::Request { device_id: found.device_id.as_ref(), account: &found.account.id, step };
        fetch::code(&*bus, &found.reader, &request, &|id| keys.find(id))
    })
}

fn waiting_for(found: &Found, touch: Option<bool>, purpose: &str) -> String {
    match touch {
        Some(false) => format!("Waiting for {}; another program may be using it", found.token),
        _ => format!("Touch {} for {purpose} ({})", found.token, found.account.id),
    }
}

/// Starts what blocks where it holds nothing up. No answer comes if it panicked. A thread that is not waited for any longer
/// ends with the process: a token cannot be told to stop waiting for a touch.
fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (done, outcome) = oneshot::channel();
    // Without a thread `done` is dropped, and no answer comes either.
    let _ = std::thread::Builder::new().name("token".to_owned()).spawn(move || done.send(work()));
    outcome
}
