//! A generator makes IDs inside its grants and nowhere else.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use snowflake::lease::Lease;
use snowflake::{ClaimError, Clock, Epoch, Generator, Id, LeaseEnd, ManualClock, NodeId};
use snowflake::{SystemClock, UnixMillis};

const EPOCH: Epoch = Epoch::Y2024;

fn at(tick: u64) -> UnixMillis {
    UnixMillis(EPOCH.start().0 + tick)
}

fn lease(from_tick: u64, until_tick: u64) -> Lease {
    Lease { node: NodeId::MIN, from: at(from_tick), until: at(until_tick), fence: 1 }
}

fn generator(max_ahead_ms: u64, first: Lease) -> (Generator<ManualClock>, ManualClock) {
    let clock = ManualClock::new(first.from);
    let builder = Generator::builder(NodeId::MIN, EPOCH).max_ahead_ms(max_ahead_ms);
    (builder.build_leased(&first, clock.clone()).unwrap(), clock)
}

fn tick(id: Id) -> u64 {
    id.parts().timestamp_ms
}

fn ended(until_tick: u64, why: LeaseEnd) -> Result<Id, ClaimError> {
    Err(ClaimError::LeaseEnded { until: at(until_tick), why })
}

#[test]
fn no_id_at_or_after_the_end() {
    let (generator, clock) = generator(0, lease(100, 103));
    for expected in 100..103 {
        assert_eq!(generator.try_next_id().map(tick), Ok(expected));
        clock.step_forward(1);
    }
    let refused = generator.try_next_id();
    assert_eq!(refused, ended(103, LeaseEnd::NotRenewed));
    assert!(refused.unwrap_err().to_string().starts_with("the grant of the node id ended at "));

    generator.grant(&lease(103, 110));
    assert_eq!(generator.try_next_id().map(tick), Ok(103));
}

#[test]
fn the_tighter_of_lead_and_grant_wins() {
    let (generator, clock) = generator(5, lease(100, 103));
    let made = std::iter::from_fn(|| generator.try_next_id().ok()).count();
    assert_eq!(made, 3 * 4096);
    // The clock has 3 ms to go to the end, by when the grant is renewed or has ended.
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 3 }));
    generator.grant(&lease(103, 200));
    let made = std::iter::from_fn(|| generator.try_next_id().ok()).count();
    assert_eq!(made, 3 * 4096);
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 1 }));
    clock.step_forward(1);
    assert_eq!(generator.try_next_id().map(tick), Ok(106));
}

#[test]
fn what_lies_between_two_grants_is_not_made() {
    let (generator, clock) = generator(0, lease(100, 103));
    assert_eq!(generator.try_next_id().map(tick), Ok(100));
    generator.grant(&lease(150, 160));
    // The rest of the first is given up.
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 50 }));
    clock.set(at(120));
    assert_eq!(generator.try_next_id(), Err(ClaimError::Ahead { wait_ms: 30 }));
    clock.set(at(155));
    assert_eq!(generator.try_next_id().map(tick), Ok(155));
    // Late news of an older grant change nothing.
    generator.grant(&lease(110, 158));
    assert_eq!(generator.try_next_id().map(tick), Ok(155));
    assert_eq!(generator.counters().ids_made, 3);
}

#[test]
fn a_sealed_generator_is_silent_and_says_where_it_stopped() {
    let (generator, clock) = generator(0, lease(100, 200));
    assert_eq!(generator.seal(), at(100), "nothing was made");

    let (generator, _) = self::generator(0, lease(100, 200));
    let last = generator.try_next_id().unwrap();
    assert_eq!(generator.seal(), at(tick(last) + 1));
    assert_eq!(generator.seal(), at(tick(last) + 1), "and says so again");
    clock.step_forward(5);
    generator.grant(&lease(200, 300));
    assert_eq!(generator.try_next_id(), ended(200, LeaseEnd::Released));
    assert_eq!(generator.counters().ids_made, 1);

    // To the last slot of the grant.
    let (generator, clock) = self::generator(0, lease(100, 101));
    while generator.try_next_id().is_ok() {}
    assert_eq!(generator.seal(), at(101));
    clock.step_forward(9);
    assert_eq!(generator.try_next_id(), ended(101, LeaseEnd::Released));
}

/// Four threads claim at full speed while one grants with gaps: every ID lies in a grant.
#[test]
fn threads_at_full_speed_stay_inside_the_grants() {
    let now = SystemClock.now().since(EPOCH).unwrap();
    // Five milliseconds on, five off.
    let grant = |nth: u64| lease(now + 10 * nth, now + 10 * nth + 5);
    let builder = Generator::builder(NodeId::MIN, EPOCH).max_ahead_ms(2);
    let generator = builder.build_leased(&grant(0), SystemClock).unwrap();
    let over = AtomicBool::new(false);
    let ids: Vec<Id> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|nth| {
                let (generator, over) = (&generator, &over);
                scope.spawn(move || {
                    let (mut ids, mut local) = (Vec::new(), generator.local());
                    while !over.load(Ordering::Relaxed) {
                        if nth % 2 == 0 {
                            ids.extend(generator.try_next_id());
                        } else {
                            ids.extend(local.try_next_id());
                        }
                    }
                    ids
                })
            })
            .collect();
        for nth in 1..100 {
            while SystemClock.now() < grant(nth - 1).until {
                thread::yield_now();
            }
            generator.grant(&grant(nth));
        }
        over.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.len() > 100_000, "{} IDs are too few to tell", ids.len());
    assert_eq!(HashSet::<&Id>::from_iter(&ids).len(), ids.len(), "an ID came twice");
    let outside = ids.iter().filter(|id| (tick(**id) - now) % 10 >= 5).count();
    assert_eq!(outside, 0, "IDs outside of every grant");
}
