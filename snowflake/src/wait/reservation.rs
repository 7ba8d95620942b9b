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
    /// Keeps a slot that a claim took past the limit, and counted as a gap.
    pub(super) fn from_slot(generator: &'g Generator<C>, slot: Slot) -> Reservation<'g, C> {
        Reservation { generator, first: slot, count: 1 }
    }

    /// Claims slots that begin in the next millisecond. Returns `None` if slots are free now, or if
    /// the next free slot is later.
    ///
    /// A call that fails loses its reservation. It delays later calls by as many milliseconds as the
    /// reservation spans: by one for a single ID.
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
            // A batch may end later. If it had to end in the next millisecond too, calls for fewer
            // slots would take that millisecond's slots before it, again and again.
            let next_limit = limit(UnixMillis(now.0.saturating_add(1)));
            let count = next_limit.since(first).clamp(wanted.min, wanted.max);
            let next = first.plus(count);
            if first >= next_limit || next > grant_end {
                return None;
            }
            // R2. Reserved slots count as a gap until they are issued. A claim by a gate whose limit
            // is not above them would lose its slot.
            if generator.advance(seen, next, next.since(seen)) {
                let gate_limit = generator.gate.limit();
                if gate_limit <= next {
                    generator.gate.close_at(gate_limit);
                }
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
