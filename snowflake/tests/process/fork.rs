//! A forked child never repeats its parent's IDs.

use std::collections::HashSet;
use std::env;
use std::hint;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::in_child::in_child;
use snowflake::{
    Block, ClaimError, Clock, Epoch, Generator, ManualClock, NodeId, SystemClock, UnixMillis,
};

const EPOCH: Epoch = Epoch::Y2024;
const IDS: usize = 4000;

const NODE: NodeId = NodeId::MIN;

/// A generator whose process forks before its first claim.
static UNUSED: Generator = Generator::builder(NODE, EPOCH).build_static(SystemClock);

const NOW: UnixMillis = UnixMillis(EPOCH.start().0 + 5);

#[test]
fn parent_and_child_issue_different_ids() {
    let generator = Generator::builder(NODE, EPOCH).max_ahead_ms(2).build(SystemClock).unwrap();
    let mut block = generator.block();
    let mut batch = generator.reserve(100).unwrap();
    // The gate is open, and the block and the batch are in use.
    let mut ids: Vec<u64> = Vec::new();
    ids.extend([block.next_id(), generator.next_id()].map(|id| id.unwrap().get()));
    ids.extend(batch.next().map(|id| id.get()));

    let issued_there = in_child(|report| {
        let failures = [
            generator.try_next_id() == Err(ClaimError::Forked),
            generator.next_id() == Err(ClaimError::Forked),
            block.try_next_id() == Err(ClaimError::Forked),
            block.next_id() == Err(ClaimError::Forked),
            generator.try_reserve(16).err() == Some(ClaimError::Forked),
            batch.next().is_none() && batch.len() == 0,
            UNUSED.try_next_id() == Err(ClaimError::Forked),
        ];
        report(failures.iter().filter(|failed| **failed).count() as u64);
        // With another node ID the child can issue IDs.
        let own = NodeId::new(1)
            .map(|node| Generator::builder(node, EPOCH).max_ahead_ms(2).build(SystemClock));
        if let Ok(Ok(own)) = own {
            let mut block = own.block();
            for _ in 0..IDS / 2 {
                for id in [own.next_id(), block.next_id()].into_iter().flatten() {
                    report(id.get());
                }
            }
        }
    });
    assert_eq!(issued_there[0], 7, "the number of calls that failed in the child");
    assert_eq!(issued_there.len(), 1 + IDS);

    ids.extend(batch.map(|id| id.get()));
    while ids.len() < IDS {
        ids.extend([block.next_id(), generator.next_id()].map(|id| id.unwrap().get()));
    }
    assert_eq!(UNUSED.next_id().unwrap().parts().node, 0);
    let distinct: HashSet<u64> = ids.iter().chain(&issued_there[1..]).copied().collect();
    assert_eq!(distinct.len(), ids.len() + IDS, "a duplicate ID");
}

#[test]
fn a_grandchild_never_repeats_the_ids_of_a_child() {
    let reported = in_child(|report| {
        let Ok(own) = Generator::builder(NODE, EPOCH).build(SystemClock) else { return };
        report(u64::from(own.next_id().is_ok()));
        let grandchild = in_child(|report| {
            report(u64::from(own.try_next_id() == Err(ClaimError::Forked)));
        });
        report(grandchild[0]);
        report(u64::from(own.next_id().is_ok()));
    });
    assert_eq!(reported, [1, 1, 1]);
}

/// Returns how many kinds of calls fail with `Forked`.
fn forked_calls<C: Clock>(generator: &Generator<C>, block: &mut Block<'_, C>) -> u64 {
    let failures = [
        generator.try_next_id() == Err(ClaimError::Forked),
        block.try_next_id() == Err(ClaimError::Forked),
        generator.try_reserve(2).err() == Some(ClaimError::Forked),
    ];
    failures.iter().filter(|failed| **failed).count() as u64
}

/// The clock stands still, so the parent's gate would be open in every child.
#[test]
fn an_open_gate_is_closed_in_every_child() {
    let generator = Generator::builder(NODE, EPOCH).build(ManualClock::new(NOW)).unwrap();
    let mut block = generator.block();
    block.try_next_id().unwrap();
    generator.try_next_id().unwrap();
    let reported = in_child(|report| {
        report(forked_calls(&generator, &mut block));
        let Ok(own) = Generator::builder(NODE, EPOCH).build(ManualClock::new(NOW)) else { return };
        let mut own_block = own.block();
        report(u64::from(own_block.try_next_id().is_ok() && own.try_next_id().is_ok()));
        let grandchild = in_child(|report| {
            report(forked_calls(&generator, &mut block));
            report(forked_calls(&own, &mut own_block));
        });
        grandchild.into_iter().for_each(&mut *report);
    });
    assert_eq!(reported, [3, 1, 3, 3]);
    block.try_next_id().unwrap();
}

/// A child detects its parent's gate by the distance of a deadline from the counter. The counter of
/// this clock is the clock itself, which can step by any distance.
#[test]
fn no_step_of_the_clock_opens_the_gate_in_a_child() {
    let clock = ManualClock::new(NOW);
    let generator =
        Generator::builder(NODE, Epoch::new(UnixMillis(0))).build(clock.clone()).unwrap();
    let mut block = generator.block();
    block.try_next_id().unwrap();
    generator.try_next_id().unwrap();
    let reported = in_child(|report| {
        for bit in 0..=40 {
            clock.set(UnixMillis(NOW.0 - (1 << bit)));
            report(forked_calls(&generator, &mut block));
        }
    });
    assert_eq!(reported, [3; 41]);
}

/// Calibration runs once in a process, in a one-time cell. A child that is forked during the
/// calibration would wait forever for the cell.
#[test]
fn a_fork_during_the_first_calibration_leaves_the_child_working() {
    // Each attempt is a new process, because the counter of this process may be calibrated already.
    // The forks come at different times after the start of the calibration.
    let program = env::current_exe().unwrap();
    for delay_us in (0..6000).step_by(150) {
        let attempt = Command::new(&program)
            .args(["--exact", "fork::calibrate_and_fork", "--ignored", "--nocapture"])
            .env(DELAY_US, delay_us.to_string())
            .output()
            .unwrap();
        assert!(attempt.status.success(), "{}", String::from_utf8_lossy(&attempt.stderr));
    }
}

const DELAY_US: &str = "TEST_FORK_DELAY_US";

#[test]
#[ignore = "a program for the test above"]
fn calibrate_and_fork() {
    let delay_us = env::var(DELAY_US).map_or(0, |value| value.parse().unwrap());
    let start = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            start.wait();
            Generator::new(NODE, EPOCH).unwrap();
        });
        start.wait();
        let delay = Instant::now();
        while delay.elapsed() < Duration::from_micros(delay_us) {
            hint::spin_loop();
        }
        let reported = in_child(|report| {
            // SAFETY: `alarm` has no preconditions. It ends a child that hangs, which
            // `in_child` reports as a failure.
            unsafe { libc::alarm(10) };
            let own = Generator::new(NODE, EPOCH);
            report(u64::from(own.is_ok_and(|own| own.next_id().is_ok())));
        });
        assert_eq!(reported, [1]);
    });
}

/// A clock whose counter is the default one: the time.
struct NowAlone(ManualClock);

impl Clock for NowAlone {
    fn now(&self) -> UnixMillis {
        self.0.now()
    }
}

#[test]
fn a_block_of_a_clock_that_implements_now_alone_belongs_to_the_parent() {
    let clock = NowAlone(ManualClock::new(NOW));
    let generator = Generator::builder(NODE, EPOCH).build(clock).unwrap();
    let mut block = generator.block();
    block.try_next_id().unwrap();
    assert_eq!(in_child(|report| report(forked_calls(&generator, &mut block))), [3]);
    block.try_next_id().unwrap();
}

/// The child does not have the thread in which the call waits.
#[test]
fn a_waiting_call_gets_its_id_when_another_thread_forks() {
    let clock = ManualClock::new(NOW);
    let builder = Generator::builder(NODE, EPOCH).frozen_clock_ms(20_000).max_wait_ms(20_000);
    let generator = builder.build(clock.clone()).unwrap();
    let mut ids = Vec::from_iter(std::iter::from_fn(|| generator.try_next_id().ok()));
    let full = ids.len();
    let start = Barrier::new(2);
    let issued_there = thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            start.wait();
            generator.next_id()
        });
        start.wait();
        // Its reserved ID counts.
        while generator.counters().ahead_ms == 0 {
            assert!(!waiting.is_finished(), "it failed without a reservation");
            thread::yield_now();
        }
        let issued_there = in_child(|report| {
            report(u64::from(generator.next_id() == Err(ClaimError::Forked)));
            let own = NodeId::new(1).map(|node| Generator::builder(node, EPOCH).build(SystemClock));
            if let Ok(Ok(own)) = own {
                // This call waits too.
                (0..2 * full).map_while(|_| own.next_id().ok()).for_each(|id| report(id.get()));
            }
        });
        assert!(!waiting.is_finished(), "the millisecond has not ended");
        clock.advance(1);
        let waited = waiting.join().unwrap().unwrap();
        assert_eq!(waited.parts().timestamp_ms, 6);
        ids.push(waited);
        issued_there
    });
    assert_eq!((issued_there[0], issued_there.len()), (1, 1 + 2 * full));
    ids.extend(std::iter::from_fn(|| generator.try_next_id().ok()));
    let all = ids.iter().map(|id| id.get()).chain(issued_there[1..].iter().copied());
    let distinct: HashSet<u64> = all.collect();
    assert_eq!(distinct.len(), 4 * full, "a duplicate ID");
}
