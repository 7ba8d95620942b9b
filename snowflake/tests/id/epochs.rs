//! Epochs as text, and the IDs of a time range.

use proptest::prelude::*;
use snowflake::layout::TIMESTAMP_MAX;
use snowflake::{Epoch, Id, ParseTimeError, UnixMillis};

use crate::ids;

const Y2024: Epoch = Epoch::Y2024;

#[test]
fn every_form_of_an_epoch_parses() {
    for (text, epoch) in [
        ("twitter", Epoch::TWITTER),
        ("discord", Epoch::DISCORD),
        ("2015", Epoch::DISCORD),
        ("2024", Y2024),
        ("2024-01-01", Y2024),
        ("2024-01-01T00:00:00Z", Y2024),
        ("2023-12-31T22:00:00.000-02:00", Y2024),
        ("1704067200000", Y2024),
        ("1970", Epoch::new(UnixMillis(0))),
    ] {
        assert_eq!(text.parse(), Ok(epoch), "{text:?}");
    }
}

#[test]
fn text_that_is_not_an_epoch_is_an_error_with_a_remedy() {
    for (text, error, remedy) in [
        ("", ParseTimeError::UnrecognizedEpoch, "write `twitter`, `discord`, a year"),
        ("Twitter", ParseTimeError::UnrecognizedEpoch, "write `twitter`"),
        (" 2024", ParseTimeError::UnrecognizedEpoch, "a year such as 2024"),
        ("2024-1-1", ParseTimeError::UnrecognizedEpoch, "an RFC 3339 date"),
        ("99999999999999999999", ParseTimeError::UnrecognizedEpoch, "milliseconds since 1970"),
        ("2024-02-30", ParseTimeError::Nonexistent, "as in 2024-01-01T00:00:00.000Z"),
        ("1969-12-31", ParseTimeError::Before1970, "from 1970 on"),
        ("1969", ParseTimeError::Before1970, "from 1970 on"),
        ("0000", ParseTimeError::Before1970, "from 1970 on"),
        ("1704067200", ParseTimeError::TooSmall(1_704_067_200), "write milliseconds or a date"),
        ("20240101", ParseTimeError::TooSmall(20_240_101), "write milliseconds or a date"),
        ("0", ParseTimeError::TooSmall(0), "write milliseconds or a date"),
    ] {
        assert_eq!(text.parse::<Epoch>(), Err(error), "{text:?}");
        let message = error.to_string();
        assert!(message.starts_with("invalid ") && message.contains(remedy), "{message}");
    }
}

/// clap requires these bounds of the type of an argument.
#[test]
fn epochs_and_node_ids_can_be_arguments() {
    fn argument<T>()
    where
        T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
        T: Clone + Send + Sync + 'static,
    {
    }
    argument::<Epoch>();
    argument::<snowflake::NodeId>();
    argument::<Id>();
}

#[test]
fn the_id_range_of_a_time_outside_the_epoch_is_clamped_or_empty() {
    let (before, start) = (UnixMillis(Y2024.start().0 - 1), Y2024.start());
    let (end, after) = (Y2024.end(), UnixMillis(Y2024.end().0 + 1));
    assert_eq!(Y2024.first_id_at(before), Some(Id::MIN));
    assert_eq!(Y2024.first_id_at(start), Some(Id::MIN));
    assert_eq!(Y2024.first_id_at(after), None);
    assert_eq!(Y2024.last_id_at(before), None);
    assert_eq!(Y2024.last_id_at(end), Some(Id::MAX));
    assert_eq!(Y2024.last_id_at(after), Some(Id::MAX));
}

#[test]
fn an_epoch_at_the_end_of_time_does_not_overflow() {
    let epoch = Epoch::new(UnixMillis(u64::MAX));
    assert_eq!(Id::MAX.time(epoch), UnixMillis(u64::MAX));
    assert_eq!(epoch.end(), UnixMillis(u64::MAX));
    assert_eq!(epoch.last_id_at(UnixMillis(0)), None);
}

proptest! {
    #[test]
    fn the_ids_of_a_millisecond_are_those_between_its_first_and_its_last(
        id in ids(), ms in 0..=TIMESTAMP_MAX, near in 0..3_u64,
    ) {
        // Any time, and one within a millisecond of the ID's time.
        for ms in [ms, (id.parts().timestamp_ms + near).saturating_sub(1)] {
            let time = UnixMillis(Y2024.start().0 + ms);
            let is_in_range =
                Y2024.first_id_at(time) <= Some(id) && Some(id) <= Y2024.last_id_at(time);
            // After the last timestamp, the first ID is `None`, which is below every ID.
            let is_in_range = is_in_range && time <= Y2024.end();
            prop_assert_eq!(is_in_range, id.time(Y2024) == time);
        }
    }

    #[test]
    fn an_epochs_text_parses_back(ms in 0..253_402_300_800_000_u64) {
        let epoch = Epoch::new(UnixMillis(ms));
        prop_assert_eq!(epoch.to_string().parse(), Ok(epoch));
    }

    #[test]
    fn any_text_parses_or_is_an_error(text in "[-+:.TtZz 0-9]{0,30}|.{0,30}") {
        // The call does not panic. Only a number can be a time more than a day after the year 9999,
        // because an offset is less than a day.
        if let Ok(epoch) = text.parse::<Epoch>() {
            let is_date = epoch.start().0 < 253_402_300_800_000 + 86_400_000;
            prop_assert!(is_date || text.parse() == Ok(epoch.start().0));
        }
    }
}

#[test]
fn the_text_of_an_epoch_after_the_year_9999_parses_back() {
    let last_date = 253_402_300_799_999;
    for ms in [0, last_date, last_date + 1, u64::MAX] {
        let epoch = Epoch::new(UnixMillis(ms));
        assert_eq!(epoch.to_string().parse(), Ok(epoch));
    }
}
