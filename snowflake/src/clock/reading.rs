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
    /// The end of this millisecond by the clock's counter. With `None` the clock has no
    /// counter, and a generator reads the clock for every ID.
    pub deadline: Option<Deadline>,
    /// Milliseconds of a monotonic clock. The step filter compares them with `now`. With
    /// `None` the generator accepts every reading.
    pub monotonic_ms: Option<u64>,
}

impl Reading {
    /// Returns a reading with the time alone.
    #[inline]
    pub const fn at(now: UnixMillis) -> Reading {
        Reading { now, deadline: None, monotonic_ms: None }
    }
}
