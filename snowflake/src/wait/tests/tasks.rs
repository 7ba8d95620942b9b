//! Waiting calls of async tasks.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_many_tasks_are_unique_and_increase_in_each() {
    let generator = Arc::new(builder().build(SystemClock).unwrap());
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let generator = Arc::clone(&generator);
            tokio::spawn(async move {
                let mut ids = Vec::new();
                for _ in 0..1000 {
                    ids.push(generator.next_id_async(tokio::time::sleep).await.unwrap());
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

#[tokio::test]
async fn a_cancelled_wait_loses_ids_of_the_next_millisecond_alone() {
    let clock = SetClock::new();
    let generator = builder().max_wait_ms(7_200_000).build(&clock).unwrap();
    generator.try_next_id().unwrap();
    clock.set_offset(-3_600_000);
    while generator.try_next_id().is_ok() {}
    let issued = generator.counters().ids_issued;
    for _ in 0..10 {
        let call = generator.next_id_async(tokio::time::sleep);
        assert!(tokio::time::timeout(5 * MS, call).await.is_err(), "an ID during the step");
    }
    assert_eq!(generator.counters().waits, 10);
    clock.set_offset(0);
    generator.next_id_async(tokio::time::sleep).await.unwrap();
    assert_eq!(generator.counters().ids_issued, issued + 1);
}

#[tokio::test]
async fn an_async_call_fails_on_a_frozen_clock() {
    let clock = SetClock::new();
    let generator = builder().frozen_clock_ms(50).build(&clock).unwrap();
    clock.freeze();
    let start = Instant::now();
    let error = loop {
        if let Err(error) = generator.next_id_async(tokio::time::sleep).await {
            break error;
        }
    };
    assert!(matches!(error, ClaimError::FrozenClock { .. }), "{error:?}");
    assert!(start.elapsed() >= 50 * MS);
}

#[tokio::test]
async fn an_async_call_notices_a_clock_that_is_frozen_at_the_end_of_a_millisecond() {
    let generator = builder().frozen_clock_ms(50).build(FrozenClock { left_us: 10 }).unwrap();
    while generator.try_next_id().is_ok() {}
    let mut sleeps = 0;
    let sleep = |_| {
        sleeps += 1;
        std::future::ready(())
    };
    let error = generator.next_id_async(sleep).await.unwrap_err();
    assert!(matches!(error, ClaimError::FrozenClock { .. }), "{error:?}");
    assert!(sleeps <= 51, "{sleeps}");
}

#[test]
fn the_future_is_send() {
    fn is_send<T: Send>(_: T) {}
    let generator = builder().build(SystemClock).unwrap();
    is_send(generator.next_id_async(tokio::time::sleep));
}
