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
        let deadline = Deadline { count: now.0.wrapping_add(1), counts_per_ms: 1 };
        Reading { now, deadline, monotonic_ms: None }
    }
}
