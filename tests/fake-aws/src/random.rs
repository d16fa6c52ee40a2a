//! Access keys, secrets and session tokens in AWS's shapes.

use std::io;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Refuses where the system has no randomness to give: checked once, when the fake starts.
pub(crate) fn check() -> io::Result<()> {
    getrandom::fill(&mut [0; 1]).map_err(|error| io::Error::other(error.to_string()))
}

/// `AKIA`, `ASIA`, `AIDA` or `AROA` and sixteen more.
pub(crate) fn identifier(prefix: &str) -> String {
    format!("{prefix}{}", letters(16, BASE32))
}

/// Forty letters, `+` and `/` among them.
pub(crate) fn secret() -> String {
    letters(40, BASE64)
}

/// As long as AWS's own are, with the padding that careless writers lose.
pub(crate) fn session_token() -> String {
    format!("IQoJb3JpZ2luX2Vj{}==", letters(478, BASE64))
}

/// The tail of a FIDO key's ARN.
pub(crate) fn u2f_suffix() -> String {
    letters(26, BASE32)
}

fn letters(count: usize, alphabet: &[u8]) -> String {
    let mut bytes = vec![0; count];
    if let Err(error) = getrandom::fill(&mut bytes) {
        // `check` has seen it work; a guessable key would be worse than no answer.
        panic!("the system's randomness went away: {error}");
    }
    bytes.iter().map(|&byte| char::from(alphabet[usize::from(byte) % alphabet.len()])).collect()
}
