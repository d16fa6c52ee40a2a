//! Carrier that uses the system's PC/SC service.
//!
//! Three rules hold on every path, including errors and panics: a token is shared, a conversation is one transaction,
//! and disconnecting leaves the token as it is. The last rule needs care: `pcsc` resets the token when a connection
//! is dropped, and a reset takes away what other programs have selected and unlocked.

mod watch;

use std::ffi::CString;
use std::mem;
use std::thread::sleep;
use std::time::Duration;

use pcsc::{Card, Context, Disposition, Error, Protocols, Scope, ShareMode, Transaction};
use zeroize::Zeroizing;

use crate::transport::{Bus, CarrierError, Token, Transport, Watch};

/// Parts of reader names, in lower case, by which OATH tokens are recognised.
pub const KNOWN_NAMES: [&str; 5] = ["yubikey", "yubico", "nitrokey", "canokey", "pico"];

/// Size of the receive buffer in bytes. A response to a short command has at most 258 bytes, but some tokens can send
/// up to 3072.
const ROOM: usize = 4096;

/// Maximum number of reconnections if another program resets the token before a conversation begins.
const MOST_RESETS: usize = 2;

/// Pause before connecting again to a service that has just dropped the connection.
const SERVICE_PAUSE: Duration = Duration::from_millis(100);

/// Bus of the tokens that the PC/SC service knows. Each call opens a new connection to the service. A shared
/// connection would stop working when the service restarts, and would make one thread's call wait for another
/// thread's touch.
#[derive(Clone, Debug, Default)]
pub struct PcscBus {
    wanted: Option<String>,
}

impl PcscBus {
    /// Creates a bus that uses only readers of known OATH tokens: YubiKey, Nitrokey, CanoKey, Pico.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a bus that uses only readers whose name contains `part`, in upper or lower case.
    #[must_use]
    pub fn with_readers_containing(part: &str) -> Self {
        Self { wanted: Some(part.to_lowercase()) }
    }

    /// Returns true if the bus uses a reader of this name. Other readers are left alone, because selecting an applet
    /// would disturb the programs that use their tokens.
    fn wants(&self, reader: &str) -> bool {
        let reader = reader.to_lowercase();
        match &self.wanted {
            Some(part) => reader.contains(part),
            None => KNOWN_NAMES.iter().any(|name| reader.contains(name)),
        }
    }
}

impl Bus for PcscBus {
    fn readers(&self) -> Result<Vec<String>, CarrierError> {
        let list = || establish()?.list_readers_owned().map_err(|why| carrier_error(PcscCall::List, why));
        let readers = match list() {
            Err(CarrierError::ServiceStopped | CarrierError::Broken) => list()?,
            readers => readers?,
        };
        Ok(readers.iter().map(|reader| reader.to_string_lossy().into_owned()).filter(|name| self.wants(name)).collect())
    }

    fn open(&self, reader: &str) -> Result<Box<dyn Token + '_>, CarrierError> {
        let reader = CString::new(reader).map_err(|_| CarrierError::Removed)?;
        let card = establish()?
            .connect(&reader, ShareMode::Shared, Protocols::ANY)
            .map_err(|why| carrier_error(PcscCall::Connect, why))?;
        Ok(Box::new(PcscToken { card: Some(card) }))
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(watch::PcscWatch::new(self.clone()))
    }
}

/// Connects to the service. Tries a second time if the service was just stopping.
fn establish() -> Result<Context, CarrierError> {
    let first = Context::establish(Scope::User);
    let outcome = match first {
        Err(Error::ServiceStopped | Error::CommError | Error::SecurityViolation | Error::InvalidHandle) => {
            sleep(SERVICE_PAUSE);
            Context::establish(Scope::User)
        }
        outcome => outcome,
    };
    outcome.map_err(|why| carrier_error(PcscCall::Establish, why))
}

/// Connection to one token, which leaves the token as it is when dropped.
struct PcscToken {
    /// `None` only while the connection is being dropped.
    card: Option<Card>,
}

impl Token for PcscToken {
    fn begin(&mut self) -> Result<Box<dyn Transport + '_>, CarrierError> {
        let mut card = self.card.as_mut().ok_or(CarrierError::Removed)?;
        for _ in 0..MOST_RESETS {
            match card.transaction2() {
                Ok(transaction) => return Ok(Box::new(PcscTransport::new(transaction))),
                Err((again, Error::ResetCard)) => {
                    card = again;
                    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard)
                        .map_err(|why| carrier_error(PcscCall::Begin, why))?;
                }
                Err((_, why)) => return Err(carrier_error(PcscCall::Begin, why)),
            }
        }
        let transaction = card.transaction().map_err(|why| carrier_error(PcscCall::Begin, why))?;
        Ok(Box::new(PcscTransport::new(transaction)))
    }
}

impl Drop for PcscToken {
    fn drop(&mut self) {
        if let Some(Err((card, _))) = self.card.take().map(|card| card.disconnect(Disposition::LeaveCard)) {
            // The service no longer knows the connection. Dropping `card` would still ask for a reset of the token;
            // forgetting it leaks a few bytes.
            mem::forget(card);
        }
    }
}

/// One PC/SC transaction; `pcsc` ends it without a reset when it is dropped.
struct PcscTransport<'t> {
    transaction: Transaction<'t>,
    room: Zeroizing<Vec<u8>>,
}

impl<'t> PcscTransport<'t> {
    fn new(transaction: Transaction<'t>) -> Self {
        Self { transaction, room: Zeroizing::new(vec![0; ROOM]) }
    }
}

impl Transport for PcscTransport<'_> {
    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, CarrierError> {
        let answer = self.transaction.transmit(command, &mut self.room);
        answer.map(<[u8]>::to_vec).map_err(|why| carrier_error(PcscCall::Transmit, why))
    }
}

/// PC/SC call that returned an error; some errors mean different things in different calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PcscCall {
    Establish,
    List,
    Connect,
    Begin,
    Transmit,
}

/// Translates an error of PC/SC.
///
/// Sources: pcsc-lite's `winscard.h` and its client library. To the client, a refusal by polkit looks like a dropped
/// connection, as if the service could not be reached at all.
fn carrier_error(place: PcscCall, error: Error) -> CarrierError {
    let is_before_the_token = matches!(place, PcscCall::Establish | PcscCall::List);
    match error {
        Error::NoService => CarrierError::NoService,
        Error::ServiceStopped | Error::Shutdown => CarrierError::ServiceStopped,
        Error::SecurityViolation if matches!(place, PcscCall::Establish | PcscCall::Connect) => CarrierError::Refused,
        // In any later call, this error only means that the service was restarted.
        Error::SecurityViolation => CarrierError::ServiceStopped,
        Error::CommError if place == PcscCall::Establish => CarrierError::Refused,
        Error::SharingViolation => CarrierError::Busy,
        Error::ResetCard => CarrierError::Reset,
        Error::NoSmartcard if place == PcscCall::Connect => CarrierError::Empty,
        Error::UnpoweredCard | Error::UnresponsiveCard => CarrierError::Mute,
        Error::InvalidHandle | Error::InvalidValue if is_before_the_token => CarrierError::ServiceStopped,
        Error::InvalidHandle if place == PcscCall::Connect => CarrierError::ServiceStopped,
        Error::RemovedCard
        | Error::ReaderUnavailable
        | Error::UnknownReader
        | Error::NoReadersAvailable
        | Error::NoSmartcard
        | Error::InvalidHandle
        | Error::InvalidValue => CarrierError::Removed,
        Error::CommError | Error::CommDataLost | Error::NotTransacted | Error::Timeout => CarrierError::Broken,
        // `pcsc` numbers its variants with PC/SC's own error codes.
        other => CarrierError::Other { code: other as u32, text: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_readers_are_used_unless_a_name_is_given() {
        let known = PcscBus::new();
        for reader in [
            "Yubico YubiKey OTP+FIDO+CCID 00 00",
            "Yubico Yubikey NEO OTP+U2F+CCID 01 00",
            "Nitrokey Nitrokey 3 [CCID/ICCD Interface] 00 00",
            "CANOKEYS.ORG CanoKey [OpenPGP PIV OATH] 00 00",
            "Pol Henarejos Pico Key 00 00",
        ] {
            assert!(known.wants(reader), "{reader}");
        }
        assert!(!known.wants("ACS ACR122U 00 00") && !known.wants("Virtual PCD 00 00"));
        let named = PcscBus::with_readers_containing("virtual PCD");
        assert!(named.wants("Virtual PCD 00 01") && !named.wants("Yubico YubiKey OTP+FIDO+CCID 00 00"));
    }

    #[test]
    fn errors_are_translated_by_the_call_they_came_from() {
        use PcscCall::{Begin, Connect, Establish, List, Transmit};
        let all = [Establish, List, Connect, Begin, Transmit];
        let cases: [(Error, &[PcscCall], CarrierError); 22] = [
            (Error::NoService, &all, CarrierError::NoService),
            (Error::ServiceStopped, &all, CarrierError::ServiceStopped),
            (Error::SecurityViolation, &[Establish, Connect], CarrierError::Refused),
            (Error::SecurityViolation, &[List, Begin, Transmit], CarrierError::ServiceStopped),
            (Error::CommError, &[Establish], CarrierError::Refused),
            (Error::CommError, &[List, Connect, Begin, Transmit], CarrierError::Broken),
            (Error::CommDataLost, &all, CarrierError::Broken),
            (Error::NotTransacted, &all, CarrierError::Broken),
            (Error::SharingViolation, &[Connect, Begin, Transmit], CarrierError::Busy),
            (Error::ResetCard, &[Begin, Transmit], CarrierError::Reset),
            (Error::RemovedCard, &[Connect, Begin, Transmit], CarrierError::Removed),
            (Error::ReaderUnavailable, &all, CarrierError::Removed),
            (Error::UnknownReader, &all, CarrierError::Removed),
            (Error::NoSmartcard, &[Connect], CarrierError::Empty),
            (Error::NoSmartcard, &[Begin, Transmit], CarrierError::Removed),
            (Error::UnpoweredCard, &all, CarrierError::Mute),
            (Error::UnresponsiveCard, &all, CarrierError::Mute),
            (Error::InvalidHandle, &[Establish, List, Connect], CarrierError::ServiceStopped),
            (Error::InvalidHandle, &[Begin, Transmit], CarrierError::Removed),
            (Error::InvalidValue, &[Connect, Begin, Transmit], CarrierError::Removed),
            (Error::InvalidValue, &[List], CarrierError::ServiceStopped),
            (
                Error::InsufficientBuffer,
                &all,
                CarrierError::Other { code: 0x8010_0008, text: Error::InsufficientBuffer.to_string() },
            ),
        ];
        for (error, places, meaning) in cases {
            for place in places {
                assert_eq!(carrier_error(*place, error), meaning, "{error:?} at {place:?}");
            }
        }
    }
}
