//! Recorded conversations of Yubico's client, byte for byte: this client sends the same commands, and reads the
//! responses as recorded.

use std::cell::RefCell;
use std::rc::Rc;

use oath_token::device::{self, Version};
use oath_token::oath::{
    self, AccessKey, Account, AccountId, AccountSecret, Algorithm, Attempt, DeviceId, NewAccount, OathApplet,
    OathError, OathType, Password, Ready, TimeStep, USUAL_PERIOD,
};
use oath_token::transport::{CarrierError, Transport};
use serde_json::Value;

/// One recorded command and its response.
struct Exchange {
    step: String,
    command: Vec<u8>,
    answer: Vec<u8>,
    code: Option<String>,
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn record() -> Value {
    serde_json::from_str(include_str!("../oath_vectors.json")).unwrap()
}

/// Returns the exchanges of these steps, in the order of `steps`.
fn exchanges(steps: &[&str]) -> Vec<Exchange> {
    let record = record();
    let all = record["exchanges"].as_array().unwrap();
    let of = |step: &&str| all.iter().filter(|exchange| exchange["step"] == *step).collect::<Vec<_>>();
    let wanted: Vec<_> = steps
        .iter()
        .flat_map(|step| {
            let found = of(step);
            assert!(!found.is_empty(), "the record has no {step}");
            found
        })
        .collect();
    wanted
        .into_iter()
        .map(|exchange| Exchange {
            step: exchange["step"].as_str().unwrap().to_owned(),
            command: bytes(&exchange["tx"]),
            answer: [bytes(&exchange["rx"]), bytes(&exchange["sw"])].concat(),
            code: exchange["code"].as_str().map(str::to_owned),
        })
        .collect()
}

/// Transport that returns the recorded responses, as long as it gets exactly the recorded commands in their order.
#[derive(Clone)]
struct Replay(Rc<RefCell<std::vec::IntoIter<Exchange>>>);

impl Replay {
    fn of(steps: &[&str]) -> Self {
        Self(Rc::new(RefCell::new(exchanges(steps).into_iter())))
    }

    #[track_caller]
    fn assert_finished(&self) {
        let next = self.0.borrow_mut().next();
        assert!(next.is_none(), "the client did not say {}", next.unwrap().step);
    }
}

impl Transport for Replay {
    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, CarrierError> {
        let next = self.0.borrow_mut().next().unwrap_or_else(|| panic!("the record ends before {command:02x?}"));
        assert_eq!(command, next.command, "{}", next.step);
        Ok(next.answer)
    }
}

/// Returns the account and the time step of a recorded CALCULATE.
fn calculated(exchange: &Exchange) -> (AccountId, TimeStep) {
    let (id, number) = exchange.command[7..].split_at(usize::from(exchange.command[6]));
    let number = u64::from_be_bytes(number[2..].try_into().unwrap());
    (AccountId::from_bytes(id), TimeStep::numbered(number, USUAL_PERIOD))
}

fn ready(replay: &mut dyn Transport) -> Ready<'_> {
    match oath::select(replay).unwrap() {
        OathApplet::Ready(ready) => ready,
        OathApplet::Locked(_) => panic!("the record has no password here"),
    }
}

#[test]
fn codes_are_requested_and_read_as_recorded() {
    let record = record();
    let steps = record["exchanges"].as_array().unwrap().iter().map(|exchange| exchange["step"].as_str().unwrap());
    let others = ["calc-full-rfc-sha1-T59", "calc-hotp-1", "calc-hotp-2", "calc-missing"];
    let ours: Vec<_> = steps.filter(|step| step.starts_with("calc-") && !others.contains(step)).collect();
    assert_eq!(ours.len(), 23);
    for step in ours {
        let mut replay = Replay::of(&["select-open", step]);
        let exchange = exchanges(&[step]).pop().unwrap();
        let (id, at) = calculated(&exchange);
        let code = ready(&mut replay).code(&id, at).map(|code| code.digits().to_owned());
        let recorded = exchange.code.ok_or(OathError::NotPermitted);
        assert_eq!(code, recorded, "{step}");
        replay.assert_finished();
    }
}

#[test]
fn a_missing_account_is_reported_as_recorded() {
    // The record requests the whole HMAC; this client only ever requests a truncated code.
    let mut replay = Through(Replay::of(&["select-open", "calc-missing"]), |command: &[u8]| {
        let mut command = command.to_vec();
        if command[1] == 0xA2 {
            assert_eq!(std::mem::take(&mut command[3]), 1);
        }
        Instead::Send(command)
    });
    let id = AccountId::from_bytes(b"nope");
    let outcome = ready(&mut replay).code(&id, TimeStep::at(59, USUAL_PERIOD));
    assert_eq!(outcome.err(), Some(OathError::NoSuchAccount { id }));
    replay.0.assert_finished();
}

/// A record, with a function that may change or answer each command before the command is looked up in the record.
struct Through<F>(Replay, F);

/// Result of the function in `Through`: a command to look up in the record, or a response to return instead.
enum Instead {
    Send(Vec<u8>),
    Answer(&'static [u8]),
}

impl<F: FnMut(&[u8]) -> Instead> Transport for Through<F> {
    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, CarrierError> {
        match (self.1)(command) {
            Instead::Send(command) => self.0.exchange(&command),
            Instead::Answer(answer) => Ok(answer.to_vec()),
        }
    }
}

/// Responds to CALCULATE ALL as an applet that does not know it.
fn listing(command: &[u8]) -> Instead {
    if command[1..3] == [0xA4, 0x00] { Instead::Answer(&[0x6D, 0x00]) } else { Instead::Send(command.to_vec()) }
}

/// Translates this client's CALCULATE ALL, for time step 0, into the recorded one, for time step 1.
fn calculating(command: &[u8]) -> Instead {
    let mut command = command.to_vec();
    if command[1..3] == [0xA4, 0x00] {
        assert_eq!(command[7..], [0; 8]);
        command[14] = 1;
    }
    Instead::Send(command)
}

/// Returns the accounts that this client reads from a record.
fn accounts(step: &str, change: fn(&[u8]) -> Instead) -> Result<Vec<Account>, OathError> {
    let mut replay = Through(Replay::of(&["select-open", step]), change);
    let accounts = ready(&mut replay).accounts();
    replay.0.assert_finished();
    accounts
}

#[test]
fn accounts_are_listed_as_recorded() {
    let list = accounts("list", listing).unwrap();
    assert_eq!(list.len(), 8);
    assert!(list.iter().all(|account| account.touch.is_none() && account.digits.is_none()));
    assert_eq!((list[7].kind, list[4].id.as_bytes()), (OathType::Hotp, &b"60/Acme:alice"[..]));
    assert_eq!(accounts("list-locked", listing), Err(OathError::NotPermitted));
    assert_eq!(accounts("chain-list-12", listing).unwrap().len(), 12);
}

#[test]
fn calculate_all_is_read_as_recorded() {
    let all = accounts("calculate-all-T59", calculating).unwrap();
    let touch: Vec<_> = all.iter().map(|account| account.touch).collect();
    let no = Some(false);
    assert_eq!(touch, [no, no, no, Some(true), no, no, no, None]);
    let chained = accounts("chain-calcall-12-T59", calculating).unwrap();
    assert_eq!((chained.len(), chained[11].id.to_string().as_str()), (12, "Issuer11:user11@example.com"));
}

#[test]
fn an_applet_is_unlocked_as_recorded() {
    let meta = &record()["meta"];
    let ours: [u8; 8] = bytes(&meta["host_challenge"]).try_into().unwrap();
    let mut replay = Replay::of(&[
        "reselect-locked",
        "validate-wrong-password",
        "validate-ok",
        "calc-rfc-sha1-T59",
        "reselect-locked",
    ]);
    let watching = replay.clone();
    let OathApplet::Locked(locked) = oath::select(&mut replay).unwrap() else { panic!("it has a password") };
    let device_id = locked.device_id().unwrap().clone();
    assert_eq!(device_id.as_bytes(), bytes(&meta["device_id_salt"]));
    let key = |field: &str| {
        let password = Password::new(meta[field].as_str().unwrap().to_owned());
        AccessKey::derive(&password, &DeviceId::from_bytes(device_id.as_bytes()))
    };
    let wrong = locked.unlock_challenging(&key("wrong_password"), ours).unwrap();
    let Attempt::WrongPassword(locked) = wrong else { panic!("it is the wrong one") };
    let right = locked.unlock_challenging(&key("password"), ours).unwrap();
    let Attempt::Unlocked(mut ready) = right else { panic!("it is the right one") };
    let code = ready.code(&AccountId::from_bytes(b"rfc-sha1"), TimeStep::at(59, USUAL_PERIOD)).unwrap();
    assert_eq!(code.digits(), "94287082");
    drop(ready);
    watching.assert_finished();
}

#[test]
fn a_token_is_identified_as_recorded() {
    let firmware = Some(Version { major: 5, minor: 4, patch: 3 });
    let mut replay = Replay::of(&["mgmt-select", "mgmt-read-config-p0"]);
    let identity = device::identify(&mut replay).unwrap();
    assert_eq!((identity.serial, identity.firmware, identity.has_oath), (Some(12_345_678), firmware, Some(true)));
    replay.assert_finished();
    let mut replay = Through(Replay::of(&["otp-select", "otp-serial"]), |command: &[u8]| {
        let is_management = command.ends_with(&[0x47, 0x11, 0x17]);
        if is_management { Instead::Answer(&[0x6A, 0x82]) } else { Instead::Send(command.to_vec()) }
    });
    let identity = device::identify(&mut replay).unwrap();
    assert_eq!((identity.serial, identity.firmware, identity.has_oath), (Some(12_345_678), firmware, None));
    replay.0.assert_finished();
}

/// Returns an account like those of the record: TOTP with SHA-1 and six digits.
fn new_account(id: &str, secret: &[u8]) -> NewAccount {
    NewAccount {
        id: AccountId::from_bytes(id.as_bytes()),
        kind: OathType::Totp,
        algorithm: Algorithm::Sha1,
        digits: 6,
        secret: AccountSecret::new(secret.to_vec().into()),
        touch: false,
        counter: 0,
    }
}

#[test]
fn accounts_are_added_as_recorded() {
    let digits: Vec<u8> = b"1234567890".repeat(7);
    let sha1 = |id| new_account(id, &digits[..20]);
    let with = |algorithm, length| NewAccount { algorithm, digits: 8, ..new_account("", &digits[..length]) };
    let named = |id: &str, account| NewAccount { id: AccountId::from_bytes(id.as_bytes()), ..account };
    let cases = [
        ("put-rfc-sha1", NewAccount { digits: 8, ..sha1("rfc-sha1") }),
        ("put-rfc-sha256", named("rfc-sha256", with(Algorithm::Sha256, 32))),
        ("put-rfc-sha512", named("rfc-sha512", with(Algorithm::Sha512, 64))),
        ("put-aws-touch", NewAccount { touch: true, ..sha1("Amazon Web Services:alice@example-alias") }),
        ("put-period60", sha1("60/Acme:alice")),
        ("put-short-secret-padded", new_account("short", b"Hello!")),
        ("put-long-secret-hashed", new_account("long", &[b'x'; 80])),
        ("put-hotp-imf1", NewAccount { kind: OathType::Hotp, counter: 1, ..sha1("hotp") }),
    ];
    for (step, account) in cases {
        let mut replay = Replay::of(&["select-open", step]);
        assert_eq!(ready(&mut replay).put(&account), Ok(()), "{step}");
        replay.assert_finished();
    }
}

#[test]
fn accounts_are_renamed_and_deleted_as_recorded() {
    let id = |id: &str| AccountId::from_bytes(id.as_bytes());
    let mut replay = Replay::of(&["select-open", "rename", "delete", "delete-missing"]);
    let mut ready = ready(&mut replay);
    assert_eq!(ready.rename(&id("short"), &id("New:renamed")), Ok(()));
    assert_eq!(ready.delete(&id("long")), Ok(()));
    assert_eq!(ready.delete(&id("nope")), Err(OathError::NoSuchAccount { id: id("nope") }));
    drop(ready);
    replay.assert_finished();
}

#[test]
fn a_password_is_set_and_cleared_as_recorded() {
    let meta = &record()["meta"];
    let ours: [u8; 8] = bytes(&meta["host_challenge"]).try_into().unwrap();
    let password = Password::new(meta["password"].as_str().unwrap().to_owned());
    let key = AccessKey::derive(&password, &DeviceId::from_bytes(&bytes(&meta["device_id_salt"])));
    // The applet has a password now, so it is selected again, which locks it.
    let mut replay = Replay::of(&["select-open", "set-code", "reselect-locked"]);
    assert_eq!(ready(&mut replay).set_password_challenging(&key, ours), Ok(()));
    replay.assert_finished();
    let mut replay = Replay::of(&["select-open", "clear-code"]);
    assert_eq!(ready(&mut replay).clear_password(), Ok(()));
    replay.assert_finished();
}
