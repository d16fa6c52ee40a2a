//! Where a code comes from.

pub mod command;
pub mod keyring;
pub mod private_file;
pub mod secret;
pub mod token;

use crate::world::is_yubico_otp;
use command::CodeCommand;
use secrecy::{ExposeSecret, SecretString};
use secret::SecretPlace;
use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// Seconds for which AWS's codes are good.
pub const PERIOD: u64 = 30;
/// Digits of AWS's codes.
pub const DIGITS: usize = 6;

/// One of the places a code can come from.
pub enum Source {
    /// It was given on the command line.
    Given(SecretString),
    /// A token that is plugged in.
    Token,
    /// A secret in software.
    Secret(SecretPlace),
    /// A command prints it.
    Command(CodeCommand),
    /// A person types it.
    Prompt,
}

/// A code and the time step that it belongs to.
pub struct Code {
    /// Its digits; AWS's are six.
    pub digits: SecretString,
    /// Seconds since 1970 over thirty.
    pub step: u64,
}

/// The time step that a time is in.
#[must_use]
pub fn step_at(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) / PERIOD
}

/// Takes what a person typed, or a command printed, for a code: so many digits, and spaces that do not count.
///
/// # Errors
/// If it is none: whether it is what a YubiKey types when it is touched (a Yubico OTP, 44 letters of its own alphabet).
pub fn digits(typed: &SecretString, count: RangeInclusive<usize>) -> Result<SecretString, bool> {
    let text = Zeroizing::new(typed.expose_secret().split_whitespace().collect::<String>());
    if count.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(SecretString::from(text.as_str()));
    }
    Err(is_yubico_otp(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_a_code() {
        let code =
            |text: &str| digits(&SecretString::from(text), DIGITS..=DIGITS).map(|code| code.expose_secret().to_owned());
        assert_eq!(code("123456"), Ok("123456".to_owned()));
        assert_eq!(code(" 012 345 \n"), Ok("012345".to_owned()));
        assert_eq!(code("ccccccbchvthlivuitriujjifivbvtrjkjfirllluurj"), Err(true));
        for no in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert_eq!(code(no), Err(false), "{no}");
        }
    }
}
