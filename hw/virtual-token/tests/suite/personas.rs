//! Where tokens differ.

use virtual_token::{Account, Persona, VirtualToken};

use crate::talk::*;

/// How many accounts with names of so many bytes fit, and what the next one is told.
fn room(persona: Persona, length: usize) -> (usize, u16) {
    let token = selected(persona);
    for count in 0..1000 {
        let name = format!("{count:0length$}");
        let status = status(&token, &put(name.as_bytes(), 0x21, SECRET, &[]));
        if status != 0x9000 {
            assert_eq!(token.accounts().len(), count);
            let first = format!("{:0length$}", 0);
            assert_eq!(
                self::status(&token, &put(first.as_bytes(), 0x22, SECRET, &[])),
                0x9000,
                "overwriting needs no room"
            );
            return (count, status);
        }
    }
    panic!("it is never full")
}

#[test]
fn capacity() {
    assert_eq!(room(Persona::YUBIKEY_5_4_3, 64), (32, 0x6a84));
    assert_eq!(room(Persona::YUBIKEY_5_7, 3), (64, 0x6a84));
    assert_eq!(room(Persona::NEO, 64), (28, 0x6f00));
    assert_eq!(room(Persona::NEO, 11), (102, 0x6f00));
}

#[test]
fn versions_and_banners() {
    for (persona, oath, banner) in [
        (Persona::YUBIKEY_5_4_3, "7903050403", "5.4.3"),
        (Persona::YUBIKEY_5_7, "7903050701", "5.7.1"),
        (Persona::NEO, "7903010002", "3.4.3"),
    ] {
        let token = VirtualToken::new(persona.clone());
        assert_eq!(token.atr(), persona.atr);
        assert_eq!(ask(&token, SELECT_OATH).0[..10], *oath);
        assert!(unhex(&ask(&token, SELECT_MANAGEMENT).0).ends_with(banner.as_bytes()));
        assert_eq!(unhex(&ask(&token, SELECT_OTP).0)[..3], persona.firmware);
        assert_eq!(ask(&token, "0001100000"), ("00bc614e".into(), 0x9000));
        assert_eq!(Persona::named(persona.name).unwrap().firmware, persona.firmware);
    }
    assert!(Persona::named("5").is_none());
}

#[test]
fn what_a_neo_does_not_do() {
    let token = selected(Persona::NEO);
    token.add(Account::totp("t", SECRET).with_touch());
    assert_eq!(status(&token, &put(b"x", 0x23, SECRET, &[])), 0x6a80, "SHA-512");
    assert_eq!(status(&token, "0005000006710174710175"), 0x6d00, "RENAME");
    assert_eq!(status(&token, "00a1000000 0000"), 0x6700, "extended commands");
    assert_eq!(status(&token, &put(b"flag", 0x21, SECRET, &[0x78, 2])), 0x9000);
    assert_eq!(ask(&token, &calculate(b"t", &1u64.to_be_bytes())), ("76050641397eea".into(), 0x9000), "no touch");
    assert!(ask(&token, &calculate_all(1)).0.starts_with("71017476050641397eea7104666c616776"));
    ask(&token, SELECT_MANAGEMENT);
    assert_eq!(status(&token, "001d000000"), 0x6d00, "READ CONFIG");
}

#[test]
fn a_neo_locks_when_a_password_is_set() {
    let token = selected(Persona::NEO);
    let key = key("pw", &DEVICE_ID);
    assert_eq!(status(&token, &set_code(0x01, &key)), 0x6984);
    assert_eq!(status(&token, LIST), 0x9000, "nothing changed");
    assert_eq!(status(&token, &set_code(0x21, &key)), 0x9000);
    assert_eq!(status(&token, LIST), 0x6982);
    assert!(ask(&token, SELECT_OATH).0.ends_with("7b0121"), "the type byte comes back as it was");
    let (unlock, proof) = validate(&key, &CHALLENGE);
    assert_eq!(ask(&token, &unlock), (proof, 0x9000));
    assert_eq!(status(&token, LIST), 0x9000);
}

#[test]
fn a_neo_cuts_after_254_bytes_and_a_yubikey_5_after_256() {
    for (persona, block) in [(Persona::NEO, 254), (Persona::YUBIKEY_5_4_3, 256), (Persona::YUBIKEY_5_7, 256)] {
        let token = selected(persona);
        (0..20).for_each(|at| token.add(Account::totp(format!("account number {at:02}"), SECRET)));
        assert_eq!(whole(&token, LIST).0, [block, 400 - block]);
        assert_eq!(ask(&token, LIST).1, 0x6100 | (400 - block) as u16);
    }
    let token = selected(Persona::NEO);
    (0..40).for_each(|at| token.add(Account::totp(format!("account number {at:02}"), SECRET)));
    assert_eq!(ask(&token, LIST).1, 0x61fe);
    assert_eq!(whole(&token, LIST).0, [254, 254, 254, 38]);
}
