//! A generator issues IDs inside its grants and nowhere else.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{at, builder};
use crate::layout::IDS_PER_MS;
use crate::{
    ClaimError, Clock, Epoch, Generator, Id, LeaseEnd, ManualClock, NodeId, SystemClock, UnixMillis,
};

fn generator(max_ahead_ms: u64, from: u64, until: u64) -> (Generator<ManualClock>, ManualClock) {
    let clock = ManualClock::new(at(from));
    let builder = Generator::builder(NodeId::MIN, Epoch::Y2024).max_ahead_ms(max_ahead_ms);
    (builder.build_leased(at(from), at(until), clock.clone()).unwrap(), clock)
}

fn tick(id: Id) -> u64 {
    id.parts().timestamp_ms
}

fn exhaust(generator: &Generator<ManualClock>) -> u64 {
    std::iter::from_fn(|| generator.try_next_id().ok()).count() as u64
}

fn ended(until_tick: u64, reason: LeaseEnd) -> Result<Id, ClaimError> {
    Err(ClaimError::LeaseEnded { until: at(until_tick), reason })
}

#[test]
fn no_id_is_at_or_after_the_end() {
    let (generator, clock) = generator(0, 100, 103);
    for expected in 100..103 {
        assert_eq!(generator.try_next_id().map(tick), Ok(expected));
        clock.step_forward(1);
    }
    assert_eq!(generator.try_next_id(), ended(103, LeaseEnd::NotRenewed));
    generator.extend(at(103), at(110));
    assert_eq!(generator.try_next_id().map(tick), Ok(103));
}

#[test]
fn the_earlier_of_max_ahead_ms_and_the_end_applies() {
    let (generator, clock) = generator(5, 100, 103);
    assert_eq!(exhaust(&generator), 3 * IDS_PER_MS);
    // The clock is 3 ms before the end, and the grant may be renewed by then.
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 3 }));
    generator.extend(at(103), at(200));
    assert_eq!(exhaust(&generator), 3 * IDS_PER_MS);
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 1 }));
    clock.step_forward(1);
    assert_eq!(generator.try_next_id().map(tick), Ok(106));
}

#[test]
fn a_used_up_grant_is_waited_for_as_long_as_a_renewal() {
    let (generator, _clock) = generator(200, 100, 300);
    exhaust(&generator);
    // The clock is 200 ms before the end, and the keeper renews earlier.
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 100 }));
    generator.extend(at(300), at(400));
    assert_eq!(generator.try_next_id().map(tick), Ok(300));
}

/// A process starts after a crash, while its clock is 30 s slow. The clock is corrected later.
#[test]
fn a_corrected_clock_does_not_let_timestamps_advance() {
    let clock = ManualClock::with_monotonic(at(1000));
    let generator = builder().build_leased(at(31_000), at(90_000), clock.clone()).unwrap();
    assert_eq!(generator.try_next_id().map(tick), Ok(31_000));
    clock.step_forward(30_000);
    assert_eq!(generator.try_next_id().map(tick), Ok(31_000));
    clock.advance(1000);
    let latest = std::iter::from_fn(|| generator.try_next_id().ok()).map(tick).max();
    assert_eq!(latest, Some(32_000), "the time of the clock");
    assert_eq!(generator.counters().forward_steps, 1);
}

#[test]
fn no_id_is_in_a_gap_between_grants() {
    let (generator, clock) = generator(0, 100, 103);
    assert_eq!(generator.try_next_id().map(tick), Ok(100));
    generator.extend(at(150), at(160));
    // The rest of the first grant is given up.
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 50 }));
    clock.set(at(120));
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 30 }));
    clock.set(at(155));
    assert_eq!(generator.try_next_id().map(tick), Ok(155));
    // An older grant that arrives late changes nothing.
    generator.extend(at(110), at(158));
    assert_eq!(generator.try_next_id().map(tick), Ok(155));
    assert_eq!(generator.counters().ids_issued, 3);
}

#[test]
fn a_sealed_generator_issues_nothing_and_reports_where_it_stopped() {
    let (unused, _) = generator(0, 100, 200);
    assert_eq!(unused.seal(), at(100));

    let (used, clock) = generator(0, 100, 200);
    let last = used.try_next_id().unwrap();
    assert_eq!(used.seal(), at(tick(last) + 1));
    assert_eq!(used.seal(), at(tick(last) + 1), "a second seal");
    clock.step_forward(5);
    used.extend(at(200), at(300));
    assert_eq!(used.try_next_id(), ended(200, LeaseEnd::Released));
    assert_eq!(used.counters().ids_issued, 1);

    let (exhausted, clock) = generator(0, 100, 101);
    exhaust(&exhausted);
    assert_eq!(exhausted.seal(), at(101));
    clock.step_forward(9);
    assert_eq!(exhausted.try_next_id(), ended(101, LeaseEnd::Released));
}

/// A keeper may store a grant or a reason while another thread seals.
#[test]
fn whatever_is_stored_after_a_seal_the_lease_is_released() {
    for _ in 0..2000 {
        let (generator, _clock) = generator(0, 100, 200);
        thread::scope(|scope| {
            scope.spawn(|| {
                generator.extend(at(200), at(300));
                generator.set_lease_end(LeaseEnd::StoreFailed);
                generator.extend(at(300), at(400));
            });
            generator.seal();
        });
        let error = generator.try_next_id().unwrap_err();
        let is_released =
            matches!(error, ClaimError::LeaseEnded { reason: LeaseEnd::Released, .. });
        assert!(is_released, "{error:?}");
    }
}

#[test]
fn a_grant_that_ends_at_or_before_the_epoch_has_ended() {
    for node in [NodeId::MIN, NodeId::MAX] {
        for until in [0, at(0).0 - 1, at(0).0].map(UnixMillis) {
            let builder = Generator::builder(node, Epoch::Y2024);
            let clock = ManualClock::new(at(100));
            let generator = builder.build_leased(UnixMillis(0), until, clock).unwrap();
            assert_eq!(generator.try_next_id(), ended(0, LeaseEnd::NotRenewed));
            assert_eq!(generator.seal(), at(0));
        }
    }
}

#[test]
fn a_generator_that_starts_ahead_of_the_clock_runs_at_half_its_pace_until_it_catches_up() {
    let clock = ManualClock::new(at(1000));
    let builder = Generator::builder(NodeId::MIN, Epoch::Y2024);
    let generator = builder.build_leased(at(1300), at(9000), clock.clone()).unwrap();
    let mut last = 0;
    for now in 1000..2000 {
        while let Ok(id) = generator.try_next_id() {
            last = tick(id);
        }
        let expected = now.max(1300 + (now - 1000) / 2);
        assert_eq!(last, expected, "at {now}");
        clock.advance(1);
    }
}

#[test]
fn an_error_of_a_generator_that_catches_up_reports_the_exact_wait() {
    let clock = ManualClock::new(at(1000));
    let builder = Generator::builder(NodeId::MIN, Epoch::Y2024);
    let generator = builder.build_leased(at(1300), at(9000), clock.clone()).unwrap();
    exhaust(&generator);
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 2 }));
    clock.advance(2);
    assert_eq!(generator.try_next_id().map(tick), Ok(1301));
}

#[test]
fn a_keeper_confirms_a_forward_step_if_no_call_does() {
    let clock = ManualClock::with_monotonic(at(1000));
    let builder = Generator::builder(NodeId::MIN, Epoch::Y2024);
    let generator = builder.build_leased(at(1000), at(4000), clock.clone()).unwrap();
    generator.try_next_id().unwrap();
    clock.step_forward(3_600_000);
    assert_eq!(generator.times().0, at(1000));
    clock.advance(1000);
    assert_eq!(generator.times().0, at(3_602_000));
}

/// Four threads claim at full speed while one extends the grant with gaps.
#[test]
fn threads_at_full_speed_stay_inside_the_grants() {
    let now = SystemClock.now().since(Epoch::Y2024).unwrap();
    // Five milliseconds are granted and the next five are not.
    let grant = |nth: u64| (at(now + 10 * nth), at(now + 10 * nth + 5));
    let builder = Generator::builder(NodeId::MIN, Epoch::Y2024).max_ahead_ms(2);
    let generator = builder.build_leased(grant(0).0, grant(0).1, SystemClock).unwrap();
    let is_over = AtomicBool::new(false);
    let ids: Vec<Id> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|nth| {
                let (generator, is_over) = (&generator, &is_over);
                scope.spawn(move || {
                    let (mut ids, mut handle) = (Vec::new(), generator.block());
                    while !is_over.load(Ordering::Relaxed) {
                        match nth % 2 {
                            0 => ids.extend(generator.try_next_id()),
                            _ => ids.extend(handle.try_next_id()),
                        }
                    }
                    ids
                })
            })
            .collect();
        for nth in 1..100 {
            while SystemClock.now() < grant(nth - 1).1 {
                thread::yield_now();
            }
            generator.extend(grant(nth).0, grant(nth).1);
        }
        is_over.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.len() > 10_000, "{} IDs are too few for this test", ids.len());
    assert_eq!(HashSet::<&Id>::from_iter(&ids).len(), ids.len(), "a duplicate ID");
    let outside = ids.iter().filter(|id| (tick(**id) - now) % 10 >= 5).count();
    assert_eq!(outside, 0, "IDs outside of every grant");
}

#[test]
fn the_settings_of_one_node_build_a_generator_of_another() {
    let other = NodeId::new(5).unwrap();
    let settings = Generator::builder(NodeId::MIN, Epoch::Y2024).max_wait_ms(7);
    let generator = settings.for_node(other).build(ManualClock::new(at(100))).unwrap();
    assert_eq!(generator.try_next_id().map(|id| id.parts().node), Ok(5));
    assert_eq!(generator.settings.max_wait_ms, 7);
}
