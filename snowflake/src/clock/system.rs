//! The operating system's clock.

use super::Clock;
use crate::UnixMillis;

/// The operating system's wall clock.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The operating system's wall clock, which needs feature `std`: without it the
/// type is there, so that [`Generator`](crate::Generator) has its default, but no value of it is.
#[cfg(not(feature = "std"))]
#[derive(Clone, Copy, Debug)]
pub enum SystemClock {}

#[cfg(feature = "std")]
impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        // A clock before 1970 reads as 1970, which is before any sensible epoch
        // and refused as such. One past the year 584 million is no clock.
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(UnixMillis(0), |since| UnixMillis(since.as_millis() as u64))
    }
}

#[cfg(not(feature = "std"))]
impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        match *self {}
    }
}
