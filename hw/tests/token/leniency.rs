//! Tokens that are not YubiKeys, and responses that no token should give.

use oath_token::apdu::{ExchangeError, StatusWord};
use oath_token::conversation::Patience;
use oath_token::fetch::{self, CodeRequest};
use oath_token::memory_bus::MemoryBus;
use oath_token::oath::{AccountId, OathError, TimeStep, USUAL_PERIOD};
use oath_token::survey::{self, Contents, KeyLookup, TokenInfo};
use proptest::prelude::*;
use virtual_token::Persona;

use crate::bench::{
    PASSWORD, READER, assert_left_alone, assert_locked, error_of, in_memory, no_keys, right_key, token,
};

/// Returns a bus with a token whose responses are scripted: `answer` gets the instruction (0 for SELECT of OATH) and
/// the whole command.
fn scripted(answer: impl FnMut(u8, &[u8]) -> Vec<u8> + Send + 'static) -> MemoryBus {
    let bus = MemoryBus::new();
    let mut answer = answer;
    bus.insert(READER, move |command| {
        Ok(match command {
            [_, 0xA4, 0x04, .., 0x21, 0x01] => answer(0, command),
            [_, 0xA4, 0x04, ..] => vec![0x6A, 0x82],
            [_, 0x01, ..] => panic!("OTP cannot be selected here, so this is PUT"),
            _ => answer(command[1], command),
        })
    });
    bus
}

fn look(bus: &MemoryBus, keys: &KeyLookup<'_>) -> Result<TokenInfo, OathError> {
    let look = survey::inspect(bus, READER, Patience::NONE, keys);
    assert_left_alone(&bus.log(READER));
    look
}

fn code(bus: &MemoryBus, keys: &KeyLookup<'_>) -> Result<String, OathError> {
    let account = AccountId::from_bytes(b"rfc-sha1");
    let request = CodeRequest { device_id: None, account: &account, step: TimeStep::at(59, USUAL_PERIOD) };
    let code = fetch::code(bus, READER, Patience::USUAL, &request, keys).map(|code| code.digits().to_owned());
    assert_left_alone(&bus.log(READER));
    code
}

#[test]
fn an_endless_response_of_a_canokey_is_given_up() {
    let bus = scripted(|instruction, command| {
        assert!(command.len() > 4, "a bare header is what it takes for Le = 0");
        match instruction {
            0 => b"\x79\x03\x06\x00\x00\x71\x08CanoKeys\x90\x00".to_vec(),
            _ => vec![0x61, 0xFF],
        }
    });
    assert_eq!(look(&bus, &no_keys), Err(OathError::Exchange(ExchangeError::Endless)));
    assert!(bus.log(READER).commands.len() < 600);
}

#[test]
fn parts_of_a_canokey_always_end_in_61ff_and_are_joined() {
    let mut rest = vec![&b"\x90\x00"[..], b"\x71\x01b\x7c\x01\x06\x61\xff", b"\x71\x03aws\x76\x05\x06abcd\x61\xff"];
    let bus = scripted(move |instruction, _| match instruction {
        0 => b"\x79\x03\x06\x00\x00\x71\x08CanoKeys\x90\x00".to_vec(),
        0xA4 | 0xA5 => rest.pop().unwrap().to_vec(),
        _ => vec![0x6D, 0x00],
    });
    assert_eq!(look(&bus, &no_keys).unwrap().accounts().unwrap().len(), 2);
}

#[test]
fn a_nitrokeys_serial_number_pin_and_status_words_are_understood() {
    let bus = scripted(|instruction, _| match instruction {
        0 => b"\x79\x03\x04\x0e\x00\x82\x01\x08\x8f\x04\x12\x34\x56\x78\x90\x00".to_vec(),
        0xA4 => vec![0x69, 0x85],
        0xA1 => b"\x72\x04\x21aws\x90\x00".to_vec(),
        _ => vec![0x6A, 0x82],
    });
    let seen = look(&bus, &no_keys).unwrap();
    assert_eq!((seen.identity.serial, seen.device_id()), (Some(0x1234_5678), None));
    assert_eq!(seen.select_response().unwrap().pin_tries, Some(8));
    let [account] = seen.accounts().unwrap() else { panic!("{seen:?}") };
    assert_eq!((account.id.as_bytes(), account.touch, account.digits), (&b"aws"[..], None, None));
    let id = AccountId::from_bytes(b"rfc-sha1");
    assert_eq!(code(&bus, &no_keys), Err(OathError::NoSuchAccount { id }));
}

#[test]
fn a_pico_fidos_malformed_select_and_6984_are_understood() {
    let bus = scripted(|instruction, _| match instruction {
        0 => b"\x79\x02\x02\x04\x71\x09Pico Fido\xe6\x60\x58\x38\x83\x2a\x17\x2f\x74\x08challeng\x90\x00".to_vec(),
        0xA3 => vec![0x69, 0x84],
        _ => vec![0x69, 0x82],
    });
    assert!(matches!(look(&bus, &no_keys).unwrap().contents, Contents::Locked { refused: false, .. }));
    assert!(matches!(look(&bus, &right_key).unwrap().contents, Contents::Locked { refused: true, .. }));
    assert_eq!(code(&bus, &right_key), Err(OathError::WrongPassword));
    let bus = scripted(|instruction, _| match instruction {
        0 => b"\x79\x02\x02\x04\x71\x09Pico Fido\xe6\x60\x58\x38\x83\x2a\x17\x2f\x90\x00".to_vec(),
        _ => b"\x71\x01a\x77\x00\x71\x03aws\x7c\x00\x90\x00".to_vec(),
    });
    let seen = look(&bus, &no_keys).unwrap();
    let told: Vec<_> = seen.accounts().unwrap().iter().map(|account| (account.touch, account.digits)).collect();
    assert_eq!(told, [(None, None), (Some(true), None)]);
}

#[test]
fn accounts_are_listed_if_calculate_all_fails() {
    let refusals: [&[u8]; 7] = [
        &[0x6D, 0x00],
        &[0x69, 0x85],
        &[0x65, 0x81],
        &[0x69, 0x82],
        &[0x6A, 0x80],
        &[0x6B, 0x00],
        &[0x71, 0x09, 0x90, 0x00],
    ];
    for refusal in refusals {
        let virtual_token = token(Persona::YUBIKEY_5_4_3);
        virtual_token.set_password(Some(PASSWORD));
        virtual_token.distort(
            move |command, answer| {
                if command[1..3] == [0xA4, 0x00] { refusal.to_vec() } else { answer }
            },
        );
        let (bus, _plugged) = in_memory(&virtual_token);
        let seen = look(&bus, &right_key).unwrap();
        assert_eq!(seen.accounts().unwrap().len(), 4, "after {refusal:02x?}");
        assert_locked(&virtual_token);
    }
}

#[test]
fn an_applet_without_the_right_proof_is_rejected_and_locked_again() {
    let lies: [&[u8]; 4] = [&[], &[0x75, 0x00], &[0x75, 0x02, 1, 2], &[0x99, 0x00]];
    let reflected = |command: &[u8], _: Vec<u8>| [&command[5..27], &[0x90, 0x00]].concat();
    for lie in lies {
        let virtual_token = token(Persona::YUBIKEY_5_4_3);
        virtual_token.set_password(Some(PASSWORD));
        virtual_token.distort(
            move |command, answer| {
                if command[1] == 0xA3 { [lie, &[0x90, 0x00]].concat() } else { answer }
            },
        );
        let (bus, _plugged) = in_memory(&virtual_token);
        assert_eq!(code(&bus, &right_key), Err(OathError::WrongProof));
        assert_eq!(look(&bus, &right_key), Err(OathError::WrongProof));
        assert_locked(&virtual_token);
    }
    let virtual_token = token(Persona::YUBIKEY_5_4_3);
    virtual_token.set_password(Some(PASSWORD));
    virtual_token.distort(move |command, answer| if command[1] == 0xA3 { reflected(command, answer) } else { answer });
    let (bus, _plugged) = in_memory(&virtual_token);
    assert_eq!(code(&bus, &right_key), Err(OathError::WrongProof), "our own proof is not its proof");
}

#[test]
fn every_status_word_for_a_missing_applet_is_known() {
    for status in [0x6A82, 0x6999, 0x6D00, 0x6B00] {
        let bus = scripted(move |_, _| Vec::from(u16::to_be_bytes(status)));
        let contents = look(&bus, &no_keys).unwrap().contents;
        assert_eq!(contents, Contents::NoApplet { status: StatusWord(status), disabled: None });
    }
    let bus = scripted(|_, _| vec![0x6F, 0x00]);
    assert_eq!(look(&bus, &no_keys), Err(OathError::Status { command: "SELECT", status: StatusWord(0x6F00) }));
}

#[test]
fn an_impossible_code_is_an_error() {
    let answers: [(&[u8], OathError); 5] = [
        (&[0x76, 5, 0, 1, 2, 3, 4, 0x90, 0], OathError::Digits { digits: 0 }),
        (&[0x76, 5, 200, 1, 2, 3, 4, 0x90, 0], OathError::Digits { digits: 200 }),
        (&[0x76, 0, 0x90, 0], OathError::Malformed { answer_to: "CALCULATE" }),
        (&[0x90, 0], OathError::Malformed { answer_to: "CALCULATE" }),
        (&[0x65, 0x81], OathError::Status { command: "CALCULATE", status: StatusWord::MEMORY_FAILURE }),
    ];
    for (answer, error) in answers {
        let virtual_token = token(Persona::YUBIKEY_5_4_3);
        virtual_token.distort(move |command, honest| if command[1] == 0xA2 { answer.to_vec() } else { honest });
        let (bus, _plugged) = in_memory(&virtual_token);
        assert_eq!(code(&bus, &no_keys), Err(error));
    }
}

/// Generates responses of a confused token: noise, with valid entries and status words more often than by chance.
fn answers() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let entry = (
        prop::sample::select(b"\x71\x72\x74\x75\x76\x77\x79\x7b\x7c\x82\x8f\x02\x05\x10\x19".to_vec()),
        any::<Vec<u8>>(),
    )
        .prop_map(|(tag, value)| {
            let value = &value[..value.len().min(20)];
            [&[tag, value.len() as u8][..], value].concat()
        });
    let entries = prop::collection::vec(entry, 0..4).prop_map(|entries| entries.concat());
    let status = prop::sample::select(vec![[0x90, 0x00], [0x61, 0xFF], [0x69, 0x82], [0x6D, 0x00], [0x6A, 0x80]]);
    let sensible = (entries, status).prop_map(|(data, status)| [&data[..], &status].concat());
    prop::collection::vec(prop_oneof![1 => any::<Vec<u8>>(), 4 => sensible], 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_responses_are_survived(answers in answers()) {
        let bus = MemoryBus::new();
        let mut next = answers.into_iter().cycle();
        bus.insert(READER, move |_| Ok(next.next().unwrap_or_default()));
        let _ = look(&bus, &right_key);
        let _ = code(&bus, &right_key);
        // An inspection and a code, each run at most twice, of a dozen commands with at most 512 continuations each.
        prop_assert!(bus.log(READER).commands.len() < 2 * 2 * 12 * 514);
    }
}

#[test]
fn a_token_that_is_gone_is_reported_as_removed() {
    let (bus, plugged) = in_memory(&token(Persona::YUBIKEY_5_4_3));
    (plugged.pull)();
    let gone = error_of(survey::inspect(&bus, READER, Patience::NONE, &no_keys));
    assert_eq!(gone.carrier(), Some(&oath_token::transport::CarrierError::Removed));
    assert!(survey::survey(&bus, Patience::USUAL, &no_keys).unwrap().tokens.is_empty());
}
