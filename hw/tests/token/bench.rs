//! The virtual token on each carrier, and what must be true after every conversation.

use oath_token::memory_bus::{MemoryBus, ReaderLog};
use oath_token::oath::{AccessKey, DeviceId, OathError, Password};
use oath_token::transport::Bus;
use virtual_token::{CodeKind, HashAlgorithm, Persona, StoredAccount, VirtualToken};

#[cfg(target_os = "linux")]
pub(crate) mod service;

/// What the applets of all tokens here call themselves.
pub(crate) const DEVICE_ID: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// The password of those that have one.
pub(crate) const PASSWORD: &str = "correct horse";

/// The reader of a token in memory.
pub(crate) const READER: &str = "Yubico YubiKey OTP+FIDO+CCID 00 00";

/// The secret of RFC 6238's test vectors for SHA-1.
pub(crate) const SECRET: &[u8] = b"12345678901234567890";

/// A virtual token that is plugged in, on whichever carrier.
pub(crate) struct Plugged {
    pub(crate) bus: Box<dyn Bus>,
    pub(crate) reader: String,
    pub(crate) token: VirtualToken,
    /// Pulls the token out.
    pub(crate) pull: Box<dyn Fn() + Send + Sync>,
}

/// A token with an account of each sort.
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

/// The token in memory.
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

/// Keys for applets that are locked: none is known.
pub(crate) fn no_keys(_: &DeviceId) -> Option<AccessKey> {
    None
}

/// The right key.
pub(crate) fn right_key(device_id: &DeviceId) -> Option<AccessKey> {
    Some(AccessKey::derive(&Password::new(PASSWORD.to_owned()), device_id))
}

/// A key of another password.
pub(crate) fn wrong_key(device_id: &DeviceId) -> Option<AccessKey> {
    Some(AccessKey::derive(&Password::new("wrong".to_owned()), device_id))
}

/// An error without the answer beside it, which may be a secret and has no `Debug`.
pub(crate) fn error_of<T>(outcome: Result<T, OathError>) -> OathError {
    outcome.err().expect("it should have failed")
}

/// Fails if any command writes: what an instruction means depends on the applet that is selected.
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
            // What wakes a NEO up.
            [0xA4, 0x04, 0x00, 0x08] => command.len() == 4,
            _ => false,
        };
        assert!(harmless, "{command:02x?} with {selected:02x?} selected");
    }
}

/// Fails unless everything that was begun on a reader has ended, nothing was begun twice, and nothing was written.
#[track_caller]
pub(crate) fn assert_left_alone(log: &ReaderLog) {
    assert_eq!((log.opened, log.begun), (log.closed, log.ended), "all has ended");
    assert_eq!(log.collisions, 0, "one at a time");
    assert_read_only(&log.commands);
}

/// Fails if the token's OATH applet can be used without a password: it was unlocked and not locked again.
#[track_caller]
pub(crate) fn assert_locked(token: &VirtualToken) {
    let answer = token.exchange(&[0x00, 0xA1, 0x00, 0x00, 0x00]);
    assert!(matches!(answer[..], [0x69, 0x82] | [0x6D, 0x00]), "it is not locked");
}
