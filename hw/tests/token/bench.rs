//! The virtual token on each carrier, and the checks after every conversation.

use oath_token::memory_bus::{MemoryBus, ReaderLog};
use oath_token::oath::{AccessKey, DeviceId, OathError, Password};
use oath_token::transport::Bus;
use virtual_token::{CodeKind, HashAlgorithm, Persona, StoredAccount, VirtualToken};

#[cfg(target_os = "linux")]
pub(crate) mod service;

/// Device id of every token in these tests.
pub(crate) const DEVICE_ID: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// Password of the tokens that have one.
pub(crate) const PASSWORD: &str = "correct horse";

/// Reader name of a token in memory.
pub(crate) const READER: &str = "Yubico YubiKey OTP+FIDO+CCID 00 00";

/// Secret of RFC 6238's test vectors for SHA-1.
pub(crate) const SECRET: &[u8] = b"12345678901234567890";

/// A virtual token that is plugged in, through memory or through a real service.
pub(crate) struct Plugged {
    pub(crate) bus: Box<dyn Bus>,
    pub(crate) reader: String,
    pub(crate) token: VirtualToken,
    /// Pulls the token out.
    pub(crate) pull: Box<dyn Fn() + Send + Sync>,
}

/// Returns a token with an account of each kind.
pub(crate) fn token(persona: Persona) -> VirtualToken {
    let token = VirtualToken::builder(persona).device_id(DEVICE_ID).build();
    let mut rfc = StoredAccount::totp("rfc-sha1", SECRET);
    rfc.digits = 8;
    token.add(rfc);
    token.add(StoredAccount::totp("Amazon Web Services:alice@example-alias", SECRET).with_touch());
    token.add(StoredAccount::totp("60/Acme:alice", SECRET));
    let mut hotp = StoredAccount::totp("hotp", SECRET);
    (hotp.kind, hotp.counter, hotp.algorithm) = (CodeKind::Hotp, 1, HashAlgorithm::Sha1);
    token.add(hotp);
    token
}

/// Plugs a token into a bus in memory.
pub(crate) fn in_memory(token: &VirtualToken) -> (MemoryBus, Plugged) {
    let bus = MemoryBus::new();
    let answering = token.clone();
    bus.insert(READER, move |command| Ok(answering.exchange(command)));
    let (pulled, blinking) = (bus.clone(), token.clone());
    let pull = move || {
        pulled.remove(READER);
        blinking.reset();
    };
    let plugged =
        Plugged { bus: Box::new(bus.clone()), reader: READER.to_owned(), token: token.clone(), pull: Box::new(pull) };
    (bus, plugged)
}

/// Key lookup that knows no key.
pub(crate) fn no_keys(_: &DeviceId) -> Option<AccessKey> {
    None
}

/// Key lookup that returns the right key.
pub(crate) fn right_key(device_id: &DeviceId) -> Option<AccessKey> {
    Some(AccessKey::derive(&Password::new(PASSWORD.to_owned()), device_id))
}

/// Key lookup that returns the key of another password.
pub(crate) fn wrong_key(device_id: &DeviceId) -> Option<AccessKey> {
    Some(AccessKey::derive(&Password::new("wrong".to_owned()), device_id))
}

/// Returns the error of a failed outcome. `unwrap_err` would need `Debug` on the value, which may be a secret and has
/// none.
pub(crate) fn error_of<T>(outcome: Result<T, OathError>) -> OathError {
    outcome.err().expect("it should have failed")
}

/// Fails if any command writes to the token. Keeps track of the selected applet, because the meaning of an
/// instruction depends on it.
#[track_caller]
pub(crate) fn assert_read_only(commands: &[Vec<u8>]) {
    let mut selected = Vec::new();
    for command in commands {
        let harmless = match command[..4] {
            [0x00, 0xA4, 0x04, 0x00] => {
                selected = command[5..].to_vec();
                true
            }
            [0x00, 0xA1..=0xA5, ..] => true,
            [0x00, 0x1D, ..] => selected == [0xA0, 0, 0, 5, 0x27, 0x47, 0x11, 0x17],
            [0x00, 0x01, 0x10, 0x00] => selected == [0xA0, 0, 0, 5, 0x27, 0x20, 0x01],
            // The bytes that make a NEO leave its management applet.
            [0xA4, 0x04, 0x00, 0x08] => command.len() == 4,
            _ => false,
        };
        assert!(harmless, "{command:02x?} with {selected:02x?} selected");
    }
}

/// Fails unless every connection and conversation on a reader has ended, none was nested, and nothing was written.
#[track_caller]
pub(crate) fn assert_left_alone(log: &ReaderLog) {
    assert_eq!((log.opened, log.begun), (log.closed, log.ended), "all has ended");
    assert_eq!(log.collisions, 0, "one at a time");
    assert_read_only(&log.commands);
}

/// Fails if the token's OATH applet can be used without a password, that is, if it was not locked again.
#[track_caller]
pub(crate) fn assert_locked(token: &VirtualToken) {
    let answer = token.exchange(&[0x00, 0xA1, 0x00, 0x00, 0x00]);
    assert!(matches!(answer[..], [0x69, 0x82] | [0x6D, 0x00]), "it is not locked");
}
