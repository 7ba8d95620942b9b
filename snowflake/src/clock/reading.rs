//! One reading of a clock.
#![allow(unreachable_pub, reason = "types of sealed methods are public, and cannot be named")]

use core::time::Duration;

use crate::UnixMillis;

/// Seals the methods of [`Clock`](crate::Clock) that only this crate implements: other
/// crates cannot name this type.
#[derive(Clone, Copy, Debug)]
pub struct Internal;

/// One reading of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time.
    pub now: UnixMillis,
    /// The end of this millisecond by the clock's counter. With `None` the clock has no
    /// counter, and a generator reads the clock for every ID.
    pub deadline: Option<Deadline>,
    /// Milliseconds of a monotonic clock. The step filter compares them with `now`. With
    /// `None` the generator accepts every reading.
    pub monotonic_ms: Option<u64>,
}

/// The end of a millisecond, as a count of a clock's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The count at which the next millisecond begins. A clock reads the counter before the time,
    /// because an early deadline is safe and a late one is not.
    pub count: u64,
    /// The increase of the counter in one millisecond; at least 1. With 2^40 or more a
    /// generator reads the clock for every ID.
    pub counts_per_ms: u64,
}

impl Reading {
    /// Returns a reading with the time alone.
    #[inline]
    pub const fn at(now: UnixMillis) -> Reading {
        Reading { now, deadline: None, monotonic_ms: None }
    }
}

impl Deadline {
    /// Returns `true` if the millisecond that ends here still lasts at `count`.
    ///
    /// Wrapping arithmetic makes this `false` after the counter has jumped back, as it may
    /// when a virtual machine migrates.
    #[inline]
    pub const fn is_ahead_of(self, count: u64) -> bool {
        self.count.wrapping_sub(count).wrapping_sub(1) < self.counts_per_ms
    }

    /// Returns the time from `count` to the end of the millisecond.
    pub const fn left_at(self, count: u64) -> Duration {
        if !self.is_ahead_of(count) {
            return Duration::ZERO;
        }
        let counts = self.count.wrapping_sub(count) as u128;
        Duration::from_nanos((counts * 1_000_000 / self.counts_per_ms as u128) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Deadline = Deadline { count: 5000, counts_per_ms: 2000 };

    #[test]
    fn a_millisecond_lasts_from_its_first_count_to_its_last() {
        let lasting: Vec<_> = (0..10_000).filter(|&count| DEADLINE.is_ahead_of(count)).collect();
        assert_eq!(lasting, Vec::from_iter(3000..5000));
    }

    #[test]
    fn a_counter_may_wrap_around() {
        let deadline = Deadline { count: 10, counts_per_ms: 2000 };
        assert!(deadline.is_ahead_of(u64::MAX));
        assert!(!deadline.is_ahead_of(10));
        assert!(!deadline.is_ahead_of(u64::MAX - 2000));
    }

    #[test]
    fn the_time_left_is_proportional_to_the_counts_left() {
        assert_eq!(DEADLINE.left_at(4000), Duration::from_micros(500));
        assert_eq!(DEADLINE.left_at(5000), Duration::ZERO);
        assert_eq!(DEADLINE.left_at(0), Duration::ZERO);
    }
}
