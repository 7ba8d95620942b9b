//! Runs: slots in a row that a thread takes ahead, for its own next calls.
//!
//! To add to a word that other threads see takes as long as all the rest of a claim, also
//! while no other thread is there. So a thread that has the word to itself, because it is
//! alone or because it is its [turn](crate::turns), takes some slots at once. Its next
//! calls hand them out, and each looks at the word first: there is a slot only **while the
//! word stands at the run's end**. When anyone has claimed since, what is left of the run
//! is lost.
//!
//! # Why it is right
//!
//! *Unique.* A run is claimed as any slots are, and then in thread-local memory, where no
//! other thread finds it. Generators have a number each, so that a run is not mistaken for
//! another one's that stands at the same place later, with the same word.
//!
//! *Increasing.* The look at the word is where the call claims. A word that stands at the
//! run's end says that since the run was taken nothing was claimed but out of it: whoever
//! else claims takes the word past the end, and others that bring it back bring it back to
//! runs of their own, which began past it. A claim that happens before the call cannot be
//! missed, for a read returns no older value than one that was written before it; a claim
//! that happens after the call is past the run. With a claim that is neither, either order is
//! right.
//!
//! *Given back.* A thread that is about to claim in another way takes the word from its run's
//! end back to the run's next slot, by compare-and-swap, and loses nothing. If that
//! succeeds, nobody has claimed since, so that all slots from there on are unclaimed. No other
//! run ends there or later: those taken before this one end at or below the slot that was
//! claimed before it, and one taken after it has moved the word.
//!
//! *Never too early, never outside a grant.* With the gate shut no run is used, and with it
//! open none that ends past its limit, which a clock that was set back can have lowered. A word
//! that was raised, for a grant past a gap or for good, ends the run.
//!
//! Nobody waits for a run. If its thread sleeps or ends, what is left is lost, as the rest
//! of any millisecond is. `tests/loom_claim.rs` tries runs, and fails without the look.

mod held;
mod taken;

// Not the facade's: a model need not try numbers.
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::layout::IDS_PER_MS;
use crate::slot::Slot;
use crate::sync;
use crate::turns::{LONGEST_RUN, SAMPLE};
use crate::{Clock, Generator};

use held::Run;
use taken::Account;
pub(crate) use taken::Taken;

// No run goes on past a multiple of the longest, and so none into the next millisecond.
const _: () =
    assert!(IDS_PER_MS.is_multiple_of(LONGEST_RUN) && LONGEST_RUN.is_multiple_of(2 * SAMPLE));

/// The most slots in a thread's first run. The next ones are twice as long each, until one
/// is lost.
const FIRST: u64 = 2 * SAMPLE;

/// Fewer do not pay.
const SHORTEST: u64 = SAMPLE / 2;

impl<C: Clock> Generator<C> {
    /// The next slot of this thread's run, if there is one. The gate is open.
    #[inline]
    pub(crate) fn next_of_run(&self) -> Option<Slot> {
        let number = self.number.load(Relaxed);
        let limit = self.gate.limit();
        let stands_at = |end| end <= limit && (self.word.get() == end || sync::run_without_look());
        let (slot, account) = held::with(None, |runs| runs.give(number, stands_at))?;
        self.word.taken.note(account, slot.plus(1));
        Some(slot)
    }

    /// Looks for a run of this generator, where the thread has used another one's since.
    /// Returns whether there may be one now.
    pub(crate) fn bring_run(&self) -> bool {
        let number = self.number.load(Relaxed);
        number != 0 && held::with(false, |runs| runs.bring(number))
    }

    /// Takes the slots that follow `slot`, which this thread has just claimed: `most` at most,
    /// and about as many as it has claimed before.
    pub(crate) fn take_run(&self, slot: Slot, most: u64) {
        if most == 0 {
            return;
        }
        let take = |run: &mut Run| {
            let first = slot.plus(1);
            // A sample comes next, and with it the next run.
            let wanted = first.plus(most.min(run.most())).to_word() & !(2 * SAMPLE - 1);
            let end = wanted.min((slot.to_word() | (LONGEST_RUN - 1)) + 1);
            if end < first.plus(SHORTEST).to_word() {
                return;
            }
            // Who claims the last slot of a millisecond shuts the gate.
            let end = if end.is_multiple_of(IDS_PER_MS) { end - 1 } else { end };
            let slots = end - first.to_word();
            let taken = &self.word.taken;
            let Some(account) = taken.begin(run.account, run.next, first, slots) else { return };
            let end = Slot::from_word(end);
            if self.word.exchange(first, end) {
                run.begin(first, end, account);
            } else {
                taken.end(account, first, slots);
                run.lose();
            }
        };
        held::with((), |runs| runs.change(self.number(), take));
    }

    /// Gives back what is left of this thread's run. Returns whether it is lost instead,
    /// because somebody has claimed since.
    pub(crate) fn end_run(&self) -> bool {
        self.change_run(|run| {
            let is_lost = !run.is_used_up() && !self.word.take_back(run.end, run.next);
            let unused = if is_lost { 0 } else { run.end.to_word() - run.next.to_word() };
            self.word.taken.end(run.account, run.next, unused);
            if is_lost {
                run.lose()
            } else {
                run.end()
            }
            is_lost
        })
    }

    /// Gives up what is left of this thread's run, past whose end it has claimed a slot.
    /// Returns whether anything was.
    pub(crate) fn lose_run(&self) -> bool {
        self.change_run(|run| {
            let is_lost = !run.is_used_up();
            if is_lost {
                self.word.taken.end(run.account, run.next, 0);
                run.lose();
            }
            is_lost
        })
    }

    /// What `change` makes of this thread's run, or `false` if it has none.
    fn change_run(&self, change: impl FnOnce(&mut Run) -> bool) -> bool {
        let number = self.number.load(Relaxed);
        let change = |run: &mut Run| run.account != Account::NONE && change(run);
        number != 0 && held::with(false, |runs| runs.change(number, change))
    }

    /// The generator's number, which is no other's in this process. It has none before its
    /// first run, as a constant has no number of its own.
    fn number(&self) -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(0);
        match self.number.load(Relaxed) {
            0 => {
                let new = LAST.fetch_add(1, Relaxed) + 1;
                self.number.compare_exchange(0, new, Relaxed, Relaxed).map_or_else(|it| it, |_| new)
            }
            number => number,
        }
    }
}

#[cfg(test)]
#[cfg(all(feature = "std", not(loom)))]
mod tests {
    use crate::fork::Kept;
    use crate::layout::{IDS_PER_MS, TIMESTAMP_MAX};
    use crate::slot::Slot;
    use crate::{Clock, Epoch, Generator, HoldsUntil, NodeId, Reading, UnixMillis};

    /// A clock that stands still, in a millisecond that goes on.
    struct Still {
        tick: u64,
    }

    const HOLDS: HoldsUntil = HoldsUntil { count: 10, counts_per_ms: 100 };

    impl Clock for Still {
        fn now(&self) -> UnixMillis {
            UnixMillis(Epoch::Y2024.start().0 + self.tick)
        }

        fn read(&self) -> Reading {
            Reading { holds_until: Some(HOLDS), ..Reading::at(self.now()) }
        }
    }

    fn open(generator: &Generator<Still>, limit: Slot) {
        generator.gate.opener().unwrap().open(limit, Kept::new(HOLDS).unwrap());
    }

    #[test]
    fn a_run_is_not_used_past_a_limit_that_has_fallen() {
        let generator = Generator::builder(NodeId::MIN, Epoch::Y2024).build(Still { tick: 5 });
        let generator = generator.unwrap();
        let sequence = || u64::from(generator.try_next_id().unwrap().parts().sequence);
        assert!((0..30).all(|expected| sequence() == expected));
        let end = generator.word.get().to_word() % IDS_PER_MS;
        assert!(end > 30, "there is no run");

        open(&generator, Slot::start_of(NodeId::MIN, 5));
        assert!(sequence() >= end);
    }

    #[test]
    fn who_comes_too_late_takes_no_run() {
        let builder = Generator::builder(NodeId::MAX, Epoch::Y2024);
        let generator = builder.build(Still { tick: TIMESTAMP_MAX }).unwrap();
        assert!((0..IDS_PER_MS).all(|_| generator.try_next_id().is_ok()));
        let end = Slot::end(NodeId::MAX);
        assert_eq!(generator.word.get(), end);

        // As it is to a thread that has seen it open before another took the last slot.
        open(&generator, end);
        assert!(generator.try_next_id().is_err());
        assert_eq!(generator.word.get(), end.plus(1));
    }
}
