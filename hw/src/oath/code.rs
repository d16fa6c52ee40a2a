//! Codes, and the time steps for which they are valid.

use std::num::NonZeroU32;
use std::ops::Range;

use zeroize::Zeroizing;

use super::OathError;
use crate::tlv;

/// Default period of an account, in seconds.
pub const USUAL_PERIOD: NonZeroU32 = NonZeroU32::new(30).unwrap();

/// A time step: the time since 1970 is divided into steps of `period` seconds each, numbered from 0 (RFC 6238's T).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeStep {
    period: NonZeroU32,
    number: u64,
}

impl TimeStep {
    /// Returns the time step that contains `unix_seconds` (seconds since 1970, UTC).
    #[must_use]
    pub fn at(unix_seconds: u64, period: NonZeroU32) -> Self {
        Self::numbered(unix_seconds / u64::from(period.get()), period)
    }

    /// Returns the time step with this number; `period` is in seconds.
    #[must_use]
    pub fn numbered(number: u64, period: NonZeroU32) -> Self {
        Self { period, number }
    }

    /// Returns the number of the time step: how many steps have passed since 1970.
    #[must_use]
    pub fn number(self) -> u64 {
        self.number
    }

    /// Returns the length of the time step in seconds.
    #[must_use]
    pub fn period(self) -> NonZeroU32 {
        self.period
    }

    /// Returns the seconds since 1970 (UTC) that belong to the time step; the end is excluded.
    #[must_use]
    pub fn seconds(self) -> Range<u64> {
        let period = u64::from(self.period.get());
        let start = self.number.saturating_mul(period);
        start..start.saturating_add(period)
    }

    /// Returns the time step that is `by` steps later (earlier, if negative), or `None` if its number is negative or
    /// exceeds 64 bits.
    #[must_use]
    pub fn shifted(self, by: i64) -> Option<Self> {
        Some(Self { number: self.number.checked_add_signed(by)?, ..self })
    }
}

/// A code, valid for one time step. Has no `Debug`; is wiped when dropped.
pub struct OathCode {
    digits: Zeroizing<String>,
    step: TimeStep,
}

impl OathCode {
    /// Returns the code as a person types it: 1 to 10 digits, leading zeros included.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Returns the time step that the code was computed for.
    #[must_use]
    pub fn step(&self) -> TimeStep {
        self.step
    }

    /// Returns a copy of the code. Private to this crate, so that callers cannot copy a code.
    pub(crate) fn again(&self) -> Self {
        Self { digits: self.digits.clone(), step: self.step }
    }

    /// Parses the truncated response to CALCULATE: number of digits, then four bytes, of which the top bit is
    /// ignored.
    ///
    /// Sources: YKOATH, CALCULATE; RFC 4226, 5.3.
    pub(super) fn read(answer: &[u8], step: TimeStep) -> Result<Self, OathError> {
        let value = tlv::TlvReader::new(answer)
            .filter_map(Result::ok)
            .find_map(|(tag, value)| (tag == 0x76).then_some(value))
            .ok_or(OathError::Malformed { answer_to: "CALCULATE" })?;
        let &[digits, a, b, c, d] = value else {
            return Err(OathError::Malformed { answer_to: "CALCULATE" });
        };
        if !(1..=10).contains(&digits) {
            return Err(OathError::Digits { digits });
        }
        let number = u64::from(u32::from_be_bytes([a, b, c, d]) & 0x7FFF_FFFF) % 10_u64.pow(u32::from(digits));
        let width = usize::from(digits);
        Ok(Self { digits: Zeroizing::new(format!("{number:0width$}")), step })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &[u8]) -> Result<String, OathError> {
        OathCode::read(answer, TimeStep::at(59, USUAL_PERIOD)).map(|code| code.digits().to_owned())
    }

    #[test]
    fn a_time_step_has_its_number_and_seconds() {
        let step = TimeStep::at(59, USUAL_PERIOD);
        assert_eq!((step.number(), step.seconds()), (1, 30..60));
        assert_eq!(TimeStep::at(60, USUAL_PERIOD), step.shifted(1).unwrap());
        assert_eq!(TimeStep::at(29, USUAL_PERIOD), step.shifted(-1).unwrap());
        assert_eq!(step.shifted(-2), None);
        let minute = NonZeroU32::new(60).unwrap();
        assert_eq!(TimeStep::at(1_111_111_109, minute).seconds(), 1_111_111_080..1_111_111_140);
        assert_eq!(TimeStep::at(u64::MAX, minute).shifted(1).unwrap().seconds().end, u64::MAX);
        assert_eq!(TimeStep::numbered(u64::MAX, minute).seconds(), u64::MAX..u64::MAX);
    }

    #[test]
    fn codes_are_truncated_and_padded_with_zeros() {
        assert_eq!(read(&[0x76, 5, 8, 0x36, 0x10, 0xF8, 0x4C]).unwrap(), "07081804");
        assert_eq!(read(&[0x76, 5, 6, 0xC1, 0x39, 0x7E, 0xEA]).unwrap(), "287082", "the top bit does not count");
        assert_eq!(read(&[0x76, 5, 10, 0x7F, 0xFF, 0xFF, 0xFF]).unwrap(), "2147483647");
        assert_eq!(read(&[0x76, 5, 1, 0, 0, 0, 0]).unwrap(), "0");
        assert_eq!(read(&[0x99, 1, 0, 0x76, 5, 6, 0, 0, 0, 1]).unwrap(), "000001", "an unknown tag before it");
    }

    #[test]
    fn an_impossible_code_is_an_error() {
        for digits in [0, 11, 200, 255] {
            assert_eq!(read(&[0x76, 5, digits, 0, 0, 0, 1]), Err(OathError::Digits { digits }));
        }
        let malformed: [&[u8]; 6] =
            [&[], &[0x76], &[0x76, 0], &[0x76, 4, 6, 0, 0, 1], &[0x76, 6, 6, 0, 0, 0, 0, 1], &[0x75, 5, 6, 0, 0, 0, 1]];
        for answer in malformed {
            assert_eq!(read(answer), Err(OathError::Malformed { answer_to: "CALCULATE" }), "{answer:02x?}");
        }
    }
}
