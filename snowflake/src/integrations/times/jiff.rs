//! jiff 1: `Timestamp`.

use jiff1::Timestamp;

use crate::{TimeRangeError, UnixMillis};

impl TryFrom<UnixMillis> for Timestamp {
    type Error = TimeRangeError;

    /// Converts the time; fails after 9999-12-30.
    fn try_from(time: UnixMillis) -> Result<Timestamp, TimeRangeError> {
        let ms = i64::try_from(time.0).map_err(|_| TimeRangeError::TooLate(time))?;
        Timestamp::from_millisecond(ms).map_err(|_| TimeRangeError::TooLate(time))
    }
}

impl TryFrom<Timestamp> for UnixMillis {
    type Error = TimeRangeError;

    /// Converts the time, rounded down to a millisecond; fails before 1970.
    fn try_from(time: Timestamp) -> Result<UnixMillis, TimeRangeError> {
        if time < Timestamp::UNIX_EPOCH {
            return Err(TimeRangeError::Before1970);
        }
        Ok(UnixMillis(time.as_millisecond().unsigned_abs()))
    }
}
