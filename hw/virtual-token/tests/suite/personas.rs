//! Differences between the personas.

use virtual_token::{Persona, StoredAccount, VirtualToken};

use crate::talk::*;

/// Returns how many accounts with ids of `length` bytes fit, and the status word for the one after them.
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
fn accounts_fit_up_to_the_capacity() {
    assert_eq!(room(Persona::YUBIKEY_5_4_3, 64), (32, 0x6a84));
    assert_eq!(room(Persona::YUBIKEY_5_7, 3), (64, 0x6a84));
    assert_eq!(room(Persona::NEO, 64), (28, 0x6f00));
    assert_eq!(room(Persona::NEO, 11), (102, 0x6f00));
}

#[test]
fn each_persona_reports_its_versions() {
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
fn a_neo_lacks_sha512_rename_and_touch() {
    let token = selected(Persona::NEO);
    token.add(StoredAccount::totp("t", SECRET).with_touch());
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
fn a_neo_sends_parts_of_254_bytes_and_a_yubikey_5_of_256() {
    for (persona, block) in [(Persona::NEO, 254), (Persona::YUBIKEY_5_4_3, 256), (Persona::YUBIKEY_5_7, 256)] {
        let token = selected(persona);
        (0..20).for_each(|at| token.add(StoredAccount::totp(format!("account number {at:02}"), SECRET)));
        assert_eq!(whole(&token, LIST).0, [block, 400 - block]);
        assert_eq!(ask(&token, LIST).1, 0x6100 | (400 - block) as u16);
    }
    let token = selected(Persona::NEO);
    (0..40).for_each(|at| token.add(StoredAccount::totp(format!("account number {at:02}"), SECRET)));
    assert_eq!(ask(&token, LIST).1, 0x61fe);
    assert_eq!(whole(&token, LIST).0, [254, 254, 254, 38]);
}

#[test]
fn select_responses_differ_by_persona() {
    let after_version = |persona: Persona| {
        let token = selected(persona);
        token.set_password(Some("pw"));
        unhex(&ask(&token, SELECT_OATH).0)
    };
    let end = [&[0x74, 8], &CHALLENGE[..], &[0x7b, 1, 1]].concat();
    let named = [&[0x71, 8], &DEVICE_ID[..]].concat();
    let serial = [0x8f, 4, 0x00, 0xbc, 0x61, 0x4e];
    for (persona, version, middle) in [
        (Persona::CANOKEY, &[0x79, 3, 6, 0, 0][..], named.clone()),
        (Persona::NITROKEY, &[0x79, 3, 4, 14, 0], [&named[..], &serial].concat()),
        (Persona::NITROKEY_WITH_PIN, &[0x79, 3, 4, 14, 0], [&[0x82, 1, 8][..], &serial].concat()),
        (Persona::PICO_FIDO, &[0x79, 2, 2, 4], [b"\x71\x09Pico Fido", &DEVICE_ID[..]].concat()),
    ] {
        let name = persona.name;
        assert_eq!(after_version(persona), [version, &middle, &end].concat(), "{name}");
    }
    for (persona, applet) in [(Persona::NITROKEY, SELECT_OTP), (Persona::CANOKEY, SELECT_MANAGEMENT)] {
        assert_eq!(status(&selected(persona), applet), 0x6a82);
    }
}

#[test]
fn a_canokey_has_its_own_chaining_and_status_words() {
    let token = selected(Persona::CANOKEY);
    (0..20).for_each(|at| token.add(StoredAccount::totp(format!("account number {at:02}"), SECRET)));
    for _ in 0..20 {
        assert_eq!(ask(&token, "00a10000"), (String::new(), 0x61ff), "a bare header is answered for ever");
        assert_eq!(ask(&token, "00a50000"), (String::new(), 0x61ff));
    }
    assert_eq!(whole(&token, LIST).0, [240, 160], "between entries");
    assert_eq!(status(&token, REST), 0x6985, "there is no rest");
    assert_eq!(whole(&token, &calculate_all(1)).0, [234, 234, 52], "an id stays with its code");
    assert_eq!(status(&token, &put(b"account number 00", 0x21, SECRET, &[])), 0x6985);
    assert_eq!(status(&token, "0004dead00"), 0x6d00);
    let kind = virtual_token::CodeKind::Hotp;
    token.add(StoredAccount { kind, ..StoredAccount::totp("hotp", SECRET) });
    assert_eq!(ask(&token, &calculate(b"hotp", &[])).0, "76050641397eea", "RFC 4226's second code");
}

#[test]
fn a_nitrokey_wants_touches_and_hides_accounts_behind_its_pin() {
    let token = selected(Persona::NITROKEY_WITH_PIN);
    token.set_touch(virtual_token::SimulatedTouch::Never);
    token.set_touch_timeout(std::time::Duration::ZERO);
    token.add(StoredAccount::totp("t", SECRET));
    token.add(StoredAccount { algorithm: virtual_token::HashAlgorithm::Sha512, ..StoredAccount::totp("512", SECRET) });
    token.add(StoredAccount { behind_pin: true, ..StoredAccount::totp("hidden", SECRET) });
    let step = 1u64.to_be_bytes();
    for (command, answer) in [
        (calculate_all(1), 0x6985),
        (set_code(0x21, &[1; 16]), 0x6985),
        ("0005000006710174710175".into(), 0x6d00),
        (calculate(b"t", &step).replacen("00a20001", "00a20000", 1), 0x6d00),
        (calculate(b"512", &step), 0x6a81),
        (calculate(b"hidden", &step), 0x6a82),
        (calculate(b"none", &step), 0x6a82),
        (put(b"t", 0x21, SECRET, &[]), 0x6983),
        (put(b"touch", 0x21, SECRET, &[0x78, 2]), 0x6982),
        ("0002000003710174".into(), 0x6982),
    ] {
        assert_eq!(status(&token, &command), answer, "{command}");
    }
    assert_eq!(ask(&token, LIST), ("72022174720423353132".into(), 0x9000), "what is behind the PIN is not listed");
    token.set_touch(virtual_token::SimulatedTouch::ByItself(std::time::Duration::ZERO));
    token.set_touch_timeout(std::time::Duration::from_secs(1));
    assert_eq!(status(&token, "0002000003710174"), 0x9000);
}

#[test]
fn a_pico_fido_stores_ids_twice_and_stays_unlocked() {
    let token = selected(Persona::PICO_FIDO);
    for secret in [SECRET, b"another secret"] {
        assert_eq!(status(&token, &put(b"t", 0x21, secret, &[0x78, 2])), 0x9000);
    }
    assert_eq!(ask(&token, &calculate_all(1)).0, "7101747c00".repeat(2), "two of one id, and empty markers");
    assert_eq!(ask(&token, &calculate(b"t", &1u64.to_be_bytes())).0, "76050641397eea", "the first; no touch");
    (0..40).for_each(|at| token.add(StoredAccount::totp(format!("account number {at:02}"), SECRET)));
    assert_eq!(whole(&token, LIST).0, [808], "in one piece");
    assert_eq!(status(&token, REST), 0x6d00);
    token.set_password(Some("pw"));
    let (unlock, proof) = validate(&key("pw", b"Pico Fido"), &CHALLENGE);
    assert_eq!(status(&token, &validate(&key("no", b"Pico Fido"), &CHALLENGE).0), 0x6984);
    assert_eq!(ask(&token, &unlock), (proof, 0x9000));
    ask(&token, SELECT_OATH);
    assert!(ask(&token, LIST).1 == 0x9000, "once unlocked, it stays so");
    token.reset();
    ask(&token, SELECT_OATH);
    assert_eq!(status(&token, LIST), 0x6982);
}

#[test]
fn old_and_fips_yubikeys_differ_from_the_default() {
    let token = selected(Persona::YUBIKEY_4);
    token.add(StoredAccount::totp("longer", SECRET));
    assert_eq!(status(&token, &put(b"long", 0x21, SECRET, &[])), 0x9000);
    assert_eq!(token.accounts().len(), 1, "it took one for the other");
    assert_eq!(status(&token, "0005000006710174710175"), 0x6d00);
    ask(&token, SELECT_MANAGEMENT);
    assert_eq!(ask(&token, "001d000000").0, "0901013f020400bc614e");
    let token = selected(Persona::YUBIKEY_4_FIPS);
    assert_eq!(status(&token, &put(b"x", 0x23, SECRET, &[])), 0x6a80);
    let token = selected(Persona::YUBIKEY_5_FIPS);
    ask(&token, SELECT_MANAGEMENT);
    assert!(ask(&token, "001d000000").0.contains("040181"));
}
