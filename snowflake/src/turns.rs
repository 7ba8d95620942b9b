//! Turns, which keep the word with one core for a while where several want it at once.
//!
//! Claims of two cores drag the word's cache line back and forth, which on many servers
//! takes three times as long as the claim. So threads that are seen to collide go on alone
//! for a few microseconds each, and the others spin meanwhile. When nobody waits any more,
//! the turns end.
//!
//! Turns only delay. The claim's argument has no need of them, and a wait depends on
//! nobody: it ends with the turn, by the counter, and after [`MOST_LOOKS`] in any case, be
//! the turn's holder preempted or the counter at a stand. What is read and written here is
//! therefore `Relaxed`.
//!
//! Who collides is told by sample, so that a thread that is alone pays next to nothing:
//! whoever claims a slot that is a multiple of [`SAMPLE`] leaves its name, and looks for
//! whose was there before.

use core::hint;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::slot::Slot;

/// One slot in so many is a sample; a power of two.
const SAMPLE: u64 = 16;

/// A turn is a millisecond divided by this: 3.9 µs, in which a few hundred claims are made,
/// so that fewer than one in a hundred waits. Threads collide that take samples within one.
const TURNS_PER_MS: u64 = 256;

/// After a turn its holder waits for a turn divided by this, for another to take the next.
const GRACES: i64 = 8;

/// How often a thread looks whether it is its turn, in some 10 µs.
const MOST_LOOKS: usize = 256;

/// Whose turn it is, for all threads of a generator.
#[derive(Debug)]
pub(crate) struct Turns {
    turn: AtomicU64,
    /// Who took the last sample, and when; not written while there are turns.
    sample: AtomicU64,
}

impl Turns {
    pub(crate) const fn new() -> Turns {
        Turns { turn: AtomicU64::new(Stamp::NONE.0), sample: AtomicU64::new(Stamp::NONE.0) }
    }

    /// Whether threads take turns at present.
    #[inline]
    pub(crate) fn are_taken(&self) -> bool {
        self.turn.load(Ordering::Relaxed) != Stamp::NONE.0
    }

    /// Whether who claims `slot` is to [look about](Turns::look_about).
    #[inline]
    pub(crate) const fn is_sample(slot: Slot) -> bool {
        slot.to_word() & (SAMPLE - 1) == 0
    }

    /// Begins a turn of this thread if another one claims as well.
    #[cold]
    #[inline(never)]
    pub(crate) fn look_about(&self, count: u64, counts_per_ms: u64) {
        // Who waits for a turn reads this cache line, and would fight for it.
        if self.are_taken() {
            return;
        }
        let Some(thread) = Thread::current() else { return };
        let now = Stamp::new(thread, count);
        let before = Stamp(self.sample.load(Ordering::Relaxed));
        self.sample.store(now.0, Ordering::Relaxed);
        let length = counts_per_ms / TURNS_PER_MS;
        let another = before != Stamp::NONE && before.thread() != thread;
        if another && (0..length.cast_signed()).contains(&now.since(before)) {
            self.turn.store(now.plus(length).0, Ordering::Relaxed);
        }
    }

    /// Waits until it is this thread's turn, or nobody's, at `count` or later.
    #[cold]
    #[inline(never)]
    pub(crate) fn wait(&self, mut count: u64, counter: impl Fn() -> u64, counts_per_ms: u64) {
        let Some(thread) = Thread::current() else { return };
        for _ in 0..MOST_LOOKS {
            let turn = Stamp(self.turn.load(Ordering::Relaxed));
            match turn.next(Stamp::new(thread, count), counts_per_ms / TURNS_PER_MS) {
                Step::Claim => return,
                Step::Wait => {
                    hint::spin_loop();
                    count = counter();
                }
                Step::Replace(next) => {
                    let (turn, next) = (turn.0, next.0);
                    let relaxed = Ordering::Relaxed;
                    if self.turn.compare_exchange(turn, next, relaxed, relaxed).is_ok() {
                        return;
                    }
                }
            }
        }
    }
}

/// What a thread does about a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Claim,
    Wait,
    /// Puts another turn in its place, and then claims.
    Replace(Stamp),
}

/// A thread and a count in one word: its turn's end, or when it took a sample.
///
/// The count's upper bits are cut off. They come back after some minutes, and what is
/// that old then looks new: for one turn, or one wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp(u64);

impl Stamp {
    /// No thread's. Threads are not 0.
    const NONE: Stamp = Stamp(0);

    const fn new(thread: Thread, count: u64) -> Stamp {
        Stamp(count << Thread::BITS | thread.0)
    }

    const fn thread(self) -> Thread {
        Thread(self.0 & Thread::MASK)
    }

    const fn plus(self, counts: u64) -> Stamp {
        Stamp(self.0.wrapping_add(counts << Thread::BITS))
    }

    /// How many counts this is after `other`, at most half of what there are.
    const fn since(self, other: Stamp) -> i64 {
        let counts = (self.0 & !Thread::MASK).wrapping_sub(other.0 & !Thread::MASK);
        counts.cast_signed() >> Thread::BITS
    }

    /// What `now`'s thread does about this turn. One is `length` counts long.
    fn next(self, now: Stamp, length: u64) -> Step {
        if self == Stamp::NONE {
            return Step::Claim;
        }
        let mine = self.thread() == now.thread();
        let left = self.since(now);
        let counts = length.cast_signed();
        if (1..=counts).contains(&left) {
            return if mine { Step::Claim } else { Step::Wait };
        }
        if !mine {
            return Step::Replace(now.plus(length));
        }
        // It gives way, or it would always be first to take the next.
        if (0..counts / GRACES).contains(&-left) { Step::Wait } else { Step::Replace(Stamp::NONE) }
    }
}

/// A thread: a number that is hardly ever another's. Two that share one share their turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thread(u64);

impl Thread {
    const BITS: u32 = 24;
    const MASK: u64 = (1 << Thread::BITS) - 1;

    /// This thread, or `None` where threads cannot be told apart.
    #[cfg(all(feature = "std", not(loom)))]
    fn current() -> Option<Thread> {
        std::thread_local! {
            static HERE: u8 = const { 0 };
        }
        /// 2^64 divided by the golden ratio: its product's upper bits depend on all of the
        /// address's.
        const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
        let address = HERE.with(|here| core::ptr::from_ref(here).addr());
        Some(Thread((address as u64).wrapping_mul(SPREAD) >> (64 - Thread::BITS) | 1))
    }

    #[cfg(not(all(feature = "std", not(loom))))]
    fn current() -> Option<Thread> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: u64 = 1000;
    const ONE: Thread = Thread(1);
    const OTHER: Thread = Thread(3);

    /// A turn of `ONE` that ends at the count of 5000, as `thread` sees it.
    fn seen(thread: Thread, count: u64) -> Step {
        Stamp::new(ONE, 5000).next(Stamp::new(thread, count), LENGTH)
    }

    #[test]
    fn while_a_turn_lasts_its_holder_claims_and_the_others_wait() {
        for count in [4000, 4500, 4999] {
            assert_eq!((seen(ONE, count), seen(OTHER, count)), (Step::Claim, Step::Wait));
        }
    }

    #[test]
    fn whoever_waited_takes_the_next_turn_and_its_last_holder_gives_way() {
        for count in [5000, 5100] {
            let next = Step::Replace(Stamp::new(OTHER, count + LENGTH));
            assert_eq!((seen(ONE, count), seen(OTHER, count)), (Step::Wait, next));
        }
    }

    #[test]
    fn without_anyone_waiting_turns_end() {
        assert_eq!(seen(ONE, 5000 + LENGTH / 8), Step::Replace(Stamp::NONE));
        assert_eq!(Stamp::NONE.next(Stamp::new(ONE, 7), LENGTH), Step::Claim);
    }

    #[test]
    fn a_turn_that_ends_too_late_to_be_one_is_over() {
        // The counter was set back, or its upper bits have come round.
        assert_eq!(seen(ONE, 3999), Step::Replace(Stamp::NONE));
        assert_eq!(seen(OTHER, 3999), Step::Replace(Stamp::new(OTHER, 3999 + LENGTH)));
    }

    #[test]
    fn a_turn_lasts_while_the_counter_wraps() {
        let turn = Stamp::new(ONE, 10);
        for count in [u64::MAX, (1 << 40) - 1, 5] {
            assert_eq!(turn.next(Stamp::new(OTHER, count), LENGTH), Step::Wait);
        }
    }
}

#[cfg(all(test, feature = "std", not(loom)))]
mod among_threads {
    use super::*;
    use std::thread;

    use crate::{Clock, Epoch, Generator, HoldsUntil, NodeId, Reading, UnixMillis};

    const COUNTS_PER_MS: u64 = 256_000;

    fn look_about_elsewhere(turns: &Turns, count: u64) {
        thread::scope(|scope| {
            scope.spawn(|| turns.look_about(count, COUNTS_PER_MS));
        });
    }

    #[test]
    fn a_thread_alone_takes_no_turns() {
        let turns = Turns::new();
        for count in 0..100 {
            turns.look_about(count, COUNTS_PER_MS);
        }
        assert!(!turns.are_taken());
    }

    #[test]
    fn threads_whose_samples_are_far_apart_take_no_turns() {
        let turns = Turns::new();
        turns.look_about(5000, COUNTS_PER_MS);
        look_about_elsewhere(&turns, 6000);
        turns.look_about(0, COUNTS_PER_MS);
        assert!(!turns.are_taken());
    }

    #[test]
    fn of_two_that_collide_the_one_that_saw_it_goes_on() {
        let turns = Turns::new();
        turns.look_about(5000, COUNTS_PER_MS);
        look_about_elsewhere(&turns, 5999);
        assert!(turns.are_taken());
        // Over, and within its grace: this thread waited, and takes the next.
        turns.wait(7000, || 7000, COUNTS_PER_MS);
        let turn = Stamp(turns.turn.load(Ordering::Relaxed));
        assert_eq!(Some(turn.thread()), Thread::current());
    }

    /// In the middle of a millisecond, for ever.
    struct Standing;

    impl Clock for Standing {
        fn now(&self) -> UnixMillis {
            Epoch::Y2024.start()
        }

        fn read(&self) -> Reading {
            let until = HoldsUntil { count: COUNTS_PER_MS / 2, counts_per_ms: COUNTS_PER_MS };
            Reading { holds_until: Some(until), ..Reading::at(self.now()) }
        }

        fn counter(&self) -> u64 {
            0
        }
    }

    #[test]
    fn threads_that_take_turns_make_every_id_once_and_in_order() {
        let generator = Generator::builder(NodeId::MIN, Epoch::Y2024).build(Standing).unwrap();
        let ids = || Vec::from_iter((0..SAMPLE).map(|_| generator.try_next_id().unwrap()));
        let mut all = ids();
        for _ in 0..3 {
            all.extend(thread::scope(|scope| scope.spawn(ids).join().unwrap()));
            all.extend(ids());
            assert!(generator.turns.are_taken());
        }
        let sequences = Vec::from_iter(all.iter().map(|id| u64::from(id.parts().sequence)));
        assert_eq!(sequences, Vec::from_iter(0..7 * SAMPLE));
    }

    #[test]
    fn a_counter_at_a_stand_holds_nobody_up_for_ever() {
        let turns = Turns::new();
        turns.look_about(5000, COUNTS_PER_MS);
        look_about_elsewhere(&turns, 5000);
        let looks = std::cell::Cell::new(0);
        turns.wait(
            5000,
            || {
                looks.set(looks.get() + 1);
                5000
            },
            COUNTS_PER_MS,
        );
        assert_eq!(looks.get(), MOST_LOOKS);
    }
}
