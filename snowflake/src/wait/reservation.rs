//! Reservations: slots that a waiting call claims before it sleeps.
//!
//! Many threads may wait for the end of a full millisecond. The threads that wake first could take
//! all slots of the next one, again and again. So a waiting call claims its slots of the next
//! millisecond **before** it sleeps, and keeps them if it wakes late. Waiting calls are
//! starvation-free as long as at most 4096 wait at a time (Herlihy and Shavit, "The Art of
//! Multiprocessor Programming", define the term).
//!
//! `generator/README.md` has the steps R1 to R4 and the argument.

use crate::clock::ProcessDeadline;
use crate::generator::{Claim, Generator, Redemption, Slot, SlotCount};
use crate::{Clock, UnixMillis};

/// Slots that a waiting call owns. A drop loses them: they stay counted as a gap.
pub(super) struct Reservation<'g, C: Clock> {
    generator: &'g Generator<C>,
    first: Slot,
    count: u64,
}

impl<'g, C: Clock> Reservation<'g, C> {
    /// Keeps a slot that a claim took past the limit.
    pub(super) fn from_slot(generator: &'g Generator<C>, slot: Slot) -> Reservation<'g, C> {
        generator.counters.skip(1);
        Reservation { generator, first: slot, count: 1 }
    }

    /// Claims slots up to the end of the next millisecond. Returns `None` if slots are free
    /// now, or if the next free slots are later.
    ///
    /// Failed calls delay later calls by at most one millisecond, because a reservation lies in the
    /// next millisecond.
    pub(super) fn take(
        generator: &'g Generator<C>,
        wanted: SlotCount,
    ) -> Option<Reservation<'g, C>> {
        loop {
            // R1
            let seen = generator.cursor.get();
            let (now, _) = generator.read_clock(seen, None);
            let grant_end = generator.grant.end();
            let limit = |now| generator.limit_at(now).min(grant_end);
            let first = generator.first_at(seen, now, wanted);
            if wanted.between(first, limit(now)).is_some() {
                return None;
            }
            let next_ms = UnixMillis(now.0.saturating_add(1));
            let count = wanted.between(first, limit(next_ms))?;
            // R2. Reserved slots count as a gap until they are issued.
            let next = first.plus(count);
            if generator.advance(seen, next, next.since(seen)) {
                return Some(Reservation { generator, first, count });
            }
        }
    }

    /// Returns the slot after the last one.
    pub(super) fn end(&self) -> Slot {
        self.first.plus(self.count)
    }

    pub(super) fn redeem(&self) -> Redemption {
        self.generator.redeem(self.first, self.count)
    }

    /// Converts the reservation into a claim, which is recent until `deadline`.
    pub(super) fn into_claim(self, deadline: ProcessDeadline) -> Claim {
        self.generator.counters.unskip(self.count);
        Claim { first: self.first, count: self.count, deadline }
    }
}
