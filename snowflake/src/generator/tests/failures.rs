//! Calls that fail consume no ID, and the end of time is an error.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use super::{NODE, THREADS, assert_unique_and_increasing, at, builder, together};
use crate::layout::{IDS_PER_MS, TIMESTAMP_MAX};
use crate::{ClaimError, Epoch, Generator, Id, ManualClock, NodeId, Parts};

const TICK: u64 = 1_000_000;

/// Fails a million calls on eight threads: each thread fails once at most while the gate is
/// open. So the next millisecond begins with at most one gap per thread.
fn fail_a_million(fail: impl Fn(&Generator<&ManualClock>) + Sync) {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(&clock).unwrap();
    let ids = together(|_| {
        let ids = std::iter::from_fn(|| generator.try_next_id().ok()).collect::<Vec<_>>();
        for _ in 0..1_000_000 / THREADS {
            fail(&generator);
        }
        ids
    });
    assert_unique_and_increasing(&ids);
    assert_eq!(ids.concat().len() as u64, IDS_PER_MS);

    clock.advance(1);
    let next = generator.try_next_id().unwrap().parts();
    assert_eq!(next.timestamp_ms, TICK + 1);
    assert!(usize::from(next.sequence) <= THREADS, "{} slots are lost", next.sequence);
    assert_eq!(generator.counters().ids_issued, IDS_PER_MS + 1);
}

#[test]
fn a_million_failed_calls_do_not_delay_the_next_id() {
    fail_a_million(|generator| {
        assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 1 }));
    });
}

#[test]
fn a_million_timeouts_do_not_delay_the_next_id() {
    fail_a_million(|generator| {
        let timed_out = generator.next_id_timeout(Duration::ZERO);
        assert_eq!(timed_out, Err(ClaimError::WaitTooLong { wait_ms: 1, limit_ms: 0 }));
    });
}

#[test]
fn a_million_failed_batches_do_not_delay_the_next_id() {
    fail_a_million(|generator| {
        let failed = generator.try_reserve(16).map(|_| ());
        assert_eq!(failed, Err(ClaimError::Ahead { wait_ms: 1 }));
    });
}

#[test]
fn futures_that_are_dropped_while_they_wait_lose_ids_of_the_next_millisecond_alone() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(&clock).unwrap();
    while generator.try_next_id().is_ok() {}
    for _ in 0..2 * IDS_PER_MS {
        let mut future = pin!(generator.next_id_async(|_| std::future::pending::<()>()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
    }
    clock.advance(2);
    let next = generator.try_next_id().unwrap().parts();
    assert_eq!(next, Parts { timestamp_ms: TICK + 2, node: NODE, sequence: 0 });
    assert_eq!(generator.counters().ids_issued, IDS_PER_MS + 1);
}

#[test]
fn a_batch_that_does_not_fit_takes_nothing() {
    let generator = builder().build(ManualClock::new(at(TICK))).unwrap();
    assert_eq!(generator.try_reserve(4090).unwrap().len(), 4090);
    assert!(generator.try_reserve(7).is_err());
    assert_eq!(generator.try_reserve(6).unwrap().last().unwrap().parts().sequence, 4095);
    assert!(generator.try_next_id().is_err());
}

#[test]
fn one_thread_loses_no_slot_at_the_end_of_a_millisecond() {
    for sizes in [&[4096][..], &[1, 4095], &[4095, 1]] {
        let clock = ManualClock::new(at(TICK));
        let generator = builder().build(&clock).unwrap();
        for &size in sizes {
            assert_eq!(generator.try_reserve(size).unwrap().len(), size as usize);
        }
        assert!(generator.try_next_id().is_err());
        clock.advance(1);
        assert_eq!(generator.try_next_id().unwrap().parts().sequence, 0, "{sizes:?}");
    }
}

#[test]
fn eight_threads_at_the_end_of_time_never_get_an_id_of_another_node() {
    for _ in 0..200 {
        let clock = ManualClock::new(at(TIMESTAMP_MAX));
        let generator = Generator::builder(NodeId::MAX, Epoch::Y2024).build(&clock).unwrap();
        let ids = together(|_| {
            let ids = std::iter::from_fn(|| generator.try_next_id().ok()).collect::<Vec<_>>();
            assert_eq!(generator.try_next_id(), Err(ClaimError::Expired));
            ids
        });
        assert_eq!(ids.concat().len() as u64, IDS_PER_MS);
        assert_eq!(ids.concat().iter().max(), Some(&Id::MAX));
        assert!(ids.concat().iter().all(|id| id.parts().node == 1023));
    }
}

#[test]
fn eight_threads_share_the_last_hundred_slots_of_time() {
    for _ in 0..200 {
        let clock = ManualClock::new(at(TIMESTAMP_MAX));
        let generator = builder().build(&clock).unwrap();
        // This claim opens the gate.
        assert_eq!(generator.try_reserve(3996).unwrap().len(), 3996);
        let ids = together(|thread| {
            let mut handle = generator.block_of(10.try_into().unwrap());
            let mut ids = Vec::new();
            let mut failures = 0;
            while failures < 100 {
                let id = match thread % 2 {
                    0 => generator.try_next_id(),
                    _ => handle.try_next_id(),
                };
                match id {
                    Ok(id) => ids.push(id),
                    Err(ClaimError::Expired) => failures += 1,
                    Err(other) => panic!("{other:?}"),
                }
            }
            ids
        });
        assert_unique_and_increasing(&ids);
        assert_eq!(ids.concat().len(), 100);
        assert!(ids.concat().iter().all(|id| id.parts().timestamp_ms == TIMESTAMP_MAX));

        clock.advance(1);
        assert_eq!(generator.try_next_id(), Err(ClaimError::Expired));
    }
}

#[test]
fn the_error_of_a_wait_names_the_setting_that_ended_it() {
    let clock = ManualClock::new(at(TICK));
    let generator = builder().build(&clock).unwrap();
    while generator.try_next_id().is_ok() {}
    let timed_out = generator.next_id_timeout(Duration::ZERO).unwrap_err().to_string();
    assert_eq!(
        timed_out,
        "no ID available: the next free millisecond is 1 ms too far ahead of the clock (limit \
         0 ms); retry after that time, or raise the timeout or `max_wait_ms`"
    );
    let frozen = builder().frozen_clock_ms(0).build(&clock).unwrap();
    while frozen.try_next_id().is_ok() {}
    assert_eq!(
        frozen.next_id().unwrap_err().to_string(),
        "no ID available: the clock stands still, 1 ms before the next free millisecond; retry \
         when it advances, or raise `frozen_clock_ms` if it advances in large steps"
    );
}

#[test]
fn an_empty_batch_needs_no_free_id() {
    let generator = builder().build(ManualClock::new(at(TICK))).unwrap();
    while generator.try_next_id().is_ok() {}
    assert_eq!(generator.try_reserve(0).map(Iterator::count), Ok(0));
    assert_eq!(generator.reserve(0).map(Iterator::count), Ok(0));
}
