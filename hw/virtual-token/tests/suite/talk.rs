//! Commands for a token, written by hand, and helpers that send them.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use virtual_token::{Persona, VirtualToken};

pub(crate) const SELECT_OATH: &str = "00a4040007a0000005272101";
pub(crate) const SELECT_MANAGEMENT: &str = "00a4040008a000000527471117";
pub(crate) const SELECT_OTP: &str = "00a4040007a0000005272001";
pub(crate) const LIST: &str = "00a1000000";
pub(crate) const REST: &str = "00a5000000";
/// Secret of the test vectors in RFC 4226 and RFC 6238.
pub(crate) const SECRET: &[u8] = b"12345678901234567890";
pub(crate) const DEVICE_ID: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
pub(crate) const CHALLENGE: [u8; 8] = [0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8];
/// Upper bound for waits, longer than anything in these tests takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Returns a token without random values, with its OATH applet selected.
pub(crate) fn selected(persona: Persona) -> VirtualToken {
    let token = VirtualToken::builder(persona).device_id(DEVICE_ID).challenge(CHALLENGE).build();
    assert_eq!(ask(&token, SELECT_OATH).1, 0x9000);
    token
}

/// Sends a command, and returns the data in hex and the status word.
pub(crate) fn ask(token: &VirtualToken, command: &str) -> (String, u16) {
    split(token.exchange(&unhex(command)))
}

pub(crate) fn split(mut answer: Vec<u8>) -> (String, u16) {
    let status = answer.split_off(answer.len().checked_sub(2).expect("an answer has a status word"));
    (hex(&answer), u16::from_be_bytes([status[0], status[1]]))
}

/// Sends a command, and returns its status word. Fails if a response with an error also has data.
pub(crate) fn status(token: &VirtualToken, command: &str) -> u16 {
    let (data, status) = ask(token, command);
    assert!(data.is_empty() || status == 0x9000, "{command}: {data} {status:04x}");
    status
}

/// Fetches all parts of a long response. Returns the length of each part in bytes, and all data in hex.
pub(crate) fn whole(token: &VirtualToken, command: &str) -> (Vec<usize>, String) {
    let (mut pieces, mut all, mut next) = (Vec::new(), String::new(), command);
    for _ in 0..5000 {
        let (data, status) = ask(token, next);
        pieces.push(data.len() / 2);
        all += &data;
        match status {
            0x9000 => return (pieces, all),
            0x6100..=0x61ff => next = REST,
            other => panic!("{other:04x}"),
        }
    }
    panic!("it never ends")
}

/// Returns a short command with data, in hex.
pub(crate) fn command(instruction: u8, p1: u8, p2: u8, data: &[u8]) -> String {
    assert!(!data.is_empty() && data.len() < 256);
    hex(&[&[0, instruction, p1, p2, data.len() as u8], data].concat())
}

pub(crate) fn entry(tag: u8, value: &[u8]) -> Vec<u8> {
    assert!(value.len() < 0x80);
    [&[tag, value.len() as u8], value].concat()
}

pub(crate) fn put(name: &[u8], type_byte: u8, secret: &[u8], rest: &[u8]) -> String {
    let key = entry(0x73, &[&[type_byte, 6], secret].concat());
    command(1, 0, 0, &[&entry(0x71, name), &key, rest].concat())
}

pub(crate) fn calculate(name: &[u8], challenge: &[u8]) -> String {
    command(0xa2, 0, 1, &[entry(0x71, name), entry(0x74, challenge)].concat())
}

pub(crate) fn calculate_all(step: u64) -> String {
    command(0xa4, 0, 1, &entry(0x74, &step.to_be_bytes()))
}

pub(crate) fn key(password: &str, device_id: &[u8]) -> Vec<u8> {
    let mut key = vec![0; 16];
    pbkdf2::pbkdf2_hmac::<Sha1>(password.as_bytes(), device_id, 1000, &mut key);
    key
}

fn proof(key: &[u8], challenge: &[u8]) -> Vec<u8> {
    let mac = <Hmac<Sha1> as KeyInit>::new_from_slice(key).unwrap();
    mac.chain_update(challenge).finalize().into_bytes().to_vec()
}

pub(crate) fn set_code(type_byte: u8, key: &[u8]) -> String {
    let challenge = [0xb1; 8];
    let key_entry = entry(0x73, &[&[type_byte], key].concat());
    command(3, 0, 0, &[key_entry, entry(0x74, &challenge), entry(0x75, &proof(key, &challenge))].concat())
}

/// Returns the VALIDATE command that answers a challenge, and the response that the token has to give.
pub(crate) fn validate(key: &[u8], challenge: &[u8]) -> (String, String) {
    let ours = [0xb2; 8];
    let command = command(0xa3, 0, 0, &[entry(0x75, &proof(key, challenge)), entry(0x74, &ours)].concat());
    (command, hex(&entry(0x75, &proof(key, &ours))))
}
