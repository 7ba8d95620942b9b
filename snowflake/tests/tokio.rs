//! Tasks that await IDs.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{SetClock, assert_unique_and_increasing, builder};
use snowflake::{Id, SystemClock, WaitError};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_many_tasks_are_unique_and_increase_in_each() {
    let generator = Arc::new(builder().build(SystemClock).unwrap());
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let generator = Arc::clone(&generator);
            tokio::spawn(async move {
                let mut ids = Vec::new();
                for _ in 0..1000 {
                    ids.push(generator.next_id_tokio().await.unwrap());
                }
                ids
            })
        })
        .collect();
    let mut ids: Vec<Vec<Id>> = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap());
    }
    assert_unique_and_increasing(&ids);
}

/// A timer that is late is no fault: the wait is for an ID, not for a moment.
#[tokio::test]
async fn any_runtimes_sleep_will_do() {
    let generator = builder().build(SystemClock).unwrap();
    let mut last = None;
    for _ in 0..10_000 {
        let id = generator.next_id_with(tokio::time::sleep).await.unwrap();
        assert!(last < Some(id));
        last = Some(id);
    }
}

#[tokio::test]
async fn a_wait_that_is_cancelled_leaves_no_trace() {
    let clock = SetClock::new();
    let generator = builder().build(&clock).unwrap();
    generator.try_next_id().unwrap();
    clock.set_off(-2000);
    while generator.try_next_id().is_ok() {}
    let made = generator.counters().ids_made;
    for _ in 0..10 {
        let wait = tokio::time::timeout(Duration::from_millis(5), generator.next_id_tokio());
        assert!(wait.await.is_err(), "an ID in spite of the step");
    }
    clock.set_off(0);
    generator.next_id_tokio().await.unwrap();
    assert_eq!(generator.counters().ids_made, made + 1);
}

#[tokio::test]
async fn a_frozen_clock_is_given_up() {
    let clock = SetClock::new();
    let patience = Duration::from_millis(50);
    let generator = builder().frozen_after(patience).build(&clock).unwrap();
    clock.freeze();
    let begun = Instant::now();
    let error = loop {
        if let Err(error) = generator.next_id_tokio().await {
            break error;
        }
    };
    assert!(matches!(error, WaitError::Frozen { .. }), "{error:?}");
    assert!(begun.elapsed() >= patience);
}

/// The future may be spawned: it is `Send`.
#[test]
fn the_futures_are_send() {
    fn is_send<T: Send>(_: T) {}
    let generator = builder().build(SystemClock).unwrap();
    is_send(generator.next_id_tokio());
    is_send(generator.next_id_with(tokio::time::sleep));
}
