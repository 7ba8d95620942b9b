//! A point in time, as clocks and timestamps count it.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

#[cfg(feature = "std")]
use std::time::{SystemTime, SystemTimeError, UNIX_EPOCH};

use super::{Epoch, ParseTimeError, rfc3339};

/// A time in milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// `Display` writes RFC 3339 in UTC, with milliseconds: `2024-01-01T00:00:00.000Z`. After the
/// year 9999, which RFC 3339 cannot express, it writes `253402300800000 ms since 1970`.
///
/// Sums, differences and conversions ignore the part of a duration below a millisecond.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use snowflake::{Epoch, UnixMillis};
///
/// let time = Epoch::Y2024.start().saturating_add(Duration::from_secs(90));
/// assert_eq!(time.to_string(), "2024-01-01T00:01:30.000Z");
/// assert_eq!(UnixMillis::try_from(SystemTime::from(time))?, time);
/// # Ok::<(), std::time::SystemTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// Returns the milliseconds from `epoch` to this time, or `None` if `epoch` is later.
    pub const fn since(self, epoch: Epoch) -> Option<u64> {
        self.0.checked_sub(epoch.start().0)
    }

    /// Returns the time that is `duration` later, or `None` past the largest `u64`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use snowflake::UnixMillis;
    ///
    /// let second = Duration::from_secs(1);
    /// assert_eq!(UnixMillis(500).checked_add(second), Some(UnixMillis(1500)));
    /// assert_eq!(UnixMillis(500).checked_sub(second), None);
    /// ```
    pub const fn checked_add(self, duration: Duration) -> Option<UnixMillis> {
        match self.0.checked_add(whole_ms(duration)) {
            Some(ms) => Some(UnixMillis(ms)),
            None => None,
        }
    }

    /// Returns the time that is `duration` earlier, or `None` before 1970.
    pub const fn checked_sub(self, duration: Duration) -> Option<UnixMillis> {
        match self.0.checked_sub(whole_ms(duration)) {
            Some(ms) => Some(UnixMillis(ms)),
            None => None,
        }
    }

    /// Returns the time that is `duration` later, at most the largest `u64`.
    pub const fn saturating_add(self, duration: Duration) -> UnixMillis {
        UnixMillis(self.0.saturating_add(whole_ms(duration)))
    }

    /// Returns the time that is `duration` earlier, at least the start of 1970.
    pub const fn saturating_sub(self, duration: Duration) -> UnixMillis {
        UnixMillis(self.0.saturating_sub(whole_ms(duration)))
    }
}

/// Returns the whole milliseconds of `duration`, at most the largest `u64`.
const fn whole_ms(duration: Duration) -> u64 {
    let ms = duration.as_millis();
    if ms > u64::MAX as u128 { u64::MAX } else { ms as u64 }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match rfc3339::format(*self) {
            Some(bytes) => f.pad(str::from_utf8(&bytes).unwrap_or_default()),
            None => write!(f, "{} ms since 1970", self.0),
        }
    }
}

impl FromStr for UnixMillis {
    type Err = ParseTimeError;

    /// Parses an RFC 3339 date, which means its midnight in UTC, an RFC 3339 date and time, or
    /// milliseconds since 1970, without blanks around it.
    ///
    /// # Errors
    ///
    /// Returns a [`ParseTimeError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::UnixMillis;
    ///
    /// assert_eq!("1970-01-02".parse(), Ok(UnixMillis(86_400_000)));
    /// assert_eq!("1970-01-01T02:00:00.5+02:00".parse(), Ok(UnixMillis(500)));
    /// assert_eq!("500".parse(), Ok(UnixMillis(500)));
    /// ```
    fn from_str(text: &str) -> Result<UnixMillis, ParseTimeError> {
        rfc3339::decimal(text).map_or_else(|| rfc3339::parse(text), |ms| Ok(UnixMillis(ms)))
    }
}

/// Converts to a `SystemTime`. On Unix it can hold every time. Elsewhere, a time that it cannot hold
/// becomes the end of the year 9999.
#[cfg(feature = "std")]
impl From<UnixMillis> for SystemTime {
    fn from(time: UnixMillis) -> SystemTime {
        UNIX_EPOCH
            .checked_add(Duration::from_millis(time.0))
            .unwrap_or(UNIX_EPOCH + Duration::from_millis(rfc3339::LAST.0))
    }
}

/// Fails before 1970. A time past the largest `u64` becomes the largest.
#[cfg(feature = "std")]
impl TryFrom<SystemTime> for UnixMillis {
    type Error = SystemTimeError;

    fn try_from(time: SystemTime) -> Result<UnixMillis, SystemTimeError> {
        Ok(UnixMillis(whole_ms(time.duration_since(UNIX_EPOCH)?)))
    }
}
