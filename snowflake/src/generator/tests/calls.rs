//! Batches, block handles, statics, deadlines and counters, on one thread.

use std::time::{Duration, Instant};

use super::{NODE, at, builder};
use crate::{
    Builder, ClaimError, Clock, Epoch, Generator, Id, ManualClock, NodeId, SystemClock, UnixMillis,
};

const TICK: u64 = 1_000_000;

fn slot(id: Id) -> (u64, u16) {
    (id.parts().timestamp_ms, id.parts().sequence)
}

#[test]
fn a_batch_is_consecutive_across_the_end_of_a_millisecond() {
    let generator = builder().max_ahead_ms(1).build(ManualClock::new(at(TICK))).unwrap();
    generator.try_reserve(4094).unwrap().for_each(drop);
    let batch = generator.try_reserve(4).unwrap();
    assert_eq!(batch.len(), 4);
    let slots: Vec<_> = batch.map(slot).collect();
    assert_eq!(slots, [(TICK, 4094), (TICK, 4095), (TICK + 1, 0), (TICK + 1, 1)]);
    assert_eq!(slot(generator.try_next_id().unwrap()), (TICK + 1, 2));
}

#[test]
fn a_batch_that_never_fits_is_an_error_with_the_largest_size() {
    let generator = builder().max_ahead_ms(1).build(ManualClock::new(at(TICK))).unwrap();
    assert_eq!(generator.try_reserve(8193).unwrap_err(), ClaimError::TooMany { max: 8192 });
    assert_eq!(generator.try_reserve(0).unwrap().next(), None);
    assert_eq!(generator.try_reserve(8192).unwrap().len(), 8192);
}

#[test]
fn debug_output_of_a_builder_shows_the_settings() {
    let shown = format!("{:?}", builder().max_ahead_ms(3));
    assert!(shown.contains("max_ahead_ms: 3, max_wait_ms: 10000"), "{shown}");
    assert!(!shown.contains("Slot"), "{shown}");
}

#[test]
fn debug_output_of_a_batch_and_a_block_shows_what_is_left() {
    let generator = builder().build(ManualClock::new(at(TICK))).unwrap();
    let mut batch = generator.try_reserve(2).unwrap();
    assert_eq!(format!("{batch:?}"), "Batch { left: 2, .. }");
    batch.by_ref().for_each(drop);
    assert_eq!(format!("{batch:?}"), "Batch { left: 0, .. }");
    let mut handle = generator.block();
    handle.try_next_id().unwrap();
    let shown = format!("{handle:?}");
    assert!(shown.ends_with("size: 64, left: 63 }"), "{shown}");
}

#[test]
fn a_waiting_batch_may_have_as_many_ids_as_a_millisecond() {
    let generator = builder().build(SystemClock).unwrap();
    assert_eq!(generator.reserve(4096).unwrap().len(), 4096);
}

#[test]
fn a_block_ends_with_its_millisecond() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(&clock).unwrap();
    let mut handle = generator.block_of(10.try_into().unwrap());
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK, 0));
    assert_eq!(slot(generator.try_next_id().unwrap()), (TICK, 10));
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK, 1));

    clock.advance(1);
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK + 1, 0));
}

#[test]
fn a_block_ends_with_its_millisecond_if_the_clock_implements_now_alone() {
    struct NowAlone(ManualClock);
    impl Clock for NowAlone {
        fn now(&self) -> UnixMillis {
            self.0.now()
        }
    }
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(NowAlone(clock.clone())).unwrap();
    let mut handle = generator.block();
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK, 0));
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK, 1));
    clock.step_back(1);
    assert_eq!(handle.try_next_id(), Err(ClaimError::Ahead { wait_ms: 1 }));
    clock.step_forward(2);
    assert_eq!(slot(handle.try_next_id().unwrap()), (TICK + 1, 0));
}

#[test]
fn a_block_takes_the_slots_that_are_left() {
    let generator = builder().build(ManualClock::new(at(TICK))).unwrap();
    generator.try_reserve(4090).unwrap().for_each(drop);
    let mut handle = generator.block();
    let ids = std::iter::from_fn(|| handle.try_next_id().ok()).map(slot).collect::<Vec<_>>();
    assert_eq!(ids.len(), 6);
    assert_eq!(ids.last(), Some(&(TICK, 4095)));
}

#[test]
fn a_generator_may_be_a_static() {
    const NODE_ID: NodeId = crate::node_id!(NODE);
    static IDS: Generator =
        Generator::builder(NODE_ID, Epoch::Y2024).max_ahead_ms(2).build_static(SystemClock);

    let before = SystemClock.now().since(Epoch::Y2024).unwrap();
    let first = IDS.next_id().unwrap();
    assert!(first.parts().timestamp_ms >= before);
    assert!(IDS.try_next_id().unwrap() > first);
}

#[test]
fn a_static_with_an_epoch_in_the_future_fails_at_the_first_call() {
    let early = ManualClock::new(UnixMillis(Epoch::Y2024.start().0 - 5));
    let generator = builder().build_static(early.clone());
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 5 }));
    early.step_forward(5);
    assert_eq!(slot(generator.try_next_id().unwrap()), (0, 0));
}

#[test]
fn a_deadline_that_is_too_near_fails_immediately() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(clock.clone()).unwrap();
    generator.try_next_id().unwrap();
    clock.step_back(500);
    let start = Instant::now();
    let result = generator.next_id_deadline(start + Duration::from_millis(100));
    assert!(matches!(result, Err(ClaimError::WaitTooLong { wait_ms: 500, .. })), "{result:?}");
    assert!(start.elapsed() < Duration::from_millis(400));
}

#[test]
fn counters_report_issued_ids_waits_and_the_time_ahead() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().max_ahead_ms(3).build(&clock).unwrap();
    for made in 1..=3 {
        generator.try_next_id().unwrap();
        assert_eq!(generator.counters().ids_issued, made);
    }
    assert_eq!(generator.counters().ahead_ms, 0);
    // Two milliseconds' worth, so that the last of them is two ahead.
    generator.try_reserve(8192).unwrap().for_each(drop);
    let counters = generator.counters();
    assert_eq!((counters.ids_issued, counters.ahead_ms), (8195, 2));
    clock.advance(1);
    assert_eq!(generator.counters().ahead_ms, 1);
    clock.advance(10);
    assert_eq!(generator.counters().ahead_ms, 0);

    while generator.try_next_id().is_ok() {}
    assert!(generator.next_id_timeout(Duration::ZERO).is_err());
    assert_eq!(generator.counters().waits, 0);
}

#[test]
fn the_time_waited_is_counted() {
    let generator = builder().build(SystemClock).unwrap();
    let start = Instant::now();
    // A claim costs less than its share of a millisecond, so calls wait sooner or later.
    while generator.counters().waits < 3 {
        generator.next_id().unwrap();
    }
    let counters = generator.counters();
    assert!(counters.waited > Duration::ZERO && counters.waited <= start.elapsed());
    assert_eq!((counters.backward_steps, counters.forward_steps), (0, 0));
}

#[test]
fn a_boxed_clock_chosen_at_run_time_is_a_clock() {
    let clock: Box<dyn Clock + Send + Sync> = Box::new(ManualClock::new(at(TICK)));
    let generator = builder().build(clock).unwrap();
    assert_eq!(slot(generator.try_next_id().unwrap()), (TICK, 0));
}

/// Returns how many of 256 IDs, one per millisecond, have each of the four lowest sequences.
fn lowest_sequences(builder: Builder) -> [u32; 4] {
    let clock = ManualClock::new(at(TICK));
    let generator = builder.build(clock.clone()).unwrap();
    let mut counts = [0; 4];
    for _ in 0..256 {
        counts[usize::from(generator.try_next_id().unwrap().parts().sequence % 4)] += 1;
        clock.advance(1);
    }
    assert_eq!(generator.counters().ids_issued, 256);
    counts
}

#[test]
fn a_spread_varies_the_first_sequence_of_a_millisecond() {
    assert_eq!(lowest_sequences(builder()), [256, 0, 0, 0]);
    let spread = lowest_sequences(builder().first_sequence_spread(3));
    assert!(spread.iter().all(|&count| (32..128).contains(&count)), "{spread:?}");
}

#[test]
fn a_spread_costs_a_millisecond_without_a_backlog_at_most_its_size() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().first_sequence_spread(100).build(clock.clone()).unwrap();
    for tick in 0..50 {
        let issued = std::iter::from_fn(|| generator.try_next_id().ok()).count();
        // The cursor is at the start of the next millisecond after the first one.
        assert!(if tick == 0 { issued >= 3996 } else { issued == 4096 }, "{issued}");
        clock.advance(1);
    }
    let too_large = builder().first_sequence_spread(u16::MAX).build(clock).unwrap();
    assert!(too_large.try_next_id().is_ok());
}

#[test]
fn a_batch_of_a_whole_millisecond_fits_behind_a_spread() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().first_sequence_spread(4095).build(clock.clone()).unwrap();
    for tick in 1..20 {
        clock.advance(2);
        assert_eq!(generator.reserve(4096).unwrap().next().map(slot), Some((TICK + 2 * tick, 0)));
    }
}

#[test]
fn an_idle_generator_is_not_ahead_of_the_clock() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().max_ahead_ms(50).build(clock.clone()).unwrap();
    generator.try_next_id().unwrap();
    clock.advance(1000);
    generator.try_next_id().unwrap();
    assert_eq!(generator.counters().ahead_ms, 0);
}
