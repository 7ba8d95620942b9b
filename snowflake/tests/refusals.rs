//! Calls that are refused leave no trace, and the end of time is the end.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod common;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use common::{NODE, OpenClock, THREADS, assert_unique_and_increasing, at, builder, together};
use snowflake::layout::{IDS_PER_MS, TIMESTAMP_MAX};
use snowflake::{ClaimError, Epoch, Generator, Id, NodeId, ReserveError, WaitError};

const TICK: u64 = 1_000_000;

/// Eight threads are refused a million times while the gate is shut, and once each at
/// worst while it was open: the next millisecond begins with at most that many gaps.
fn refuse_a_million(refuse: impl Fn(&Generator<&OpenClock>) + Sync) {
    let clock = OpenClock::new(at(TICK));
    let generator = builder().build(&clock).unwrap();
    let ids = together(|_| {
        let ids = std::iter::from_fn(|| generator.try_next_id().ok()).collect::<Vec<_>>();
        for _ in 0..1_000_000 / THREADS {
            refuse(&generator);
        }
        ids
    });
    assert_unique_and_increasing(&ids);
    // What they had taken ahead of each other is lost.
    let made = ids.concat().len() as u64;
    assert!((IDS_PER_MS / 2..=IDS_PER_MS).contains(&made), "{made} of a millisecond");

    clock.tick();
    let next = generator.try_next_id().unwrap().parts();
    assert_eq!(next.timestamp_ms, TICK + 1);
    assert!(usize::from(next.sequence) < THREADS, "{} slots are gone", next.sequence);
    assert_eq!(generator.counters().ids_made, made + 1);
}

#[test]
fn a_million_refused_calls_do_not_delay_the_next_id() {
    refuse_a_million(|generator| {
        assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 1 }));
    });
}

#[test]
fn nor_do_a_million_that_time_out() {
    refuse_a_million(|generator| {
        let timed_out = generator.next_id_timeout(Duration::ZERO);
        assert_eq!(timed_out, Err(WaitError::Ahead { wait_ms: 1 }));
    });
}

#[test]
fn nor_do_a_million_batches() {
    refuse_a_million(|generator| {
        let refused = generator.try_reserve(16).map(|_| ());
        assert_eq!(refused, Err(ReserveError::Ahead { wait_ms: 1 }));
    });
}

#[test]
fn nor_do_a_million_futures_dropped_while_they_wait() {
    refuse_a_million(|generator| {
        let mut future = pin!(generator.next_id_with(|_| std::future::pending::<()>()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
    });
}

/// A batch that does not fit leaves what is left to others.
#[test]
fn a_batch_that_does_not_fit_takes_nothing() {
    let clock = OpenClock::new(at(TICK));
    let generator = builder().build(&clock).unwrap();
    assert_eq!(generator.try_reserve(4090).unwrap().len(), 4090);
    assert!(generator.try_reserve(7).is_err());
    assert_eq!(generator.try_reserve(6).unwrap().last().unwrap().parts().sequence, 4095);
    assert!(generator.try_next_id().is_err());
}

/// Whoever takes the last slot shuts the gate: on one thread there is no trace at all.
#[test]
fn the_last_slot_shuts_the_gate() {
    for sizes in [&[4096][..], &[1, 4095], &[4095, 1]] {
        let clock = OpenClock::new(at(TICK));
        let generator = builder().build(&clock).unwrap();
        for &size in sizes {
            assert_eq!(generator.try_reserve(size).unwrap().len(), size as usize);
        }
        assert!(generator.try_next_id().is_err());
        clock.tick();
        assert_eq!(generator.try_next_id().unwrap().parts().sequence, 0, "{sizes:?}");
    }
}

/// Eight threads rush at the last slots of the layout: each of them is given out once,
/// and nobody is shown another node's ID.
#[test]
fn eight_threads_at_the_end_of_the_layout_and_of_node_ids_see_its_end() {
    for _ in 0..200 {
        let clock = OpenClock::new(at(TIMESTAMP_MAX));
        let generator = Generator::builder(NodeId::MAX, Epoch::Y2024).build(&clock).unwrap();
        let ids = together(|_| {
            let ids = std::iter::from_fn(|| generator.try_next_id().ok()).collect::<Vec<_>>();
            assert_eq!(generator.try_next_id(), Err(ClaimError::Expired));
            ids
        });
        assert_eq!(ids.concat().iter().max(), Some(&Id::MAX));
        assert!(ids.concat().iter().all(|id| id.parts().node == 1023));
    }
}

#[test]
fn eight_threads_at_the_end_of_the_layout_see_its_end() {
    for _ in 0..200 {
        let clock = OpenClock::new(at(TIMESTAMP_MAX));
        let generator = builder().build(&clock).unwrap();
        // Opens the gate, with a hundred slots to go.
        assert_eq!(generator.try_reserve(3996).unwrap().len(), 3996);
        let ids = together(|thread| {
            let mut handle = generator.local_with_block(10.try_into().unwrap());
            let mut ids = Vec::new();
            let mut refused = 0;
            while refused < 100 {
                let id = match thread % 2 {
                    0 => generator.try_next_id(),
                    _ => handle.try_next_id(),
                };
                match id {
                    Ok(id) => ids.push(id),
                    Err(ClaimError::Expired) => refused += 1,
                    Err(other) => panic!("{other:?}"),
                }
            }
            ids
        });
        assert_unique_and_increasing(&ids);
        let ids = ids.concat();
        assert!((50..=100).contains(&ids.len()), "{} of the last hundred", ids.len());
        assert!(ids.iter().all(|id| id.parts().timestamp_ms == TIMESTAMP_MAX));

        clock.tick();
        assert_eq!(generator.try_next_id(), Err(ClaimError::Expired));
        assert_eq!(generator.node().get(), NODE);
    }
}

/// Whoever reads it in a log has not seen the call.
#[test]
fn a_wait_that_was_given_up_says_by_which_setting() {
    let clock = OpenClock::new(at(TICK));
    let generator = builder().build(&clock).unwrap();
    while generator.try_next_id().is_ok() {}
    let timed_out = generator.next_id_timeout(Duration::ZERO).unwrap_err().to_string();
    for said in ["1 ms out of reach, longer than this call may wait", "timeout", "`max_wait`"] {
        assert!(timed_out.contains(said), "{timed_out}");
    }
    let frozen = builder().frozen_after(Duration::ZERO).build(&clock).unwrap();
    while frozen.try_next_id().is_ok() {}
    let frozen = frozen.next_id().unwrap_err().to_string();
    for said in ["the clock stands still, 1 ms short", "try again", "`frozen_after`"] {
        assert!(frozen.contains(said), "{frozen}");
    }
}

#[test]
fn a_batch_of_none_is_had_where_no_id_is() {
    let clock = OpenClock::new(at(TICK));
    let generator = builder().build(&clock).unwrap();
    while generator.try_next_id().is_ok() {}
    assert_eq!(generator.try_reserve(0).map(Iterator::count), Ok(0));
    assert_eq!(generator.reserve(0).map(Iterator::count), Ok(0));
}
