//! How one round of each question is timed.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};
use snowflake::{Clock, SystemClock};

use crate::subject::Subject;

/// IDs in a round within a fresh millisecond: less than half of what it holds, so that
/// nobody meets the cap.
pub const FRESH_IDS: u64 = 2000;

/// IDs in a burst: more than two milliseconds hold.
pub const BURST_IDS: u64 = 10_000;

/// Waits until a millisecond of the system's clock has just begun.
pub fn await_fresh_ms() {
    let now = SystemClock.now();
    while SystemClock.now() == now {
        spin_loop();
    }
}

/// One thread makes [`FRESH_IDS`] in a fresh millisecond.
pub fn fresh(mut make: impl FnMut()) -> Duration {
    await_fresh_ms();
    let begun = Instant::now();
    for _ in 0..FRESH_IDS {
        make();
    }
    begun.elapsed()
}

/// One thread makes [`BURST_IDS`] after a pause in which any lead is paid back.
pub fn burst(subject: &impl Subject) -> Duration {
    thread::sleep(Duration::from_millis(5));
    let begun = Instant::now();
    for _ in 0..BURST_IDS {
        black_box(subject.next());
    }
    begun.elapsed()
}

/// Threads make `ids` each, with the system's clock, and wait whenever they must.
pub fn saturate(subject: &impl Subject, threads: u64, ids: u64) -> Duration {
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..ids {
                    black_box(subject.next());
                }
            });
        }
    });
    begun.elapsed()
}

/// Two threads make [`FRESH_IDS`] each in the same fresh millisecond, `rounds` times:
/// from the first claim of either to the last.
///
/// Each has a core of its own, and they meet at a barrier that spins: one that sleeps wakes
/// them too far apart to collide.
///
/// # Panics
///
/// If `start` panics, or what it returns.
pub fn pair<T>(rounds: usize, start: impl Fn() -> T + Sync) -> Vec<Duration>
where
    T: FnMut(),
{
    let barrier = SpinBarrier::default();
    let run = &|core: usize| {
        pin_to(core);
        let mut make = start();
        let mut spans = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            if core == 0 {
                await_fresh_ms();
            }
            barrier.wait();
            let begun = Instant::now();
            for _ in 0..FRESH_IDS {
                make();
            }
            spans.push((begun, Instant::now()));
            barrier.wait();
        }
        spans
    };
    let (one, other) = thread::scope(|scope| {
        let [one, other] = [0, 1].map(|core| scope.spawn(move || run(core)));
        (
            one.join().expect("the first thread of the pair panicked"),
            other.join().expect("the second thread of the pair panicked"),
        )
    });
    one.iter().zip(&other).map(|(a, b)| a.1.max(b.1) - a.0.min(b.0)).collect()
}

/// Keeps the thread on one core, where the system lets it: two threads that share a core
/// never collide.
fn pin_to(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    // Without it the figures are as the scheduler has it.
    let _ = sched_setaffinity(None, &cores);
}

/// A barrier for two threads that spins.
#[derive(Debug, Default)]
struct SpinBarrier {
    arrived: AtomicUsize,
}

impl SpinBarrier {
    fn wait(&self) {
        // The even arrivals end a meeting.
        let place = self.arrived.fetch_add(1, Ordering::AcqRel) + 1;
        let meeting_ends_at = place.next_multiple_of(2);
        while self.arrived.load(Ordering::Acquire) < meeting_ends_at {
            spin_loop();
        }
    }
}
