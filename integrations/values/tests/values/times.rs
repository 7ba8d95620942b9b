//! Times of other crates.

use std::fmt::Debug;

use snowflake::{Epoch, TimeRangeError, UnixMillis, id};

/// Times that every type holds: the first ones, one with milliseconds, and jiff's last.
const TIMES: [u64; 4] = [0, 1, 1_656_432_460_105, 253_402_207_200_000];

fn check<T>(text: impl Fn(&T) -> String)
where
    T: TryFrom<UnixMillis, Error = TimeRangeError> + Debug,
    UnixMillis: TryFrom<T, Error = TimeRangeError>,
{
    for time in TIMES.map(UnixMillis) {
        let there = T::try_from(time).unwrap();
        assert_eq!(UnixMillis::try_from(there), Ok(time));
    }
    let time = T::try_from(id!("1541815603606036480").time(Epoch::TWITTER)).unwrap();
    assert_eq!(text(&time), "2022-06-28T16:07:40.105");
    let late = UnixMillis(u64::MAX);
    assert_eq!(T::try_from(late).unwrap_err(), TimeRangeError::TooLate(late));
}

/// A time just before 1970, and one that is rounded down.
fn check_edges<T>(before: T, within: T)
where
    UnixMillis: TryFrom<T, Error = TimeRangeError>,
{
    assert_eq!(UnixMillis::try_from(before), Err(TimeRangeError::Before1970));
    assert_eq!(UnixMillis::try_from(within), Ok(UnixMillis(1)));
}

#[test]
fn jiff_timestamps_convert_both_ways() {
    use jiff::Timestamp;
    check::<Timestamp>(|time| time.to_string().trim_end_matches('Z').to_owned());
    let [before, within] = [-1, 1_999_999].map(|ns| Timestamp::from_nanosecond(ns).unwrap());
    check_edges(before, within);
    let late = UnixMillis(253_402_207_201_000);
    assert_eq!(Timestamp::try_from(late), Err(TimeRangeError::TooLate(late)));
}

#[test]
fn times_of_the_time_crate_convert_both_ways() {
    use time::OffsetDateTime;
    check::<OffsetDateTime>(|time| {
        let (date, ms) = (time.date(), time.millisecond());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        format!("{date}T{hour:02}:{minute:02}:{second:02}.{ms:03}")
    });
    let from = |ns| OffsetDateTime::from_unix_timestamp_nanos(ns).unwrap();
    check_edges(from(-1), from(1_999_999));
    let late = UnixMillis(253_402_300_800_000);
    assert_eq!(OffsetDateTime::try_from(late), Err(TimeRangeError::TooLate(late)));
}

#[test]
fn chrono_times_convert_both_ways() {
    use chrono::{DateTime, FixedOffset, Utc};
    check::<DateTime<Utc>>(|time| time.naive_utc().to_string().replace(' ', "T"));
    let from = |ns| DateTime::<Utc>::from_timestamp_nanos(ns);
    check_edges(from(-1), from(1_999_999));
    let offset = FixedOffset::east_opt(7200).unwrap();
    assert_eq!(UnixMillis::try_from(from(1_999_999).with_timezone(&offset)), Ok(UnixMillis(1)));
}

#[test]
fn an_error_says_which_time_it_is() {
    let error = TimeRangeError::TooLate(UnixMillis(253_402_300_799_999)).to_string();
    assert_eq!(
        error,
        "time out of range: 9999-12-31T23:59:59.999Z is after the last time of the other type"
    );
}
