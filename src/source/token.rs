//! Codes from a token: a survey of what is plugged in, a search for the token that has the account, and the fetching
//! of its code. Changes to a token are here, too. Calls that block run on threads of their own.

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

/// Reason why no code could be obtained from a token, or why a token was not changed.
#[derive(Clone, Debug)]
pub enum TokenError {
    /// The readers could not be listed.
    Bus(CarrierError),
    /// No token is plugged in.
    NoToken,
    /// The token with the wanted serial number is not plugged in, but others are.
    OtherTokens {
        /// Serial number of the wanted token.
        wanted: u32,
        /// Names of the tokens that are plugged in.
        present: Vec<String>,
    },
    /// The missing token was not plugged in while it was waited for.
    NotCome {
        /// Length of the wait.
        waited: Duration,
        /// The reason for the wait: an error for which [`is_missing`](Self::is_missing) returns true.
        missing: Box<TokenError>,
    },
    /// The token has no OATH applet, or it is switched off.
    NoApplet {
        /// Name of the token, as shown to a person.
        token: String,
        /// True if the applet is switched off; false if the token has none, or does not say.
        disabled: bool,
    },
    /// No account on any token matches.
    NoMatch {
        /// Ids of all accounts, by the name of the token that has them.
        present: Vec<(String, Vec<AccountId>)>,
        /// The account id that the user asked for, if any.
        named: Option<String>,
        /// Name of a token that keeps more accounts behind a PIN, which cannot be listed; `None` if there is no such
        /// token.
        behind_pin: Option<String>,
    },
    /// Several accounts match equally well.
    SeveralAccounts {
        /// Ids of the accounts that match.
        matching: Vec<AccountId>,
    },
    /// The account is HOTP (its codes depend on a counter), but AWS uses TOTP.
    NotByTime {
        /// Id of the account.
        id: AccountId,
    },
    /// The account's codes do not have AWS's six digits.
    NotSixDigits {
        /// Id of the account.
        id: AccountId,
        /// Number of digits in the account's codes.
        digits: u8,
    },
    /// Several tokens have the account.
    SeveralTokens {
        /// Names of the tokens that have the account.
        tokens: Vec<String>,
    },
    /// Several tokens are plugged in, and no serial number says which one is meant.
    SeveralPlugged {
        /// Names of all tokens that are plugged in.
        tokens: Vec<String>,
    },
    /// The applet is locked, and nobody could be asked for its password.
    Locked {
        /// Name of the token, as shown to a person.
        token: String,
    },
    /// The applet did not accept the password that was typed or passed.
    WrongPassword {
        /// Name of the token, as shown to a person.
        token: String,
    },
    /// The applet refused the remembered passwords, and nobody could be asked for the right one.
    Refused {
        /// Name of the token, as shown to a person.
        token: String,
        /// Places where the refused passwords are remembered.
        places: Vec<PasswordPlace>,
    },
    /// A file that should hold the applet's password cannot be used.
    PasswordFile {
        /// The file or credential that should hold the password.
        place: PasswordPlace,
        /// The reason why the file is refused.
        fault: Arc<PrivateFault>,
    },
    /// The account needs a touch, and nobody can be asked for one.
    TouchWanted {
        /// Name of the token, as shown to a person.
        token: String,
    },
    /// The token in a reader could not be examined.
    Unseen {
        /// Name of the reader.
        reader: String,
        /// The error that ended the examination.
        why: OathError,
    },
    /// Another program has exclusive access to the token.
    Busy {
        /// Name of the token, or of its reader.
        token: String,
        /// Processes that may be using the token, the likeliest first; a guess.
        holders: Vec<Process>,
    },
    /// The token was found, but no code could be fetched from it.
    NoCode {
        /// Name of the token, as shown to a person.
        token: String,
        /// The error that ended the conversation.
        why: OathError,
    },
    /// A change to the token failed. Some errors leave open whether the change was made (see [`ChangeError`]).
    Change {
        /// Name of the token, as shown to a person.
        token: String,
        /// The reason why the change failed.
        why: ChangeError,
    },
    /// A change to the token did not finish in time.
    Unanswered {
        /// Name of the token, as shown to a person.
        token: String,
        /// The time limit that passed.
        waited: Duration,
        /// True if the change had begun and may still be made; false if it was cancelled before it began.
        begun: bool,
    },
    /// The token did not answer in time; another program may be using it.
    Stuck {
        /// The time limit that passed.
        waited: Duration,
        /// Processes that may be using the token, the likeliest first; a guess.
        holders: Vec<Process>,
    },
}

impl TokenError {
    /// Returns true if plugging in a token could help; false if the token is present but does not work.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        use CarrierError::{NoService, Removed, ServiceStopped};
        match self {
            // The token was pulled out while it was examined.
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

/// The account of an MFA device, and the token that has it.
#[derive(Clone)]
pub struct Found {
    /// Name of the token, as shown to a person.
    pub token: String,
    /// The account, as the token lists it.
    pub account: Account,
    /// True if only a word in the account's id matched, so that an account on another token may fit better.
    pub is_guess: bool,
    /// Serial number of the token; `None` if the token does not report it.
    pub serial: Option<u32>,
    /// Device id of the token's OATH applet; `None` for applets without one.
    pub device_id: Option<DeviceId>,
    /// State of the applet in an earlier run, if the account is known from that run; `None` if the account was read
    /// from the token in this run.
    pub recalled: Option<Recollection>,
    reader: String,
}

/// State of an applet in an earlier run, which may have changed since. See [`Found::recalled`].
#[derive(Clone, Copy)]
pub struct Recollection {
    /// True if the applet was locked with a password.
    pub locked: bool,
}

/// Returns the name of a token, as shown to a person: its kind and serial number, or else its reader.
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

/// Returns the names of a bus's readers; empty if they cannot be listed within five seconds.
pub async fn readers(bus: Arc<dyn Bus>) -> Vec<String> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let told = tokio::time::timeout(PATIENCE, on_a_thread(move || bus.readers())).await;
    told.ok().and_then(Result::ok).and_then(Result::ok).unwrap_or_default()
}

/// Runs blocking work on a thread of its own. The receiver gets nothing if the work panicked or no thread could be
/// started. A thread may run until the process ends even if nobody waits for its result any more, because a token
/// cannot be told to stop waiting for a touch.
fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (done, outcome) = oneshot::channel();
    // If no thread can be started, `done` is dropped and the receiver gets an error.
    let _ = std::thread::Builder::new().name("token".to_owned()).spawn(move || {
        let outcome = work();
        stack::wipe();
        done.send(outcome)
    });
    outcome
}
