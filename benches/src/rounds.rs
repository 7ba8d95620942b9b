//! One timed run of each question.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use crate::latency::histogram;
use crate::subject::Subject;

/// IDs per thread in a fresh millisecond. Two threads together issue fewer than 4096.
pub const FRESH_IDS: u64 = 2000;

/// IDs in a burst: more than two milliseconds hold.
pub const BURST_IDS: u64 = 10_000;

/// The time that a number of IDs took.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// Time by the clock.
    pub wall: Duration,
    /// CPU time of all threads of the process.
    pub cpu: Duration,
}

/// One timed run for each question. The trait is object-safe, so that subjects can be in a list.
pub trait Rounds: Send + Sync {
    /// Times one thread that issues [`FRESH_IDS`] in a fresh millisecond.
    fn one_thread(&self) -> Duration;

    /// Times two threads that issue [`FRESH_IDS`] each in the same fresh millisecond. Returns the
    /// time from the first call of either to the last.
    fn two_threads(&self) -> Duration;

    /// Times one thread that issues [`BURST_IDS`], after a pause in which the clock catches up.
    fn burst(&self) -> Duration;

    /// Measures saturating threads that issue a number of IDs together.
    fn saturate(&self, threads: u64, ids: u64) -> Spent;

    /// Times each call of saturating threads that issue a number of IDs together.
    fn saturated_latency(&self, threads: u64, ids: u64) -> Histogram<u64>;

    /// Times each call of one thread at a constant rate.
    ///
    /// The time of a call begins at the moment at which it was due. So one long call does not hide
    /// the delay of the calls after it.
    fn paced_latency(&self, ids_per_s: u64, ids: u64) -> Histogram<u64>;
}

impl<S: Subject> Rounds for S {
    fn one_thread(&self) -> Duration {
        await_fresh_ms();
        let start = Instant::now();
        issue(self, FRESH_IDS);
        start.elapsed()
    }

    fn two_threads(&self) -> Duration {
        const WARM_UP_IDS: u64 = 16;
        let barrier = SpinBarrier::default();
        let run = &|core: usize| {
            pin_to(core);
            issue(self, WARM_UP_IDS);
            if core == 0 {
                await_fresh_ms();
            }
            barrier.wait();
            let start = Instant::now();
            issue(self, FRESH_IDS);
            (start, Instant::now())
        };
        let [one, other] = thread::scope(|scope| {
            [0, 1]
                .map(|core| scope.spawn(move || run(core)))
                .map(|thread| thread.join().expect("no subject panics"))
        });
        one.1.max(other.1) - one.0.min(other.0)
    }

    fn burst(&self) -> Duration {
        thread::sleep(Duration::from_millis(5));
        let start = Instant::now();
        for _ in 0..BURST_IDS {
            black_box(self.next());
        }
        start.elapsed()
    }

    fn saturate(&self, threads: u64, ids: u64) -> Spent {
        spend(|| {
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        for _ in 0..ids / threads {
                            black_box(self.next());
                        }
                    });
                }
            });
        })
    }

    fn saturated_latency(&self, threads: u64, ids: u64) -> Histogram<u64> {
        let clock = &quanta::Clock::new();
        let run = || {
            let mut times = histogram();
            for _ in 0..ids / threads {
                let start = clock.raw();
                black_box(self.next());
                times.saturating_record(clock.delta_as_nanos(start, clock.raw()));
            }
            times
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
            let mut all = histogram();
            for thread in threads {
                all.add(thread.join().expect("no subject panics")).expect("the bounds are equal");
            }
            all
        })
    }

    fn paced_latency(&self, ids_per_s: u64, ids: u64) -> Histogram<u64> {
        const COUNTS: u64 = 1 << 32;
        let clock = quanta::Clock::new();
        let counts_per_ns = COUNTS as f64 / clock.delta_as_nanos(0, COUNTS) as f64;
        let counts_per_id = counts_per_ns * 1e9 / ids_per_s as f64;
        let mut times = histogram();
        let start = clock.raw();
        for nth in 1..=ids {
            let due = start + (nth as f64 * counts_per_id) as u64;
            while clock.raw() < due {
                spin_loop();
            }
            black_box(self.next());
            times.saturating_record(clock.delta_as_nanos(due, clock.raw()));
        }
        times
    }
}

/// Issues IDs without a wait. A call that fails is repeated immediately.
fn issue(subject: &impl Subject, ids: u64) {
    for _ in 0..ids {
        while black_box(subject.try_next()).is_none() {}
    }
}

/// Waits for the beginning of a millisecond of the system's clock.
fn await_fresh_ms() {
    let ms = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
    let now = ms();
    while ms() == now {
        spin_loop();
    }
}

/// Returns the time that a run takes.
pub(crate) fn spend(run: impl FnOnce()) -> Spent {
    let (start, cpu) = (Instant::now(), cpu_time());
    run();
    Spent { wall: start.elapsed(), cpu: cpu_time() - cpu }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Pins the thread to one core. Two threads on one core would not contend.
fn pin_to(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    // If the system does not allow it, its scheduler places the threads.
    let _ = sched_setaffinity(None, &cores);
}

/// A spinning barrier for two threads. A blocking barrier would wake them at different times.
#[derive(Debug, Default)]
struct SpinBarrier {
    arrived: AtomicUsize,
}

impl SpinBarrier {
    fn wait(&self) {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        while self.arrived.load(Ordering::Acquire) < 2 {
            spin_loop();
        }
    }
}
