//! The gate: the fast path, which saves a claim from reading the clock.

use crossbeam_utils::CachePadded;

use super::slot::Slot;
use super::sync::{AtomicBool, AtomicU64, Ordering, const_fn, is_weakened};
use crate::clock::{Deadline, ProcessDeadline};

/// The end of a millisecond that is known to last, and the slots to claim until then.
///
/// Every claim reads it and about one claim in a millisecond writes it, so it has a cache
/// line of its own. `generator/README.md` has the protocol.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The count at which the millisecond ends, as a [`ProcessDeadline`], or [`CLOSED`].
    deadline: AtomicU64,
    counts_per_ms: AtomicU64,
    /// The first slot that may not be claimed yet.
    limit: AtomicU64,
    /// `true` while a thread holds the [`OpenGuard`]. Threads write it more often than the rest.
    is_guarded: CachePadded<AtomicBool>,
}

/// A deadline that has passed at every count of a clock: `clock/fork.rs` has the argument for the
/// 0.
const CLOSED: Deadline = Deadline { count: 0, counts_per_ms: 0 };

impl Gate {
    const_fn! {
        pub(crate) const fn new() -> Gate {
            Gate {
                deadline: AtomicU64::new(CLOSED.count),
                counts_per_ms: AtomicU64::new(CLOSED.counts_per_ms),
                limit: AtomicU64::new(0),
                is_guarded: CachePadded::new(AtomicBool::new(false)),
            }
        }
    }

    /// Returns when the gate closes by itself, or has closed.
    #[inline]
    pub(crate) fn deadline(&self) -> ProcessDeadline {
        let count = self.deadline.load(Ordering::Acquire);
        let counts_per_ms = self.counts_per_ms.load(Ordering::Relaxed);
        ProcessDeadline(Deadline { count, counts_per_ms })
    }

    /// Returns the first slot that may not be claimed, as of the last opening; 0 before it.
    #[inline]
    pub(crate) fn limit(&self) -> Slot {
        Slot(self.limit.load(Ordering::Acquire))
    }

    /// Closes the gate if its limit is still `limit`. Another thread may have opened it since.
    pub(crate) fn close_at(&self, limit: Slot) {
        if self.limit() == limit {
            self.close();
        }
    }

    /// Closes the gate. If another thread has just opened it, that costs a clock reading.
    pub(crate) fn close(&self) {
        self.deadline.store(CLOSED.count, Ordering::Relaxed);
    }

    /// Returns the right to open the gate, unless another thread has it. No thread waits.
    pub(crate) fn guard(&self) -> Option<OpenGuard<'_>> {
        let is_taken = self.is_guarded.swap(true, Ordering::Acquire) && !is_weakened!(SharedGuard);
        // `then_some` would create a guard in either case, and drop it.
        (!is_taken).then(|| OpenGuard { gate: self })
    }
}

/// The exclusive right to open a gate, until it is dropped.
pub(crate) struct OpenGuard<'a> {
    gate: &'a Gate,
}

impl OpenGuard<'_> {
    /// Opens the gate for claims below `limit` until `deadline`: steps O3 and O4.
    pub(crate) fn open(&self, limit: Slot, deadline: ProcessDeadline) {
        let gate = self.gate;
        let ProcessDeadline(Deadline { count, counts_per_ms }) = deadline;
        gate.limit.store(limit.0, Ordering::Release);
        gate.counts_per_ms.store(counts_per_ms, Ordering::Relaxed);
        gate.deadline.store(count, Ordering::Release);
    }
}

impl Drop for OpenGuard<'_> {
    fn drop(&mut self) {
        self.gate.is_guarded.store(false, Ordering::Release);
    }
}

#[cfg(all(test, not(snowflake_loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_thread_at_a_time_may_open_the_gate() {
        let gate = Gate::new();
        let guard = gate.guard();
        assert!(guard.is_some());
        for _ in 0..2 {
            assert!(gate.guard().is_none());
        }
        drop(guard);
        assert!(gate.guard().is_some());
    }
}
