//! The tokens that are plugged in: serial number, firmware, locked or not, accounts.

use crate::apdu::StatusWord;
use crate::conversation::{Patience, converse};
use crate::device::{self, TokenIdentity, Version};
use crate::oath::{self, AccessKey, Account, Attempt, DeviceId, OathApplet, OathError, Ready, SelectResponse};
use crate::transport::{Bus, CarrierError, Transport};
use std::time::Instant;

/// The first firmware of YubiKeys with room for 64 accounts.
const ROOMY: Version = Version { major: 5, minor: 7, patch: 0 };

/// Returns the key of a locked applet, if it is known. Called in the middle of a conversation, while other programs wait for
/// the token, so it must answer from memory and never ask a person.
pub type KeyLookup<'k> = dyn Fn(&DeviceId) -> Option<AccessKey> + 'k;

/// One token and its OATH applet, as they were when a conversation with them ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Name of the token's reader; valid for [`Bus::open`] until something is plugged in or pulled out.
    pub reader: String,
    /// Serial number and firmware.
    pub identity: TokenIdentity,
    /// The OATH applet: absent, locked, or its accounts.
    pub contents: Contents,
}

/// Whether the token in a reader of this name is a YubiKey: of others, a version says nothing of what they can do.
pub(crate) fn is_yubikey(reader: &str) -> bool {
    reader.to_lowercase().contains("yubikey")
}

/// State of a token's OATH applet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// The token has no OATH applet, or it is switched off here.
    NoApplet {
        /// What the token answered to SELECT.
        status: StatusWord,
        /// Whether the token says that it has one, which must then be switched off; `None` if it does not say.
        disabled: Option<bool>,
    },
    /// The applet is locked, and was left so.
    Locked {
        /// The applet's response to SELECT.
        select_response: SelectResponse,
        /// Whether a key was known and the applet did not take it.
        refused: bool,
    },
    /// The applet has no password, or was unlocked meanwhile and locked again.
    Open {
        /// The applet's response to SELECT, taken before it was unlocked.
        select_response: SelectResponse,
        /// Its accounts, in its own order.
        accounts: Vec<Account>,
    },
}

impl TokenInfo {
    /// The applet's response to SELECT; `None` if the token has no applet.
    #[must_use]
    pub fn select_response(&self) -> Option<&SelectResponse> {
        match &self.contents {
            Contents::NoApplet { .. } => None,
            Contents::Locked { select_response, .. } | Contents::Open { select_response, .. } => Some(select_response),
        }
    }

    /// How many accounts the token has room for. That is known of YubiKeys from 4 on and of CanoKeys; others have room for
    /// so many bytes, or can be told how many.
    ///
    /// Yubico's technical manual; CanoKey's source.
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

    /// What the applet calls itself, if it does.
    #[must_use]
    pub fn device_id(&self) -> Option<&DeviceId> {
        self.select_response()?.device_id.as_ref()
    }

    /// The accounts, if they could be seen.
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
    /// Of the tokens that could not be looked at, the one that is most likely to be the one that is wanted: whoever is told
    /// to plug in a token that is plugged in, and merely busy, is sent the wrong way.
    #[must_use]
    pub fn most_hopeful(&self) -> Option<&Unseen> {
        self.unseen.iter().min_by_key(|unseen| hopelessness(&unseen.why))
    }
}

/// How unlikely it is that there is a working token behind an error.
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

/// Inspects every token on the bus. Waits, as long as `patience` says, for a token that another program holds, and if no
/// token could be inspected at once, for readers that are empty or whose token does not answer yet.
///
/// # Errors
/// [`CarrierError`] if the bus cannot list its readers. The failure of one token is in [`Survey::unseen`].
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
            // They wake up side by side.
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

/// Inspects the token in one reader.
///
/// # Errors
/// [`OathError::Exchange`] if the token cannot be reached or falls silent, [`OathError::Malformed`] and the others of
/// [`OathError`] if its answers make no sense. A token without the applet, or with a locked one, is no error.
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

/// Reads the OATH applet's accounts, unlocking it meanwhile if its key is known.
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

/// The accounts of an applet that is not locked.
fn list(mut ready: Ready<'_>) -> Result<Contents, OathError> {
    let accounts = ready.accounts()?;
    Ok(Contents::Open { select_response: ready.select_response().clone(), accounts })
}
