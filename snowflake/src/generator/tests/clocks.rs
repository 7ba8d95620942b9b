//! A generator whose clock misbehaves, on one thread.
use std::time::{Duration, Instant};

use super::{at, builder};
use crate::layout::{IDS_PER_MS, TIMESTAMP_MAX};
use crate::{BuildError, ClaimError, Epoch, Generator, Id, ManualClock, NodeId, Parts, UnixMillis};

const START_MS: u64 = 1_000_000;

fn exhaust(generator: &Generator<ManualClock>) -> Vec<Id> {
    std::iter::from_fn(|| generator.try_next_id().ok()).collect()
}

#[test]
fn debug_output_of_a_manual_clock_shows_what_it_reads() {
    let shown = |clock: ManualClock| {
        clock.advance(2);
        format!("{clock:?}")
    };
    let plain = shown(ManualClock::new(UnixMillis(5)));
    assert_eq!(plain, "ManualClock { now: UnixMillis(7), monotonic_ms: None }");
    let with_monotonic = shown(ManualClock::with_monotonic(UnixMillis(5)));
    assert_eq!(with_monotonic, "ManualClock { now: UnixMillis(7), monotonic_ms: Some(2) }");
}

#[test]
fn a_millisecond_has_4096_ids() {
    let clock = ManualClock::new(at(START_MS));
    let generator = builder().build(clock.clone()).unwrap();

    assert_eq!(exhaust(&generator).len() as u64, IDS_PER_MS);
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 1 }));

    clock.step_forward(1);
    let parts = generator.try_next_id().unwrap().parts();
    assert_eq!(parts, Parts { timestamp_ms: START_MS + 1, node: 7, sequence: 0 });
}

#[test]
fn a_forward_step_before_the_first_claim_is_confirmed_too() {
    let clock = ManualClock::with_monotonic(at(START_MS));
    let generator = builder().build(clock.clone()).unwrap();
    clock.step_forward(3_600_000);
    assert_eq!(generator.try_next_id().unwrap().parts().timestamp_ms, START_MS);
    clock.advance(1000);
    assert_eq!(generator.try_next_id().unwrap().parts().timestamp_ms, START_MS + 3_601_000);
    assert_eq!(generator.counters().forward_steps, 1);
}

#[test]
fn max_ahead_ms_bounds_bursts_and_backward_steps() {
    let clock = ManualClock::new(at(START_MS));
    let generator = builder().max_ahead_ms(2).build(clock.clone()).unwrap();

    let burst = exhaust(&generator);
    assert_eq!(burst.len() as u64, 3 * IDS_PER_MS);
    assert!(burst.is_sorted_by(|a, b| a < b));

    clock.step_forward(5);
    let before = generator.try_next_id().unwrap();
    clock.step_back(2);
    assert!(generator.try_next_id().unwrap() > before);
    clock.step_back(1);
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 1 }));
}

#[test]
fn a_backward_step_is_an_error_with_its_size_until_it_is_over() {
    for step_ms in [3, 50, 2000] {
        let clock = ManualClock::new(at(START_MS));
        let generator = builder().build(clock.clone()).unwrap();
        let before = generator.try_next_id().unwrap();

        clock.step_back(step_ms);
        assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: step_ms }));
        clock.step_forward(step_ms);
        assert!(generator.try_next_id().unwrap() > before);
    }
}

#[test]
fn an_epoch_in_the_future_and_a_clock_past_the_end_are_errors() {
    let build = |now| builder().build(ManualClock::new(now)).map(|_| ());

    let before = UnixMillis(Epoch::Y2024.start().0 - 5);
    assert_eq!(build(before), Err(BuildError::EpochAhead { by_ms: 5 }));
    assert_eq!(build(at(TIMESTAMP_MAX)), Ok(()));
    assert_eq!(build(at(TIMESTAMP_MAX + 1)), Err(BuildError::Expired));
}

#[test]
fn the_last_millisecond_has_4096_ids_and_no_id_follows() {
    let clock = ManualClock::new(at(TIMESTAMP_MAX));
    let generator = builder().max_ahead_ms(10).build(clock.clone()).unwrap();

    let ids = exhaust(&generator);
    assert_eq!(ids.len() as u64, IDS_PER_MS);
    assert_eq!(
        ids.last().unwrap().parts(),
        Parts { timestamp_ms: TIMESTAMP_MAX, node: 7, sequence: 4095 }
    );
    for _ in 0..3 {
        assert_eq!(generator.try_next_id(), Err(ClaimError::Expired));
        assert_eq!(generator.next_id(), Err(ClaimError::Expired));
        clock.step_forward(1000);
    }
}

/// The count of a closed gate is 0, which follows the last count of `u64`.
#[test]
fn a_closed_gate_stays_closed_at_the_last_reading_of_a_clock() {
    let clock = ManualClock::new(at(START_MS));
    let generator = builder().build(clock.clone()).unwrap();
    exhaust(&generator);
    let before = generator.cursor.get();
    clock.set(UnixMillis(u64::MAX));
    assert_eq!(generator.try_next_id(), Err(ClaimError::Expired));
    assert_eq!(generator.cursor.get(), before);
}

/// With an epoch that late, the counter stands still.
#[test]
fn timestamps_follow_a_clock_past_the_largest_count() {
    let start = UnixMillis(u64::MAX - 100);
    let clock = ManualClock::new(start);
    let builder = Generator::builder(NodeId::MIN, Epoch::new(start));
    let generator = builder.build(clock.clone()).unwrap();
    for tick in 0..100 {
        assert_eq!(generator.try_next_id().unwrap().parts().timestamp_ms, tick);
        clock.advance(1);
    }
}

#[test]
fn a_clock_that_steps_back_before_the_epoch_is_waited_for() {
    let clock = ManualClock::new(at(0));
    let generator = builder().build(clock.clone()).unwrap();
    clock.step_back(7);
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 7 }));
}

#[test]
fn a_restart_resumes_after_the_last_id() {
    let clock = ManualClock::new(at(START_MS));
    let generator = builder().max_ahead_ms(2).build(clock.clone()).unwrap();
    let last = *exhaust(&generator).last().unwrap();

    // The clock has stepped back since, and the new generator may not be ahead of it.
    clock.step_back(5);
    let earlier = Id::try_from(last.get() - 1).unwrap();
    let generator =
        builder().resume_after(last).resume_after(earlier).build(clock.clone()).unwrap();
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 8 }));
    clock.step_forward(8);
    assert!(generator.try_next_id().unwrap() > last);
}

#[test]
fn a_waiting_call_gives_up_on_a_frozen_clock() {
    let limit = Duration::from_millis(50);
    let clock = ManualClock::new(at(START_MS));
    let generator = builder().frozen_clock_ms(50).build(clock).unwrap();
    exhaust(&generator);

    let start = Instant::now();
    assert_eq!(generator.next_id(), Err(ClaimError::FrozenClock { wait_ms: 1 }));
    assert!(start.elapsed() >= limit);
}

#[test]
fn a_waiting_call_fails_immediately_if_the_wait_is_too_long() {
    let clock = ManualClock::new(at(20 * START_MS));
    let generator = builder().max_wait_ms(1000).build(clock.clone()).unwrap();
    generator.try_next_id().unwrap();
    clock.step_back(5000);

    let start = Instant::now();
    assert_eq!(generator.next_id(), Err(ClaimError::WaitTooLong { wait_ms: 5000, limit_ms: 1000 }));
    assert!(start.elapsed() < Duration::from_secs(1));
}

/// Until then timestamps follow the monotonic clock.
#[test]
fn a_forward_step_takes_effect_when_a_second_reading_confirms_it() {
    const HOUR_MS: u64 = 3_600_000;
    let clock = ManualClock::with_monotonic(at(START_MS));
    let generator = builder().build(clock.clone()).unwrap();
    let timestamp = || generator.try_next_id().unwrap().parts().timestamp_ms;
    assert_eq!(timestamp(), START_MS);

    clock.step_forward(HOUR_MS);
    clock.advance(999);
    assert_eq!(timestamp(), START_MS + 999);
    clock.advance(999);
    assert_eq!(timestamp(), START_MS + 1998);
    clock.advance(1);
    assert_eq!(timestamp(), START_MS + 1999 + HOUR_MS);
    assert_eq!(generator.counters().forward_steps, 1);
}

#[test]
fn an_hour_without_a_call_is_not_a_step() {
    let clock = ManualClock::with_monotonic(at(START_MS));
    let generator = builder().build(clock.clone()).unwrap();
    generator.try_next_id().unwrap();
    clock.advance(3_600_000);
    assert_eq!(generator.try_next_id().unwrap().parts().timestamp_ms, START_MS + 3_600_000);
    assert_eq!(generator.counters().forward_steps, 0);
}
