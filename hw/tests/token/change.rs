//! Changes to a token: what is written, what is refused, and the state after a conversation that breaks off.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use oath_token::change::{self, Change, ChangeError, ChangeRefusal, Feature, Target};
use oath_token::conversation::Patience;
use oath_token::device::Version;
use oath_token::memory_bus::MemoryBus;
use oath_token::oath::{
    AccessKey, AccountId, AccountSecret, Algorithm, DeviceId, NewAccount, OathError, OathType, Password,
};
use oath_token::survey;
use oath_token::survey::KeyLookup;
use oath_token::transport::Bus;
use oath_token::transport::CarrierError;
use virtual_token::{Persona, StoredAccount, VirtualToken};

use crate::bench::{DEVICE_ID, PASSWORD, READER, SECRET, assert_locked, in_memory, no_keys, token, wrong_key};

/// Password that the changes set.
const NEW_PASSWORD: &str = "battery staple";

fn change(bus: &dyn Bus, target: &Target, keys: &KeyLookup<'_>, change: &Change) -> Result<(), ChangeError> {
    change::change(bus, target, Patience::USUAL, keys, change, &|| true)
}

fn id(id: &str) -> AccountId {
    AccountId::from_bytes(id.as_bytes())
}

fn account(name: &str) -> NewAccount {
    NewAccount {
        id: id(name),
        kind: OathType::Totp,
        algorithm: Algorithm::Sha1,
        digits: 6,
        secret: AccountSecret::new(SECRET.to_vec().into()),
        touch: false,
        counter: 0,
    }
}

fn add(name: &str) -> Change {
    Change::Add { account: account(name), overwrite: false }
}

fn overwrite(name: &str) -> Change {
    let account = NewAccount { secret: AccountSecret::new(b"another secret".to_vec().into()), ..account(name) };
    Change::Add { account, overwrite: true }
}

fn remove(name: &str) -> Change {
    Change::Remove { id: id(name) }
}

fn rename(old: &str, new: &str) -> Change {
    Change::Rename { old: id(old), new: id(new) }
}

fn set_password() -> Change {
    Change::SetPassword { key: new_key() }
}

fn new_key() -> AccessKey {
    NEW_KEY.clone()
}

/// Key lookup that returns the right key, derived only once because there are hundreds of runs.
fn right_key(_: &DeviceId) -> Option<AccessKey> {
    Some(RIGHT_KEY.clone())
}

static NEW_KEY: LazyLock<AccessKey> = LazyLock::new(|| derive(NEW_PASSWORD));
static RIGHT_KEY: LazyLock<AccessKey> = LazyLock::new(|| derive(PASSWORD));

fn derive(password: &str) -> AccessKey {
    AccessKey::derive(&Password::new(password.to_owned()), &DeviceId::from_bytes(&DEVICE_ID))
}

/// Makes a change to a token in memory, with the right key.
fn made(token: &VirtualToken, what: &Change) -> Result<(), ChangeError> {
    let (bus, plugged) = in_memory(token);
    let target = survey::inspect(&bus, &plugged.reader, Patience::NONE, &right_key).unwrap().target();
    let outcome = change(&bus, &target, &right_key, what);
    let log = bus.log(READER);
    assert_eq!((log.opened, log.begun, log.collisions), (log.closed, log.ended, 0));
    outcome
}

fn refused(token: &VirtualToken, what: &Change) -> ChangeRefusal {
    let before = contents(token);
    match made(token, what) {
        Err(ChangeError::Refused(refusal)) => {
            assert_eq!(contents(token), before, "nothing was changed");
            refusal
        }
        other => panic!("{other:?}"),
    }
}

/// Returns id, secret and touch flag of each account on a token.
fn contents(token: &VirtualToken) -> Vec<(String, Vec<u8>, bool)> {
    let text = |account: &StoredAccount| String::from_utf8_lossy(&account.id).into_owned();
    token.accounts().iter().map(|account| (text(account), account.secret.to_vec(), account.touch)).collect()
}

fn ids(token: &VirtualToken) -> Vec<String> {
    contents(token).into_iter().map(|(id, ..)| id).collect()
}

#[test]
fn accounts_are_added_renamed_overwritten_and_removed() {
    for password in [None, Some(PASSWORD)] {
        let token = token(Persona::YUBIKEY_5_4_3);
        token.set_password(password);
        assert_eq!(made(&token, &add("AWS:bob")), Ok(()));
        assert_eq!(made(&token, &rename("AWS:bob", "AWS:bobby")), Ok(()));
        assert_eq!(made(&token, &remove("rfc-sha1")), Ok(()));
        assert_eq!(made(&token, &overwrite("AWS:bobby")), Ok(()));
        let expected = ["Amazon Web Services:alice@example-alias", "60/Acme:alice", "hotp", "AWS:bobby"];
        assert_eq!(ids(&token), expected);
        assert_eq!(contents(&token)[3].1, b"another secret");
        if password.is_some() {
            assert_locked(&token);
        }
    }
}

#[test]
fn touch_algorithm_digits_and_counter_reach_the_token() {
    let token = token(Persona::YUBIKEY_5_7);
    let new = NewAccount {
        algorithm: Algorithm::Sha512,
        digits: 8,
        touch: true,
        kind: OathType::Hotp,
        counter: 7,
        ..account("x")
    };
    assert_eq!(made(&token, &Change::Add { account: new, overwrite: false }), Ok(()));
    let there = token.accounts().pop().unwrap();
    assert_eq!((there.algorithm, there.kind), (virtual_token::HashAlgorithm::Sha512, virtual_token::CodeKind::Hotp));
    assert_eq!((there.digits, there.touch, there.counter), (8, true, 7));
}

#[test]
fn refusals_come_before_anything_is_written() {
    let token = token(Persona::YUBIKEY_5_4_3);
    assert_eq!(refused(&token, &add("rfc-sha1")), ChangeRefusal::Exists { id: id("rfc-sha1") });
    let missing = refused(&token, &remove("rfc-sha2"));
    assert!(matches!(missing, ChangeRefusal::NoSuchAccount { present, .. } if present.len() == 4));
    assert!(matches!(refused(&token, &rename("nope", "x")), ChangeRefusal::NoSuchAccount { .. }));
    assert_eq!(refused(&token, &rename("hotp", "rfc-sha1")), ChangeRefusal::Exists { id: id("rfc-sha1") });
    let long = "x".repeat(65);
    assert_eq!(refused(&token, &add(&long)), ChangeRefusal::IdLength { length: 65 });
    assert_eq!(refused(&token, &rename("hotp", &long)), ChangeRefusal::IdLength { length: 65 });
    assert_eq!(refused(&token, &add("")), ChangeRefusal::IdLength { length: 0 });
    assert_eq!(made(&token, &add(&long[..64])), Ok(()));
    assert!(token.commands().iter().filter(|command| command[..2] == [0, 1]).count() == 1, "one PUT in all");
}

#[test]
fn capacity_is_known_by_firmware() {
    for (persona, room) in [(Persona::YUBIKEY_5_4_3, 32), (Persona::YUBIKEY_5_7, 64)] {
        let token = VirtualToken::builder(persona).device_id(DEVICE_ID).build();
        (0..room).for_each(|at| token.add(StoredAccount::totp(format!("account {at:02}"), SECRET)));
        token.clear_commands();
        assert_eq!(refused(&token, &add("one more")), ChangeRefusal::Full { used: room });
        assert!(!token.commands().iter().any(|command| command[..2] == [0, 1]), "no PUT was tried");
        assert_eq!(made(&token, &overwrite("account 00")), Ok(()), "there is room for what is there");
    }
    let neo = VirtualToken::builder(Persona::NEO).device_id(DEVICE_ID).build();
    (0..102).for_each(|at| neo.add(StoredAccount::totp(format!("account {at:03}"), SECRET)));
    assert_eq!(refused(&neo, &add("one more of them")), ChangeRefusal::Full { used: 102 }, "a NEO is asked");
}

#[test]
fn old_firmware_refuses_features_it_lacks() {
    let neo = token(Persona::NEO);
    let has = Version { major: 1, minor: 0, patch: 2 };
    let too_old = |feature| ChangeRefusal::TooOld { feature, has };
    assert_eq!(refused(&neo, &rename("hotp", "x")), too_old(Feature::Rename));
    let touch = Change::Add { account: NewAccount { touch: true, ..account("x") }, overwrite: false };
    assert_eq!(refused(&neo, &touch), too_old(Feature::Touch));
    let sha512 = Change::Add { account: NewAccount { algorithm: Algorithm::Sha512, ..account("x") }, overwrite: false };
    assert_eq!(refused(&neo, &sha512), too_old(Feature::Sha512));
    let old = token(Persona { firmware: [4, 3, 1], oath_version: &[4, 3, 1], ..Persona::YUBIKEY_5_4_3 });
    assert_eq!(refused(&old, &add("rfc")), ChangeRefusal::Ambiguous { id: id("rfc"), other: id("rfc-sha1") });
    assert_eq!(made(&old, &add("rfc-sha11")), Ok(()));
    // This token reports version 5.4.3, but does not know RENAME.
    let odd = token(Persona { missing: &[(0x05, 0x6d00)], ..Persona::YUBIKEY_5_4_3 });
    let unsupported = OathError::Unsupported { command: "RENAME" };
    assert_eq!(made(&odd, &rename("hotp", "x")), Err(ChangeError::Failed(unsupported)));
}

#[test]
fn a_token_that_never_overwrites_keeps_its_account() {
    for status in [[0x69, 0x85], [0x69, 0x83]] {
        let token = token(Persona::YUBIKEY_5_4_3);
        let bus = MemoryBus::new();
        let answering = token.clone();
        bus.insert(READER, move |command| {
            let refuses = command[..2] == [0, 1] && command.len() > 10;
            Ok(if refuses { status.to_vec() } else { answering.exchange(command) })
        });
        let target = Target { reader: READER.to_owned(), device_id: None, capacity: None };
        let keeps = ChangeRefusal::KeepsWhatItHas { id: id("hotp") };
        assert_eq!(change(&bus, &target, &no_keys, &overwrite("hotp")), Err(ChangeError::Refused(keeps)));
        let other = change(&bus, &target, &no_keys, &add("new"));
        assert!(matches!(other, Err(ChangeError::Failed(OathError::Status { command: "PUT", .. }))), "{other:?}");
    }
}

#[test]
fn a_password_is_set_changed_cleared_and_verified() {
    for persona in [Persona::YUBIKEY_5_4_3, Persona::NEO] {
        let token = token(persona);
        assert_eq!(made(&token, &set_password()), Ok(()));
        assert_locked(&token);
        let (bus, plugged) = in_memory(&token);
        let target =
            Target { reader: plugged.reader, device_id: Some(DeviceId::from_bytes(&DEVICE_ID)), capacity: None };
        let wrong = change(&bus, &target, &wrong_key, &Change::ClearPassword);
        assert_eq!(wrong, Err(ChangeError::Failed(OathError::WrongPassword)));
        let unknown = change(&bus, &target, &no_keys, &remove("hotp"));
        assert!(matches!(unknown, Err(ChangeError::Failed(OathError::PasswordNeeded { .. }))), "{unknown:?}");
        let new = |_: &DeviceId| Some(new_key());
        let back = Change::SetPassword { key: right_key(&DeviceId::from_bytes(&DEVICE_ID)).unwrap() };
        assert_eq!(change(&bus, &target, &new, &back), Ok(()));
        assert_locked(&token);
        assert_eq!(change(&bus, &target, &right_key, &Change::ClearPassword), Ok(()));
        let log = bus.log(READER);
        assert_eq!(log.commands.last().unwrap()[1], 0xA4, "whether it is open was looked at");
        assert_eq!(made(&token, &remove("hotp")), Ok(()), "nothing is asked any more");
    }
}

#[test]
fn a_change_that_is_confirmed_but_not_made_is_noticed() {
    for what in [add("new"), remove("hotp"), rename("hotp", "new"), set_password()] {
        let token = token(Persona::YUBIKEY_5_4_3);
        let (bus, answering) = (MemoryBus::new(), token.clone());
        bus.insert(READER, move |command| {
            let writes = matches!(command, [0, 1 | 2 | 3 | 5, 0, 0, ..]);
            Ok(if writes { vec![0x90, 0x00] } else { answering.exchange(command) })
        });
        let target = Target { reader: READER.to_owned(), device_id: None, capacity: None };
        assert_eq!(change(&bus, &target, &no_keys, &what), Err(ChangeError::Refused(ChangeRefusal::NotKept)));
    }
}

#[test]
fn another_token_in_the_reader_is_not_changed() {
    let token = token(Persona::YUBIKEY_5_4_3);
    let (bus, plugged) = in_memory(&token);
    let other = Some(DeviceId::from_bytes(b"another!"));
    let target = Target { reader: plugged.reader, device_id: other, capacity: None };
    let outcome = change(&bus, &target, &no_keys, &remove("hotp"));
    assert!(matches!(outcome, Err(ChangeError::Failed(OathError::OtherToken { .. }))), "{outcome:?}");
    assert_eq!(token.accounts().len(), 4);
}

/// Message that is lost: the command on the way to the token, or its response on the way back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lost {
    OnTheWay,
    OnTheWayBack,
}

/// A change, and the password that the token has before it.
type Case = (fn() -> Change, Option<&'static str>);

/// Makes a change with a fault at command number `at`, and checks that the outcome says whether the change was made.
fn with_fault((what, password): Case, at: usize, why: &CarrierError, lost: Lost, for_good: bool) {
    let (fresh, token) = (token(Persona::YUBIKEY_5_4_3), token(Persona::YUBIKEY_5_4_3));
    fresh.set_password(password);
    token.set_password(password);
    assert_eq!(made(&fresh, &what()), Ok(()));
    let (bus, answering, count) = (MemoryBus::new(), token.clone(), AtomicUsize::new(0));
    let fault = why.clone();
    bus.insert(READER, move |command| {
        let now = count.fetch_add(1, Ordering::Relaxed);
        let is_lost = now == at || for_good && now > at;
        let is_heard = !is_lost || lost == Lost::OnTheWayBack && now == at;
        let answer = if is_heard { answering.exchange(command) } else { Vec::new() };
        if is_lost { Err(fault.clone()) } else { Ok(answer) }
    });
    let target = Target { reader: READER.to_owned(), device_id: None, capacity: None };
    let outcome = change(&bus, &target, &right_key, &what());
    let is_made = same_state(&token, &fresh);
    let told = format!("{why:?} {lost:?} at {at}, for good {for_good}: {outcome:?}");
    match &outcome {
        Ok(()) => assert!(is_made, "{told}"),
        Err(ChangeError::Failed(_)) => assert!(!is_made, "{told}"),
        // The outcome may be uncertain only if the fault lasts or the token was pulled out.
        Err(ChangeError::Uncertain(_)) => assert!(for_good || *why == CarrierError::Removed, "{told}"),
        Err(ChangeError::Refused(_)) => panic!("{told}"),
    }
    if !for_good && *why != CarrierError::Removed {
        assert_eq!(outcome, Ok(()), "{told}: it is tried again");
    }
}

/// Returns true if two tokens have the same accounts and the same password.
fn same_state(one: &VirtualToken, other: &VirtualToken) -> bool {
    let opens = |token: &VirtualToken, key: &dyn Fn(&DeviceId) -> Option<AccessKey>| {
        let (bus, plugged) = in_memory(token);
        survey::inspect(&bus, &plugged.reader, Patience::NONE, key).unwrap().accounts().is_some()
    };
    let new = |_: &DeviceId| Some(new_key());
    let locks = |token: &VirtualToken| [opens(token, &no_keys), opens(token, &right_key), opens(token, &new)];
    contents(one) == contents(other) && locks(one) == locks(other)
}

#[test]
fn a_conversation_that_breaks_off_reports_the_state_it_leaves() {
    let accounts: [fn() -> Change; 4] =
        [|| add("new"), || overwrite("rfc-sha1"), || remove("hotp"), || rename("hotp", "new")];
    let cases = accounts.into_iter().flat_map(|what| [(what, None), (what, Some(PASSWORD))]).chain([
        (set_password as fn() -> Change, None),
        (set_password, Some(PASSWORD)),
        (|| Change::ClearPassword, Some(PASSWORD)),
    ]);
    let faults = [CarrierError::Broken, CarrierError::ServiceStopped, CarrierError::Removed];
    // Some runs wait a while to see whether the token is gone, so all run in parallel.
    std::thread::scope(|scope| {
        for (case, why) in cases.flat_map(|case: Case| faults.clone().map(|why| (case, why))) {
            // Six commands at most: SELECT, VALIDATE, a list, the change, a list, SELECT.
            for at in 0..=6 {
                for (lost, for_good) in
                    [Lost::OnTheWay, Lost::OnTheWayBack].into_iter().flat_map(|l| [(l, false), (l, true)])
                {
                    let why = why.clone();
                    scope.spawn(move || with_fault(case, at, &why, lost, for_good));
                }
            }
        }
    });
}
