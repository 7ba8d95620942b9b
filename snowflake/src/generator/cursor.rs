//! The cursor: the next free slot.

use super::slot::Slot;
use super::sync::{AtomicU64, Ordering, const_fn};

/// The next free slot of a generator. It only grows.
///
/// Every claim is one read-modify-write here: steps C3 and C7 of the protocol in
/// `generator/README.md`.
#[derive(Debug)]
pub(crate) struct Cursor(AtomicU64);

impl Cursor {
    const_fn! {
        pub(crate) const fn new(first: Slot) -> Cursor {
            Cursor(AtomicU64::new(first.0))
        }
    }

    #[inline]
    pub(crate) fn get(&self) -> Slot {
        Slot(self.0.load(Ordering::Relaxed))
    }

    /// Returns the next free slot, and makes the gaps below it visible as counted.
    pub(crate) fn get_with_gaps(&self) -> Slot {
        Slot(self.0.load(Ordering::Acquire))
    }

    /// Takes the next free slot, whatever it is.
    #[inline]
    pub(crate) fn take(&self) -> Slot {
        Slot(self.0.fetch_add(1, Ordering::Relaxed))
    }

    /// Moves the cursor from `seen` to `next`. Returns `false` if it is not at `seen`. It may
    /// also fail spuriously.
    pub(crate) fn advance(&self, seen: Slot, next: Slot) -> bool {
        debug_assert!(seen < next, "the cursor only grows");
        // Release pairs with the acquire in `get_with_gaps`. No claim needs it.
        let (success, failure) = (Ordering::Release, Ordering::Relaxed);
        self.0.compare_exchange_weak(seen.0, next.0, success, failure).is_ok()
    }
}
