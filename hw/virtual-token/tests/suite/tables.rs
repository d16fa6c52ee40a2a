//! Tables of commands and their responses: chaining, syntax, what is stored, what is computed.

use proptest::prelude::*;
use std::time::Duration;
use virtual_token::{Applet, CodeKind, HashAlgorithm, Persona, Presence, SimulatedTouch, StoredAccount, VirtualToken};

use crate::talk::*;

#[test]
fn every_part_size_gives_the_same_response() {
    let all = calculate_all(1);
    for size in 1..=256 {
        let token = VirtualToken::builder(Persona::default()).device_id(DEVICE_ID).block_size(size).build();
        for at in 0..9 {
            token.add(StoredAccount::totp(format!("{at}:{}", "n".repeat(at * 7)), SECRET));
        }
        for (command, length) in [(SELECT_OATH, 15), (LIST, 297), (&all[..], 351), ("00a10000", 297)] {
            let (pieces, answer) = whole(&token, command);
            let (last, full) = pieces.split_last().unwrap();
            assert!(full.iter().all(|&piece| piece == size) && (1..=size).contains(last), "{size}: {pieces:?}");
            assert_eq!(answer.len() / 2, length, "{size}");
            assert_eq!(answer, whole(&selected_like(&token), command).1, "{size}");
        }
    }
}

/// Returns a token with the same accounts that sends every response in one part.
fn selected_like(token: &VirtualToken) -> VirtualToken {
    let other = VirtualToken::builder(Persona::default()).device_id(DEVICE_ID).block_size(usize::MAX).build();
    token.accounts().into_iter().for_each(|account| other.add(account));
    ask(&other, SELECT_OATH);
    other
}

#[test]
fn the_status_word_announces_the_length_of_the_next_part() {
    let token = VirtualToken::builder(Persona::default()).block_size(100).build();
    token.add(StoredAccount::totp([b'a'; 64], SECRET));
    token.add(StoredAccount::totp([b'b'; 64], SECRET));
    token.add(StoredAccount::totp([b'c'; 64], SECRET));
    ask(&token, SELECT_OATH);
    assert_eq!(ask(&token, LIST).1, 0x6164);
    assert_eq!(ask(&token, REST).1, 0x6101);
    assert_eq!(ask(&token, REST), ("63".into(), 0x9000));
    assert_eq!(ask(&token, REST), (String::new(), 0x9000), "nothing is left");
}

#[test]
fn any_other_command_drops_the_rest_of_a_response() {
    let token = VirtualToken::builder(Persona::default()).block_size(10).build();
    token.add(StoredAccount::totp("a long enough name", SECRET));
    for other in [LIST, SELECT_OATH, "00ee000000", "80a1000000", "00a1", "00a4040007a0000005272199"] {
        whole(&token, SELECT_OATH);
        assert_eq!(ask(&token, LIST).1, 0x610a);
        ask(&token, other);
        if matches!(ask(&token, other).1, 0x6100..=0x61ff) {
            whole(&token, REST);
        }
        assert_eq!(ask(&token, REST), (String::new(), 0x9000), "{other}");
    }
}

#[test]
fn invalid_frames_instructions_and_parameters_are_refused() {
    let token = selected(Persona::default());
    for (command, expected) in [
        ("", 0x6700),
        ("00", 0x6700),
        ("00a100", 0x6700),
        ("0001000005aa", 0x6700),
        ("80a1000000", 0x6e00),
        ("a4040008", 0x6e00),
        ("0000000000", 0x6d00),
        ("00a6000000", 0x6d00),
        ("00a1010000", 0x6b00),
        ("0001000100", 0x6b00),
        ("0004000000", 0x6b00),
        ("0004dead", 0x9000),
        ("00a4010000", 0x6b00),
        ("00a2000200", 0x6b00),
        ("00a3000100", 0x6b00),
        ("00a5000100", 0x6b00),
    ] {
        assert_eq!(status(&token, command), expected, "{command}");
    }
}

#[test]
fn put_accepts_valid_accounts_and_refuses_others() {
    let token = selected(Persona::default());
    let good = [
        put(b"a", 0x21, &[1], &[]),
        put(&[0xff; 64], 0x23, &[1; 64], &[0x78, 3]),
        put(b"b", 0x12, SECRET, &[0x78, 0, 0x7a, 4, 0, 0, 0, 9]),
        put(b"c", 0x11, SECRET, &[0x7a, 4, 0, 0, 0, 9]),
    ];
    for command in good {
        assert_eq!(status(&token, &command), 0x9000, "{command}");
    }
    let bad = [
        put(b"", 0x21, SECRET, &[]),
        put(&[b'n'; 65], 0x21, SECRET, &[]),
        put(b"x", 0x21, &[], &[]),
        put(b"x", 0x21, &[1; 65], &[]),
        put(b"x", 0x01, SECRET, &[]),
        put(b"x", 0x24, SECRET, &[]),
        put(b"x", 0x31, SECRET, &[]),
        put(b"x", 0x21, SECRET, &[0x78]),
        put(b"x", 0x21, SECRET, &[0x78, 1, 2]),
        put(b"x", 0x11, SECRET, &[0x7a, 3, 0, 0, 0]),
        put(b"x", 0x11, SECRET, &[0x7a, 4, 0, 0, 0]),
        put(b"x", 0x11, SECRET, &[0x7a, 4, 0, 0, 0, 0, 0]),
        command(1, 0, 0, &entry(0x71, b"x")),
        command(1, 0, 0, &[entry(0x71, b"x"), entry(0x73, &[0x21])].concat()),
        "0001000000".to_string(),
    ];
    for command in bad {
        assert_eq!(status(&token, &command), 0x6a80, "{command}");
    }
    let ids: Vec<_> = token.accounts().into_iter().map(|account| account.id).collect();
    assert_eq!(ids, [&b"a"[..], &[0xff; 64], b"b", b"c"], "nothing bad was stored");
    let all = &token.accounts()[1];
    assert!(all.touch && all.only_increasing && all.algorithm == HashAlgorithm::Sha512 && all.kind == CodeKind::Totp);
    assert_eq!(token.accounts()[2].counter, 9);
}

#[test]
fn put_overwrites_an_existing_account_in_its_place() {
    let token = selected(Persona::default());
    for name in [&b"a"[..], b"b", b"c"] {
        assert_eq!(status(&token, &put(name, 0x21, SECRET, &[])), 0x9000);
    }
    assert_eq!(status(&token, &put(b"b", 0x22, b"another secret", &[0x78, 2])), 0x9000);
    assert_eq!(ask(&token, LIST), ("720221617202226272022163".into(), 0x9000));
    assert_eq!(token.accounts()[1].secret[..], *b"another secret");
}

#[test]
fn rename_and_delete_check_their_names() {
    let names = |old: &[u8], new: &[u8]| command(5, 0, 0, &[entry(0x71, old), entry(0x71, new)].concat());
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("a", SECRET).with_touch());
    token.add(StoredAccount::totp("b", SECRET));
    for (command, expected) in [
        (names(b"none", b"x"), 0x6984),
        (names(b"a", b"b"), 0x6985),
        (names(b"a", &[b'n'; 65]), 0x6a80),
        (names(b"a", b""), 0x6a80),
        (command(5, 0, 0, &entry(0x71, b"a")), 0x6a80),
        (names(b"b", b"b"), 0x9000),
        (names(b"a", &[b'n'; 64]), 0x9000),
        (command(2, 0, 0, &entry(0x71, b"a")), 0x6984),
        (command(2, 0, 0, &entry(0x72, b"b")), 0x6a80),
        (command(2, 0, 0, &[entry(0x71, b"b"), vec![0]].concat()), 0x6a80),
        (command(2, 0, 0, &entry(0x71, b"b")), 0x9000),
    ] {
        assert_eq!(status(&token, &command), expected, "{command}");
    }
    let [left] = &token.accounts()[..] else { panic!("{token:?}") };
    assert_eq!((&left.id[..], left.touch), (&[b'n'; 64][..], true), "the rest of it stays");
}

#[test]
fn a_counter_advances_with_each_code_and_nothing_else() {
    // RFC 4226, appendix D.
    let codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    let token = selected(Persona::default());
    token.add(StoredAccount { kind: CodeKind::Hotp, ..StoredAccount::totp("h", SECRET) });
    for expected in codes {
        assert_eq!(ask(&token, &calculate_all(1)), ("710168770106".into(), 0x9000));
        ask(&token, LIST);
        let (answer, _) = ask(&token, &calculate(b"h", &[]));
        let value = u32::from_str_radix(&answer[6..], 16).unwrap() % 1_000_000;
        assert_eq!(format!("{value:06}"), expected);
    }
    assert_eq!(token.accounts()[0].counter, 10);
}

#[test]
fn an_only_increasing_account_refuses_smaller_challenges() {
    let token = selected(Persona::default());
    token.add(StoredAccount { only_increasing: true, ..StoredAccount::totp("i", SECRET) });
    let at = |step: u64| calculate(b"i", &step.to_be_bytes());
    for (step, expected) in [(5, 0x9000), (5, 0x9000), (4, 0x6982), (0x100, 0x9000), (0xff, 0x6982), (0x101, 0x9000)] {
        assert_eq!(status(&token, &at(step)), expected, "{step}");
    }
    assert_eq!(status(&token, &calculate_all(3)), 0x6982);
    assert_eq!(status(&token, &calculate_all(0x200)), 0x9000);
    assert_eq!(status(&token, &at(0x1ff)), 0x6982, "CALCULATE ALL counts too");
}

#[test]
fn challenges_of_1_to_64_bytes_are_accepted() {
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("t", SECRET));
    for (challenge, expected) in [(&[][..], 0x6a80), (&[1], 0x9000), (&[0; 64], 0x9000), (&[0; 65], 0x6a80)] {
        assert_eq!(status(&token, &calculate(b"t", challenge)), expected, "{challenge:?}");
        assert_eq!(status(&token, &command(0xa4, 0, 1, &entry(0x74, challenge))), expected, "{challenge:?}");
    }
    assert_eq!(status(&token, &calculate(b"u", &[1])), 0x6984);
}

#[test]
fn disabled_and_absent_applets_cannot_be_selected() {
    let token = VirtualToken::new(Persona::default());
    let config = |token: &VirtualToken| {
        assert_eq!(ask(token, SELECT_MANAGEMENT).1, 0x9000);
        let (config, _) = ask(token, "001d000000");
        (config[6..10].to_string(), config[14..18].to_string())
    };
    assert_eq!(status(&token, LIST), 0x6d00, "nothing is selected yet");
    assert_eq!(config(&token), ("023f".into(), "023f".into()));
    token.set_presence(Applet::Oath, Presence::Disabled);
    token.set_presence(Applet::Otp, Presence::Absent);
    assert_eq!(status(&token, SELECT_OATH), 0x6a82);
    assert_eq!(status(&token, SELECT_OTP), 0x6a82);
    assert_eq!(config(&token), ("023e".into(), "021e".into()));
    token.set_presence(Applet::Management, Presence::Absent);
    assert_eq!(status(&token, SELECT_MANAGEMENT), 0x6a82);
    token.set_presence(Applet::Oath, Presence::Enabled);
    assert_eq!(status(&token, SELECT_OATH), 0x9000);
    assert_eq!(status(&token, "00a4040008a000000527210101"), 0x9000, "an older, longer id");
}

#[test]
fn a_hidden_serial_number_is_not_reported() {
    let token = VirtualToken::builder(Persona::default()).serial(None).build();
    ask(&token, SELECT_MANAGEMENT);
    let (config, _) = ask(&token, "001d000000");
    assert_eq!(config, "250102023f0302023f04010105030504030602000007010f0801000d02023f0e02023f0a0100");
    assert_eq!(status(&token, "001d010000"), 0x6b00);
    ask(&token, SELECT_OTP);
    assert_eq!(status(&token, "0001100000"), 0x6985);
}

#[test]
fn debug_hides_secrets_and_the_record_has_every_byte() {
    let token = selected(Persona::default());
    token.clear_commands();
    let put = put(b"name", 0x21, b"TOPSECRET", &[]);
    status(&token, &put);
    assert_eq!(token.commands(), [unhex(&put)]);
    let shown = format!("{token:?} {:?}", token.accounts());
    assert!(shown.contains("name") && !shown.contains("TOPSECRET") && !shown.contains("84, 79, 80"), "{shown}");
}

#[test]
fn a_distortion_lasts_until_it_is_ended() {
    let token = selected(Persona::default());
    token.distort(|command, mut truth| {
        truth.insert(0, command[1]);
        truth
    });
    assert_eq!(ask(&token, LIST), ("a1".into(), 0x9000));
    assert_eq!(ask(&token, LIST), ("a1".into(), 0x9000));
    token.be_honest();
    assert_eq!(ask(&token, LIST), (String::new(), 0x9000));
}

/// Generates commands that are nearly valid: a known instruction, with entries that may be cut short or have a wrong
/// length.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let instruction = prop::sample::select(vec![1, 2, 3, 5, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0x1d, 0x10]);
    let tag = prop::sample::select(vec![0x71, 0x73, 0x74, 0x75, 0x78, 0x7a]);
    let value = prop_oneof![Just(b"t".to_vec()), prop::collection::vec(any::<u8>(), 0..70)];
    let entry = (tag, value, 0..8u8).prop_map(|(tag, value, lie)| {
        let length = if lie == 0 { 0x81 } else { value.len() as u8 };
        [&[tag, length], &value[..]].concat()
    });
    (instruction, 0..5u8, 0..2u8, prop::collection::vec(entry, 0..4)).prop_map(|(instruction, p1, p2, entries)| {
        let data = entries.concat();
        let length = if data.is_empty() { vec![] } else { vec![0, (data.len() >> 8) as u8, data.len() as u8] };
        [&[0, instruction, p1 & 4, p2], &length[..], &data].concat()
    })
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer(
        which in 0..Persona::ALL.len(),
        block in prop::option::of(1..300usize),
        commands in prop::collection::vec(prop_oneof![likely(), prop::collection::vec(any::<u8>(), 0..40)], 1..30),
    ) {
        let mut builder = VirtualToken::builder(Persona::ALL[which].clone());
        if let Some(block) = block {
            builder = builder.block_size(block);
        }
        let token = builder.build();
        token.set_touch(SimulatedTouch::Never);
        token.set_touch_timeout(Duration::ZERO);
        token.add(StoredAccount::totp("t", SECRET).with_touch());
        token.add(StoredAccount { digits: 200, only_increasing: true, ..StoredAccount::totp("", []) });
        for applet in [SELECT_OATH, SELECT_MANAGEMENT, SELECT_OTP, SELECT_OATH] {
            ask(&token, applet);
            for command in &commands {
                let answer = token.exchange(command);
                prop_assert!(answer.len() >= 2, "{command:02x?}");
            }
        }
    }
}
