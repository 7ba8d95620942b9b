//! The word: the next free slot, on a cache line with what its runs are counted by.

use crate::runs::Taken;
use crate::slot::Slot;
use crate::sync::{AtomicU64, Ordering, const_fn};

/// The next free slot. It only grows, but for the end of a [run](crate::runs) that is given
/// back unused. Why that is right is told in [`claim`](crate::claim).
#[derive(Debug)]
pub(crate) struct Word {
    next: AtomicU64,
    /// Beside it, because the thread that writes the one writes the other.
    pub(crate) taken: Taken,
}

impl Word {
    const_fn! {
        pub(crate) const fn new(first: Slot) -> Word {
            Word { next: AtomicU64::new(first.to_word()), taken: Taken::new() }
        }
    }

    #[inline]
    pub(crate) fn get(&self) -> Slot {
        Slot::from_word(self.next.load(Ordering::Relaxed))
    }

    /// Acquire: the gaps below it were counted before it was written.
    pub(crate) fn get_with_gaps(&self) -> Slot {
        Slot::from_word(self.next.load(Ordering::Acquire))
    }

    #[inline]
    pub(crate) fn take_one(&self) -> Slot {
        Slot::from_word(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Goes back from the `end` of a run to the `next` slot of it, if it is still there.
    pub(crate) fn take_back(&self, end: Slot, next: Slot) -> bool {
        // One that fails for no reason would lose the run.
        let relaxed = Ordering::Relaxed;
        self.next.compare_exchange(end.to_word(), next.to_word(), relaxed, relaxed).is_ok()
    }

    /// Goes from `seen` to `next`, if it is still there. It may fail for no reason.
    pub(crate) fn exchange(&self, seen: Slot, next: Slot) -> bool {
        self.next
            .compare_exchange_weak(
                seen.to_word(),
                next.to_word(),
                // Pairs with the counters' reader, and with nothing in the claim.
                Ordering::Release,
                Ordering::Relaxed,
            )
            .is_ok()
    }
}
