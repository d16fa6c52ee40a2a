//! Fetching of an account's code from a token, with the touch that it may need.

use super::{Found, TokenError, Tokens, on_a_thread};
use crate::source::{Code, DIGITS, PERIOD};
use crate::world::{Act, End, Person, Prompt, Purpose, TokenLimits, TouchPrompt};
use hw::fetch;
use hw::oath::{OathCode, OathError, TimeStep};
use secrecy::SecretString;
use std::cell::RefCell;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Time for which a YubiKey waits for a touch.
const TOUCH: Duration = Duration::from_secs(15);

/// Fetches the code of a time step. Asks for a touch as soon as it is known or likely that one is needed.
///
/// # Errors
/// [`TokenError::TouchWanted`] if the account needs a touch and nobody can be asked; [`TokenError::NoCode`] if the
/// token reports an error; [`TokenError::Stuck`] if it does not answer in time; [`TokenError::NotSixDigits`] if the
/// code is not of AWS's kind.
pub(super) async fn code(
    tokens: &Tokens,
    found: &Found,
    step: u64,
    person: &Person,
    purpose: &Purpose,
) -> Result<Code, TokenError> {
    let touch = match found.account.touch {
        // Since the account was remembered, it may have been replaced by one that needs a touch. If somebody can be
        // asked, wait and see: a token that stays silent needs a touch.
        Some(false) if found.recalled.is_some() && person.may_be_bothered() => None,
        touch => touch,
    };
    let nobody = || TokenError::TouchWanted { token: found.token.clone() };
    if touch == Some(true) && !person.may_be_bothered() {
        return Err(nobody());
    }
    let TokenLimits { answer: most, answer_announced: moment, silence, .. } = tokens.limits;
    let (mut fetching, came) = start(tokens, found, step);
    let (begun, wait) = (Instant::now(), person.wait());
    let quiet_until = match touch {
        Some(true) => Duration::ZERO,
        Some(false) => moment,
        None => silence,
    };
    let outcome = loop {
        let passed = begun.elapsed();
        if passed >= most {
            break None;
        }
        let pause = if passed < quiet_until { quiet_until - passed } else { Duration::from_secs(1) };
        if passed >= quiet_until && touch.is_none() && !person.may_be_bothered() {
            return Err(nobody());
        }
        // A fetch that needs no touch shows nothing while another login asks for one.
        let speaks = if touch == Some(false) { person.free_attention().is_some() } else { true };
        if passed >= quiet_until && speaks {
            match touch {
                Some(false) => wait.show(&waiting_for(found), None),
                _ => wait.want(&prompt(found, purpose), TOUCH.checked_sub(passed)),
            }
        }
        if let Ok(outcome) = tokio::time::timeout(pause, &mut fetching).await {
            break outcome.ok();
        }
        if let Some(code) = came.older_than(moment) {
            break Some(Ok(code));
        }
    };
    wait.came_to(end(outcome.as_ref()));
    drop(wait);
    let outcome = outcome.ok_or_else(|| tokens.stuck(most))?;
    let code = outcome.map_err(|why| TokenError::NoCode { token: found.token.clone(), why })?;
    let digits = u8::try_from(code.digits().len()).unwrap_or(u8::MAX);
    if usize::from(digits) != DIGITS {
        return Err(TokenError::NotSixDigits { id: found.account.id.clone(), digits });
    }
    Ok(Code { digits: SecretString::from(code.digits()), step })
}

fn start(tokens: &Tokens, found: &Found, step: u64) -> (oneshot::Receiver<Result<OathCode, OathError>>, Came) {
    const SECONDS: NonZeroU32 = NonZeroU32::new(PERIOD as u32).unwrap();
    let (bus, found, keys) = (Arc::clone(&tokens.bus), found.clone(), tokens.keys.clone());
    let patience = tokens.limits.patience;
    let came = Came::default();
    let theirs = came.clone();
    let outcome = on_a_thread(move || {
        let step = TimeStep::numbered(step, SECONDS);
        let request = fetch::CodeRequest { device_id: found.device_id.as_ref(), account: &found.account.id, step };
        let used = RefCell::default();
        let outcome =
            fetch::code_and_tell(&*bus, &found.reader, patience, &request, &|id| keys.take(id, &used), &|code| {
                theirs.put(code)
            });
        if matches!(outcome, Err(OathError::WrongPassword)) {
            keys.refuse(&used.into_inner());
        }
        outcome
    });
    (outcome, came)
}

/// A code that arrived before the token was locked again and released. If the token never responds to that, the code
/// is used all the same.
#[derive(Clone, Default)]
struct Came(Arc<Mutex<Option<(OathCode, Instant)>>>);

impl Came {
    fn put(&self, code: OathCode) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((code, Instant::now()));
    }

    fn older_than(&self, age: Duration) -> Option<OathCode> {
        let mut came = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        came.take_if(|(_, since)| since.elapsed() >= age).map(|(code, _)| code)
    }
}

fn prompt(found: &Found, purpose: &Purpose) -> Prompt {
    let (what, account) = (format!("Touch {}", found.token), found.account.id.to_string());
    let touch = TouchPrompt { token: found.token.clone(), account };
    Prompt { what, purpose: Some(purpose.clone()), detail: String::new(), act: Act::Touch(touch), limit: TOUCH }
}

fn waiting_for(found: &Found) -> String {
    format!("Waiting for {} to respond; another program may be using it", found.token)
}

/// Returns how the prompt for the touch ends, given the outcome of the fetch; `None` means that the time limit
/// passed.
fn end(outcome: Option<&Result<OathCode, OathError>>) -> End {
    match outcome {
        Some(Ok(_)) => End::Done,
        Some(Err(OathError::TouchMissing { .. })) | None => End::Late,
        Some(Err(_)) => End::Failed,
    }
}
