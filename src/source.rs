//! Sources of codes: a token, a secret in software, a command, or a person's typing.

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

/// Length of a time step of AWS's codes, in seconds.
pub const PERIOD: u64 = 30;
/// Number of digits in AWS's codes.
pub const DIGITS: usize = 6;

/// A source of codes. A plan lists its sources in order, and the first that can answer is used.
pub enum Source {
    /// A code passed with `--code`.
    Given(SecretString),
    /// A token that is plugged in.
    Token,
    /// A secret kept in software.
    Secret(SecretPlace),
    /// A command that prints a code.
    Command(CodeCommand),
    /// A code that a person types when asked.
    Prompt,
}

/// A code and the time step that it counts for.
pub struct Code {
    /// The digits, without spaces. AWS's codes have six.
    pub digits: SecretString,
    /// Number of the time step: seconds since the Unix epoch, divided by 30.
    pub step: u64,
}

/// Returns the number of the time step that contains `time`; 0 for times before 1970.
#[must_use]
pub fn step_at(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) / PERIOD
}

/// Parses a code that a person typed or a command printed: `count` digits, with white space ignored.
///
/// # Errors
/// `true` if the text ends in a Yubico OTP (the 44 letters that a YubiKey types when it is touched); `false` if it is
/// anything else that is not a code.
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
    fn parses_digits_and_recognizes_a_yubico_otp() {
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
