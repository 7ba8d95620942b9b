//! The node's time, which the driver supplies.

use std::ops::Add;
use std::time::Duration;

/// An instant, in microseconds since the driver started.
///
/// Unlike `std::time::Instant`, callers can construct any value, so that a simulator can
/// supply its own time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// Returns the time from `earlier` to `self`, or zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Returns the instant `span` earlier, at least 0.
    #[must_use]
    pub fn before(self, span: Duration) -> Time {
        let span_us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Time(self.0.saturating_sub(span_us))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    /// Returns the instant `wait` later, at most the largest representable one.
    fn add(self, wait: Duration) -> Time {
        let wait_us = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        Time(self.0.saturating_add(wait_us))
    }
}
