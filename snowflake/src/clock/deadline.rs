//! The end of a millisecond, by a clock's counter.
#![allow(unreachable_pub, reason = "types of sealed methods are public, and cannot be named")]

#[cfg(all(unix, feature = "std"))]
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use crate::layout::TIMESTAMP_MAX;

/// The end of a millisecond, as a count of a clock's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The count at which the next millisecond begins. A clock reads the counter before the time,
    /// because an early deadline is safe and a late one is not.
    pub count: u64,
    /// The increase of the counter in one millisecond: at least 1, and below [`FORK_STEP`].
    pub counts_per_ms: u64,
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

/// The end of a millisecond as it is stored between calls: long past in a forked child.
///
/// The stored count is the real one minus [`fork_shift`]. `fork.rs` has the argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcessDeadline(pub(crate) Deadline);

impl ProcessDeadline {
    pub(crate) fn new(deadline: Deadline) -> ProcessDeadline {
        debug_assert!(deadline.counts_per_ms < FORK_STEP);
        let count = deadline.count.wrapping_sub(fork_shift());
        ProcessDeadline(Deadline { count, ..deadline })
    }

    /// Returns `true` if this process stored the deadline and its millisecond lasts at `count`.
    #[inline]
    pub(crate) fn is_ahead_of(self, count: u64) -> bool {
        // The addition is on the side of the deadline, which the processor can do while it
        // reads the counter. A subtraction would be moved to the counter's side.
        let deadline = Deadline { count: self.0.count.wrapping_add(fork_shift()), ..self.0 };
        deadline.is_ahead_of(count)
    }
}

/// More counts than a millisecond has. A counter of femtoseconds has 10^12 in a millisecond.
pub(super) const FORK_STEP: u64 = 1 << 42;

// An epoch has fewer milliseconds.
const _: () = assert!(FORK_STEP > TIMESTAMP_MAX);

/// The value of [`fork_shift`]. A handler in `fork.rs` lowers it in each child.
#[cfg(all(unix, feature = "std"))]
pub(super) static FORK_SHIFT: AtomicU64 = AtomicU64::new(0);

/// Returns what to add to a stored count: one [`FORK_STEP`] less in each child.
///
/// `Relaxed`: a child begins with the one thread that lowered the shift.
#[inline]
pub(super) fn fork_shift() -> u64 {
    #[cfg(all(unix, feature = "std"))]
    return FORK_SHIFT.load(Ordering::Relaxed);
    #[cfg(not(all(unix, feature = "std")))]
    return 0;
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
