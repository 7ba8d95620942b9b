//! The claim: how a call takes slots. `README.md` beside this file has the protocol, its
//! numbered steps, and the argument for each ordering here.

use super::gate::OpenGuard;
use super::slot::Slot;
use super::sync::is_weakened;
use crate::clock::{Clock, ProcessDeadline, Reading, Sealed};
use crate::{ClaimError, Generator, UnixMillis};

/// The number of consecutive slots that a caller wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotCount {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl SlotCount {
    pub(crate) const ONE: SlotCount = SlotCount { min: 1, max: 1 };

    /// Returns how many slots to take between `slot` and `limit`, or `None` if too few are left.
    #[inline]
    pub(crate) fn between(self, slot: Slot, limit: Slot) -> Option<u64> {
        let left = limit.since(slot);
        (left >= self.min).then(|| left.min(self.max))
    }
}

/// Consecutive slots that belong to the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) first: Slot,
    pub(crate) count: u64,
    /// The slots are recent until then: the end of their millisecond.
    pub(crate) deadline: ProcessDeadline,
}

/// A claim without a slot to issue now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimFailure {
    pub(crate) error: ClaimError,
    /// A slot past the limit, counted as a gap. The caller owns it and may issue it later.
    pub(crate) reservation: Option<Slot>,
}

impl From<ClaimError> for ClaimFailure {
    fn from(error: ClaimError) -> ClaimFailure {
        ClaimFailure { error, reservation: None }
    }
}

/// The answer to a caller that wants to issue its reserved slots.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Redemption {
    /// They may be issued, and are recent until this deadline.
    Issue(ProcessDeadline),
    /// They may be issued later, for this reason.
    Wait(ClaimError),
    /// They may never be issued.
    Void,
}

impl<C: Clock> Generator<C> {
    /// Claims the next slot. Takes no lock, waits for no thread.
    #[inline]
    pub(crate) fn claim(&self) -> Result<Slot, ClaimFailure> {
        // C1
        if !self.gate.deadline().is_ahead_of(self.clock.counter(Sealed)) {
            return self.claim_by_clock();
        }
        // C2, then C3
        let limit = self.gate.limit();
        let slot = self.cursor.take();
        // C4
        if slot.plus(1) < limit { Ok(slot) } else { self.reach_limit(slot, limit) }
    }

    // Its frame would be part of every claim.
    #[cold]
    #[inline(never)]
    fn claim_by_clock(&self) -> Result<Slot, ClaimFailure> {
        Ok(self.claim_many(SlotCount::ONE)?.first)
    }

    /// C4 for the last slot below the limit, and for a slot past it.
    #[cold]
    #[inline(never)]
    fn reach_limit(&self, slot: Slot, limit: Slot) -> Result<Slot, ClaimFailure> {
        self.gate.close_at(limit);
        if slot < limit {
            return Ok(slot);
        }
        self.counters.skip(1);
        match self.redeem(slot, 1) {
            Redemption::Issue(_) => {
                self.counters.unskip(1);
                Ok(slot)
            }
            Redemption::Wait(error) => Err(ClaimFailure { error, reservation: Some(slot) }),
            Redemption::Void => self.claim_by_clock(),
        }
    }

    /// Claims consecutive slots. A call that fails consumes none.
    pub(crate) fn claim_many(&self, wanted: SlotCount) -> Result<Claim, ClaimError> {
        loop {
            let seen = self.cursor.get();
            let deadline = self.gate.deadline();
            // C1 and C2; then C7 in the place of C3.
            if deadline.is_ahead_of(self.clock.counter(Sealed)) {
                let limit = self.gate.limit();
                if let Some(count) = wanted.between(seen, limit) {
                    if !self.cursor.advance(seen, seen.plus(count)) {
                        continue;
                    }
                    if seen.plus(count) == limit {
                        self.gate.close_at(limit);
                    }
                    return Ok(Claim { first: seen, count, deadline });
                }
            }
            if let Some(claim) = self.attempt_by_clock(seen, wanted)? {
                return Ok(claim);
            }
        }
    }

    /// Reads the clock and claims slots that it permits: steps C5 to C8. Returns `None` if
    /// the cursor has moved.
    #[cold]
    fn attempt_by_clock(&self, seen: Slot, wanted: SlotCount) -> Result<Option<Claim>, ClaimError> {
        if self.is_forked() {
            return Err(ClaimError::Forked);
        }
        // C5
        let guard = self.gate.guard();
        let (now, reading) = self.read_clock(seen, guard.as_ref());
        // C6
        let first = self.first_at(seen, now, wanted);
        let grant_end = self.grant.end();
        let limit = self.limit_at(now).min(grant_end);
        let Some(count) = wanted.between(first, limit) else {
            return Err(self.no_slot_before(first.plus(wanted.min), grant_end, now));
        };
        // C7
        let next = first.plus(count);
        if !self.advance(seen, next, first.since(seen)) {
            return Ok(None);
        }
        // C8
        let deadline = ProcessDeadline::new(reading.deadline);
        if let Some(guard) = &guard {
            if next < limit {
                guard.open(limit, deadline);
            } else {
                self.gate.close();
            }
        }
        Ok(Some(Claim { first, count, deadline }))
    }

    /// Moves the cursor from `seen` to `next`, with a gap of `skipped` slots. Returns `false` if it
    /// is not at `seen`. The gap is counted before the cursor shows it: C7, R2, E2 and S1.
    pub(crate) fn advance(&self, seen: Slot, next: Slot, skipped: u64) -> bool {
        self.counters.skip(skipped);
        let has_advanced = self.cursor.advance(seen, next);
        if !has_advanced {
            self.counters.unskip(skipped);
        }
        has_advanced
    }

    /// Returns whether slots that the caller owns may be issued now: step R3.
    pub(crate) fn redeem(&self, first: Slot, count: u64) -> Redemption {
        if self.is_forked() {
            return Redemption::Wait(ClaimError::Forked);
        }
        let end = first.plus(count);
        let guard = self.gate.guard();
        let (now, reading) = self.read_clock(first, guard.as_ref());
        // The end is loaded before the start: a thread that reads the end of a grant also
        // reads its start. A weakened model loads them in the other order.
        let early = is_weakened!(StartBeforeEnd).then(|| self.grant.is_void(first));
        let grant_end = self.grant.end();
        if early.unwrap_or_else(|| self.grant.is_void(first)) {
            return Redemption::Void;
        }
        if end > self.limit_at(now).min(grant_end) {
            return Redemption::Wait(self.no_slot_before(end, grant_end, now));
        }
        Redemption::Issue(ProcessDeadline::new(reading.deadline))
    }

    /// Reads the clock through the step filter, with `seen` as the next free slot.
    ///
    /// The clock is read after the cursor. A reading from before could be older than the
    /// tick that another thread has stored since, and would look like a backward step.
    /// Only the thread with the guard updates the filter.
    pub(crate) fn read_clock(
        &self,
        seen: Slot,
        guard: Option<&OpenGuard<'_>>,
    ) -> (UnixMillis, Reading) {
        let reading = self.clock.read(Sealed);
        let timeline = self.time_of_tick(seen.tick());
        (self.step_filter.apply(&reading, timeline, guard.is_some()), reading)
    }

    /// Returns `true` if this process was forked from the one that built the generator.
    pub(crate) fn is_forked(&self) -> bool {
        self.fork_generation.is_forked()
    }
}
