//! Instants of a test run, real or simulated.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// Microseconds since the driver started.
///
/// The driver defines the clock: the process driver reads the machine's monotonic clock, and the
/// simulator counts virtual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    /// Returns the time that has passed since `earlier`, or zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Returns the time in seconds, for people to read.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.since(Time::default()).as_secs_f64()
    }

    /// Returns the time in nanoseconds, the unit of Jepsen's histories.
    #[must_use]
    pub fn as_nanos(self) -> u64 {
        self.0.saturating_mul(1000)
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, span: Duration) -> Time {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Time(self.0.saturating_add(micros))
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06} s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Returns a span in milliseconds, for results that people read.
#[must_use]
pub fn as_millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
