//! The simulator's clock, which tests can set, and the three formats in which AWS writes a time.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01 UTC.
pub(crate) type UnixSeconds = i64;

/// A source of time plus an offset, both in seconds.
#[derive(Clone)]
pub(crate) struct FakeClock {
    source: Arc<dyn Fn() -> UnixSeconds + Send + Sync>,
    offset: i64,
}

impl FakeClock {
    pub(crate) fn system() -> FakeClock {
        FakeClock::from_source(system_now)
    }

    pub(crate) fn from_source(source: impl Fn() -> UnixSeconds + Send + Sync + 'static) -> FakeClock {
        FakeClock { source: Arc::new(source), offset: 0 }
    }

    pub(crate) fn now(&self) -> UnixSeconds {
        (self.source)().saturating_add(self.offset)
    }

    pub(crate) fn set_offset(&mut self, seconds: i64) {
        self.offset = seconds;
    }

    pub(crate) fn advance(&mut self, seconds: i64) {
        self.offset = self.offset.saturating_add(seconds);
    }
}

fn system_now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A time in UTC, split into its fields.
struct CivilTime {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: usize,
}

impl CivilTime {
    /// Converts days to a date with Howard Hinnant's `civil_from_days`. Times outside the years 1 … 9999 are clamped.
    fn of(time: UnixSeconds) -> CivilTime {
        let time = time.clamp(-62_135_596_800, 253_402_300_799);
        let (days, second) = (time.div_euclid(86_400), time.rem_euclid(86_400));
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        CivilTime {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: second / 3_600,
            minute: second / 60 % 60,
            second: second % 60,
            weekday: usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0),
        }
    }
}

/// Formats a time as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7), as in `Date`.
pub(crate) fn http_date(time: UnixSeconds) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let CivilTime { year, month, day, hour, minute, second, weekday } = CivilTime::of(time);
    let month = MONTHS[usize::try_from(month - 1).unwrap_or(0)];
    format!("{}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT", DAYS[weekday])
}

/// Formats a time as `20150830T123600Z`, as in `X-Amz-Date`.
pub(crate) fn iso_basic(time: UnixSeconds) -> String {
    let CivilTime { year, month, day, hour, minute, second, .. } = CivilTime::of(time);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Formats a time as `2015-08-30T12:36:00Z`, as in `Expiration`.
pub(crate) fn iso_extended(time: UnixSeconds) -> String {
    let CivilTime { year, month, day, hour, minute, second, .. } = CivilTime::of(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Parses `20150830T123600Z`; any other format or an impossible date is `None`.
pub(crate) fn parse_iso_basic(text: &str) -> Option<UnixSeconds> {
    let digits = text.strip_suffix('Z')?;
    let (date, time) = digits.split_once('T')?;
    let all_digits = date.bytes().chain(time.bytes()).all(|byte| byte.is_ascii_digit());
    if date.len() != 8 || time.len() != 6 || !all_digits {
        return None;
    }
    let number = |text: &str| text.parse::<i64>().ok();
    let (year, month, day) = (number(&date[..4])?, number(&date[4..6])?, number(&date[6..])?);
    let (hour, minute, second) = (number(&time[..2])?, number(&time[2..4])?, number(&time[4..])?);
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    // An impossible date such as 30 February is normalized to another date by the conversion.
    (iso_basic(seconds) == text).then_some(seconds)
}

/// Returns the days since 1970-01-01, by Howard Hinnant's `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times_are_formatted_and_parsed() {
        for (time, basic, http) in [
            (0, "19700101T000000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "19941106T084937Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "20000229T000000Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_440_938_160, "20150830T123600Z", "Sun, 30 Aug 2015 12:36:00 GMT"),
            (20_000_000_000, "26031011T113320Z", "Tue, 11 Oct 2603 11:33:20 GMT"),
        ] {
            assert_eq!(iso_basic(time), basic);
            assert_eq!(http_date(time), http);
            assert_eq!(parse_iso_basic(basic), Some(time));
        }
        assert_eq!(iso_extended(1_440_938_160), "2015-08-30T12:36:00Z");
    }

    #[test]
    fn invalid_times_are_not_parsed() {
        for text in ["", "20150830", "20150230T000000Z", "20150830T246000Z", "20150830T123600", "2015083ßT12360Z"] {
            assert_eq!(parse_iso_basic(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_a_formatted_time_returns_the_time(time in -62_135_596_800_i64..=253_402_300_799) {
            prop_assert_eq!(parse_iso_basic(&iso_basic(time)), Some(time));
        }

        #[test]
        fn any_time_is_formatted_as_an_http_date(time: i64) {
            prop_assert_eq!(http_date(time).len(), 29);
        }

        #[test]
        fn parsing_any_text_as_a_time_does_not_panic(text in ".{0,20}") {
            let _ = parse_iso_basic(&text);
        }
    }
}
