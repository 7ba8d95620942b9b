//! time 0.3: `OffsetDateTime`, in UTC.

use time::OffsetDateTime;

use crate::{TimeRangeError, UnixMillis};

const NANOSECONDS_PER_MS: i128 = 1_000_000;

impl TryFrom<UnixMillis> for OffsetDateTime {
    type Error = TimeRangeError;

    /// Converts the time; fails after the year 9999.
    fn try_from(time: UnixMillis) -> Result<OffsetDateTime, TimeRangeError> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.0) * NANOSECONDS_PER_MS)
            .map_err(|_| TimeRangeError::TooLate(time))
    }
}

impl TryFrom<OffsetDateTime> for UnixMillis {
    type Error = TimeRangeError;

    /// Converts the time, rounded down to a millisecond; fails before 1970.
    fn try_from(time: OffsetDateTime) -> Result<UnixMillis, TimeRangeError> {
        let ms = time.unix_timestamp_nanos().div_euclid(NANOSECONDS_PER_MS);
        u64::try_from(ms).map(UnixMillis).map_err(|_| TimeRangeError::Before1970)
    }
}
