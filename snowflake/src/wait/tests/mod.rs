//! Waiting calls: how long they pause, what they reserve, and when they fail.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod tasks;

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::clock::{Deadline, Reading};
use crate::generator::tests::{SetClock, assert_unique_and_increasing, at, builder};
use crate::layout::IDS_PER_MS;
use crate::{Builder, Id, ManualClock, Parts, SystemClock};

const TICK: u64 = 100;
const AHEAD: ClaimError = ClaimError::Ahead { wait_ms: 1 };

/// Returns a generator whose millisecond is full, and its clock.
fn full(builder: Builder) -> (Generator<ManualClock>, ManualClock) {
    let clock = ManualClock::new(at(TICK));
    let generator = builder.build(clock.clone()).unwrap();
    exhaust(&generator);
    (generator, clock)
}

fn exhaust(generator: &Generator<ManualClock>) -> u64 {
    std::iter::from_fn(|| generator.try_next_id().ok()).count() as u64
}

fn wait(generator: &Generator<ManualClock>) -> Wait<'_, ManualClock> {
    Wait::new(generator, SlotCount::ONE, Duration::MAX)
}

/// Returns a waiting call that has paused once and has a reservation.
fn reserved(generator: &Generator<ManualClock>) -> Wait<'_, ManualClock> {
    let mut wait = wait(generator);
    wait.pause(AHEAD, Duration::ZERO).unwrap();
    assert!(wait.reservation.is_some());
    wait
}

fn first(claim: Claim) -> (u64, u16) {
    let parts = claim.first.id().parts();
    (parts.timestamp_ms, parts.sequence)
}

#[test]
fn a_waiting_call_comes_before_calls_that_begin_later() {
    let (generator, clock) = full(builder());
    let mut call = reserved(&generator);
    assert_eq!(call.claim().unwrap_err(), AHEAD);
    clock.advance(1);
    assert_eq!(generator.try_next_id().unwrap().parts().sequence, 1);
    assert_eq!(first(call.claim().unwrap()), (TICK + 1, 0));
    assert_eq!(generator.counters().ids_issued, IDS_PER_MS + 2);
}

#[test]
fn a_batch_is_reserved_too() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(clock.clone()).unwrap();
    generator.try_reserve(4000).unwrap().for_each(drop);
    let wanted = SlotCount { min: 200, max: 200 };
    let mut call = Wait::new(&generator, wanted, Duration::MAX);
    call.pause(AHEAD, Duration::ZERO).unwrap();
    clock.advance(1);
    assert_eq!(generator.try_next_id().unwrap().parts().sequence, 104);
    let claim = call.claim().unwrap();
    assert_eq!((first(claim), claim.count), ((TICK, 4000), 200));
}

/// Calls for single IDs use up every millisecond as soon as it begins.
#[test]
fn a_batch_of_several_milliseconds_is_reserved_while_others_keep_the_cursor_at_the_limit() {
    let (generator, clock) = full(builder().max_ahead_ms(1));
    let wanted = SlotCount { min: 2 * IDS_PER_MS, max: 2 * IDS_PER_MS };
    let mut call = Wait::new(&generator, wanted, Duration::MAX);
    assert_eq!(call.claim().unwrap_err(), ClaimError::Ahead { wait_ms: 2 });
    call.pause(ClaimError::Ahead { wait_ms: 2 }, Duration::ZERO).unwrap();
    for _ in 0..2 {
        assert!(call.claim().is_err());
        clock.advance(1);
        assert_eq!(exhaust(&generator), 0, "the slots are reserved");
    }
    assert_eq!(first(call.claim().unwrap()), (TICK + 2, 0));
    assert_eq!(generator.counters().ids_issued, 4 * IDS_PER_MS);
}

#[test]
fn a_reservation_closes_the_gate_so_a_call_that_fails_loses_no_id() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(clock.clone()).unwrap();
    generator.try_reserve(100).unwrap().for_each(drop);
    let wanted = SlotCount { min: 4000, max: 4000 };
    assert!(Reservation::take(&generator, wanted).is_some());
    assert_eq!(generator.try_next_id(), Err(AHEAD));
    clock.advance(1);
    let next = generator.try_next_id().unwrap().parts();
    assert_eq!((next.timestamp_ms, next.sequence), (TICK + 1, 4));
}

#[test]
fn a_call_does_not_wake_early_if_the_counter_is_the_time() {
    let (generator, _clock) = full(builder());
    let mut call = wait(&generator);
    assert_eq!(call.pause(AHEAD, Duration::ZERO).unwrap(), MS);
    assert!(!call.is_end_known);
}

#[test]
fn a_claim_that_passed_the_limit_keeps_its_slot_as_a_reservation() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(clock.clone()).unwrap();
    generator.try_next_id().unwrap();
    // Another thread takes the remaining slots, after this thread found the gate open.
    generator.cursor.advance(generator.cursor.get(), generator.gate.limit());
    let failure = generator.claim().unwrap_err();
    let mut call = Wait::after(&generator, failure, Duration::MAX);
    assert!(call.reservation.is_some());
    clock.advance(1);
    assert_eq!(first(call.claim().unwrap()), (TICK + 1, 0));
}

#[test]
fn a_reservation_waits_for_a_clock_that_steps_back() {
    let (generator, clock) = full(builder());
    let mut call = reserved(&generator);
    clock.step_back(5);
    assert_eq!(call.claim().unwrap_err(), ClaimError::Ahead { wait_ms: 6 });
    assert_eq!(generator.counters().backward_steps, 1);
    clock.advance(6);
    assert_eq!(first(call.claim().unwrap()), (TICK + 1, 0));
}

#[test]
fn a_call_with_free_slots_neither_reserves_nor_pauses() {
    let (generator, clock) = full(builder());
    clock.advance(1);
    let mut call = wait(&generator);
    assert_eq!(call.pause(AHEAD, Duration::ZERO).unwrap(), Duration::ZERO);
    assert!(call.reservation.is_none());
    assert_eq!(first(call.claim().unwrap()), (TICK + 1, 0));
}

#[test]
fn a_call_reserves_nothing_later_than_the_next_millisecond() {
    let (generator, clock) = full(builder());
    clock.step_back(1);
    let mut call = wait(&generator);
    // The call wakes a millisecond before the slots are due, and reserves them then.
    assert_eq!(call.pause(AHEAD, Duration::ZERO).unwrap(), MS);
    assert!(call.reservation.is_none());
}

#[test]
fn calls_that_fail_lose_slots_of_the_next_millisecond_alone() {
    let (generator, clock) = full(builder());
    for _ in 0..2 * IDS_PER_MS {
        wait(&generator).pause(AHEAD, Duration::ZERO).unwrap();
    }
    assert_eq!(generator.counters().ids_issued, IDS_PER_MS);
    clock.advance(1);
    assert!(generator.try_next_id().is_err());
    clock.advance(1);
    let next = generator.try_next_id().unwrap().parts();
    assert_eq!(next, Parts { timestamp_ms: TICK + 2, node: 7, sequence: 0 });
    assert_eq!(generator.counters().ids_issued, IDS_PER_MS + 1);
}

#[test]
fn every_slot_of_the_next_millisecond_may_be_reserved() {
    let (generator, clock) = full(builder());
    let mut calls = Vec::from_iter((0..IDS_PER_MS).map(|_| reserved(&generator)));
    clock.advance(1);
    assert!(generator.try_next_id().is_err());
    for (call, sequence) in calls.iter_mut().zip(0..) {
        assert_eq!(first(call.claim().unwrap()), (TICK + 1, sequence));
    }
}

/// A clock that stands still, some microseconds before the end of its millisecond.
struct FrozenClock {
    left_us: u64,
}

impl Clock for FrozenClock {
    fn now(&self) -> UnixMillis {
        at(TICK)
    }

    fn read(&self, _: Sealed) -> Reading {
        let deadline = Deadline { count: 3000, counts_per_ms: 1000 };
        Reading { deadline, ..Reading::at(self.now()) }
    }

    fn counter(&self, _: Sealed) -> u64 {
        3000 - self.left_us
    }
}

#[test]
fn a_pause_ends_with_the_millisecond_of_the_clock() {
    let generator = builder().build(FrozenClock { left_us: 750 }).unwrap();
    while generator.try_next_id().is_ok() {}
    let mut call = Wait::new(&generator, SlotCount::ONE, Duration::MAX);
    let pause = call.pause(AHEAD, Duration::ZERO).unwrap();
    assert_eq!(pause, Duration::from_micros(750));
    assert!(call.is_end_known, "the call wakes early, and spins");
}

#[test]
fn a_moving_clock_is_waited_for_and_a_frozen_clock_is_not() {
    let (generator, clock) = full(builder());
    clock.step_back(20);
    let mut call = wait(&generator);
    for ms in 0..4500 {
        if ms % 900 == 0 {
            clock.step_forward(1);
        }
        assert!(call.pause(AHEAD, Duration::from_millis(ms)).is_ok());
    }
    // The clock's last time was first read at 3600 ms.
    assert!(call.pause(AHEAD, Duration::from_millis(4599)).is_ok());
    let frozen = Err(ClaimError::FrozenClock { wait_ms: 16 });
    assert_eq!(call.pause(AHEAD, Duration::from_millis(4600)), frozen);
}

#[test]
fn a_wait_that_has_begun_does_not_fail_by_the_latency_of_waking() {
    let (generator, _clock) = full(builder());
    let mut call = Wait::new(&generator, SlotCount::ONE, MS);
    assert_eq!(call.pause(AHEAD, Duration::ZERO).unwrap(), MS);
    assert!(call.pause(AHEAD, WAKE_LATENCY).is_ok());
    let late = WAKE_LATENCY + Duration::from_nanos(1);
    let too_long = Err(ClaimError::WaitTooLong { wait_ms: 1, limit_ms: 1 });
    assert_eq!(call.pause(AHEAD, late), too_long);
}

#[test]
fn a_call_without_time_to_wait_gets_an_id_that_has_become_free() {
    let (generator, clock) = full(builder());
    let mut call = Wait::new(&generator, SlotCount::ONE, Duration::ZERO);
    let error = call.claim().unwrap_err();
    clock.advance(1);
    let pause = call.pause(error, Duration::from_micros(1)).unwrap();
    assert_eq!(pause, Duration::ZERO);
    assert_eq!(first(call.claim().unwrap()), (TICK + 1, 0));
}

#[test]
fn a_wait_that_would_be_too_long_does_not_begin() {
    let (generator, clock) = full(builder().max_wait_ms(1000));
    clock.step_back(1000);
    let mut call = wait(&generator);
    let too_long = Err(ClaimError::WaitTooLong { wait_ms: 1001, limit_ms: 1000 });
    assert_eq!(call.pause(AHEAD, Duration::ZERO), too_long);
    assert!(call.reservation.is_none());
}

#[cfg(feature = "lease")]
mod leased {
    use super::*;

    #[test]
    fn a_waiting_call_is_starvation_free_while_the_clock_catches_up() {
        let clock = ManualClock::new(at(1000));
        let generator = builder().build_leased(at(4000), at(9000), clock.clone()).unwrap();
        for _ in 0..100 {
            exhaust(&generator);
            let mut call = wait(&generator);
            let mut pauses = 0;
            while call.claim().is_err() {
                pauses += 1;
                assert!(pauses <= 3, "the call is starved");
                let pause = call.pause(AHEAD, Duration::ZERO).unwrap();
                clock.advance(pause.as_millis() as u64);
                exhaust(&generator);
            }
        }
    }

    fn full(from: u64, until: u64) -> (Generator<ManualClock>, ManualClock) {
        let clock = ManualClock::new(at(from));
        let generator = builder().build_leased(at(from), at(until), clock.clone()).unwrap();
        exhaust(&generator);
        (generator, clock)
    }

    #[test]
    fn a_reservation_stays_valid_when_its_grant_is_extended() {
        let (generator, clock) = full(0, 2);
        let mut call = reserved(&generator);
        generator.extend(at(2), at(9));
        clock.advance(1);
        assert_eq!(first(call.claim().unwrap()), (1, 0));
    }

    #[test]
    fn a_reservation_before_a_gap_is_void() {
        let (generator, clock) = full(0, 2);
        let mut call = reserved(&generator);
        generator.extend(at(5), at(9));
        clock.advance(5);
        assert_eq!(first(call.claim().unwrap()), (5, 0));
        assert_eq!(generator.counters().ids_issued, IDS_PER_MS + 1);
    }

    #[test]
    fn a_slot_in_a_gap_that_a_claim_took_past_the_limit_is_void() {
        let clock = ManualClock::new(at(0));
        let generator = builder().build_leased(at(0), at(1), clock.clone()).unwrap();
        generator.try_next_id().unwrap();
        // The thread sleeps after it loaded the limit: steps C2 and C3.
        generator.cursor.advance(generator.cursor.get(), generator.gate.limit());
        let failure = generator.claim().unwrap_err();
        let mut call = Wait::after(&generator, failure, Duration::MAX);
        generator.extend(at(5), at(9));
        clock.advance(5);
        assert_eq!(first(call.claim().unwrap()), (5, 0));
    }

    #[test]
    fn nothing_is_reserved_past_the_grant() {
        let (generator, _clock) = full(0, 1);
        let mut call = wait(&generator);
        call.pause(AHEAD, Duration::ZERO).unwrap();
        assert!(call.reservation.is_none());
    }

    #[test]
    fn a_reservation_is_void_once_the_generator_is_sealed() {
        let (generator, clock) = full(0, 9);
        let mut call = reserved(&generator);
        assert_eq!(generator.seal(), at(2), "the reserved millisecond counts as used up");
        clock.advance(1);
        assert!(matches!(call.claim(), Err(ClaimError::LeaseEnded { .. })));
        assert_eq!(generator.counters().ids_issued, IDS_PER_MS);
    }

    #[test]
    fn a_call_waits_for_a_renewal_that_is_under_way_up_to_its_limit() {
        let (generator, clock) = full(0, 1);
        clock.advance(1);
        let mut call = Wait::new(&generator, SlotCount::ONE, 10 * MS);
        let ended = call.claim().unwrap_err();
        assert!(matches!(ended, ClaimError::LeaseEnded { reason: LeaseEnd::NotRenewed, .. }));
        assert!(call.pause(ended, 9 * MS).is_ok());
        assert_eq!(call.pause(ended, 10 * MS), Err(ended));
        generator.extend(at(1), at(9));
        assert_eq!(first(call.claim().unwrap()), (1, 0));
    }

    #[test]
    fn a_call_does_not_wait_for_a_renewal_that_failed() {
        for reason in [LeaseEnd::StoreFailed, LeaseEnd::Rejected, LeaseEnd::TakenOver] {
            let (generator, clock) = full(0, 1);
            clock.advance(1);
            generator.set_lease_end(reason);
            let failed = generator.next_id();
            assert_eq!(failed, Err(ClaimError::LeaseEnded { until: at(1), reason }));
        }
    }
}

#[test]
fn counters_are_exact_when_a_reservation_is_lost() {
    let (generator, _clock) = full(builder());
    {
        let _call = reserved(&generator);
        assert_eq!(generator.counters().ids_issued, IDS_PER_MS);
    }
    assert_eq!(generator.counters().ids_issued, IDS_PER_MS);
}

#[test]
fn a_call_that_fails_immediately_is_not_a_wait() {
    let (generator, _clock) = full(builder());
    assert!(generator.next_id_timeout(Duration::ZERO).is_err());
    assert_eq!(generator.counters().waits, 0);
}

/// The next millisecond begins between the claim and the pause.
#[test]
fn a_call_that_finds_free_slots_before_its_first_pause_is_not_a_wait() {
    /// Advances by a millisecond after some readings.
    struct Advancing {
        readings_left: Cell<u32>,
    }
    impl Clock for &Advancing {
        fn now(&self) -> UnixMillis {
            let left = self.readings_left.get();
            self.readings_left.set(left.saturating_sub(1));
            if left > 0 { at(TICK) } else { at(TICK + 1) }
        }
    }
    let clock = Advancing { readings_left: Cell::new(u32::MAX) };
    let generator = builder().build(&clock).unwrap();
    while generator.try_next_id().is_ok() {}
    // The claim reads the counter and then the time.
    clock.readings_left.set(2);
    let mut call = Wait::new(&generator, SlotCount::ONE, Duration::ZERO);
    assert!(matches!(call.step(Duration::ZERO), Ok(ControlFlow::Continue(Duration::ZERO))));
    assert!(matches!(call.step(Duration::ZERO), Ok(ControlFlow::Break(_))));
    drop(call);
    assert_eq!(generator.counters().waits, 0);
}

#[test]
fn a_wait_across_several_milliseconds_is_starvation_free() {
    let (generator, clock) = full(builder());
    clock.step_back(4);
    let mut call = wait(&generator);
    let mut elapsed = Duration::ZERO;
    let claim = loop {
        let pause = call.pause(AHEAD, elapsed).unwrap();
        elapsed += pause;
        clock.advance(pause.as_millis() as u64);
        // Another caller takes every slot as soon as it is free.
        exhaust(&generator);
        if let Ok(claim) = call.claim() {
            break claim;
        }
    };
    assert_eq!(first(claim), (TICK + 1, 0));
}
