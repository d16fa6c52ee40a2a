//! Recorded conversations of Yubico's own client with an independent model of the applet.

use std::time::Duration;

use serde_json::Value;
use virtual_token::{Persona, SimulatedTouch, StoredAccount, VirtualToken};

use crate::talk::{CHALLENGE, DEVICE_ID, REST, SECRET, SELECT_OATH, ask, hex, split, unhex};

struct Row {
    step: String,
    tx: Vec<u8>,
    rx: String,
    sw: u16,
    code: Option<String>,
}

fn rows() -> Vec<Row> {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/oath_vectors.json"));
    let vectors: Value = serde_json::from_str(text).unwrap();
    let row = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap().to_string();
        Row {
            step: text("step"),
            tx: unhex(&text("tx")),
            rx: text("rx"),
            sw: u16::from_str_radix(&text("sw"), 16).unwrap(),
            code: row.get("code").map(|code| code.as_str().unwrap().to_string()),
        }
    };
    let rows: Vec<Row> = vectors["exchanges"].as_array().unwrap().iter().map(row).collect();
    assert_eq!(rows.len(), 61);
    rows
}

/// Returns the token for all rows except those that begin with `chain-`, which use [`crowded`].
fn fresh() -> VirtualToken {
    let token = VirtualToken::builder(Persona::YUBIKEY_5_4_3).serial(Some(12_345_678));
    let token = token.device_id(DEVICE_ID).challenge(CHALLENGE).build();
    token.set_touch_timeout(Duration::from_millis(5));
    token
}

fn crowded() -> VirtualToken {
    let token = VirtualToken::new(Persona::YUBIKEY_5_4_3);
    for at in 0..12 {
        token.add(StoredAccount::totp(format!("Issuer{at:02}:user{at:02}@example.com"), SECRET));
    }
    assert_eq!(ask(&token, SELECT_OATH).1, 0x9000);
    token
}

/// Returns the code that a truncated response contains.
fn code(answer: &[u8]) -> String {
    let &[0x76, 5, digits, a, b, c, d] = answer else { panic!("{answer:02x?}") };
    let value = u32::from_be_bytes([a, b, c, d]) % 10_u32.pow(digits.into());
    format!("{value:0width$}", width = digits.into())
}

#[test]
fn every_vector_matches_byte_for_byte() {
    let (token, crowded) = (fresh(), crowded());
    for row in rows() {
        token.set_touch(if row.step == "calc-aws-touch-timeout" {
            SimulatedTouch::Never
        } else {
            SimulatedTouch::ByItself(Duration::ZERO)
        });
        let token = if row.step.starts_with("chain-") { &crowded } else { &token };
        let answer = token.exchange(&row.tx);
        let (data, status) = split(answer.clone());
        assert_eq!((data, format!("{status:04x}")), (row.rx, format!("{:04x}", row.sw)), "{}", row.step);
        if let Some(expected) = row.code {
            assert_eq!(code(&answer[..answer.len() - 2]), expected, "{}", row.step);
        }
    }
}

/// Yubico's client sends extended commands to a YubiKey 5 over USB.
#[test]
fn extended_commands_get_the_same_responses_in_one_part() {
    let (token, crowded) = (fresh(), crowded());
    let rows = rows();
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| hex(&row.tx) != REST) {
        token.set_touch(if row.step == "calc-aws-touch-timeout" {
            SimulatedTouch::Never
        } else {
            SimulatedTouch::ByItself(Duration::ZERO)
        });
        let token = if row.step.starts_with("chain-") { &crowded } else { &token };
        let extended = match &row.tx[4..] {
            [0] => row.tx[..4].to_vec(),
            [length, data @ ..] => [&row.tx[..4], &[0, 0, *length], data].concat(),
            [] => panic!("{}", row.step),
        };
        let rest = rows.get(at + 1).filter(|next| hex(&next.tx) == REST);
        let expected = match rest {
            Some(rest) => (format!("{}{}", row.rx, rest.rx), rest.sw),
            None => (row.rx.clone(), row.sw),
        };
        assert_eq!(split(token.exchange(&extended)), expected, "{}", row.step);
    }
}
