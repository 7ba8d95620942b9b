//! chrono 0.4: `DateTime`, in UTC.

use chrono::{DateTime, TimeZone, Utc};

use crate::{TimeRangeError, UnixMillis};

impl TryFrom<UnixMillis> for DateTime<Utc> {
    type Error = TimeRangeError;

    /// Converts the time; fails after the year 262142.
    fn try_from(time: UnixMillis) -> Result<DateTime<Utc>, TimeRangeError> {
        let ms = i64::try_from(time.0).map_err(|_| TimeRangeError::TooLate(time))?;
        DateTime::from_timestamp_millis(ms).ok_or(TimeRangeError::TooLate(time))
    }
}

impl<Z: TimeZone> TryFrom<DateTime<Z>> for UnixMillis {
    type Error = TimeRangeError;

    /// Converts the time, rounded down to a millisecond; fails before 1970.
    fn try_from(time: DateTime<Z>) -> Result<UnixMillis, TimeRangeError> {
        u64::try_from(time.timestamp_millis())
            .map(UnixMillis)
            .map_err(|_| TimeRangeError::Before1970)
    }
}
