//! The password: what a locked applet refuses, and what locks it again.

use virtual_token::{Persona, StoredAccount, VirtualToken};

use crate::talk::*;

fn locked() -> VirtualToken {
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("a", SECRET));
    token.set_password(Some("correct horse"));
    token
}

fn unlock(token: &VirtualToken) {
    let (command, expected) = validate(&key("correct horse", &DEVICE_ID), &CHALLENGE);
    assert_eq!(ask(token, &command), (expected, 0x9000));
}

#[test]
fn a_locked_applet_refuses_every_command_with_6982() {
    let token = locked();
    let before = format!("{:?}", token.accounts());
    for command in [
        LIST,
        REST,
        "00a1010000",
        "0001000000",
        "00ee000000",
        "00010000027205",
        "0002000003710161",
        "00030000027300",
        "000500000671016171 0162",
        &calculate(b"a", &[1]),
        &calculate_all(1),
        &put(b"b", 0x21, SECRET, &[]),
    ] {
        assert_eq!(status(&token, command), 0x6982, "{command}");
    }
    assert_eq!(format!("{:?}", token.accounts()), before);
    unlock(&token);
    assert_eq!(ask(&token, LIST), ("72022161".into(), 0x9000));
}

#[test]
fn the_right_password_may_follow_a_wrong_one_on_the_same_challenge() {
    let token = locked();
    let (wrong, _) = validate(&key("wrong", &DEVICE_ID), &CHALLENGE);
    for _ in 0..20 {
        assert_eq!(status(&token, &wrong), 0x6a80);
        assert_eq!(status(&token, LIST), 0x6982);
    }
    unlock(&token);
    assert_eq!(status(&token, LIST), 0x9000);
}

#[test]
fn selecting_an_applet_or_cutting_the_power_locks_again() {
    type End = fn(&VirtualToken);
    let ends: [(&str, End); 3] = [
        ("select again", |token| drop(ask(token, SELECT_OATH))),
        ("another applet", |token| drop((ask(token, SELECT_MANAGEMENT), ask(token, SELECT_OATH)))),
        ("power", |token| drop((token.reset(), ask(token, SELECT_OATH)))),
    ];
    for (name, end) in ends {
        let token = locked();
        unlock(&token);
        assert_eq!(status(&token, LIST), 0x9000, "{name}");
        end(&token);
        assert_eq!(status(&token, LIST), 0x6982, "{name}");
    }
    let token = locked();
    unlock(&token);
    assert_eq!(status(&token, "00a4040007a0000005272199"), 0x6a82);
    assert_eq!(status(&token, LIST), 0x9000, "an unknown applet changes nothing");
}

#[test]
fn each_select_has_its_own_challenge() {
    let token = VirtualToken::new(Persona::default());
    token.set_password(Some("x"));
    let (first, second) = (ask(&token, SELECT_OATH).0, ask(&token, SELECT_OATH).0);
    assert_eq!(first[..30], second[..30], "version and device id");
    assert_eq!(first[30..34], *"7408");
    assert_ne!(first[34..50], second[34..50]);
    assert_eq!(first[50..], *"7b0101");
}

#[test]
fn invalid_set_code_and_validate_commands_are_refused() {
    let token = selected(Persona::default());
    let key = key("pw", &DEVICE_ID);
    let good = unhex(&set_code(0x21, &key));
    let mut wrong_proof = good.clone();
    *wrong_proof.last_mut().unwrap() ^= 1;
    let short_proof = [&good[..4], &[good[4] - 1], &good[5..good.len() - 1]].concat();
    let wrong_type = unhex(&set_code(0x22, &key));
    for (command, expected) in [
        (hex(&wrong_proof), 0x6984),
        (hex(&short_proof), 0x6a80),
        (hex(&wrong_type), 0x6a80),
        ("0003000000".into(), 0x6a80),
        ("000300000373 00 00".into(), 0x6a80),
        ("00a3000000".into(), 0x6a80),
        (validate(&key, &CHALLENGE).0, 0x6984),
    ] {
        assert_eq!(status(&token, &command), expected, "{command}");
    }
    assert_eq!(ask(&token, SELECT_OATH).0.len(), 30, "no password was set");
    assert_eq!(status(&token, &set_code(0x01, &key)), 0x9000, "the other type byte in use");
    assert_eq!(ask(&token, SELECT_OATH).0.len(), 56);
}

#[test]
fn setting_and_clearing_leaves_a_yubikey_5_unlocked() {
    let token = selected(Persona::default());
    assert_eq!(status(&token, &set_code(0x21, &key("pw", &DEVICE_ID))), 0x9000);
    assert_eq!(status(&token, LIST), 0x9000);
    assert_eq!(status(&token, "00030000027300"), 0x9000);
    ask(&token, SELECT_OATH);
    assert_eq!(status(&token, LIST), 0x9000);
}

#[test]
fn reset_needs_no_password_and_erases_everything() {
    let token = locked();
    assert_eq!(status(&token, "0004dead00"), 0x9000);
    assert!(token.accounts().is_empty());
    let (answer, _) = ask(&token, SELECT_OATH);
    assert_eq!(answer.len(), 30, "no password");
    assert_ne!(answer[14..30], hex(&DEVICE_ID), "another device id");
}
