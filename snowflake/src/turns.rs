//! Turns, which keep the word with one core for a while where several want it at once.
//!
//! Claims of two cores drag the word's cache line back and forth, which on many servers
//! takes three times as long as the claim. So threads that are seen to collide go on alone
//! for a few microseconds each, and the others spin meanwhile. When nobody waits any more,
//! or a turn has not paid, turns end.
//!
//! Turns only delay. The claim's argument has no need of them, and a wait depends on
//! nobody: it ends with the turn, by the counter, and after [`MOST_LOOKS`] in any case, be
//! the turn's holder preempted or the counter at a stand. What is read and written here is
//! therefore `Relaxed`.
//!
//! Threads that do something else between two IDs must not wait for each other. So turns
//! begin only at a pace of [`SAMPLE`] slots in a sixth of a turn, and where one thread
//! alone does not keep that up they end. It is one and a half times what the layout lets
//! through: a generator that is not about to use its millisecond up has no turns for longer
//! than one, and one that has them can use it up.
//!
//! Who collides is told by sample, so that a thread that is alone pays next to nothing:
//! whoever takes a sample, one slot in [`SAMPLE`], leaves its name, and looks for whose was
//! there before. Other claims, of blocks and by the clock, take no part.
//!
//! By the same samples a thread sees that it has the word to itself, and how many slots it
//! may take [ahead](crate::runs): if it is alone as many as there were since another was seen,
//! and in its turn half of what it can be expected to use up before the turn is over.

use core::hint;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::layout::IDS_PER_MS;
use crate::slot::Slot;

/// One slot in so many is a sample; a power of two.
pub(crate) const SAMPLE: u64 = if cfg!(loom) { 2 } else { 8 };

/// The most slots that a thread takes ahead; a power of two.
pub(crate) const LONGEST_RUN: u64 = if cfg!(loom) { 4 } else { 256 };

/// A turn is a millisecond divided by this: 7.8 µs, or 700 claims, so that far fewer than one
/// in a hundred waits or misses a cache line. A counter that counts more slowly takes no
/// turns: it could not tell when one is over.
pub(crate) const TURNS_PER_MS: u64 = 128;

/// Threads collide that take samples within a turn divided by this.
const PACES_PER_TURN: u64 = 6;

/// After a turn its holder waits for a turn divided by this, for another to take the next.
const GRACES_PER_TURN: i64 = 8;

/// How often a thread looks whether it is its turn: for two turns, where a look takes 25 ns.
const MOST_LOOKS: usize = 640;

/// For so many slots, 64 ms, nobody is taken for alone once somebody was who was not.
const REST: u64 = 64 * IDS_PER_MS;

/// Whether threads can be told apart; without, there are no turns.
const ARE_THREADS_KNOWN: bool = cfg!(all(feature = "std", not(loom)));

/// Whose turn it is, for all threads of a generator.
#[derive(Debug)]
pub(crate) struct Turns {
    turn: AtomicU64,
    /// The word when the turn began, or an old one for a moment.
    began_at: AtomicU64,
    /// Who took the last sample, and when; not written while there are turns.
    sample: AtomicU64,
    /// Since which slot one thread took all samples, or until which nobody is taken for
    /// alone.
    alone_since: AtomicU64,
}

impl Turns {
    pub(crate) const fn new() -> Turns {
        Turns {
            turn: AtomicU64::new(Stamp::NONE.0),
            began_at: AtomicU64::new(0),
            sample: AtomicU64::new(Stamp::NONE.0),
            alone_since: AtomicU64::new(0),
        }
    }

    /// Whether threads take turns at present.
    #[inline]
    pub(crate) fn are_taken(&self) -> bool {
        ARE_THREADS_KNOWN && self.turn.load(Relaxed) != Stamp::NONE.0
    }

    /// Whether who claims `slot` is to [look about](Turns::look_about).
    #[inline]
    pub(crate) const fn is_sample(slot: Slot) -> bool {
        // Each second one is one later: of two threads that take every other slot, one
        // would otherwise take all samples.
        let word = slot.to_word();
        let later = word / SAMPLE % 2;
        (ARE_THREADS_KNOWN || cfg!(loom)) && word % SAMPLE == later
    }

    /// How many slots after `slot`, a sample, this thread may take ahead. Begins a turn of
    /// it if it collides with another one.
    pub(crate) fn look_about(&self, slot: Slot, count: u64, counts_per_ms: u64) -> u64 {
        let Some(thread) = Thread::current() else {
            // A model has as many runs as there can be.
            return if cfg!(loom) { LONGEST_RUN } else { 0 };
        };
        let now = Stamp::new(thread, count);
        let length = counts_per_ms / TURNS_PER_MS;
        // Who waits for a turn reads this cache line, and would fight for it.
        let turn = Stamp(self.turn.load(Relaxed));
        if turn != Stamp::NONE {
            let slots = slot.to_word().saturating_sub(self.began_at.load(Relaxed));
            return turn.most_ahead(now, length, slots);
        }
        let before = Stamp(self.sample.load(Relaxed));
        self.sample.store(now.0, Relaxed);
        if before.thread() == thread {
            return self.most_alone(slot);
        }
        self.alone_since.fetch_max(slot.to_word(), Relaxed);
        let pace = (length / PACES_PER_TURN).cast_signed();
        if before != Stamp::NONE && (0..pace).contains(&now.since(before)) {
            self.began_at.store(slot.to_word(), Relaxed);
            self.turn.store(now.plus(length).0, Relaxed);
        }
        0
    }

    /// As [`look_about`](Turns::look_about), for a thread that has claimed `slot` with the gate
    /// shut: only if it was alone until now.
    pub(crate) fn look_back(&self, slot: Slot, count: u64, counts_per_ms: u64) -> u64 {
        let Some(thread) = Thread::current() else {
            return if cfg!(loom) { LONGEST_RUN } else { 0 };
        };
        let sample = Stamp(self.sample.load(Relaxed));
        let recent = 0..2 * counts_per_ms.cast_signed();
        let its_own =
            sample.thread() == thread && recent.contains(&Stamp::new(thread, count).since(sample));
        if its_own && !self.are_taken() { self.most_alone(slot) } else { 0 }
    }

    /// How many slots a thread may take ahead that seems alone at `slot`: as many as there were
    /// since another was seen.
    fn most_alone(&self, slot: Slot) -> u64 {
        slot.to_word().saturating_sub(self.alone_since.load(Relaxed)).min(LONGEST_RUN)
    }

    /// A thread that had slots ahead found another's claim past them, before that of `slot`.
    pub(crate) fn run_was_broken(&self, slot: Slot) {
        // Not each time: who waits for a turn reads this cache line.
        if self.alone_since.load(Relaxed) < slot.plus(REST / 2).to_word() {
            self.alone_since.store(slot.plus(REST).to_word(), Relaxed);
        }
    }

    /// Waits until it is this thread's turn, or nobody's, at `count` or later.
    #[cold]
    #[inline(never)]
    pub(crate) fn wait(
        &self,
        word: impl Fn() -> Slot,
        mut count: u64,
        counter: impl Fn() -> u64,
        counts_per_ms: u64,
    ) {
        let Some(thread) = Thread::current() else { return };
        let length = counts_per_ms / TURNS_PER_MS;
        for _ in 0..MOST_LOOKS {
            let turn = Stamp(self.turn.load(Relaxed));
            let now = Stamp::new(thread, count);
            let next = match turn.step(now, length) {
                Step::Claim => return,
                Step::Wait => {
                    hint::spin_loop();
                    count = counter();
                    continue;
                }
                Step::TakeOver => {
                    let (began, word) = (Slot::from_word(self.began_at.load(Relaxed)), word());
                    if has_paid(began, word) {
                        self.began_at.store(word.to_word(), Relaxed);
                        now.plus(length)
                    } else {
                        Stamp::NONE
                    }
                }
                Step::End => Stamp::NONE,
            };
            if next == Stamp::NONE {
                self.alone_since.fetch_max(word().to_word(), Relaxed);
            }
            if self.turn.compare_exchange(turn.0, next.0, Relaxed, Relaxed).is_ok() {
                return;
            }
        }
    }
}

/// Whether a turn that `began` and ends with `word` kept up the pace that turns begin at.
const fn has_paid(began: Slot, word: Slot) -> bool {
    // A run that was given back can have taken the word below where the turn began.
    word.to_word().saturating_sub(began.to_word()) >= PACES_PER_TURN * SAMPLE
}

/// What a thread does about a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Claim,
    Wait,
    /// Takes the next turn, if turns pay, and then claims.
    TakeOver,
    /// Ends turns, and then claims.
    End,
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

    /// How many slots `now`'s thread may take ahead in this turn, which had `slots` so far:
    /// no more than that, either.
    fn most_ahead(self, now: Stamp, length: u64, slots: u64) -> u64 {
        let left = self.since(now);
        if self.thread() != now.thread() || !(1..length.cast_signed()).contains(&left) {
            return 0;
        }
        let left = left.cast_unsigned();
        // At this pace. More than a millisecond has is no pace.
        let to_come = slots.min(IDS_PER_MS).saturating_mul(left) / (length - left);
        (to_come / 2).min(slots).min(LONGEST_RUN / 4)
    }

    /// What `now`'s thread does about this turn. One is `length` counts long.
    fn step(self, now: Stamp, length: u64) -> Step {
        if self == Stamp::NONE {
            return Step::Claim;
        }
        let mine = self.thread() == now.thread();
        let left = self.since(now);
        let length = length.cast_signed();
        match mine {
            true if (1..=length).contains(&left) => Step::Claim,
            // It gives way, or it would always be first to take the next.
            true if (0..length / GRACES_PER_TURN).contains(&-left) => Step::Wait,
            true => Step::End,
            false if (1..=length).contains(&left) => Step::Wait,
            false => Step::TakeOver,
        }
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

    /// What each does about a turn of `ONE` that ends at the count of 5000.
    fn steps_at(count: u64) -> [Step; 2] {
        let turn = Stamp::new(ONE, 5000);
        [ONE, OTHER].map(|thread| turn.step(Stamp::new(thread, count), LENGTH))
    }

    #[test]
    fn while_a_turn_lasts_its_holder_claims_and_the_others_wait() {
        for count in [4000, 4500, 4999] {
            assert_eq!(steps_at(count), [Step::Claim, Step::Wait]);
        }
    }

    #[test]
    fn whoever_waited_takes_the_next_turn_and_its_last_holder_gives_way() {
        for count in [5000, 5100] {
            assert_eq!(steps_at(count), [Step::Wait, Step::TakeOver]);
        }
    }

    #[test]
    fn without_anyone_waiting_turns_end() {
        assert_eq!(steps_at(5000 + LENGTH / 8), [Step::End, Step::TakeOver]);
        assert_eq!(Stamp::NONE.step(Stamp::new(ONE, 7), LENGTH), Step::Claim);
    }

    #[test]
    fn a_turn_that_ends_too_late_to_be_one_is_over() {
        // The counter was set back, or its upper bits have come round.
        assert_eq!(steps_at(3999), [Step::End, Step::TakeOver]);
    }

    #[test]
    fn in_its_turn_a_thread_takes_half_of_what_it_can_use_up_ahead() {
        let turn = Stamp::new(ONE, 5000);
        let ahead =
            |thread, count, slots| turn.most_ahead(Stamp::new(thread, count), LENGTH, slots);
        // At a slot in ten counts: 80 to come, 50, and 4.
        assert_eq!([ahead(ONE, 4200, 20), ahead(ONE, 4500, 50), ahead(ONE, 4920, 92)], [20, 25, 4]);
        assert_eq!(ahead(ONE, 4500, u64::MAX), LONGEST_RUN / 4, "however many there were");
        assert_eq!([ahead(OTHER, 4500, 50), ahead(ONE, 5000, 50), ahead(ONE, 4000, 50)], [0; 3]);
    }

    #[test]
    fn two_threads_that_take_every_other_slot_both_take_samples() {
        let samples = (0..4096).map(Slot::from_word).filter(|&slot| Turns::is_sample(slot));
        let samples = Vec::from_iter(samples.map(|slot| slot.to_word()));
        assert_eq!(samples.len() as u64, 4096 / SAMPLE);
        assert!(samples.windows(2).all(|pair| pair[0] % 2 != pair[1] % 2), "{samples:?}");
    }

    #[test]
    fn a_turn_lasts_while_the_counter_wraps() {
        let turn = Stamp::new(ONE, 10);
        for count in [u64::MAX, (1 << 40) - 1, 5] {
            assert_eq!(turn.step(Stamp::new(OTHER, count), LENGTH), Step::Wait);
        }
    }
}

#[cfg(test)]
#[cfg(all(feature = "std", not(loom)))]
mod among_threads;
