//! Random access keys, secrets and session tokens in AWS's formats.

use std::io;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Checks that the system provides randomness. Called once, when the simulator starts.
pub(crate) fn check() -> io::Result<()> {
    getrandom::fill(&mut [0; 1]).map_err(|error| io::Error::other(error.to_string()))
}

/// Returns a unique id: `prefix` (`AKIA`, `ASIA`, `AIDA` or `AROA`) and sixteen characters.
pub(crate) fn identifier(prefix: &str) -> String {
    format!("{prefix}{}", letters(16, BASE32))
}

/// Returns a secret access key of forty characters, which may include `+` and `/`.
pub(crate) fn secret() -> String {
    letters(40, BASE64)
}

/// Returns a session token as long as AWS's, ending in the `=` padding that careless parsers lose.
pub(crate) fn session_token() -> String {
    format!("IQoJb3JpZ2luX2Vj{}==", letters(478, BASE64))
}

/// Returns the last part of a FIDO security key's ARN.
pub(crate) fn u2f_suffix() -> String {
    letters(26, BASE32)
}

fn letters(count: usize, alphabet: &[u8]) -> String {
    let mut bytes = vec![0; count];
    if let Err(error) = getrandom::fill(&mut bytes) {
        // `check` succeeded earlier; failing is better than a guessable key.
        panic!("the system's randomness went away: {error}");
    }
    bytes.iter().map(|&byte| char::from(alphabet[usize::from(byte) % alphabet.len()])).collect()
}
