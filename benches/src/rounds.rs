//! How one round of each question is timed.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

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
/// They meet at a barrier that spins: one that sleeps wakes them too far apart to collide.
///
/// # Panics
///
/// If `start` panics, or what it returns.
pub fn pair<T>(rounds: usize, start: impl Fn() -> T + Sync) -> Vec<Duration>
where
    T: FnMut(),
{
    let barrier = SpinBarrier::default();
    let run = |wait_for_ms: bool| {
        let mut make = start();
        let mut spans = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            if wait_for_ms {
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
    let (ours, theirs) = thread::scope(|scope| {
        let other = scope.spawn(|| run(false));
        (run(true), other.join().expect("the other thread of the pair panicked"))
    });
    ours.iter().zip(&theirs).map(|(a, b)| a.1.max(b.1) - a.0.min(b.0)).collect()
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
