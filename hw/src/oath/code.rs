//! A code, and the stretch of time for which it is good.

use std::num::NonZeroU32;
use std::ops::Range;

use zeroize::Zeroizing;

use super::OathError;
use crate::tlv;

/// The period of an account whose name does not say otherwise, in seconds.
pub const USUAL_PERIOD: NonZeroU32 = NonZeroU32::new(30).unwrap();

/// One step of a clock that ticks every `period` seconds since 1970 (RFC 6238's T).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeStep {
    period: NonZeroU32,
    number: u64,
}

impl TimeStep {
    /// The step that holds `unix_seconds` (seconds since 1970, UTC).
    #[must_use]
    pub fn at(unix_seconds: u64, period: NonZeroU32) -> Self {
        Self::numbered(unix_seconds / u64::from(period.get()), period)
    }

    /// Step number `number` of a clock that ticks every `period` seconds.
    #[must_use]
    pub fn numbered(number: u64, period: NonZeroU32) -> Self {
        Self { period, number }
    }

    /// How many steps lie before this one since 1970.
    #[must_use]
    pub fn number(self) -> u64 {
        self.number
    }

    /// Length of the step in seconds.
    #[must_use]
    pub fn period(self) -> NonZeroU32 {
        self.period
    }

    /// The seconds since 1970 (UTC) that belong to the step; the end is the first that does not.
    #[must_use]
    pub fn seconds(self) -> Range<u64> {
        let period = u64::from(self.period.get());
        let start = self.number.saturating_mul(period);
        start..start.saturating_add(period)
    }

    /// The step `by` steps later (earlier, if negative); `None` before 1970 or beyond 2^64.
    #[must_use]
    pub fn shifted(self, by: i64) -> Option<Self> {
        Some(Self { number: self.number.checked_add_signed(by)?, ..self })
    }
}

/// A code, good for one time step. It is a secret: it has no `Debug`, and is wiped when dropped.
pub struct OathCode {
    digits: Zeroizing<String>,
    step: TimeStep,
}

impl OathCode {
    /// The digits as one types them, leading zeros included; 1 to 10 of them.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The time step that the code was computed for.
    #[must_use]
    pub fn step(&self) -> TimeStep {
        self.step
    }

    /// The same code.
    pub(crate) fn again(&self) -> Self {
        Self { digits: self.digits.clone(), step: self.step }
    }

    /// Reads the truncated answer to CALCULATE: number of digits, then four bytes whose top bit does not count.
    ///
    /// YKOATH: CALCULATE; RFC 4226, 5.3.
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
    fn a_step_knows_its_seconds() {
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
    fn digits_are_cut_and_filled_up() {
        assert_eq!(read(&[0x76, 5, 8, 0x36, 0x10, 0xF8, 0x4C]).unwrap(), "07081804");
        assert_eq!(read(&[0x76, 5, 6, 0xC1, 0x39, 0x7E, 0xEA]).unwrap(), "287082", "the top bit does not count");
        assert_eq!(read(&[0x76, 5, 10, 0x7F, 0xFF, 0xFF, 0xFF]).unwrap(), "2147483647");
        assert_eq!(read(&[0x76, 5, 1, 0, 0, 0, 0]).unwrap(), "0");
        assert_eq!(read(&[0x99, 1, 0, 0x76, 5, 6, 0, 0, 0, 1]).unwrap(), "000001", "an unknown tag before it");
    }

    #[test]
    fn a_code_that_cannot_be_is_an_error() {
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
