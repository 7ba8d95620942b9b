//! RFC 3339 dates and times of the years 1970 to 9999, in UTC and to the millisecond.
//!
//! Days are counted as by `days_from_civil` in Howard Hinnant's "chrono-Compatible Low-Level Date
//! Algorithms": years begin in March, so that the leap day is the last of its year, and 400 years
//! are one cycle. The date of a day is searched for with the same function.

use core::error::Error;
use core::fmt;

use super::UnixMillis;

/// 9999-12-31T23:59:59.999Z, the last time that RFC 3339 can express.
pub(super) const LAST: UnixMillis = UnixMillis(253_402_300_799_999);

const MS_PER_DAY: u64 = 86_400_000;

/// Days of 400 years.
const DAYS_PER_CYCLE: u64 = 146_097;

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: u64 = 719_468;

/// Returns `time` as `YYYY-MM-DDThh:mm:ss.mmmZ`, or `None` after [`LAST`].
pub(super) fn format(time: UnixMillis) -> Option<[u8; 24]> {
    if time > LAST {
        return None;
    }
    let (year, month, day) = civil(time.0 / MS_PER_DAY);
    let ms = time.0 % MS_PER_DAY;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |end: usize, digits: usize, mut value: u64| {
        for place in (end - digits..end).rev() {
            text[place] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    put(4, 4, year);
    put(7, 2, month);
    put(10, 2, day);
    put(13, 2, ms / 3_600_000);
    put(16, 2, ms / 60_000 % 60);
    put(19, 2, ms / 1000 % 60);
    put(23, 3, ms % 1000);
    Some(text)
}

/// Returns the year, month and day that is `since_1970` days after 1970-01-01.
fn civil(since_1970: u64) -> (u64, u64, u64) {
    let date = since_1970 + DAYS_TO_1970;
    // No year is longer than 366 days.
    let (mut year, mut month) = (1970 + since_1970 / 366, 12);
    while days(year + 1, 1, 1) <= date {
        year += 1;
    }
    while days(year, month, 1) > date {
        month -= 1;
    }
    (year, month, date - days(year, month, 1) + 1)
}

/// Returns the days from 0000-03-01 to a date, which must exist and be from the year 1 on.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (cycle, year_of_cycle) = (year / 400, year % 400);
    let march_based = (month + 9) % 12;
    let day_of_year = (153 * march_based + 2) / 5 + day - 1;
    DAYS_PER_CYCLE * cycle + 365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100
        + day_of_year
}

fn days_in_month(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// An error for text that is not a [`UnixMillis`] or an [`Epoch`](crate::Epoch).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseTimeError {
    /// The text is not a date, a date and time with an offset, or a number.
    Unrecognized,
    /// The text is not a known name, a year, a date, a date and time, or a number.
    UnrecognizedEpoch,
    /// The date or time does not exist, or it is finer than a millisecond.
    Nonexistent,
    /// The date is before 1970.
    Before1970,
    /// The number of milliseconds is so small for an epoch that it is likely to be in seconds.
    TooSmall(u64),
}

impl fmt::Display for ParseTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseTimeError::Unrecognized => {
                "invalid time: not in a known form; write an RFC 3339 date, a date and time with \
                 an offset, or milliseconds since 1970"
            }
            ParseTimeError::UnrecognizedEpoch => {
                "invalid epoch: not in a known form; write `twitter`, `discord`, a year such as \
                 2024, an RFC 3339 date or date and time, or milliseconds since 1970"
            }
            ParseTimeError::Nonexistent => {
                "invalid time: a date or time that does not exist, or finer than a millisecond; \
                 write it as in 2024-01-01T00:00:00.000Z"
            }
            ParseTimeError::Before1970 => "invalid time: before 1970; choose a time from 1970 on",
            ParseTimeError::TooSmall(ms) => {
                return write!(
                    f,
                    "invalid epoch: {ms} ms since 1970 is before March 1973, and likely in \
                     seconds; write milliseconds or a date"
                );
            }
        })
    }
}

impl Error for ParseTimeError {}

/// Parses a date, which means its midnight in UTC, or a date and time with an offset.
///
/// Fractions of a second finer than a millisecond are an error unless they are zeros. A leap
/// second is an error, because [`UnixMillis`] does not count it.
pub(super) fn parse(text: &str) -> Result<UnixMillis, ParseTimeError> {
    let mut rest = text.as_bytes();
    let date = take(&mut rest, b"0000-00-00").ok_or(ParseTimeError::Unrecognized)?;
    let ms = match rest {
        [] => Some(0),
        [b'T' | b't' | b' ', time @ ..] => ms_of_day(time).ok_or(ParseTimeError::Unrecognized)?,
        _ => return Err(ParseTimeError::Unrecognized),
    };
    at(date, ms.ok_or(ParseTimeError::Nonexistent)?)
}

/// Parses digits alone. Returns `None` for other text, and for a number that a `u64` does not hold.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

/// Returns the time `ms` after the start of a date in UTC, given as year, month and day.
pub(super) fn at([year, month, day]: [u64; 3], ms: i64) -> Result<UnixMillis, ParseTimeError> {
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return Err(ParseTimeError::Nonexistent);
    }
    let since_march_0 = days(year.max(1), month, day) * MS_PER_DAY;
    let since_1970 = since_march_0.saturating_add_signed(ms).checked_sub(DAYS_TO_1970 * MS_PER_DAY);
    since_1970.map(UnixMillis).ok_or(ParseTimeError::Before1970)
}

/// Parses a time of day with an offset, and returns its milliseconds after midnight in UTC. The
/// inner value is `None` if the form is right and the time does not exist.
fn ms_of_day(mut rest: &[u8]) -> Option<Option<i64>> {
    let [hour, minute, second] = take(&mut rest, b"00:00:00")?;
    let mut exists = hour < 24 && minute < 60 && second < 60;
    let mut ms = ((hour * 60 + minute) * 60 + second) * 1000;
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (fraction, after) = fraction.split_at_checked(digits).filter(|_| digits > 0)?;
        let mut unit_ms = 100;
        for digit in fraction {
            exists &= unit_ms > 0 || *digit == b'0';
            ms += unit_ms * u64::from(digit - b'0');
            unit_ms /= 10;
        }
        rest = after;
    }
    let ahead_min = match rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), offset @ ..] => {
            rest = offset;
            let [hours, minutes] = take(&mut rest, b"00:00").filter(|_| rest.is_empty())?;
            exists &= hours < 24 && minutes < 60;
            let minutes = (hours * 60 + minutes) as i64;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    Some(exists.then_some(ms as i64 - ahead_min * 60_000))
}

/// Takes text such as `template` off `rest`, and returns its numbers. A 0 stands for any digit.
fn take<const N: usize>(rest: &mut &[u8], template: &[u8]) -> Option<[u64; N]> {
    let (taken, after) = rest.split_at_checked(template.len())?;
    *rest = after;
    let (mut numbers, mut nth) = ([0; N], 0);
    for (byte, expected) in taken.iter().zip(template) {
        if *expected == b'0' && byte.is_ascii_digit() {
            numbers[nth] = numbers[nth] * 10 + u64::from(byte - b'0');
        } else if byte == expected {
            nth += 1;
        } else {
            return None;
        }
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn by_jiff(time: UnixMillis) -> String {
        format!("{:.3}", Timestamp::from_millisecond(time.0 as i64).unwrap())
    }

    #[test]
    fn agrees_with_jiff_about_every_day_until_9999() {
        // jiff's last time is 26 hours before the end of that year.
        for day in 0..LAST.0 / MS_PER_DAY - 1 {
            let noonish = UnixMillis(day * MS_PER_DAY + 43_200_000 + day % 1000);
            let text = by_jiff(noonish);
            assert_eq!(format(noonish).unwrap(), text.as_bytes());
            assert_eq!(parse(&text), Ok(noonish));
        }
    }

    #[test]
    fn formats_the_first_and_the_last_time() {
        assert_eq!(&format(UnixMillis(0)).unwrap(), b"1970-01-01T00:00:00.000Z");
        assert_eq!(&format(LAST).unwrap(), b"9999-12-31T23:59:59.999Z");
        assert_eq!(format(UnixMillis(LAST.0 + 1)), None);
    }

    #[test]
    fn parses_what_rfc_3339_allows() {
        for (text, ms) in [
            ("1970-01-01", 0),
            ("1970-01-02t00:00:00z", 86_400_000),
            ("1970-01-01 00:00:01+00:00", 1000),
            ("1970-01-01T00:00:00.5Z", 500),
            ("1970-01-01T00:00:00.123000000Z", 123),
            ("1970-01-01T02:30:00+02:30", 0),
            ("1970-01-01T00:00:00-01:00", 3_600_000),
            ("1969-12-31T23:00:00-01:00", 0),
        ] {
            assert_eq!(parse(text), Ok(UnixMillis(ms)), "{text:?}");
        }
    }

    #[test]
    fn rejects_text_that_is_not_a_time() {
        for (error, texts) in [
            (
                ParseTimeError::Unrecognized,
                &[
                    "",
                    "1970",
                    "1970-1-1",
                    "1970-01-01T",
                    "1970-01-01T00:00Z",
                    "1970-01-01T00:00:00",
                    "1970-01-01T00:00:00.Z",
                    "1970-01-01T00:00:00+0000",
                    "1970-01-01T00:00:00Zx",
                    "+1970-01-01",
                    "1970-01-01x",
                    "１970-01-01",
                    "1970-01-01T00:00:00,5Z",
                ][..],
            ),
            (
                ParseTimeError::Nonexistent,
                &[
                    "2023-02-29",
                    "1900-02-29",
                    "2024-04-31",
                    "2024-00-01",
                    "2024-13-01",
                    "2024-01-00",
                    "2024-01-32",
                    "2024-01-01T24:00:00Z",
                    "2024-01-01T00:60:00Z",
                    "2024-01-01T23:59:60Z",
                    "2024-01-01T00:00:00+24:00",
                    "2024-01-01T00:00:00+00:60",
                    "2024-01-01T00:00:00.0001Z",
                ],
            ),
            (
                ParseTimeError::Before1970,
                &["0000-01-01", "0000-02-29", "1969-12-31", "1970-01-01T00:00:00+00:01"],
            ),
        ] {
            for text in texts {
                assert_eq!(parse(text), Err(error), "{text:?}");
            }
        }
    }
}
