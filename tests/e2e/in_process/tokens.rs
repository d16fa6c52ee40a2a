//! Tests of `tokens`: listing the tokens that are plugged in.

use crate::harness::test_world::{READER, SEED, TestWorld};
use hw::memory_bus::Step;
use hw::transport::CarrierError;
use serde_json::{Value, json};
use virtual_token::{Applet, CodeKind, Persona, Presence, StoredAccount, VirtualToken};

const SECOND: &str = "Yubico YubiKey CCID 01 00";

fn plug(bench: &TestWorld, reader: &str, token: &VirtualToken) {
    let token = token.clone();
    bench.bus.insert(reader, move |command| Ok(token.exchange(command)));
}

fn told(bench: &TestWorld, arguments: &[&str]) -> Value {
    let told = bench.run(&[&["tokens", "--json"], arguments].concat());
    assert_eq!(told.code, 0, "{told:?}");
    serde_json::from_str(&told.out).unwrap()
}

#[test]
fn tokens_are_listed_as_table_and_json() {
    let bench = TestWorld::new();
    bench.token.add(StoredAccount::totp("60/AWS:bob", SEED).with_touch());
    bench.token.add(StoredAccount::totp("GitHub:bob", SEED));
    let mut counting = StoredAccount::totp("AWS:counter", SEED);
    (counting.kind, counting.digits) = (CodeKind::Hotp, 8);
    bench.token.add(counting);
    let table = bench.run(&["tokens"]);
    assert_eq!(
        (table.code, table.out.as_str(), table.err.as_str()),
        (
            0,
            "SERIAL    FIRMWARE  LOCKED  ROOM LEFT  AWS ACCOUNTS\n\
             12345678  5.4.3     no      28 of 32   Amazon Web Services:alice@example, 60/AWS:bob (touch), AWS:counter (1 other)\n",
            ""
        )
    );
    let account = |id: &str, touch: Option<bool>, digits: u8, period: Option<u32>| json!({ "id": id, "touch": touch, "digits": digits, "period": period });
    assert_eq!(
        told(&bench, &[]),
        json!({ "tokens": [{
            "serial": 12_345_678, "firmware": "5.4.3", "reader": READER, "locked": false, "used": 4, "capacity": 32,
            "accounts": [
                account("Amazon Web Services:alice@example", Some(false), 6, Some(30)),
                account("60/AWS:bob", Some(true), 6, Some(60)),
                account("GitHub:bob", Some(false), 6, Some(30)),
                account("AWS:counter", None, 8, None),
            ],
        }]})
    );
    assert!(bench.token.commands().iter().all(|command| command[1] >= 0x1D), "nothing that writes was sent");
}

#[test]
fn unknown_facts_are_null_and_nobody_is_asked() {
    let mut bench = TestWorld::new();
    bench.typed = Some(vec!["correct horse"]);
    bench.token.set_password(Some("correct horse"));
    let neo = VirtualToken::builder(Persona::NEO).serial(None).build();
    neo.add(StoredAccount::totp("AWS:a", SEED));
    plug(&bench, "Yubico Yubikey NEO OTP+U2F+CCID 01 00", &neo);
    let bare = VirtualToken::builder(Persona::YUBIKEY_5_7).serial(Some(5)).build();
    bare.set_presence(Applet::Oath, Presence::Disabled);
    plug(&bench, SECOND, &bare);
    let told = told(&bench, &[]);
    let tokens = told["tokens"].as_array().unwrap();
    let seen = |at: usize| ["serial", "locked", "used", "capacity"].map(|key| tokens[at][key].clone());
    assert_eq!(seen(0), [json!(12_345_678), json!(true), Value::Null, json!(32)]);
    assert_eq!(seen(1), [Value::Null, json!(false), json!(1), Value::Null]);
    assert_eq!(seen(2), [json!(5), Value::Null, Value::Null, Value::Null]);
    assert_eq!((&tokens[0]["accounts"], &tokens[2]["accounts"]), (&Value::Null, &Value::Null));
    let table = bench.run(&["tokens"]);
    for row in [
        "12345678  5.4.3     yes     -          `aws-mfa-key accounts list` asks for its password\n",
        "-         3.4.3     no      -          AWS:a\n",
        "5         5.7.1     -       -          its OATH applet is disabled\n",
    ] {
        assert!(table.out.contains(row), "{}", table.out);
    }
    assert_eq!(table.terminal, "");
}

#[test]
fn a_busy_token_is_listed_as_busy() {
    let bench = TestWorld::new();
    let other = VirtualToken::builder(Persona::YUBIKEY_5_7).serial(Some(87_654_321)).build();
    plug(&bench, SECOND, &other);
    bench.bus.guard(Step::Open, |reader| if reader == READER { Err(CarrierError::Busy) } else { Ok(()) });
    let table = bench.run(&["tokens"]);
    let row = format!("-         -         -       -          {READER}: another program is using the token\n");
    assert!(table.code == 0 && table.out.contains(&row), "{table:?}");
    let json = bench.run(&["tokens", "--json"]);
    let tokens = serde_json::from_str::<Value>(&json.out).unwrap()["tokens"].clone();
    assert_eq!((&tokens[0]["serial"], &tokens[1]["reader"]), (&json!(87_654_321), &json!(READER)));
    assert_eq!(tokens[1]["locked"], Value::Null);
    assert_eq!(json.err, format!("{READER}: another program is using the token\n"));
    // The requested token is available.
    assert_eq!(told(&bench, &["--token", "87654321"])["tokens"].as_array().unwrap().len(), 1);
    let busy = bench.run(&["tokens", "--token", "12345678"]);
    assert!(
        busy.code == 1 && busy.err.contains(&format!("another program is using {READER}\n next: close")),
        "{busy:?}"
    );
}

#[test]
fn missing_tokens_are_reported_with_exit_code_3() {
    let bench = TestWorld::new();
    let told = bench.run(&["tokens", "--token", "1", "--json"]);
    assert_eq!((told.code, told.out.as_str()), (3, "{\"tokens\":[]}\n"));
    bench.bus.remove(READER);
    let told = bench.run(&["tokens"]);
    assert_eq!((told.code, told.out.as_str()), (3, ""));
    assert_eq!(
        told.err,
        "error: could not list the tokens\ncause: no token is plugged in\n next: plug in the token, then try again (--wait waits for it)\n"
    );
}

#[test]
fn account_names_are_escaped_in_lists() {
    let bench = TestWorld::new();
    bench.token.add(StoredAccount::totp("AWS:\u{1b}[2J\u{9b}31m\u{202e}evil", SEED));
    for arguments in [&["tokens"][..], &["tokens", "--json"], &["accounts", "list"], &["accounts", "list", "--json"]] {
        let told = bench.run(arguments);
        assert!(told.out.contains("evil"), "{told:?}");
        assert!(told.out.chars().all(|c| c == '\n' || (' '..='~').contains(&c)), "{told:?}");
    }
}
