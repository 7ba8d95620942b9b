//! Slots that a thread takes ahead: nothing of it shows but the time it saves.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod common;

use std::iter;
use std::sync::mpsc;
use std::thread;

use common::{OpenClock, at, builder};
use snowflake::layout::IDS_PER_MS;
use snowflake::{Generator, Id};

const TICK: u64 = 1_000_000;

/// After so many IDs in a row a thread has a run, with some of it left.
const TO_A_RUN: usize = 28;

fn ids(generator: &Generator<&OpenClock>, count: usize) -> Vec<Id> {
    Vec::from_iter(iter::repeat_with(|| generator.try_next_id().unwrap()).take(count))
}

fn sequences(ids: &[Id]) -> Vec<u64> {
    Vec::from_iter(ids.iter().map(|id| u64::from(id.parts().sequence)))
}

#[test]
fn a_thread_alone_loses_no_id_however_it_asks() {
    let clock = OpenClock::new(at(TICK));
    let generator = builder().build(&clock).unwrap();
    let mut made = Vec::new();
    while made.len() + 100 < IDS_PER_MS as usize {
        made.extend(ids(&generator, TO_A_RUN + made.len() % 7));
        assert_eq!(generator.counters().ids_made, made.len() as u64);
        made.extend(generator.try_reserve(made.len() as u32 % 5).unwrap());
        assert_eq!(generator.counters().ids_made, made.len() as u64);
    }
    made.extend(iter::from_fn(|| generator.try_next_id().ok()));
    assert_eq!(sequences(&made), Vec::from_iter(0..IDS_PER_MS));
    assert_eq!(generator.counters().ids_made, IDS_PER_MS);

    clock.tick();
    let next = generator.try_next_id().unwrap().parts();
    assert_eq!((next.timestamp_ms, next.sequence), (TICK + 1, 0));
}

/// A thread asks, another asks, and so on, each when it has heard of the last ID.
#[test]
fn an_id_that_was_heard_of_is_smaller_than_the_next_one() {
    let clock = OpenClock::new(at(TICK));
    let generator = &builder().build(&clock).unwrap();
    let mut lost = false;
    thread::scope(|scope| {
        let (ask, asked) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        scope.spawn(move || {
            for count in asked {
                tell.send(ids(generator, count)).unwrap();
            }
        });
        let mut last = None;
        for round in 0..20 {
            let here = ids(generator, TO_A_RUN + round);
            ask.send(TO_A_RUN).unwrap();
            let there = told.recv().unwrap();
            for ids in [here, there] {
                assert!(ids.is_sorted_by(|a, b| a < b));
                assert!(last < ids.first().copied(), "{last:?}, then {ids:?}");
                let first = ids[0].parts().sequence;
                lost |= last.is_some_and(|last: Id| last.parts().sequence + 1 < first);
                last = ids.last().copied();
            }
        }
    });
    assert!(lost, "no thread had anything ahead");
}

/// A thread makes IDs in two milliseconds, and then another one asks.
#[test]
fn no_more_ids_are_lost_than_were_made() {
    let mut most_lost = 0;
    for count in 1..600 {
        let clock = OpenClock::new(at(TICK));
        let generator = &builder().build(&clock).unwrap();
        let before = count % TO_A_RUN;
        thread::scope(|scope| {
            scope.spawn(|| {
                ids(generator, before);
                clock.tick();
                ids(generator, count);
            });
        });
        let next = generator.try_next_id().unwrap().parts().sequence;
        let lost = usize::from(next) - count;
        assert!(lost <= before + count, "{lost} were lost, {before} and {count} made");
        most_lost = most_lost.max(lost);
        assert_eq!(generator.counters().ids_made, (before + count + 1) as u64);
    }
    assert!(most_lost > 200, "no thread had more than {most_lost} ahead");
}

/// A thread makes a few IDs in each millisecond, and in some of them another one asks.
#[test]
fn in_the_long_run_few_ids_are_lost() {
    for (each, others) in [(10, 8), (25, 3), (200, 1)] {
        let clock = OpenClock::new(at(TICK));
        let generator = &builder().build(&clock).unwrap();
        let (mut made, mut lost) = (0, 0);
        for tick in 0..600 {
            made += ids(generator, each).len();
            if tick % others == 0 {
                let other =
                    thread::scope(|scope| scope.spawn(|| ids(generator, 1)).join().unwrap());
                lost += usize::from(other[0].parts().sequence) - each;
                made += 1;
            }
            clock.tick();
        }
        assert!(lost <= made / 10, "{lost} were lost, {made} made");
        assert_eq!(generator.counters().ids_made, made as u64);
    }
}

/// Threads come and go, and what each had ahead is lost: not for long.
#[test]
fn threads_that_end_lose_a_few_runs_at_most() {
    let clock = OpenClock::new(at(TICK));
    let generator = &builder().build(&clock).unwrap();
    for _ in 0..50 {
        thread::scope(|scope| {
            scope.spawn(|| ids(generator, TO_A_RUN));
        });
    }
    let made = 50 * TO_A_RUN;
    let next = usize::from(generator.try_next_id().unwrap().parts().sequence);
    assert!((made + 1..made + 100).contains(&next), "{next} for {made}");
    assert_eq!(generator.counters().ids_made, made as u64 + 1);

    // What they held is others' after two seconds.
    for _ in 0..2001 {
        clock.tick();
    }
    thread::scope(|scope| {
        scope.spawn(|| ids(generator, TO_A_RUN));
    });
    let next = usize::from(generator.try_next_id().unwrap().parts().sequence);
    assert!(next > TO_A_RUN, "the thread had nothing ahead");
    assert_eq!(generator.counters().ids_made, (made + 1 + TO_A_RUN + 1) as u64);
}

/// The second generator stands where the first one's run ends, and that of which millisecond
/// it is tells no difference between them.
#[test]
fn a_run_is_no_other_generators() {
    for resumed in TO_A_RUN..300 {
        let clock = OpenClock::new(at(TICK));
        let first = builder().build(&clock).unwrap();
        let last = ids(&first, TO_A_RUN).pop().unwrap();
        let id = Id::from_parts(snowflake::Parts { sequence: resumed as u16, ..last.parts() });
        let second = builder().resume_after(id.unwrap()).build(&clock).unwrap();
        // The first call opens its gate.
        let made = ids(&second, 2);
        assert_eq!(sequences(&made), [resumed as u64 + 1, resumed as u64 + 2]);
    }
}

#[test]
fn a_thread_that_asks_several_generators_in_turn_loses_no_id() {
    let clock = OpenClock::new(at(TICK));
    let generators = [(); 5].map(|()| builder().build(&clock).unwrap());
    let mut made = generators.each_ref().map(|_| Vec::new());
    for count in (1..40).cycle().take(200) {
        for (generator, made) in generators.iter().zip(&mut made) {
            made.extend(ids(generator, count % 3 + count / 20 * 10));
        }
    }
    for (generator, made) in generators.iter().zip(&made) {
        assert_eq!(sequences(made), Vec::from_iter(0..made.len() as u64));
        assert_eq!(generator.counters().ids_made, made.len() as u64);
    }
}

#[test]
fn a_thread_with_more_generators_than_it_remembers_makes_every_id_once() {
    let clock = OpenClock::new(at(TICK));
    let generators = Vec::from_iter((0..9).map(|_| builder().build(&clock).unwrap()));
    let mut made = vec![Vec::new(); generators.len()];
    for count in (1..40).cycle().take(80) {
        for (generator, made) in generators.iter().zip(&mut made) {
            made.extend(ids(generator, count));
        }
    }
    for (generator, made) in generators.iter().zip(&made) {
        assert!(made.is_sorted_by(|a, b| a < b));
        assert_eq!(generator.counters().ids_made, made.len() as u64);
    }
}

#[cfg(feature = "lease")]
#[test]
fn a_run_ends_with_its_grant() {
    use snowflake::lease::Lease;
    let lease = |from, until| Lease {
        node: builder().build_static(&OpenClock::new(at(0))).node(),
        from: at(from),
        until: at(until),
        fence: 1,
    };
    let clock = OpenClock::new(at(TICK));
    let generator = builder().build_leased(&lease(TICK, TICK + 1), &clock).unwrap();
    ids(&generator, TO_A_RUN);
    generator.grant(&lease(TICK + 2, TICK + 3));
    assert!(generator.try_next_id().is_err(), "an ID of a grant that was given up");
    clock.tick();
    clock.tick();
    assert_eq!(ids(&generator, TO_A_RUN)[0].parts().timestamp_ms, TICK + 2);
    generator.seal();
    assert!(generator.try_next_id().is_err(), "an ID of a generator that was sealed");
}
