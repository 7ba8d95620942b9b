//! Batches, handles, statics, futures and counters, on one thread.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod common;

use std::time::{Duration, Instant};

use common::{NODE, OpenClock, at, builder};
use snowflake::{
    ClaimError, Clock, Epoch, Generator, Id, ManualClock, NodeId, ReserveError, SystemClock,
    WaitError,
};

const TICK: u64 = 1_000_000;

fn slot(id: Id) -> (u64, u16) {
    (id.parts().timestamp_ms, id.parts().sequence)
}

#[test]
fn a_batch_is_a_row_without_a_gap_also_over_the_edge_of_a_millisecond() {
    let generator = builder().max_ahead_ms(1).build(OpenClock::new(at(TICK))).unwrap();
    generator.try_reserve(4094).unwrap().for_each(drop);
    let batch = generator.try_reserve(4).unwrap();
    assert_eq!(batch.len(), 4);
    let slots: Vec<_> = batch.map(slot).collect();
    assert_eq!(slots, [(TICK, 4094), (TICK, 4095), (TICK + 1, 0), (TICK + 1, 1)]);
    assert_eq!(slot(generator.try_next_id().unwrap()), (TICK + 1, 2));
}

/// A batch counts its IDs up in two ways, one for `for` and one for `for_each`.
#[test]
fn a_batch_is_the_same_row_by_next_and_by_fold() {
    let generator = builder().max_ahead_ms(9).build(OpenClock::new(at(TICK))).unwrap();
    generator.try_next_id().unwrap();
    for count in [1, 4094, 4095, 4096, 4097, 9000] {
        let mut batch = generator.try_reserve(count).unwrap();
        let mut folded = Vec::new();
        batch.clone().for_each(|id| folded.push(id));
        let stepped: Vec<_> = std::iter::from_fn(|| batch.next()).collect();
        assert_eq!(folded, stepped);
        assert_eq!(stepped.len(), count as usize);
    }
}

#[test]
fn a_batch_that_never_fits_says_so_and_an_empty_one_is_empty() {
    let generator = builder().max_ahead_ms(1).build(OpenClock::new(at(TICK))).unwrap();
    assert_eq!(generator.try_reserve(8193).unwrap_err(), ReserveError::TooMany { most: 8192 });
    assert_eq!(generator.try_reserve(0).unwrap().next(), None);
    assert_eq!(generator.try_reserve(8192).unwrap().len(), 8192);
}

#[test]
fn what_is_shown_of_a_batch_and_a_handle_is_what_they_have_left() {
    let generator = builder().build(OpenClock::new(at(TICK))).unwrap();
    let mut batch = generator.try_reserve(2).unwrap();
    let first = batch.clone().next().unwrap();
    assert_eq!(format!("{batch:?}"), format!("Batch {{ next: Some({first:?}), left: 2 }}"));
    batch.by_ref().for_each(drop);
    assert_eq!(format!("{batch:?}"), "Batch { next: None, left: 0 }");
    let mut handle = generator.local();
    handle.try_next_id().unwrap();
    let shown = format!("{handle:?}");
    assert!(shown.ends_with("block: 64, left_of_block: 63 }"), "{shown}");
}

#[test]
fn a_batch_that_waits_fills_a_whole_millisecond() {
    let generator = builder().build(SystemClock).unwrap();
    let batch = generator.reserve(4096).unwrap();
    assert_eq!(batch.map(|id| id.parts().timestamp_ms).collect::<Vec<_>>().len(), 4096);
}

#[test]
fn a_handles_block_dies_with_its_millisecond() {
    let clock = OpenClock::new(at(TICK));
    let generator = builder().build(&clock).unwrap();
    let mut handle = generator.local_with_block(10.try_into().unwrap());
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK, 0));
    assert_eq!(slot(generator.try_next_id().unwrap()), (TICK, 10));
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK, 1));

    clock.tick();
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK + 1, 0));
}

/// Without a counter the clock itself says when the block is over.
#[test]
fn so_it_does_with_a_clock_that_has_no_counter() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(clock.clone()).unwrap();
    let mut handle = generator.local();
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK, 0));
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK, 1));
    clock.step_back(1);
    assert_eq!(handle.try_next_id(), Err(ClaimError::Ahead { wait_ms: 1 }));
    clock.step_forward(2);
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK + 1, 0));
}

/// The last few slots of a millisecond are a block as well.
#[test]
fn a_block_takes_what_is_left() {
    let generator = builder().build(OpenClock::new(at(TICK))).unwrap();
    generator.try_reserve(4090).unwrap().for_each(drop);
    let mut handle = generator.local();
    let ids = std::iter::from_fn(|| handle.try_next_id().ok()).map(slot).collect::<Vec<_>>();
    assert_eq!(ids.len(), 6);
    assert_eq!(ids.last(), Some(&(TICK, 4095)));
}

#[test]
fn a_generator_may_be_a_static() {
    const NODE_ID: NodeId = match NodeId::new(NODE) {
        Ok(node) => node,
        Err(_) => panic!("a node id is at most 1023"),
    };
    static IDS: Generator =
        Generator::builder(NODE_ID, Epoch::Y2024).max_ahead_ms(2).build_static(SystemClock);

    let before = SystemClock.now().since(Epoch::Y2024).unwrap();
    let first = IDS.next_id().unwrap();
    assert!(first.parts().timestamp_ms >= before);
    assert!(IDS.try_next_id().unwrap() > first);
}

/// What `build` refuses, a static refuses at the first call.
#[test]
fn a_static_with_an_epoch_in_the_future_is_refused_at_the_first_call() {
    let early = ManualClock::new(snowflake::UnixMillis(Epoch::Y2024.start().0 - 5));
    let generator = builder().build_static(early.clone());
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 5 }));
    early.step_forward(5);
    assert_eq!(slot(generator.try_next_id().unwrap()), (0, 0));
}

#[test]
fn a_deadline_that_is_too_near_is_refused_at_once() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(clock.clone()).unwrap();
    generator.try_next_id().unwrap();
    clock.step_back(500);
    let begun = Instant::now();
    let refused = generator.next_id_deadline(begun + Duration::from_millis(100));
    assert_eq!(refused, Err(WaitError::Ahead { wait_ms: 500 }));
    assert!(begun.elapsed() < Duration::from_millis(400));
}

#[test]
fn counters_tell_what_happened() {
    let clock = OpenClock::new(at(TICK));
    let generator = builder().max_ahead_ms(3).build(&clock).unwrap();
    for made in 1..=3 {
        generator.try_next_id().unwrap();
        assert_eq!(generator.counters().ids_made, made);
    }
    // Two milliseconds' worth, so that the last of them is two ahead.
    generator.try_reserve(8192).unwrap().for_each(drop);
    clock.tick();
    clock.tick();
    generator.try_next_id().unwrap();
    let counters = generator.counters();
    assert_eq!((counters.ids_made, counters.largest_lead_ms), (8196, 2));

    while generator.try_next_id().is_ok() {}
    assert!(generator.next_id_timeout(Duration::ZERO).is_err());
    let counters = generator.counters();
    assert_eq!((counters.waits, counters.largest_lead_ms), (1, 3));
}

#[test]
fn the_time_waited_is_counted() {
    let generator = builder().build(SystemClock).unwrap();
    let begun = Instant::now();
    for _ in 0..20_000 {
        generator.next_id().unwrap();
    }
    let counters = generator.counters();
    assert!(counters.waits >= 3, "{counters:?}");
    assert!(counters.waited > Duration::ZERO && counters.waited <= begun.elapsed());
    assert_eq!((counters.backward_steps, counters.forward_jumps), (0, 0));
}
