//! Conversions between [`UnixMillis`] and the types of time crates.

#[cfg(feature = "chrono-0_4")]
mod chrono;
#[cfg(feature = "jiff-1")]
mod jiff;
#[cfg(feature = "time-0_3")]
mod time;

use core::error::Error;
use core::fmt;

use crate::UnixMillis;

/// An error for a time that another type cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeRangeError {
    /// The time is before 1970, where [`UnixMillis`] begins.
    Before1970,
    /// The time is after the last one of the other type.
    TooLate(UnixMillis),
}

impl fmt::Display for TimeRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeRangeError::Before1970 => f.write_str("time out of range: it is before 1970"),
            TimeRangeError::TooLate(time) => {
                write!(f, "time out of range: {time} is after the last time of the other type")
            }
        }
    }
}

impl Error for TimeRangeError {}
