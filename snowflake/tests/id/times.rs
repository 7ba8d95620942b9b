//! Times in milliseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use snowflake::UnixMillis;

#[test]
fn sums_end_at_the_ends_of_the_range() {
    let (first, last) = (UnixMillis(0), UnixMillis(u64::MAX));
    let (ms, longest) = (Duration::from_millis(1), Duration::MAX);
    assert_eq!(first.checked_sub(ms), None);
    assert_eq!(last.checked_add(ms), None);
    assert_eq!(first.checked_add(longest), Some(last));
    assert_eq!(UnixMillis(1).checked_add(longest), None);
    assert_eq!(UnixMillis(1).saturating_add(longest), last);
    assert_eq!(last.saturating_sub(longest), first);
    assert_eq!(first.saturating_sub(ms), first);
}

#[test]
fn a_part_of_a_millisecond_is_ignored() {
    let almost_two = Duration::from_micros(1999);
    assert_eq!(UnixMillis(5).saturating_add(almost_two), UnixMillis(6));
    assert_eq!(UnixMillis(5).saturating_sub(almost_two), UnixMillis(4));
    assert_eq!(UnixMillis::try_from(UNIX_EPOCH + almost_two).unwrap(), UnixMillis(1));
}

#[test]
fn a_time_before_1970_is_an_error() {
    assert!(UnixMillis::try_from(UNIX_EPOCH - Duration::from_nanos(1)).is_err());
}

#[test]
fn display_pads_a_date_and_writes_a_number_after_the_year_9999() {
    let time = UnixMillis(1_704_067_200_001);
    assert_eq!(format!("{time:>26}|"), "  2024-01-01T00:00:00.001Z|");
    assert_eq!(UnixMillis(253_402_300_800_000).to_string(), "253402300800000 ms since 1970");
}

proptest! {
    #[test]
    fn system_times_convert_back(ms in 0..1_u64 << 53) {
        let time = UnixMillis(ms);
        let system: SystemTime = time.into();
        prop_assert_eq!(UnixMillis::try_from(system).unwrap(), time);
    }

    #[test]
    fn any_time_converts_without_a_panic(ms: u64) {
        prop_assert!(SystemTime::from(UnixMillis(ms)) >= UNIX_EPOCH);
    }
}
