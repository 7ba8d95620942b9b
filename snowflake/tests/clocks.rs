//! What a generator does when its clock misbehaves, on one thread.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod common;

use std::time::{Duration, Instant};

use common::{at, builder};
use snowflake::layout::{IDS_PER_MS, TIMESTAMP_MAX};
use snowflake::{
    BuildError, ClaimError, Epoch, Generator, Id, ManualClock, Parts, UnixMillis, WaitError,
};

const START_MS: u64 = 1_000_000;

fn exhaust(generator: &Generator<ManualClock>) -> Vec<Id> {
    std::iter::from_fn(|| generator.try_next_id().ok()).collect()
}

#[test]
fn what_is_shown_of_a_clock_is_what_it_reads() {
    let shown = |clock: ManualClock| {
        clock.advance(2);
        format!("{clock:?}")
    };
    let plain = shown(ManualClock::new(UnixMillis(5)));
    assert_eq!(plain, "ManualClock { now: UnixMillis(7), uptime_ms: None }");
    let with_uptime = shown(ManualClock::with_uptime(UnixMillis(5)));
    assert_eq!(with_uptime, "ManualClock { now: UnixMillis(7), uptime_ms: Some(2) }");
}

#[test]
fn a_millisecond_holds_4096_ids_and_then_refuses() {
    let clock = ManualClock::new(at(START_MS));
    let generator = builder().build(clock.clone()).unwrap();

    assert_eq!(exhaust(&generator).len() as u64, IDS_PER_MS);
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 1 }));

    clock.step_forward(1);
    let parts = generator.try_next_id().unwrap().parts();
    assert_eq!(parts, Parts { timestamp_ms: START_MS + 1, node: 7, sequence: 0 });
}

#[test]
fn the_lead_bounds_bursts_and_backward_steps_alike() {
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
fn a_backward_step_is_refused_with_its_size_until_it_is_over() {
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
fn the_last_millisecond_is_used_up_and_then_it_is_over() {
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
        assert_eq!(generator.next_id(), Err(WaitError::Expired));
        clock.step_forward(1000);
    }
}

#[test]
fn a_clock_that_goes_before_the_epoch_is_waited_for() {
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

    // The clock went back meanwhile, and the new generator may not run ahead.
    clock.step_back(5);
    let generator = builder().resume_after(last).build(clock.clone()).unwrap();
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 8 }));
    clock.step_forward(8);
    assert!(generator.try_next_id().unwrap() > last);
}

#[test]
fn a_waiting_call_gives_up_on_a_frozen_clock() {
    let patience = Duration::from_millis(50);
    let clock = ManualClock::new(at(START_MS));
    let generator = builder().frozen_after(patience).build(clock).unwrap();
    exhaust(&generator);

    let begun = Instant::now();
    assert_eq!(generator.next_id(), Err(WaitError::Frozen { wait_ms: 1 }));
    assert!(begun.elapsed() >= patience);
}

#[test]
fn a_waiting_call_refuses_a_wait_that_is_too_long() {
    let clock = ManualClock::new(at(20 * START_MS));
    let generator = builder().max_wait(Duration::from_secs(1)).build(clock.clone()).unwrap();
    generator.try_next_id().unwrap();
    clock.step_back(5000);

    let begun = Instant::now();
    assert_eq!(generator.next_id(), Err(WaitError::Ahead { wait_ms: 5000 }));
    assert!(begun.elapsed() < Duration::from_secs(1));
}

/// With an uptime to compare with, a jump is looked at twice; IDs go on meanwhile.
#[test]
fn a_forward_jump_is_taken_when_a_second_look_confirms_it() {
    const HOUR_MS: u64 = 3_600_000;
    let clock = ManualClock::with_uptime(at(START_MS));
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
    assert_eq!(generator.counters().forward_jumps, 1);
}

/// An hour that the uptime saw is an hour without a call.
#[test]
fn a_long_sleep_is_no_jump() {
    let clock = ManualClock::with_uptime(at(START_MS));
    let generator = builder().build(clock.clone()).unwrap();
    generator.try_next_id().unwrap();
    clock.advance(3_600_000);
    assert_eq!(generator.try_next_id().unwrap().parts().timestamp_ms, START_MS + 3_600_000);
    assert_eq!(generator.counters().forward_jumps, 0);
}
