//! The gate: what saves a claim from reading the clock.

use crate::clock::HoldsUntil;
use crate::fork::Kept;
use crate::slot::Slot;
use crate::sync::{AtomicBool, AtomicU64, Ordering, const_fn};
use crossbeam_utils::CachePadded;

/// Open while a millisecond is known to last, with the slots that may be taken meanwhile.
///
/// Every claim reads it and about one in a millisecond writes it, so it has a
/// cache line of its own. Why it is sound is told in [`claim`](crate::claim).
#[derive(Debug)]
pub(crate) struct Gate {
    line: CachePadded<Line>,
    /// Whether a thread is about to open the gate.
    opening: CachePadded<AtomicBool>,
}

#[derive(Debug)]
struct Line {
    /// The count at which the millisecond ends, as [`Kept`], or [`SHUT`].
    until: AtomicU64,
    counts_per_ms: AtomicU64,
    /// The first slot that may not be taken yet.
    limit: AtomicU64,
}

/// An end that no count is before: with it the gate is shut.
const SHUT: HoldsUntil = HoldsUntil { count: 0, counts_per_ms: 0 };

impl Gate {
    const_fn! {
        pub(crate) const fn new() -> Gate {
            Gate {
                line: CachePadded::new(Line {
                    until: AtomicU64::new(SHUT.count),
                    counts_per_ms: AtomicU64::new(SHUT.counts_per_ms),
                    limit: AtomicU64::new(0),
                }),
                opening: CachePadded::new(AtomicBool::new(false)),
            }
        }
    }

    /// When the gate will shut by itself, or did.
    #[inline]
    pub(crate) fn until(&self) -> Kept {
        Kept(HoldsUntil {
            count: self.line.until.load(Ordering::Acquire),
            counts_per_ms: self.line.counts_per_ms.load(Ordering::Relaxed),
        })
    }

    /// The first slot that may not be taken yet, as of the last opening; 0 before the first.
    #[inline]
    pub(crate) fn limit(&self) -> Slot {
        Slot::from_word(self.line.limit.load(Ordering::Acquire))
    }

    /// Shuts the gate. Shutting one that another thread has just opened costs a clock reading.
    pub(crate) fn shut(&self) {
        self.line.until.store(SHUT.count, Ordering::Relaxed);
    }

    /// The right to open the gate, unless another thread has it. Nobody waits for it.
    pub(crate) fn opener(&self) -> Option<Opener<'_>> {
        let taken = self.opening.swap(true, Ordering::Acquire);
        // Not `then_some`: an opener that is made is dropped, and gives the right away.
        (!taken).then(|| Opener { gate: self })
    }
}

/// The right to open a gate, until it is dropped.
#[derive(Debug)]
pub(crate) struct Opener<'a> {
    gate: &'a Gate,
}

impl Opener<'_> {
    /// Lets claims below `limit` through until `until`.
    pub(crate) fn open(&self, limit: Slot, Kept(until): Kept) {
        let line = &self.gate.line;
        line.limit.store(limit.to_word(), Ordering::Release);
        line.counts_per_ms.store(until.counts_per_ms, Ordering::Relaxed);
        line.until.store(until.count, Ordering::Release);
    }
}

impl Drop for Opener<'_> {
    fn drop(&mut self) {
        self.gate.opening.store(false, Ordering::Release);
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn one_thread_at_a_time_may_open_the_gate() {
        let gate = Gate::new();
        let opener = gate.opener();
        assert!(opener.is_some());
        for _ in 0..2 {
            assert!(gate.opener().is_none());
        }
        drop(opener);
        assert!(gate.opener().is_some());
    }
}
