//! One generator shared by threads.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use snowflake::{Epoch, Generator, Id, ManualClock, NodeId, SystemClock, UnixMillis};

const THREADS: usize = 8;

fn node() -> NodeId {
    NodeId::new(7).unwrap()
}

/// Runs `work` on eight threads that start together.
fn together<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(thread)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn assert_unique_and_increasing(per_thread: &[Vec<Id>]) {
    let mut all: HashSet<Id> = HashSet::new();
    for ids in per_thread {
        assert!(ids.is_sorted_by(|a, b| a < b), "a thread's IDs increase");
        all.extend(ids);
    }
    assert_eq!(all.len(), per_thread.iter().map(Vec::len).sum::<usize>(), "no ID came twice");
}

#[test]
fn ids_of_eight_threads_are_unique_and_increase_in_each() {
    let generator = Generator::builder(node(), Epoch::Y2024).build(SystemClock).unwrap();
    let ids = together(|_| (0..20_000).map(|_| generator.next_id().unwrap()).collect::<Vec<_>>());
    assert_unique_and_increasing(&ids);
}

#[test]
fn a_clock_that_jumps_about_makes_no_duplicate_and_no_disorder() {
    let clock = ManualClock::new(UnixMillis(Epoch::Y2024.start().0 + 1_000_000));
    let generator =
        Generator::builder(node(), Epoch::Y2024).max_ahead_ms(3000).build(clock.clone()).unwrap();
    let done = Arc::new(AtomicBool::new(false));

    let hands = thread::spawn({
        let done = Arc::clone(&done);
        move || {
            for step in [3, 50, 2000].into_iter().cycle() {
                clock.step_forward(step);
                clock.step_back(step - 1);
                if done.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    });
    let ids =
        together(|_| (0..100_000).filter_map(|_| generator.try_next_id().ok()).collect::<Vec<_>>());
    done.store(true, Ordering::Relaxed);
    hands.join().unwrap();

    assert!(ids.iter().all(|ids| !ids.is_empty()));
    assert_unique_and_increasing(&ids);
}
