//! Codes from a token: what is plugged in, the one that has the account, and its code; a change to a token. Each is on a
//! thread of its own.

mod arrival;
mod change;
mod choose;
mod fetch;
mod holders;
mod keys;
mod matching;
mod remembered;
mod search;
mod tokens;
mod unlock;
mod ykman;

pub use choose::{choose, present};
pub use holders::holders;
pub use matching::{WantedAccount, is_of_aws};
pub use remembered::PasswordPlace;
pub use search::{Search, SearchOutcome, is_there, search};
pub use tokens::Tokens;

use crate::source::private_file::PrivateFault;
use crate::world::{Process, printable, stack};
use hw::change::ChangeError;
use hw::oath::{Account, AccountId, DeviceId, OathError};
use hw::survey::TokenInfo;
use hw::transport::{Bus, CarrierError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Why there is no code from a token.
#[derive(Clone, Debug)]
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
    /// What is missing did not come, although it was waited for.
    NotCome {
        /// How long.
        waited: Duration,
        /// What it is: an error that [is about something missing](Self::is_missing).
        missing: Box<TokenError>,
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
        /// A token that keeps accounts behind a PIN to itself, if there is one.
        behind_pin: Option<String>,
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
    /// More than one token is plugged in, and none was named.
    SeveralPlugged {
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
    /// What is remembered is not its password, and nobody could be asked for it.
    Refused {
        /// The token.
        token: String,
        /// Where what was refused is remembered.
        places: Vec<PasswordPlace>,
    },
    /// A file with its password cannot be used.
    PasswordFile {
        /// Where it is.
        place: PasswordPlace,
        /// Why.
        fault: Arc<PrivateFault>,
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
    /// Another program has a token for itself.
    Busy {
        /// The token, or the reader it is in.
        token: String,
        /// Who that may be, the likeliest first: a guess.
        holders: Vec<Process>,
    },
    /// It could be looked at, but gave no code.
    NoCode {
        /// The token.
        token: String,
        /// Why.
        why: OathError,
    },
    /// What was to be changed on the token was not, or perhaps not.
    Change {
        /// The token.
        token: String,
        /// Why.
        why: ChangeError,
    },
    /// What was to be changed may still be.
    Unanswered {
        /// The token.
        token: String,
        /// How long it was waited for.
        waited: Duration,
        /// Whether it had begun; otherwise it is not going to.
        begun: bool,
    },
    /// The token, or another program that is using it, did not answer in time.
    Stuck {
        /// How long it was waited for.
        waited: Duration,
        /// Who that program may be, the likeliest first: a guess.
        holders: Vec<Process>,
    },
}

impl TokenError {
    /// Whether another token that is plugged in could be the answer, as opposed to one that is there and does not work.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        use CarrierError::{NoService, Removed, ServiceStopped};
        match self {
            // It was pulled out while it was looked at.
            Self::Unseen { why, .. } => why.carrier() == Some(&Removed),
            Self::Bus(NoService | ServiceStopped)
            | Self::NoToken
            | Self::OtherTokens { .. }
            | Self::NotCome { .. }
            | Self::NoApplet { .. }
            | Self::NoMatch { .. } => true,
            _ => false,
        }
    }
}

/// The account of an MFA device, found.
#[derive(Clone)]
pub struct Found {
    /// The token, as one names it to a person.
    pub token: String,
    /// The account.
    pub account: Account,
    /// Whether it was taken for no more than a word in its id.
    pub is_guess: bool,
    /// Its serial number.
    pub serial: Option<u32>,
    /// What its applet calls itself.
    pub device_id: Option<DeviceId>,
    /// What was so in the earlier run that all is known from: it may be otherwise by now.
    pub recalled: Option<Recollection>,
    reader: String,
}

/// See [`Found::recalled`].
#[derive(Clone, Copy)]
pub struct Recollection {
    /// Whether the applet was locked with a password.
    pub locked: bool,
}

/// How a person knows a token.
#[must_use]
pub fn name(look: &TokenInfo) -> String {
    let reader = look.reader.to_lowercase();
    let kind =
        ["YubiKey", "Nitrokey", "CanoKey", "Pico Key"].into_iter().find(|kind| reader.contains(&kind.to_lowercase()));
    match (kind, look.identity.serial) {
        (kind, Some(serial)) => format!("{} {serial}", kind.unwrap_or("token")),
        (Some(kind), None) => format!("{kind} without a serial number"),
        (None, None) => format!("token in {}", printable(&look.reader, 100)),
    }
}

/// The names of the readers on a bus; none, if it does not tell within five seconds.
pub async fn readers(bus: Arc<dyn Bus>) -> Vec<String> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let told = tokio::time::timeout(PATIENCE, on_a_thread(move || bus.readers())).await;
    told.ok().and_then(Result::ok).and_then(Result::ok).unwrap_or_default()
}

/// Starts what blocks where it holds nothing up. No answer comes if it panicked. A thread that is not waited for any longer
/// ends with the process: a token cannot be told to stop waiting for a touch.
fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (done, outcome) = oneshot::channel();
    // Without a thread `done` is dropped, and no answer comes either.
    let _ = std::thread::Builder::new().name("token".to_owned()).spawn(move || {
        let outcome = work();
        stack::wipe();
        done.send(outcome)
    });
    outcome
}
