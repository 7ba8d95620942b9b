//! The claim: how threads take slots.
//!
//! Three cache lines matter. The **word** ([`Word`](crate::word::Word)) holds the next free
//! slot. Every claim writes it, but one out of a [run](crate::runs), which reads it. The
//! **gate** holds the end of the millisecond, as a count of the clock's cheap counter, and
//! the *limit*, the first slot that may not be taken yet; every claim reads it and about
//! one a millisecond writes it. The
//! [`turns`](crate::turns) keep colliding threads apart, and only delay; every claim of the
//! word reads them, and one in eight writes them.
//!
//! With the gate open a claim reads the counter, and has the next slot of its thread's run
//! if nobody has claimed since. If there is none it adds one to the word, and has its slot if
//! that is below the limit. In a forked child no gate of its parent's is open ([`fork`]).
//! With the gate shut a claim asks which process it is in, reads the clock,
//! raises the word to it and takes a slot by compare-and-swap, or is refused and
//! leaves everything as it was. The thread that holds the [`Opener`] then opens the
//! gate. Nobody waits for the opener: without it a claim costs a clock reading. The
//! [`Ceiling`](crate::ceiling::Ceiling) bounds every limit: it is the end of the grant
//! that a leased generator has, and else the end of time.
//!
//! # Why it is right
//!
//! *Unique and increasing.* All that the word suffers are read-modify-writes that
//! raise it, by as much as they take, and those that give the unused end of a
//! [run](crate::runs) back, of which nothing was given out. Those of a single atomic form one
//! order at any memory ordering, each reads what the one before it wrote, and so no slot is
//! taken twice and the claims' order is the slots' order. An ID handed to another thread
//! comes before that thread's next one: the hand-off orders our write before its
//! read, and a read cannot return a value older than a write that happens before
//! it. Nothing else is needed, so the word is `Relaxed`, and the gate has no say in
//! it: an ID publishes no other memory. For slots out of a run see [there](crate::runs).
//!
//! *Never too early.* A slot is given out only if it is below a limit, and a limit
//! comes from a clock reading. One thread at a time holds the opener, takes its
//! reading after it got it and publishes the limit, then the gate's end: with
//! release, after the word was raised. A claim loads the end with acquire, so that
//! with a new end it cannot see an old limit, which after a backward step would be
//! higher. With an old end it may see a new limit: that is a later reading's, and as
//! good. A thread that sleeps between the gate and the word takes a slot below the
//! limit that it saw before: late, never early. One that holds a
//! [`ticket`](crate::ticket) took its slot early, and waits with it.
//!
//! *Never outside a grant.* A grant is a range `[from, until)` of slots above all earlier
//! ones. Before its end becomes the ceiling, the word is raised to `from`, unless it
//! continues the grant before it. A ceiling is stored with release after that and loaded
//! with acquire, a limit never exceeds the ceiling it was made from, and is likewise
//! stored with release and loaded with acquire, **before** the word. So a claim that goes
//! by a grant's limit reads a word that was raised to the grant, and takes a slot in it
//! or none. One that slept across a gap with a limit of the grant before it gets a slot
//! past that limit, and gives it up, however high the limit is by then; by
//! compare-and-swap it fails, and looks again. A word that is back at what was seen is as
//! good: nothing from there on is claimed, and as a run begins above every raise before
//! it, none is given back below one. Sealing raises the word past every limit.
//!
//! *Never past the end.* Limits never exceed [`Slot::end`], and slots are compared
//! whole before they are unpacked. Claims past the limit raise the word by at most
//! one per thread, tickets never past the end, and runs not at all: far from where the node
//! id of 2^10 times as many slots begins.
//!
//! *No trace.* With the gate shut a refused claim writes nothing. With the gate open
//! it can only lose a race for the last slots, and the one that takes the last of
//! them, or comes too late, shuts the gate: one lost slot per thread, however often
//! the call is repeated.
//!
//! *Stale is safe.* Shutting a gate that is open, or opening one with an end that is
//! past, costs a clock reading. An end comes late by as much as the counter is coarse, and
//! no more, because the counter was read before the clock. Until then slots are older than
//! the time, and below the limit all the same.
//!
//! `tests/loom_claim.rs` tries the interleavings, of calls that wait and of runs as well, and
//! fails if the word's additions or exchanges are torn or the gate's ordering is relaxed.
//! Loom does not reorder all that `Relaxed` allows, which is why the argument is here as well.

use crate::clock::{Clock, Reading};
use crate::epoch::UnixMillis;
use crate::fork::{self, Kept};
use crate::gate::Opener;
use crate::slot::Slot;
use crate::turns::Turns;
use crate::{ClaimError, Generator, LeaseEnd, ReserveError};

/// How many slots in a row a claim wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Want {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

impl Want {
    const ONE: Want = Want { least: 1, most: 1 };

    /// How many of them there are from `slot` to `limit`, unless too few.
    #[inline]
    fn of(self, slot: Slot, limit: Slot) -> Option<u64> {
        let there = limit.to_word().saturating_sub(slot.to_word());
        (there >= self.least).then(|| there.min(self.most))
    }
}

/// Slots in a row that belong to the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) first: Slot,
    pub(crate) count: u64,
    /// What the claim went by: the time it was for, and how long it lasts.
    pub(crate) holds: Holds,
}

/// How long the millisecond of a claim lasts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holds {
    Until(Kept),
    /// While the clock reads this: it has no counter.
    While(UnixMillis),
}

/// A claim that was not granted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    Ahead {
        wait_ms: u64,
        /// What the clock said.
        reading: Reading,
    },
    Expired,
    /// The grant has ended.
    Ended {
        until: UnixMillis,
        why: LeaseEnd,
    },
    Forked,
}

impl From<Refusal> for ClaimError {
    fn from(refusal: Refusal) -> ClaimError {
        match refusal {
            Refusal::Ahead { wait_ms, .. } => ClaimError::Ahead { wait_ms },
            Refusal::Expired => ClaimError::Expired,
            Refusal::Ended { until, why } => ClaimError::LeaseEnded { until, why },
            Refusal::Forked => ClaimError::Forked,
        }
    }
}

impl From<Refusal> for ReserveError {
    fn from(refusal: Refusal) -> ReserveError {
        match refusal {
            Refusal::Ahead { wait_ms, .. } => ReserveError::Ahead { wait_ms },
            Refusal::Expired => ReserveError::Expired,
            Refusal::Ended { until, why } => ReserveError::LeaseEnded { until, why },
            Refusal::Forked => ReserveError::Forked,
        }
    }
}

impl<C: Clock> Generator<C> {
    /// Takes the next free slot.
    #[inline]
    pub(crate) fn claim_one(&self) -> Result<Slot, Refusal> {
        let until = self.gate.until().get();
        let count = self.clock.counter();
        if !until.holds_at(count) {
            return self.claim_shut(count, until.counts_per_ms);
        }
        match self.next_of_run() {
            Some(slot) => Ok(slot),
            None => self.claim_next(count, until.counts_per_ms),
        }
    }

    /// Takes the word's slot, in this thread's turn if there are turns.
    #[inline(never)]
    fn claim_next(&self, count: u64, counts_per_ms: u64) -> Result<Slot, Refusal> {
        if self.bring_run()
            && let Some(slot) = self.next_of_run()
        {
            return Ok(slot);
        }
        if self.turns.are_taken() {
            let (word, counter) = (|| self.word.get(), || self.clock.counter());
            self.turns.wait(word, count, counter, counts_per_ms);
        }
        let limit = self.gate.limit();
        let slot = self.word.take_one();
        if slot.plus(1) >= limit {
            return self.claim_at_limit(slot, limit);
        }
        if Turns::is_sample(slot) {
            self.look_about(slot, count, counts_per_ms);
        }
        Ok(slot)
    }

    /// Finds out who else claims, and takes a run if this thread has the word to itself.
    #[cold]
    #[inline(never)]
    fn look_about(&self, slot: Slot, count: u64, counts_per_ms: u64) {
        if self.lose_run() {
            self.turns.run_was_broken(slot);
        }
        let ahead = self.turns.look_about(slot, count, counts_per_ms);
        self.take_run(slot, ahead);
    }

    /// The last slot below the limit, or one past it, which is given up.
    #[cold]
    fn claim_at_limit(&self, slot: Slot, limit: Slot) -> Result<Slot, Refusal> {
        // Unless it was opened anew meanwhile, and the limit is an old one.
        if self.gate.limit() == limit {
            self.gate.shut();
        }
        if slot < limit {
            return Ok(slot);
        }
        self.tally.skip(1);
        self.claim(Want::ONE).map(|claim| claim.first)
    }

    // Its frame would be every claim's.
    #[cold]
    #[inline(never)]
    fn claim_shut(&self, count: u64, counts_per_ms: u64) -> Result<Slot, Refusal> {
        let slot = self.claim(Want::ONE)?.first;
        self.take_run(slot, self.turns.look_back(slot, count, counts_per_ms));
        Ok(slot)
    }

    /// Takes slots in a row, by compare-and-swap: what is refused leaves no trace.
    pub(crate) fn claim(&self, want: Want) -> Result<Claim, Refusal> {
        if self.end_run() {
            self.turns.run_was_broken(self.word.get());
        }
        loop {
            let seen = self.word.get();
            let until = self.gate.until();
            if until.get().holds_at(self.clock.counter()) {
                let limit = self.gate.limit();
                if let Some(count) = want.of(seen, limit) {
                    if !self.word.exchange(seen, seen.plus(count)) {
                        continue;
                    }
                    if seen.plus(count) == limit {
                        self.gate.shut();
                    }
                    return Ok(Claim { first: seen, count, holds: Holds::Until(until) });
                }
            }
            if let Some(claimed) = self.claim_by_clock(seen, want)? {
                return Ok(claimed);
            }
        }
    }

    /// Reads the clock and takes slots that it allows, or `None` if the word has moved on.
    #[cold]
    fn claim_by_clock(&self, seen: Slot, want: Want) -> Result<Option<Claim>, Refusal> {
        if self.is_forked() {
            return Err(Refusal::Forked);
        }
        let opener = self.gate.opener();
        let (now, reading) = self.read_clock(seen, opener.as_ref());

        let first = seen.max(self.start_of(now));
        let ceiling = self.ceiling.get();
        let limit = self.limit_at(now).min(ceiling);
        let Some(count) = want.of(first, limit) else {
            return Err(self.refuse(first.plus(want.least), ceiling, now, reading));
        };

        let skipped = first.to_word() - seen.to_word();
        // Before the word shows the gap: a reader that sees the gap sees it counted.
        self.tally.skip(skipped);
        if !self.word.exchange(seen, first.plus(count)) {
            self.tally.unskip(skipped);
            return Ok(None);
        }
        let next = first.plus(count);
        self.tally.lead(next.before().tick().saturating_sub(self.tick_of(now)));
        let until = reading.holds_until.and_then(Kept::new);
        if let (Some(opener), Some(until)) = (&opener, until) {
            self.tally.lead(self.lead_since_opening(seen));
            if next < limit {
                self.tally.opened(self.tick_of(now));
                opener.open(limit, until);
            } else {
                self.gate.shut();
            }
        }
        let holds = until.map_or(Holds::While(reading.now), Holds::Until);
        Ok(Some(Claim { first, count, holds }))
    }

    /// The time to go by, with `seen` in the word, and the reading that it comes from.
    ///
    /// The clock is read after the word, never before: a reading taken first could
    /// be older than the tick that another thread has since stored, and would look
    /// like a clock that stepped back.
    pub(crate) fn read_clock(
        &self,
        seen: Slot,
        opener: Option<&Opener<'_>>,
    ) -> (UnixMillis, Reading) {
        let reading = self.clock.read();
        let timeline = UnixMillis(self.settings.epoch.start().0.saturating_add(seen.tick()));
        (self.trust.believe(&reading, timeline, opener), reading)
    }

    /// The first slot of `now`.
    fn start_of(&self, now: UnixMillis) -> Slot {
        Slot::start_of(self.settings.node, self.tick_of(now))
    }

    /// The tick of `now`, or the first one before the epoch.
    pub(crate) fn tick_of(&self, now: UnixMillis) -> u64 {
        now.since(self.settings.epoch).unwrap_or(0)
    }

    /// The latest timestamp that may be given out at `now`, or `None` before the epoch.
    fn reach(&self, now: UnixMillis) -> Option<u64> {
        UnixMillis(now.0.saturating_add(self.settings.max_ahead_ms)).since(self.settings.epoch)
    }

    /// The first slot that may not be taken at `now`.
    pub(crate) fn limit_at(&self, now: UnixMillis) -> Slot {
        match self.reach(now) {
            Some(tick) => Slot::start_of(self.settings.node, tick.saturating_add(1)),
            None => Slot::start_of(self.settings.node, 0),
        }
    }

    /// Why slots up to `end` cannot be had at `now`, under `ceiling`.
    pub(crate) fn refuse(
        &self,
        end: Slot,
        ceiling: Slot,
        now: UnixMillis,
        reading: Reading,
    ) -> Refusal {
        let settings = &self.settings;
        let epoch_ms = settings.epoch.start().0;
        let why = self.ceiling.why();
        let sealed = why == LeaseEnd::Released;
        if end > Slot::end(settings.node) && !sealed {
            return Refusal::Expired;
        }
        let until = UnixMillis(epoch_ms.saturating_add(ceiling.before().tick() + 1));
        if sealed || (end > ceiling && now >= until) {
            return Refusal::Ended { until, why };
        }
        let reach_ms = now.0.saturating_add(settings.max_ahead_ms);
        let needed_ms = epoch_ms.saturating_add(end.before().tick());
        let mut wait_ms = needed_ms.saturating_sub(reach_ms);
        if end > ceiling {
            // IDs ran ahead to the end of the grant. It is renewed by the time the clock
            // gets there, or has ended.
            wait_ms = wait_ms.max(until.0 - now.0);
        }
        Refusal::Ahead { wait_ms, reading }
    }

    /// Whether this process was forked from the one that built the generator.
    pub(crate) fn is_forked(&self) -> bool {
        self.born != fork::generation()
    }

    /// How far the IDs below `end` that were made through the gate ran ahead of the
    /// reading that it was opened by.
    pub(crate) fn lead_since_opening(&self, end: Slot) -> u64 {
        let end = end.min(self.gate.limit());
        if end <= self.settings.first {
            return 0;
        }
        end.before().tick().saturating_sub(self.tally.opened_at_tick())
    }
}
