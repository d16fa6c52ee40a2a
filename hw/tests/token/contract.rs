//! Rules that hold for a token in memory and for one behind a real PC/SC service, one function each.

use std::num::NonZeroU32;
use std::thread;
use std::time::{Duration, Instant};

use oath_token::conversation::{Patience, converse};
use oath_token::device::{Capabilities, TokenIdentity, Version};
use oath_token::fetch::{self, CodeRequest};
use oath_token::oath::{self, AccountId, Attempt, DeviceId, OathApplet, OathError, OathType, TimeStep, USUAL_PERIOD};
use oath_token::survey::{self, Contents, KeyLookup};
use oath_token::transport::CarrierError;
use virtual_token::{Persona, Presence, SimulatedTouch, StoredAccount, VirtualToken};

use crate::bench::{
    DEVICE_ID, PASSWORD, Plugged, SECRET, assert_left_alone, assert_locked, assert_read_only, error_of, in_memory,
    no_keys, right_key, token, wrong_key,
};

/// Makes a test of each rule for a token in memory, and a list of all rules for the service.
macro_rules! clauses {
    ($($clause:ident)*) => {
        mod in_memory {
            $(#[test] fn $clause() { super::run_in_memory(super::$clause); })*
        }

        #[cfg(target_os = "linux")]
        const CLAUSES: &[(&str, Clause)] = &[$((stringify!($clause), $clause)),*];
    };
}

/// One rule, as a test function that gets a function which plugs a token in.
type Clause = fn(&dyn Fn(&VirtualToken) -> Plugged);

clauses! {
    an_inspection_reads_identity_and_accounts
    a_code_takes_two_commands
    a_locked_applet_shows_nothing_and_computes_a_code_in_four_commands
    the_right_password_can_follow_a_wrong_one
    a_code_waits_for_the_touch
    a_missing_touch_is_told_from_a_refusal
    the_host_counts_time_steps_in_the_accounts_period
    response_parts_of_any_size_are_joined
    a_token_pulled_out_is_reported_as_removed
    a_disabled_applet_is_reported_as_disabled
    another_token_in_the_reader_is_noticed
    a_neo_is_identified_by_its_otp_applet
    conversations_of_several_threads_do_not_overlap
}

fn run_in_memory(clause: Clause) {
    let buses = std::cell::RefCell::new(Vec::new());
    clause(&|token| {
        let (bus, plugged) = in_memory(token);
        buses.borrow_mut().push(bus);
        plugged
    });
    assert!(!buses.borrow().is_empty());
    for bus in buses.into_inner() {
        assert_left_alone(&bus.log(crate::bench::READER));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn all_clauses_hold_through_a_service() {
    crate::bench::service::with_service("contract::all_clauses_hold_through_a_service", |service| {
        for (name, clause) in CLAUSES {
            crate::bench::service::say(name);
            clause(&|token| service.plug(token));
            service.until_empty();
        }
    });
}

/// Returns the time step of RFC 6238's first test vector.
fn step_of_59() -> TimeStep {
    TimeStep::at(59, USUAL_PERIOD)
}

fn code(on: &Plugged, id: &str, keys: &KeyLookup<'_>) -> Result<String, OathError> {
    let (device_id, account) = (DeviceId::from_bytes(&DEVICE_ID), AccountId::from_bytes(id.as_bytes()));
    let request = CodeRequest { device_id: Some(&device_id), account: &account, step: step_of_59() };
    let code = fetch::code(&*on.bus, &on.reader, Patience::USUAL, &request, keys)?;
    assert_eq!(code.step(), step_of_59());
    Ok(code.digits().to_owned())
}

fn look(on: &Plugged, keys: &KeyLookup<'_>) -> Result<survey::TokenInfo, OathError> {
    survey::inspect(&*on.bus, &on.reader, Patience::NONE, keys)
}

fn an_inspection_reads_identity_and_accounts(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::YUBIKEY_5_4_3));
    let survey = survey::survey(&*on.bus, Patience::USUAL, &no_keys).unwrap();
    let [look] = survey.tokens.as_slice() else { panic!("{survey:?}") };
    assert_eq!(look.reader, on.reader);
    let firmware = Some(Version { major: 5, minor: 4, patch: 3 });
    let enabled = look.identity.enabled;
    assert!(enabled.is_some_and(|enabled| enabled.has(Capabilities::OATH)));
    assert_eq!(look.identity, TokenIdentity { serial: Some(12_345_678), firmware, has_oath: Some(true), enabled });
    assert_eq!(look.select_response().unwrap().version, firmware);
    assert!(!look.select_response().unwrap().has_password());
    assert_eq!(look.device_id().unwrap().as_bytes(), DEVICE_ID);
    let accounts = look.accounts().unwrap();
    let told: Vec<_> = accounts.iter().map(|a| (a.id.to_string(), a.kind, a.digits, a.touch)).collect();
    assert_eq!(
        told,
        [
            ("rfc-sha1".to_owned(), OathType::Totp, Some(8), Some(false)),
            ("Amazon Web Services:alice@example-alias".to_owned(), OathType::Totp, Some(6), Some(true)),
            ("60/Acme:alice".to_owned(), OathType::Totp, Some(6), Some(false)),
            ("hotp".to_owned(), OathType::Hotp, Some(6), None),
        ]
    );
    assert_read_only(&on.token.commands());
    let asked = on.token.commands().into_iter().rfind(|command| command[1] == 0xA4).unwrap();
    assert_eq!(asked[7..], [0; 8], "no code of today was computed for a look");
    assert_eq!(on.token.accounts()[3].counter, 1, "a look does not count");
}

fn a_code_takes_two_commands(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::YUBIKEY_5_4_3));
    on.token.clear_commands();
    assert_eq!(code(&on, "rfc-sha1", &no_keys).unwrap(), "94287082");
    assert_eq!(on.token.commands().iter().map(|command| command[1]).collect::<Vec<_>>(), [0xA4, 0xA2]);
    let missing = AccountId::from_bytes(b"nope");
    assert_eq!(error_of(code(&on, "nope", &no_keys)), OathError::NoSuchAccount { id: missing });
}

fn a_locked_applet_shows_nothing_and_computes_a_code_in_four_commands(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::YUBIKEY_5_4_3));
    on.token.set_password(Some(PASSWORD));
    assert!(matches!(look(&on, &no_keys).unwrap().contents, Contents::Locked { refused: false, .. }));
    assert!(matches!(look(&on, &wrong_key).unwrap().contents, Contents::Locked { refused: true, .. }));
    let open = look(&on, &right_key).unwrap();
    assert_eq!(open.accounts().unwrap().len(), 4);
    assert!(open.select_response().unwrap().has_password());
    assert_locked(&on.token);
    let device_id = Some(DeviceId::from_bytes(&DEVICE_ID));
    assert_eq!(error_of(code(&on, "rfc-sha1", &no_keys)), OathError::PasswordNeeded { device_id });
    assert_eq!(error_of(code(&on, "rfc-sha1", &wrong_key)), OathError::WrongPassword);
    on.token.clear_commands();
    assert_eq!(code(&on, "rfc-sha1", &right_key).unwrap(), "94287082");
    assert_eq!(on.token.commands().iter().map(|command| command[1]).collect::<Vec<_>>(), [0xA4, 0xA3, 0xA2, 0xA4]);
    assert_locked(&on.token);
}

fn the_right_password_can_follow_a_wrong_one(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::YUBIKEY_5_4_3));
    on.token.set_password(Some(PASSWORD));
    on.token.clear_commands();
    let accounts = converse(&*on.bus, &on.reader, Patience::NONE, &mut |transport| {
        let OathApplet::Locked(locked) = oath::select(transport)? else { panic!("it has a password") };
        let device_id = locked.device_id().unwrap().clone();
        let Attempt::WrongPassword(locked) = locked.unlock(&wrong_key(&device_id).unwrap())? else {
            panic!("it was wrong")
        };
        let Attempt::Unlocked(mut ready) = locked.unlock(&right_key(&device_id).unwrap())? else {
            panic!("it was right")
        };
        ready.accounts()
    });
    assert_eq!(accounts.unwrap().len(), 4);
    let commands: Vec<_> = on.token.commands().iter().map(|command| command[1]).collect();
    assert_eq!(commands, [0xA4, 0xA3, 0xA3, 0xA4, 0xA4], "both tries answer one challenge");
    assert_locked(&on.token);
}

fn a_code_waits_for_the_touch(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::YUBIKEY_5_4_3));
    on.token.set_touch(SimulatedTouch::ByItself(Duration::from_millis(300)));
    let asked = Instant::now();
    assert_eq!(code(&on, "Amazon Web Services:alice@example-alias", &no_keys).unwrap(), "287082");
    assert!(asked.elapsed() >= Duration::from_millis(300));
}

fn a_missing_touch_is_told_from_a_refusal(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::YUBIKEY_5_4_3));
    on.token.set_touch(SimulatedTouch::Never);
    on.token.set_touch_timeout(Duration::from_millis(20));
    let quick = code(&on, "Amazon Web Services:alice@example-alias", &no_keys);
    assert_eq!(error_of(quick), OathError::NotPermitted);
    on.token.set_touch_timeout(Duration::from_millis(5200));
    on.token.clear_commands();
    let slow = error_of(code(&on, "Amazon Web Services:alice@example-alias", &no_keys));
    assert!(matches!(slow, OathError::TouchMissing { waited } if waited >= Duration::from_millis(5200)), "{slow}");
    assert_eq!(on.token.commands().len(), 2, "nobody is asked to touch a second time");
}

fn the_host_counts_time_steps_in_the_accounts_period(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::YUBIKEY_5_4_3));
    let account = AccountId::from_bytes(b"60/Acme:alice");
    assert_eq!(account.period(), NonZeroU32::new(60).unwrap());
    let request = CodeRequest { device_id: None, account: &account, step: TimeStep::at(59, account.period()) };
    let code = fetch::code(&*on.bus, &on.reader, Patience::USUAL, &request, &no_keys).unwrap();
    assert_eq!((code.digits(), code.step().seconds()), ("755224", 0..60));
}

fn response_parts_of_any_size_are_joined(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    for block in [1, 2, 54, 255] {
        let token = VirtualToken::builder(Persona::YUBIKEY_5_4_3).device_id(DEVICE_ID).block_size(block).build();
        let names: Vec<String> = (0..12).map(|n| format!("Issuer{n:02}:user{n:02}@example.com")).collect();
        for name in &names {
            token.add(StoredAccount::totp(name.as_str(), SECRET));
        }
        let on = plug(&token);
        let look = look(&on, &no_keys).unwrap();
        let seen: Vec<_> = look.accounts().unwrap().iter().map(|account| account.id.to_string()).collect();
        assert_eq!(seen, names, "in pieces of {block}");
        (on.pull)();
        drop(on);
    }
}

fn a_token_pulled_out_is_reported_as_removed(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::YUBIKEY_5_4_3));
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            assert!(on.token.until_waiting_for_touch(Duration::from_secs(10)));
            (on.pull)();
        });
        code(&on, "Amazon Web Services:alice@example-alias", &no_keys)
    });
    assert_eq!(error_of(outcome).carrier(), Some(&CarrierError::Removed));
}

fn a_disabled_applet_is_reported_as_disabled(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::YUBIKEY_5_4_3));
    on.token.set_presence(virtual_token::Applet::Oath, Presence::Disabled);
    let seen = look(&on, &no_keys).unwrap();
    assert_eq!(seen.identity.serial, Some(12_345_678));
    let status = oath_token::apdu::StatusWord::NOT_FOUND;
    assert_eq!(seen.contents, Contents::NoApplet { status, disabled: Some(true) });
    assert_eq!(error_of(code(&on, "rfc-sha1", &no_keys)), OathError::AppletMissing { status, disabled: None });
    on.token.set_presence(virtual_token::Applet::Management, Presence::Absent);
    on.token.set_presence(virtual_token::Applet::Otp, Presence::Absent);
    let seen = look(&on, &no_keys).unwrap();
    assert_eq!(seen.identity, TokenIdentity::default());
    assert_eq!(seen.contents, Contents::NoApplet { status, disabled: None });
}

fn another_token_in_the_reader_is_noticed(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let other = VirtualToken::builder(Persona::YUBIKEY_5_7).device_id([9; 8]).build();
    other.add(StoredAccount::totp("rfc-sha1", SECRET));
    let on = plug(&other);
    let found = Some(DeviceId::from_bytes(&[9; 8]));
    assert_eq!(error_of(code(&on, "rfc-sha1", &no_keys)), OathError::OtherToken { found });
    let calculates = other.commands().iter().any(|command| command[1] == 0xA2);
    assert!(!calculates, "no code of another token is computed");
}

fn a_neo_is_identified_by_its_otp_applet(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::NEO));
    let seen = look(&on, &no_keys).unwrap();
    let firmware = Some(Version { major: 3, minor: 4, patch: 3 });
    assert_eq!(seen.identity, TokenIdentity { serial: Some(12_345_678), firmware, has_oath: None, enabled: None });
    assert_eq!(seen.select_response().unwrap().version, Some(Version { major: 1, minor: 0, patch: 2 }));
    assert_eq!(seen.accounts().unwrap().len(), 4);
}

fn conversations_of_several_threads_do_not_overlap(plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let on = plug(&token(Persona::YUBIKEY_5_4_3));
    on.token.set_password(Some(PASSWORD));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert_eq!(code(&on, "rfc-sha1", &right_key).unwrap(), "94287082");
                    assert_eq!(look(&on, &right_key).unwrap().accounts().unwrap().len(), 4);
                }
            });
        }
    });
    assert_locked(&on.token);
}
