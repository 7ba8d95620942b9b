//! A clock that is set while eight threads make IDs: no duplicate, no disorder, no
//! panic, no false error.
//!
//! The clock is the system's, with its cycle counter and its uptime, and an offset
//! that the test turns.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::{SetClock, assert_unique_and_increasing, builder, together};
use snowflake::{Generator, Id, WaitError};

const YEAR_MS: i64 = 365 * 86_400_000;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Makes IDs on eight threads for `run_for`, each by `next_id`, which must never fail.
/// A ninth thread turns the clock meanwhile.
fn make_ids_while(
    generator: &Generator<&SetClock>,
    run_for: Duration,
    turn: impl FnOnce() + Send,
) -> Vec<Vec<Id>> {
    thread::scope(|scope| {
        scope.spawn(turn);
        together(|_| {
            let begun = Instant::now();
            let mut ids = Vec::new();
            while begun.elapsed() < run_for {
                // A few at a time: the point is the clock, not the number.
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
    let ids = make_ids_while(&generator, ms(step_ms + 200), || {
        thread::sleep(ms(100));
        clock.set_off(-(step_ms as i64));
    });
    assert_unique_and_increasing(&ids);
    // Waited out, not run through: no timestamp is ahead of the clock.
    let last = ids.iter().flatten().max().unwrap();
    assert!(last.parts().timestamp_ms <= clock_tick(&clock), "{last} is ahead of the clock");
    let counters = generator.counters();
    assert_eq!(counters.forward_jumps, 0);
    // A few milliseconds may go by between two readings on a busy machine: then nobody
    // sees a small step.
    assert!(counters.backward_steps >= u64::from(step_ms >= 2000), "{counters:?}");
}

fn clock_tick(clock: &SetClock) -> u64 {
    use snowflake::Clock;
    clock.now().since(snowflake::Epoch::Y2024).unwrap()
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

/// The lead covers the step: nobody waits for it.
#[test]
fn set_back_within_the_lead_costs_nothing() {
    let clock = SetClock::new();
    let generator = builder().max_ahead_ms(3000).build(&clock).unwrap();
    let ids = make_ids_while(&generator, ms(300), || {
        thread::sleep(ms(100));
        clock.set_off(-2000);
    });
    assert_unique_and_increasing(&ids);
    let counters = generator.counters();
    assert_eq!(counters.waits, 0, "{counters:?}");
    assert!((1000..=3000).contains(&counters.largest_lead_ms), "{counters:?}");
}

/// A year forward for a moment: never believed, never in an ID.
#[test]
fn a_year_forward_and_back_poisons_nothing() {
    let clock = SetClock::new();
    let generator = builder().build(&clock).unwrap();
    let first = generator.next_id().unwrap();
    let ids = make_ids_while(&generator, ms(800), || {
        for _ in 0..3 {
            thread::sleep(ms(100));
            clock.set_off(YEAR_MS);
            thread::sleep(ms(100));
            clock.set_off(0);
        }
    });
    assert_unique_and_increasing(&ids);
    let last = ids.iter().flatten().max().unwrap();
    let span_ms = last.parts().timestamp_ms - first.parts().timestamp_ms;
    assert!(span_ms < 60_000, "an ID is stamped {span_ms} ms later than the first");
    assert_eq!(generator.counters().forward_jumps, 0);
}

/// A correction is taken after a second, without an error on the way.
#[test]
fn a_year_forward_for_good_is_believed() {
    let clock = SetClock::new();
    let generator = builder().build(&clock).unwrap();
    let first = generator.next_id().unwrap();
    let ids = make_ids_while(&generator, ms(2500), || clock.set_off(YEAR_MS));
    assert_unique_and_increasing(&ids);
    let last = ids.iter().flatten().max().unwrap();
    assert!(last.parts().timestamp_ms - first.parts().timestamp_ms >= YEAR_MS as u64);
    assert_eq!(generator.counters().forward_jumps, 1);

    // Back again is a year to wait: a plain error, at once.
    clock.set_off(0);
    let begun = Instant::now();
    let Err(WaitError::Ahead { wait_ms }) = generator.next_id() else {
        panic!("an ID a year ahead of the clock");
    };
    assert!(wait_ms > YEAR_MS as u64 - 10_000 && begun.elapsed() < ms(500));
}

/// A year back and forth: refused for as long as it lasts, with the time to wait.
#[test]
fn a_year_back_and_forward_is_over_when_it_is_over() {
    let clock = SetClock::new();
    let generator = builder().build(&clock).unwrap();
    let before = generator.next_id().unwrap();
    clock.set_off(-YEAR_MS);
    together(|_| {
        let begun = Instant::now();
        let mut refused = false;
        while begun.elapsed() < ms(300) {
            let wait_ms = match generator.next_id() {
                Err(WaitError::Ahead { wait_ms }) => wait_ms,
                // The gate was open when the clock was set: that millisecond is still good.
                Ok(_) if !refused => continue,
                other => panic!("{other:?}"),
            };
            refused = true;
            // One more if the last millisecond was used up.
            assert!(wait_ms <= YEAR_MS as u64 + 1, "{wait_ms}");
        }
    });
    clock.set_off(0);
    assert!(generator.next_id().unwrap() > before, "no wait is left over");
    assert_eq!(generator.counters().forward_jumps, 0);
}

/// A frozen clock: the rest of its millisecond, then an error for those who wait, and
/// IDs again when it goes on.
#[test]
fn a_frozen_clock_is_given_up_and_taken_up_again() {
    let clock = SetClock::new();
    let patience = ms(100);
    let generator = builder().frozen_after(patience).build(&clock).unwrap();
    clock.freeze();
    let ids = together(|_| {
        let mut ids = Vec::new();
        let begun = Instant::now();
        let error = loop {
            match generator.next_id() {
                Ok(id) => ids.push(id),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, WaitError::Frozen { .. }), "{error:?}");
        assert!(begun.elapsed() >= patience && begun.elapsed() < 20 * patience);
        ids
    });
    assert_unique_and_increasing(&ids);

    clock.thaw();
    let last = ids.iter().flatten().max().unwrap();
    assert!(generator.next_id().unwrap() > *last);
}

/// Blocks of IDs die with their millisecond, so a handle does not run through a step either.
#[test]
fn block_handles_wait_out_a_backward_step() {
    let clock = SetClock::new();
    let generator = builder().build(&clock).unwrap();
    let ids = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(ms(100));
            clock.set_off(-50);
        });
        together(|_| {
            let mut handle = generator.local();
            let begun = Instant::now();
            let mut ids = Vec::new();
            while begun.elapsed() < ms(300) {
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
