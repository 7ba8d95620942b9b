//! A clock that is set while eight threads issue IDs: no duplicate, no disorder, no error.

use std::thread;
use std::time::{Duration, Instant};

use super::{SetClock, assert_unique_and_increasing, at, builder, together};
use crate::{ClaimError, Generator, Id, ManualClock};

const YEAR_MS: i64 = 365 * 86_400_000;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Issues IDs on eight threads for `run_for` while a ninth thread sets the clock. No call fails.
fn issue_ids_while(
    generator: &Generator<&SetClock>,
    run_for: Duration,
    set: impl FnOnce() + Send,
) -> Vec<Vec<Id>> {
    thread::scope(|scope| {
        scope.spawn(set);
        together(|_| {
            let start = Instant::now();
            let mut ids = Vec::new();
            while start.elapsed() < run_for {
                // A few at a time: the test is about the clock, not the rate.
                ids.extend((0..20).map(|_| generator.next_id().unwrap()));
                thread::sleep(ms(1));
            }
            ids
        })
    })
}

fn set_back_by(step_ms: u64) {
    let clock = SetClock::new();
    let generator = builder().build(&clock).unwrap();
    let ids = issue_ids_while(&generator, ms(step_ms + 200), || {
        thread::sleep(ms(100));
        clock.set_offset(-(step_ms as i64));
    });
    assert_unique_and_increasing(&ids);
    // The calls waited: no timestamp is ahead of the clock.
    let last = ids.iter().flatten().max().unwrap();
    assert!(last.parts().timestamp_ms <= clock_tick(&clock), "{last} is ahead of the clock");
    let counters = generator.counters();
    assert_eq!(counters.forward_steps, 0);
    // On a busy machine milliseconds pass between two readings, and hide a small step.
    assert!(counters.backward_steps >= u64::from(step_ms >= 2000), "{counters:?}");
}

fn clock_tick(clock: &SetClock) -> u64 {
    use crate::Clock;
    clock.now().since(crate::Epoch::Y2024).unwrap()
}

#[test]
fn set_back_by_3_ms() {
    set_back_by(3);
}

#[test]
fn set_back_by_50_ms() {
    set_back_by(50);
}

#[test]
fn set_back_by_2000_ms() {
    set_back_by(2000);
}

#[test]
fn a_backward_step_within_max_ahead_ms_delays_no_call() {
    let clock = SetClock::new();
    let generator = builder().max_ahead_ms(3000).build(&clock).unwrap();
    let ids = issue_ids_while(&generator, ms(300), || {
        thread::sleep(ms(100));
        clock.set_offset(-2000);
    });
    assert_unique_and_increasing(&ids);
    let counters = generator.counters();
    assert_eq!(counters.waits, 0, "{counters:?}");
    assert!((1..=3000).contains(&counters.ahead_ms), "{counters:?}");
}

#[test]
fn a_year_forward_for_a_moment_is_in_no_id() {
    let clock = ManualClock::with_monotonic(at(0));
    let generator = builder().max_ahead_ms(1000).build(clock.clone()).unwrap();
    let ids = thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..1000 {
                clock.step_forward(YEAR_MS as u64);
                thread::yield_now();
                clock.step_back(YEAR_MS as u64);
                clock.advance(1);
            }
        });
        together(|_| Vec::from_iter((0..20_000).filter_map(|_| generator.try_next_id().ok())))
    });
    assert_unique_and_increasing(&ids);
    let last = ids.iter().flatten().max().unwrap();
    assert!(last.parts().timestamp_ms <= 2000, "{last}");
    assert_eq!(generator.counters().forward_steps, 0);
}

#[test]
fn a_year_forward_for_good_takes_effect_without_an_error() {
    let clock = SetClock::new();
    let generator = builder().build(&clock).unwrap();
    let first = generator.next_id().unwrap();
    let ids = issue_ids_while(&generator, ms(2500), || clock.set_offset(YEAR_MS));
    assert_unique_and_increasing(&ids);
    let last = ids.iter().flatten().max().unwrap();
    assert!(last.parts().timestamp_ms - first.parts().timestamp_ms >= YEAR_MS as u64);
    assert_eq!(generator.counters().forward_steps, 1);

    // Back again is a year to wait: an immediate error.
    clock.set_offset(0);
    let start = Instant::now();
    let Err(ClaimError::WaitTooLong { wait_ms, .. }) = generator.next_id() else {
        panic!("an ID a year ahead of the clock");
    };
    assert!(wait_ms > YEAR_MS as u64 - 10_000 && start.elapsed() < ms(500));
}

#[test]
fn a_year_back_is_an_error_until_it_is_over() {
    let clock = SetClock::new();
    let generator = builder().build(&clock).unwrap();
    let before = generator.next_id().unwrap();
    clock.set_offset(-YEAR_MS);
    together(|_| {
        let start = Instant::now();
        let mut has_failed = false;
        while start.elapsed() < ms(300) {
            let wait_ms = match generator.next_id() {
                Err(ClaimError::WaitTooLong { wait_ms, .. }) => wait_ms,
                // The gate was open when the clock was set.
                Ok(_) if !has_failed => continue,
                other => panic!("{other:?}"),
            };
            has_failed = true;
            // One more if the last millisecond was used up.
            assert!(wait_ms <= YEAR_MS as u64 + 1, "{wait_ms}");
        }
    });
    clock.set_offset(0);
    assert!(generator.next_id().unwrap() > before, "no wait is left");
    assert_eq!(generator.counters().forward_steps, 0);
}

#[test]
fn waiting_calls_fail_on_a_frozen_clock_and_succeed_after_it() {
    let clock = SetClock::new();
    let limit = ms(100);
    let generator = builder().frozen_clock_ms(100).build(&clock).unwrap();
    clock.freeze();
    let ids = together(|_| {
        let mut ids = Vec::new();
        let start = Instant::now();
        let error = loop {
            match generator.next_id() {
                Ok(id) => ids.push(id),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, ClaimError::FrozenClock { .. }), "{error:?}");
        assert!(start.elapsed() >= limit && start.elapsed() < 20 * limit);
        ids
    });
    assert_unique_and_increasing(&ids);

    clock.thaw();
    let last = ids.iter().flatten().max().unwrap();
    assert!(generator.next_id().unwrap() > *last);
}

#[test]
fn block_handles_wait_for_the_end_of_a_backward_step() {
    let clock = SetClock::new();
    let generator = builder().build(&clock).unwrap();
    let ids = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(ms(100));
            clock.set_offset(-50);
        });
        together(|_| {
            let mut handle = generator.block();
            let start = Instant::now();
            let mut ids = Vec::new();
            while start.elapsed() < ms(300) {
                ids.extend((0..20).map(|_| handle.next_id().unwrap()));
                thread::sleep(ms(1));
            }
            ids
        })
    });
    assert_unique_and_increasing(&ids);
    let last = ids.iter().flatten().max().unwrap();
    assert!(last.parts().timestamp_ms <= clock_tick(&clock), "{last} is ahead of the clock");
}
