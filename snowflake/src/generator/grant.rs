//! The grant: the range of time in which a generator may issue IDs, whatever its clock reads.
//!
//! Without a lease the grant lasts to the end of time. With a lease the keeper extends it. It
//! bounds the limit of the gate, so the fast path does not read it. Steps E1 to E3 of
//! `README.md` publish a grant.

// This atomic is not from `sync`: it explains errors and voids reservations after a seal, and no
// claim depends on it.
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use super::slot::Slot;
use super::sync::{AtomicU64, Ordering, const_fn};
use crate::error::LeaseEnd;

/// The bounds of the grant, and why no later grant exists.
#[derive(Debug)]
pub(crate) struct GrantBounds {
    /// The first slot of the last grant that came after a gap.
    start: AtomicU64,
    /// The first slot that is not granted. It only grows.
    end: AtomicU64,
    /// A [`LeaseEnd`].
    reason: AtomicU8,
    /// The first slot that was not claimed when the generator was sealed.
    #[cfg_attr(not(feature = "lease"), expect(dead_code, reason = "only a keeper seals"))]
    sealed_at: AtomicU64,
}

/// Past every slot.
const NOT_SEALED: u64 = u64::MAX;

impl GrantBounds {
    const_fn! {
        pub(crate) const fn new(end: Slot) -> GrantBounds {
            GrantBounds {
                start: AtomicU64::new(0),
                end: AtomicU64::new(end.0),
                reason: AtomicU8::new(LeaseEnd::NotRenewed as u8),
                sealed_at: AtomicU64::new(NOT_SEALED),
            }
        }
    }

    /// Returns the first slot that is not granted.
    ///
    /// Acquire: a thread that reads an end sees the cursor raised to the start of that grant.
    pub(crate) fn end(&self) -> Slot {
        Slot(self.end.load(Ordering::Acquire))
    }

    /// Returns `true` if `slot` belongs to a caller and may not be issued any more, because a
    /// grant past a gap has begun above it or the generator is sealed.
    pub(crate) fn is_void(&self, slot: Slot) -> bool {
        let start = Slot(self.start.load(Relaxed));
        slot < start || self.reason() == LeaseEnd::Released
    }

    /// Returns why no later grant exists.
    pub(crate) fn reason(&self) -> LeaseEnd {
        LeaseEnd::from_u8(self.reason.load(Relaxed))
    }
}

#[cfg(feature = "lease")]
mod leased {
    use super::*;
    use crate::generator::sync::is_weakened;
    use crate::{Clock, Generator, UnixMillis};

    impl GrantBounds {
        /// Sets why no later grant exists. `Released` stays.
        fn set_reason(&self, reason: LeaseEnd) {
            let is_released = |current| current == LeaseEnd::Released as u8;
            let update = |current| (!is_released(current)).then_some(reason as u8);
            // An error means that it is `Released`, and stays so.
            let _ = self.reason.fetch_update(Relaxed, Relaxed, update);
        }

        fn set_end(&self, end: Slot) {
            self.end.store(end.0, Ordering::Release);
        }
    }

    impl<C: Clock> Generator<C> {
        /// Extends the grant to `[from, until)`: steps E1 to E3. One thread at a time calls it.
        ///
        /// If the range starts after the end of the grant, the rest of the grant is given
        /// up, and with it every slot that a waiting call reserved there. A range that ends
        /// earlier than the grant changes nothing, and so does any range after a seal.
        pub(crate) fn extend(&self, from: UnixMillis, until: UnixMillis) {
            let [from, until] = [from, until].map(|time| self.slot_at(time));
            let end = self.grant.end();
            if until <= end || self.grant.reason() == LeaseEnd::Released {
                return;
            }
            if is_weakened!(EndBeforeStart) {
                self.grant.set_end(until);
            }
            if from > end {
                // E1
                self.grant.start.store(from.0, Relaxed);
                self.gate.close();
                // E2
                self.raise_cursor(from);
            }
            // E3
            self.grant.set_reason(LeaseEnd::NotRenewed);
            self.grant.set_end(until);
        }

        /// Ends the generator: step S1. Returns the first millisecond in which it has issued no
        /// ID. The caller orders this call after every [`extend`](Generator::extend).
        ///
        /// Every later call returns [`LeaseEnded`](crate::ClaimError::LeaseEnded) with
        /// [`Released`](LeaseEnd::Released). Blocks and batches that were claimed before are
        /// below the returned millisecond, and stay valid.
        pub(crate) fn seal(&self) -> UnixMillis {
            self.grant.set_reason(LeaseEnd::Released);
            let node = self.settings.node;
            let end = Slot::end(node);
            self.gate.close();
            let seen = self.raise_cursor(end);
            if seen < end {
                self.grant.sealed_at.store(seen.0, Relaxed);
            }
            // A second call returns the same. If it overtakes the first, it returns the end
            // of the grant, which is safe.
            let sealed_at = Slot(self.grant.sealed_at.load(Relaxed));
            let next = sealed_at.min(self.grant.end());
            // A millisecond with one claimed slot counts as used up.
            let is_unused = next <= Slot::first(node);
            self.time_of_tick(if is_unused { 0 } else { next.last_tick() + 1 })
        }

        /// Returns the filtered time, and the later of it and the time of the next free slot.
        pub(crate) fn times(&self) -> (UnixMillis, UnixMillis) {
            let seen = self.cursor.get();
            let timeline = self.time_of_tick(seen.ticks_from_start(self.settings.node));
            // Without calls, only these readings confirm a forward step.
            let guard = self.gate.guard();
            let (now, _) = self.read_clock(seen, guard.as_ref());
            (now, now.max(timeline))
        }

        /// Sets why no later grant exists, for the errors of calls past the end.
        pub(crate) fn set_lease_end(&self, reason: LeaseEnd) {
            self.grant.set_reason(reason);
        }

        fn slot_at(&self, time: UnixMillis) -> Slot {
            Slot::start_of(self.settings.node, self.tick_of(time))
        }

        /// Raises the cursor to `slot`, or leaves it where it is if it is past that. Returns
        /// where it was.
        fn raise_cursor(&self, slot: Slot) -> Slot {
            loop {
                let seen = self.cursor.get();
                let skipped = slot.since(seen);
                if skipped == 0 || self.advance(seen, slot, skipped) {
                    return seen;
                }
            }
        }
    }
}
