//! One generator that threads share, at full speed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::{NODE, THREADS, assert_unique_and_increasing, at, builder, together};
use crate::layout::IDS_PER_MS;
use crate::{Clock, CoarseClock, Epoch, Id, ManualClock, SystemClock};

#[test]
fn ids_of_eight_threads_are_unique_and_increase_in_each() {
    let generator = builder().build(SystemClock).unwrap();
    let ids = together(|_| (0..20_000).map(|_| generator.next_id().unwrap()).collect::<Vec<_>>());
    assert_unique_and_increasing(&ids);
    assert_eq!(generator.counters().ids_issued, 160_000);
}

#[test]
fn the_count_is_exact_while_another_thread_reads_it() {
    for _ in 0..2000 {
        let generator = builder().max_ahead_ms(5).build(SystemClock).unwrap();
        let done = AtomicBool::new(false);
        let counted = thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    generator.counters();
                }
            });
            let counted = [(); 20].map(|()| {
                let made = (0..40).filter(|_| generator.next_id().is_ok()).count();
                let made = made + generator.reserve(1).map_or(0, |batch| batch.len());
                (made, generator.counters().ids_issued)
            });
            done.store(true, Ordering::Relaxed);
            counted
        });
        let expected = std::array::from_fn(|batch| (41, 41 * (batch as u64 + 1)));
        assert_eq!(counted, expected);
    }
}

#[test]
fn all_kinds_of_calls_together_issue_no_duplicate() {
    let generator = builder().max_ahead_ms(5).build(SystemClock).unwrap();
    let ids = together(|thread| -> Vec<Id> {
        let mut local = generator.block();
        match thread % 4 {
            0 => (0..20_000).map(|_| generator.next_id().unwrap()).collect(),
            1 => (0..20_000).map(|_| local.next_id().unwrap()).collect(),
            2 => (0..1000).flat_map(|n| generator.reserve(n % 40).unwrap()).collect(),
            _ => (0..20_000).filter_map(|_| generator.try_next_id().ok()).collect(),
        }
    });
    assert_unique_and_increasing(&ids);
}

#[test]
fn a_clock_that_steps_back_and_forth_causes_no_duplicate_and_no_disorder() {
    let clock = ManualClock::new(at(1_000_000));
    let generator = builder().max_ahead_ms(3000).build(clock.clone()).unwrap();
    let done = AtomicBool::new(false);

    let ids = thread::scope(|scope| {
        scope.spawn(|| {
            for step in [3, 50, 2000].into_iter().cycle() {
                clock.step_forward(step);
                clock.step_back(step - 1);
                if done.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let ids = together(|_| {
            (0..100_000).filter_map(|_| generator.try_next_id().ok()).collect::<Vec<_>>()
        });
        done.store(true, Ordering::Relaxed);
        ids
    });
    assert!(ids.iter().all(|ids| !ids.is_empty()));
    assert_unique_and_increasing(&ids);
}

/// A bit for each slot from `first_tick` on.
struct Seen {
    first_tick: u64,
    bits: Vec<AtomicU64>,
}

impl Seen {
    fn from(first_tick: u64, ticks: u64) -> Seen {
        let bits = (0..ticks * IDS_PER_MS / 64).map(|_| AtomicU64::new(0)).collect();
        Seen { first_tick, bits }
    }

    fn insert(&self, id: Id) {
        let parts = id.parts();
        assert_eq!(parts.node, NODE);
        let slot = (parts.timestamp_ms - self.first_tick) * IDS_PER_MS + u64::from(parts.sequence);
        let bit = 1 << (slot % 64);
        let before = self.bits[(slot / 64) as usize].fetch_or(bit, Ordering::Relaxed);
        assert_eq!(before & bit, 0, "{id} is a duplicate");
    }

    fn count(&self) -> u64 {
        self.bits.iter().map(|bits| u64::from(bits.load(Ordering::Relaxed).count_ones())).sum()
    }
}

/// With an hour ahead of the clock no thread waits. One thread advances the clock.
#[test]
fn fifty_million_ids_at_full_speed_are_distinct() {
    const PER_THREAD: u64 = 6_250_000;
    const ASKED: u64 = PER_THREAD * THREADS as u64;
    const BATCH: u32 = 100;
    const PER_TICK: u64 = 1000;

    let clock = ManualClock::new(at(1));
    let generator = builder().max_ahead_ms(3_600_000).build(clock.clone()).unwrap();
    let seen = Seen::from(1, ASKED / IDS_PER_MS + PER_THREAD / PER_TICK + 2);

    together(|thread| {
        let mut local = generator.block();
        let mut last = None;
        let mut keep = |id: Id| {
            assert!(last < Some(id), "a thread's IDs increase");
            last = Some(id);
            seen.insert(id);
        };
        match thread % 4 {
            0 => (0..PER_THREAD).for_each(|nth| {
                keep(local.try_next_id().unwrap());
                if nth % PER_TICK == 0 {
                    clock.advance(1);
                }
            }),
            1 => (0..PER_THREAD / u64::from(BATCH))
                .for_each(|_| generator.try_reserve(BATCH).unwrap().for_each(&mut keep)),
            _ => (0..PER_THREAD).for_each(|_| keep(generator.try_next_id().unwrap())),
        }
    });
    assert_eq!(seen.count(), ASKED);
}

#[test]
fn ids_of_the_coarse_clock_are_unique_and_never_ahead_of_the_time() {
    let generator = builder().build(CoarseClock).unwrap();
    let ids = together(|_| {
        let make = |_| {
            let id = generator.next_id().unwrap();
            let now = SystemClock.now().since(Epoch::Y2024).unwrap();
            assert!(id.parts().timestamp_ms <= now, "{id} at {now}");
            id
        };
        (0..20_000).map(make).collect::<Vec<_>>()
    });
    assert_unique_and_increasing(&ids);
}

#[test]
fn a_waiting_call_gets_its_id_while_others_claim() {
    let clock = ManualClock::new(at(1));
    let generator = builder().frozen_clock_ms(20_000).max_wait_ms(20_000);
    let generator = generator.build(clock.clone()).unwrap();
    while generator.try_next_id().is_ok() {}
    let before = generator.cursor.get();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| generator.next_id());
        // Until it has reserved its ID of the next millisecond.
        while generator.cursor.get() == before {
            assert!(!waiting.is_finished(), "it failed without a reservation");
            thread::yield_now();
        }
        clock.advance(1);
        let other_claims = std::iter::from_fn(|| generator.try_next_id().ok()).count() as u64;
        assert_eq!(other_claims, IDS_PER_MS - 1);
        let waited = waiting.join().unwrap().unwrap().parts();
        assert_eq!((waited.timestamp_ms, waited.sequence), (2, 0));
    });
}
