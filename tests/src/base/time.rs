//! Instants of a test run, real or simulated.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// Microseconds since the driver started.
///
/// The drivers alone know what it means: the process driver reads the machine's monotonic
/// clock, the simulator counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    /// The time that has passed since `earlier`, or nothing if that lies ahead.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Seconds, for people.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.since(Time::default()).as_secs_f64()
    }

    /// As Jepsen's histories count.
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

/// Milliseconds, for results that people read.
#[must_use]
pub fn as_millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
