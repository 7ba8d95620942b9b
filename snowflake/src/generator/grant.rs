//! The ceiling: the end of what a generator may give out, whatever its clock says.
//!
//! Without a lease it is the end of time. With one it is the end of the grant, which
//! the lease's keeper moves on. It bounds the gate's limit, and so costs a claim
//! nothing; why it holds is told in [`claim`](crate::claim).

// Not the facade's: it explains a refusal, and no claim rests on it.
use core::sync::atomic::AtomicU8;

use crossbeam_utils::CachePadded;

use crate::error::LeaseEnd;
use crate::slot::Slot;
use crate::sync::{AtomicU64, Ordering, const_fn};

#[derive(Debug)]
pub(crate) struct Ceiling(CachePadded<Line>);

#[derive(Debug)]
struct Line {
    /// The first slot that is not granted. It only grows.
    slot: AtomicU64,
    /// A [`LeaseEnd`].
    why: AtomicU8,
    /// The beginning of the last grant that came after a gap.
    floor: AtomicU64,
    /// The first slot that was not given out when the generator was sealed.
    #[cfg_attr(not(feature = "lease"), expect(dead_code, reason = "only a lease's holder seals"))]
    sealed_at: AtomicU64,
}

/// Past every slot.
const NOT_SEALED: u64 = u64::MAX;

impl Ceiling {
    const_fn! {
        pub(crate) const fn new(slot: Slot) -> Ceiling {
            let why = AtomicU8::new(LeaseEnd::NotRenewed as u8);
            Ceiling(CachePadded::new(Line {
                slot: AtomicU64::new(slot.to_word()),
                why,
                floor: AtomicU64::new(0),
                sealed_at: AtomicU64::new(NOT_SEALED),
            }))
        }
    }

    /// Acquire: whoever sees a grant sees the word raised to it.
    pub(crate) fn get(&self) -> Slot {
        Slot::from_word(self.0.slot.load(Ordering::Acquire))
    }

    /// Whether `slot`, which waits to be given out, is not to be any more.
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "only calls that wait ask"))]
    pub(crate) fn is_void(&self, slot: Slot) -> bool {
        let floor = Slot::from_word(self.0.floor.load(Ordering::Relaxed));
        slot < floor || self.why() == LeaseEnd::Released
    }

    /// Why there would be no grant past this one.
    pub(crate) fn why(&self) -> LeaseEnd {
        LeaseEnd::from_u8(self.0.why.load(Ordering::Relaxed))
    }
}

#[cfg(feature = "lease")]
mod granted {
    use super::*;
    use crate::lease::Lease;
    use crate::sync;
    use crate::{Clock, Generator, UnixMillis};

    impl Ceiling {
        fn raise(&self, slot: Slot) {
            self.0.slot.store(slot.to_word(), Ordering::Release);
        }

        fn explain(&self, why: LeaseEnd) {
            self.0.why.store(why as u8, Ordering::Relaxed);
        }
    }

    impl<C: Clock> Generator<C> {
        /// Goes on to `lease`, the next grant of this generator's node id.
        ///
        /// If it begins where the last one ends, it extends it. If there is a gap between
        /// them, the rest of the last grant is given up, and so is every claim that waits
        /// in it. A [`Keeper`](crate::lease::Keeper) does this; call it for a keeper of
        /// your own, from one thread at a time.
        ///
        /// A lease of another node id is not taken: an ID of it would not be this
        /// generator's.
        pub fn grant(&self, lease: &Lease) {
            let [from, until] = [lease.from, lease.until].map(|ms| self.slot_of(ms));
            let ceiling = self.ceiling.get();
            let sealed = self.ceiling.why() == LeaseEnd::Released;
            if lease.node != self.settings.node || until <= ceiling || sealed {
                return;
            }
            if sync::grant_before_raise() {
                self.ceiling.raise(until);
            }
            if from > ceiling {
                self.ceiling.0.floor.store(from.to_word(), Ordering::Relaxed);
                self.gate.shut();
                self.raise_word(from);
            }
            self.ceiling.explain(LeaseEnd::NotRenewed);
            self.ceiling.raise(until);
        }

        /// Ends this generator: it makes no more IDs. Returns the first millisecond of
        /// which it has made none, to which the lease's mark may be lowered: but not below the
        /// first grant with the present fence, where that came while an older one went on.
        ///
        /// Blocks of a [`Local`](crate::Local) and batches that were claimed before are
        /// below it, and go on.
        pub fn seal(&self) -> UnixMillis {
            self.ceiling.explain(LeaseEnd::Released);
            let end = Slot::end(self.settings.node);
            self.gate.shut();
            let seen = self.raise_word(end);
            if seen < end {
                self.ceiling.0.sealed_at.store(seen.to_word(), Ordering::Relaxed);
            }
            // Sealed a second time, it is where it was; or the end of the grant, which is
            // safe, if another thread is in between just now.
            let sealed_at = Slot::from_word(self.ceiling.0.sealed_at.load(Ordering::Relaxed));
            let next = sealed_at.min(self.ceiling.get());
            // A millisecond that was begun is used up.
            let tick = if next > Slot::start_of(self.settings.node, 0) {
                next.before().tick() + 1
            } else {
                0
            };
            UnixMillis(self.settings.epoch.start().0 + tick)
        }

        /// The time that is believed, and the later of it and that of the next free slot.
        pub(crate) fn times(&self) -> (UnixMillis, UnixMillis) {
            let word = self.word.get();
            let next = UnixMillis(self.settings.epoch.start().0.saturating_add(word.tick()));
            let now = self.trust.believe(&self.clock.read(), next, None);
            (now, now.max(next))
        }

        /// Says why the grant would not be followed by another.
        pub(crate) fn explain(&self, why: LeaseEnd) {
            if self.ceiling.why() != LeaseEnd::Released {
                self.ceiling.explain(why);
            }
        }

        fn slot_of(&self, ms: UnixMillis) -> Slot {
            let tick = ms.since(self.settings.epoch).unwrap_or(0);
            Slot::start_of(self.settings.node, tick)
        }

        /// Makes `slot` the next one, or leaves a later one. Returns the one it was.
        fn raise_word(&self, slot: Slot) -> Slot {
            loop {
                let seen = self.word.get();
                let skipped = slot.to_word().saturating_sub(seen.to_word());
                // Before the word shows the gap, as in a claim.
                self.tally.skip(skipped);
                if skipped == 0 || self.word.exchange(seen, slot) {
                    return seen;
                }
                self.tally.unskip(skipped);
            }
        }
    }
}
