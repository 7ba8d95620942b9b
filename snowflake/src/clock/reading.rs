//! One look at a clock.

use core::time::Duration;

use crate::UnixMillis;

/// One look at a clock.
///
/// # Examples
///
/// ```
/// use snowflake::{Reading, UnixMillis};
///
/// let reading = Reading { uptime_ms: Some(5000), ..Reading::at(UnixMillis(1_704_067_200_000)) };
/// assert_eq!(reading.holds_until, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time.
    pub now: UnixMillis,
    /// When this millisecond ends, by the clock's [`counter`](crate::Clock::counter).
    ///
    /// With `None` the clock is read for every ID.
    pub holds_until: Option<HoldsUntil>,
    /// Milliseconds since some fixed instant, by a clock that nobody sets.
    ///
    /// It is what a forward jump is told from the passing of time by. With `None`,
    /// every reading is believed.
    pub uptime_ms: Option<u64>,
}

/// The end of a millisecond, by a clock's [`counter`](crate::Clock::counter).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldsUntil {
    /// The count at which the next millisecond begins. Better early than late: take
    /// the counter before the time.
    pub count: u64,
    /// How much the counter grows in one millisecond; not 0. The clock is read for every
    /// ID if it is 2^40 or more. A counter that moves in steps of more than a microsecond
    /// counts at most 127: colliding threads then take no turns, which it could not tell
    /// the end of.
    pub counts_per_ms: u64,
}

impl Reading {
    /// A reading that tells the time and nothing else.
    #[inline]
    pub const fn at(now: UnixMillis) -> Reading {
        Reading { now, holds_until: None, uptime_ms: None }
    }
}

impl HoldsUntil {
    /// Whether the millisecond that ends here goes on at `count`.
    ///
    /// In wrapping arithmetic: a counter that jumps back, as when a virtual machine
    /// moves to another host, reads as over and not as a long time to go.
    #[inline]
    pub(crate) const fn holds_at(self, count: u64) -> bool {
        self.count.wrapping_sub(count).wrapping_sub(1) < self.counts_per_ms
    }

    /// What is left of the millisecond at `count`.
    pub(crate) const fn left_at(self, count: u64) -> Duration {
        if !self.holds_at(count) {
            return Duration::ZERO;
        }
        let counts = self.count.wrapping_sub(count) as u128;
        Duration::from_nanos((counts * 1_000_000 / self.counts_per_ms as u128) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDS: HoldsUntil = HoldsUntil { count: 5000, counts_per_ms: 2000 };

    #[test]
    fn a_millisecond_holds_from_its_first_count_to_its_last() {
        let holding: Vec<_> = (0..10_000).filter(|&count| HOLDS.holds_at(count)).collect();
        assert_eq!(holding, Vec::from_iter(3000..5000));
    }

    #[test]
    fn a_counter_that_wraps_is_no_jump() {
        let holds = HoldsUntil { count: 10, counts_per_ms: 2000 };
        assert!(holds.holds_at(u64::MAX));
        assert!(!holds.holds_at(10));
        assert!(!holds.holds_at(u64::MAX - 2000));
    }

    #[test]
    fn what_is_left_is_in_proportion() {
        assert_eq!(HOLDS.left_at(4000), Duration::from_micros(500));
        assert_eq!(HOLDS.left_at(5000), Duration::ZERO);
        assert_eq!(HOLDS.left_at(0), Duration::ZERO);
    }
}
