//! Turns, taken by threads.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use super::{
    LONGEST_RUN, MOST_LOOKS, PACES_PER_TURN, REST, SAMPLE, Stamp, TURNS_PER_MS, Thread, Turns,
};
use crate::slot::Slot;
use crate::{Clock, CoarseClock, Epoch, Generator, HoldsUntil, NodeId, Reading, UnixMillis};

const LENGTH: u64 = 1000;
const COUNTS_PER_MS: u64 = LENGTH * TURNS_PER_MS;

/// The last count at which a sample collides with one at 5000.
const LAST: u64 = 5000 + LENGTH / PACES_PER_TURN - 1;

/// Turns after a sample of another thread at the count of 5000, and one of this at `count`.
fn sampled(count: u64) -> Turns {
    let turns = Turns::new();
    let look = |count| turns.look_about(Slot::from_word(SAMPLE), count, COUNTS_PER_MS);
    thread::scope(|scope| {
        scope.spawn(|| look(5000));
    });
    look(count);
    turns
}

fn turn(turns: &Turns) -> Stamp {
    Stamp(turns.turn.load(Relaxed))
}

fn wait_elsewhere(turns: &Turns, word: u64, count: u64) {
    thread::scope(|scope| {
        scope.spawn(|| turns.wait(|| Slot::from_word(word), count, || count, COUNTS_PER_MS));
    });
}

#[test]
fn a_thread_alone_takes_no_turns() {
    let turns = Turns::new();
    for count in 0..100 {
        turns.look_about(Slot::from_word(SAMPLE), count, COUNTS_PER_MS);
    }
    assert!(!turns.are_taken());
}

fn look_about(turns: &Turns, slot: u64) -> u64 {
    turns.look_about(Slot::from_word(slot), 5000, COUNTS_PER_MS)
}

#[test]
fn a_thread_alone_takes_as_many_slots_ahead_as_there_were() {
    let turns = Turns::new();
    assert_eq!(look_about(&turns, 1000), 0, "nothing is known yet");
    let ahead = [1016, 1040, 1400, 9000].map(|slot| look_about(&turns, slot));
    assert_eq!(ahead, [16, 40, LONGEST_RUN, LONGEST_RUN]);
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(turns.look_back(Slot::from_word(9001), 5000, COUNTS_PER_MS), 0));
    });
    assert_eq!(turns.look_back(Slot::from_word(9001), 5000, COUNTS_PER_MS), LONGEST_RUN);
    let late = 5000 + 2 * COUNTS_PER_MS;
    assert_eq!(turns.look_back(Slot::from_word(9001), late, COUNTS_PER_MS), 0, "long ago");
}

#[test]
fn a_thread_that_was_not_alone_after_all_takes_none_ahead_for_a_while() {
    let turns = Turns::new();
    look_about(&turns, 1000);
    turns.run_was_broken(Slot::from_word(1100));
    let ahead = [1104, 1100 + REST, 1108 + REST].map(|slot| look_about(&turns, slot));
    assert_eq!(ahead, [0, 0, 8]);
}

#[test]
fn threads_that_are_not_at_full_speed_take_no_turns() {
    assert!(!sampled(5000 + LENGTH / PACES_PER_TURN).are_taken());
    assert!(!sampled(4999).are_taken());
}

#[test]
fn of_two_that_collide_the_one_that_saw_it_goes_on() {
    let turns = sampled(LAST);
    let this = Thread::current().unwrap();
    assert_eq!(turn(&turns), Stamp::new(this, LAST + LENGTH));
}

#[test]
fn a_turn_that_paid_is_followed_by_another_thread_s_and_one_that_did_not_by_none() {
    let least = PACES_PER_TURN * SAMPLE;
    for (slots, follows) in [(least, true), (least - 1, false)] {
        let turns = sampled(5000);
        wait_elsewhere(&turns, SAMPLE + slots, 6000);
        assert_eq!(turns.are_taken(), follows, "after {slots} slots");
        if follows {
            assert_ne!(turn(&turns).thread(), Thread::current().unwrap());
            assert_eq!(turns.began_at.load(Relaxed), SAMPLE + slots);
        }
    }
}

#[test]
fn a_counter_at_a_stand_holds_nobody_up_for_ever() {
    let turns = sampled(5000);
    let looks = thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let looks = Cell::new(0);
            let counter = || {
                looks.set(looks.get() + 1);
                5000
            };
            turns.wait(|| Slot::from_word(0), 5000, counter, COUNTS_PER_MS);
            looks.get()
        });
        waiting.join().unwrap()
    });
    assert_eq!(looks, MOST_LOOKS);
}

/// A millisecond that lasts, by a counter that goes on with each look at it.
#[derive(Default)]
struct Looked(AtomicU64);

impl Clock for Looked {
    fn now(&self) -> UnixMillis {
        Epoch::Y2024.start()
    }

    fn read(&self) -> Reading {
        let until = HoldsUntil { count: 1 << 38, counts_per_ms: 1 << 38 };
        Reading { holds_until: Some(until), ..Reading::at(self.now()) }
    }

    /// Two hundred looks are a turn.
    fn counter(&self) -> u64 {
        const TURN: u64 = (1 << 38) / TURNS_PER_MS;
        self.0.fetch_add(TURN / 200, Relaxed).min(1 << 37)
    }
}

#[test]
fn threads_that_take_turns_make_every_id_once() {
    const AT_LEAST: usize = 4000;
    const AT_MOST: usize = 900_000;
    let builder = Generator::builder(NodeId::MIN, Epoch::Y2024).max_ahead_ms(1000);
    let generator = builder.build(Looked::default()).unwrap();
    let is_turn_seen = || generator.turns.began_at.load(Relaxed) != 0;
    let ids = || {
        let mut ids = Vec::new();
        // For as long as it takes the threads to run at the same time.
        while ids.len() < AT_LEAST || (ids.len() < AT_MOST && !is_turn_seen()) {
            ids.push(generator.try_next_id().unwrap());
        }
        ids
    };
    let all = thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(ids));
        threads.map(|thread| thread.join().unwrap())
    });
    for ids in &all {
        assert!(ids.is_sorted_by(|a, b| a < b));
    }
    let all = all.concat();
    assert_eq!(HashSet::<_>::from_iter(&all).len(), all.len());
    assert!(is_turn_seen(), "no turn was taken");
}

#[test]
fn by_the_coarse_clock_no_turns_are_taken() {
    let counts_per_ms = CoarseClock.read().holds_until.map_or(0, |until| until.counts_per_ms);
    let turns = Turns::new();
    let look = || turns.look_about(Slot::from_word(SAMPLE), 5000, counts_per_ms);
    thread::scope(|scope| {
        scope.spawn(look);
    });
    look();
    assert!(!turns.are_taken());
}
