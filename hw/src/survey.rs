//! Inspection of the tokens that are plugged in: serial number, firmware version, accounts, locked or not.

use crate::apdu::StatusWord;
use crate::conversation::{Patience, converse};
use crate::device::{self, TokenIdentity, Version};
use crate::oath::{self, AccessKey, Account, Attempt, DeviceId, OathApplet, OathError, Ready, SelectResponse};
use crate::transport::{Bus, CarrierError, Transport};
use std::time::Instant;

/// First firmware of YubiKeys with room for 64 accounts; older YubiKeys have room for 32.
const ROOMY: Version = Version { major: 5, minor: 7, patch: 0 };

/// Function that returns the key of a locked applet, or `None` if no key is known. It runs in the middle of a
/// conversation, while other programs wait for the token, so it must answer from memory and never ask a person.
pub type KeyLookup<'k> = dyn Fn(&DeviceId) -> Option<AccessKey> + 'k;

/// Facts about one token and its OATH applet, as of the end of the conversation that read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Name of the token's reader; valid for [`Bus::open`] until something is plugged in or pulled out.
    pub reader: String,
    /// Serial number, firmware version and capabilities.
    pub identity: TokenIdentity,
    /// State of the OATH applet: absent, locked, or open with its accounts.
    pub contents: Contents,
}

/// Returns true if a reader's name says that its token is a YubiKey. The version that a token of another make reports
/// does not show which features the token has.
pub(crate) fn is_yubikey(reader: &str) -> bool {
    reader.to_lowercase().contains("yubikey")
}

/// State of a token's OATH applet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// The token has no OATH applet, or the applet is disabled on this interface.
    NoApplet {
        /// Status word of the response to SELECT.
        status: StatusWord,
        /// True if the token reports that it has an OATH applet, which must then be disabled; false if it reports
        /// that it has none; `None` if it reports neither.
        disabled: Option<bool>,
    },
    /// The applet is locked with a password, and was left locked.
    Locked {
        /// The applet's response to SELECT.
        select_response: SelectResponse,
        /// True if a key was known but the applet rejected it; false if no key was known.
        refused: bool,
    },
    /// The applet has no password, or was unlocked for the inspection and then locked again.
    Open {
        /// The applet's response to SELECT, read before the applet was unlocked.
        select_response: SelectResponse,
        /// The accounts, in the order of the applet.
        accounts: Vec<Account>,
    },
}

impl TokenInfo {
    /// Returns the applet's response to SELECT, or `None` if the token has no applet.
    #[must_use]
    pub fn select_response(&self) -> Option<&SelectResponse> {
        match &self.contents {
            Contents::NoApplet { .. } => None,
            Contents::Locked { select_response, .. } | Contents::Open { select_response, .. } => Some(select_response),
        }
    }

    /// Returns the number of accounts that the token has room for: 32 or 64 on a YubiKey 4 or 5, 100 on a CanoKey.
    /// `None` if the version is unknown, and for other tokens, whose limit is in bytes or can be configured.
    ///
    /// Sources: Yubico's technical manual; CanoKey's source code.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        let firmware = self.identity.firmware.or(self.select_response()?.version)?;
        match (is_yubikey(&self.reader), firmware) {
            _ if self.reader.to_lowercase().contains("canokey") => Some(100),
            (true, Version { major: 0..=3, .. }) | (false, _) => None,
            (true, firmware) if firmware < ROOMY => Some(32),
            (true, _) => Some(64),
        }
    }

    /// Returns the applet's device id, or `None` if the applet is absent or reports no id.
    #[must_use]
    pub fn device_id(&self) -> Option<&DeviceId> {
        self.select_response()?.device_id.as_ref()
    }

    /// Returns the accounts, or `None` if the applet is absent or locked.
    #[must_use]
    pub fn accounts(&self) -> Option<&[Account]> {
        match &self.contents {
            Contents::Open { accounts, .. } => Some(accounts),
            Contents::NoApplet { .. } | Contents::Locked { .. } => None,
        }
    }
}

/// A reader whose token could not be inspected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// The reader's name.
    pub reader: String,
    /// The error of the last attempt.
    pub why: OathError,
}

/// All tokens on a bus, and the readers whose token could not be inspected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Tokens that could be inspected, in the order of the bus.
    pub tokens: Vec<TokenInfo>,
    /// Readers whose token could not be inspected, in the order of the bus.
    pub unseen: Vec<Unseen>,
}

impl Survey {
    /// Returns the reader that most likely holds the token the user wants, among the readers whose token could not be
    /// inspected. `None` if every token could be inspected. An error should name this reader, instead of telling the
    /// user to plug in a token that is plugged in but busy.
    #[must_use]
    pub fn most_hopeful(&self) -> Option<&Unseen> {
        self.unseen.iter().min_by_key(|unseen| hopelessness(&unseen.why))
    }
}

/// Ranks an error. The higher the rank, the less likely the reader holds a working token.
fn hopelessness(why: &OathError) -> u8 {
    match why.carrier() {
        Some(CarrierError::Busy) => 0,
        Some(CarrierError::Refused) => 1,
        None => 2,
        Some(CarrierError::Reset | CarrierError::Broken) => 3,
        Some(CarrierError::NoService | CarrierError::ServiceStopped) => 4,
        Some(CarrierError::Mute) => 5,
        Some(CarrierError::Other { .. }) => 6,
        Some(CarrierError::Removed) => 7,
        Some(CarrierError::Empty) => 8,
    }
}

/// Inspects every token on the bus. Waits, within `patience`, for a token that another program holds. If no token can
/// be inspected at once, also waits for readers that are empty or whose token does not respond yet. A locked applet
/// is unlocked for the inspection if `keys` has its key.
///
/// # Errors
/// [`CarrierError`] if the bus cannot list its readers. A token that cannot be inspected is not an error, but an
/// entry of [`Survey::unseen`].
pub fn survey(bus: &dyn Bus, patience: Patience, keys: &KeyLookup<'_>) -> Result<Survey, CarrierError> {
    let readers = bus.readers()?;
    let mut seen: Vec<_> =
        readers.iter().map(|reader| inspect(bus, reader, patience.without_waiting(), keys)).collect();
    let none_seen = seen.iter().all(Result::is_err);
    let begun = Instant::now();
    for (reader, outcome) in readers.iter().zip(&mut seen) {
        let is_worth_waiting = match outcome {
            Ok(_) => false,
            Err(why) => match why.carrier() {
                Some(CarrierError::Busy) => true,
                Some(CarrierError::Empty | CarrierError::Mute) => none_seen,
                _ => false,
            },
        };
        if is_worth_waiting {
            // All tokens wake up at the same time, so they share one waiting time.
            let waking = patience.waking.saturating_sub(begun.elapsed());
            *outcome = inspect(bus, reader, Patience { waking, ..patience }, keys);
        }
    }
    let mut survey = Survey::default();
    for (reader, outcome) in readers.into_iter().zip(seen) {
        match outcome {
            Ok(info) => survey.tokens.push(info),
            Err(why) => survey.unseen.push(Unseen { reader, why }),
        }
    }
    Ok(survey)
}

/// Inspects the token in one reader. A locked applet is unlocked for the inspection if `keys` has its key.
///
/// # Errors
/// [`OathError::Exchange`] if the token cannot be reached or falls silent; [`OathError::Malformed`] or another
/// [`OathError`] if its responses make no sense. A token without the applet, or with a locked one, is not an error.
pub fn inspect(bus: &dyn Bus, reader: &str, patience: Patience, keys: &KeyLookup<'_>) -> Result<TokenInfo, OathError> {
    converse(bus, reader, patience, &mut |transport| {
        let mut identity = device::identify(transport)?;
        let contents = match inspect_applet(transport, keys) {
            Err(OathError::AppletMissing { status, .. }) => Contents::NoApplet { status, disabled: identity.has_oath },
            contents => contents?,
        };
        if let Contents::Locked { select_response, .. } | Contents::Open { select_response, .. } = &contents {
            identity.serial = identity.serial.or(select_response.serial);
        }
        Ok(TokenInfo { reader: reader.to_owned(), identity, contents })
    })
}

/// Reads the accounts of the OATH applet, unlocking the applet first if its key is known.
fn inspect_applet(transport: &mut dyn Transport, keys: &KeyLookup<'_>) -> Result<Contents, OathError> {
    let locked = match oath::select(transport)? {
        OathApplet::Ready(ready) => return list(ready),
        OathApplet::Locked(locked) => locked,
    };
    let select_response = locked.select_response().clone();
    let Some(key) = locked.device_id().and_then(keys) else {
        return Ok(Contents::Locked { select_response, refused: false });
    };
    match locked.unlock(&key)? {
        Attempt::Unlocked(ready) => list(ready),
        Attempt::WrongPassword(_) => Ok(Contents::Locked { select_response, refused: true }),
    }
}

/// Reads the accounts of an applet that is not locked.
fn list(mut ready: Ready<'_>) -> Result<Contents, OathError> {
    let accounts = ready.accounts()?;
    Ok(Contents::Open { select_response: ready.select_response().clone(), accounts })
}
