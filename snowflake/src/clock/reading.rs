//! One reading of a clock.
#![allow(unreachable_pub, reason = "types of sealed methods are public, and cannot be named")]

use super::Deadline;
use crate::UnixMillis;

/// Seals the methods of [`Clock`](crate::Clock) that only this crate implements: other
/// crates cannot name this type.
#[derive(Clone, Copy, Debug)]
pub struct Sealed;

/// One reading of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time.
    pub now: UnixMillis,
    /// The end of this millisecond by the clock's counter.
    pub deadline: Deadline,
    /// Milliseconds of a monotonic clock. The step filter compares them with `now`. With
    /// `None` the generator accepts every reading.
    pub monotonic_ms: Option<u64>,
}

impl Reading {
    /// Returns the reading of a clock whose counter is the time itself, in milliseconds.
    #[inline]
    pub const fn at(now: UnixMillis) -> Reading {
        let deadline = Deadline { count: count_at(now.0.saturating_add(1)), counts_per_ms: 1 };
        Reading { now, deadline, monotonic_ms: None }
    }
}

/// Returns the count of a counter that is the time itself, at most 2^63.
///
/// The count 0 of a closed gate is ahead of the last count of `u64`, and in forked children of
/// counts before it (`fork.rs`). From 2^63 on no gate opens.
#[inline]
pub(super) const fn count_at(now_ms: u64) -> u64 {
    const MAX: u64 = 1 << 63;
    if now_ms < MAX { now_ms } else { MAX }
}
