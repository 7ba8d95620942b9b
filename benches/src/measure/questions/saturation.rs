//! What it costs to reach the cap, and how long a call can take there.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use benches::rounds::saturate;
use benches::subject::{Ours, Subject, Visitor, visit_capped};
use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use snowflake::layout::IDS_PER_MS;

use crate::table;

/// Half a second at the cap, shared among the threads.
const IDS: u64 = 500 * IDS_PER_MS;

/// What the layout allows in a second.
pub(super) const CAP_PER_S: f64 = 1000.0 * IDS_PER_MS as f64;

/// Runs of half a second each; the medians of them count.
const RUNS: usize = 3;

#[derive(Default)]
struct Saturation {
    rows: Vec<Vec<String>>,
    threads: u64,
}

impl Visitor for Saturation {
    fn visit<S: Subject + 'static>(&mut self, subject: S) {
        self.row(S::NAME, &subject);
    }
}

impl Saturation {
    fn row(&mut self, name: &str, subject: &impl Subject) {
        let runs: Vec<(f64, f64)> = (0..RUNS).map(|_| run(subject, self.threads)).collect();
        let share = table::median(runs.iter().map(|run| run.0).collect());
        let cpu = table::median(runs.iter().map(|run| run.1).collect());
        let tails: Vec<[Duration; 3]> = (0..RUNS).map(|_| tail(subject, self.threads)).collect();
        let tail = |at: usize| table::median(tails.iter().map(|tail| tail[at]).collect());
        self.rows.push(vec![
            name.into(),
            self.threads.to_string(),
            format!("{share:.3}"),
            format!("{cpu:.4}"),
            format!("{:?}", tail(0)),
            format!("{:?}", tail(1)),
            format!("{:.2?}", tail(2)),
        ]);
    }
}

/// The share of the cap, and the CPU seconds per million IDs.
fn run(subject: &impl Subject, threads: u64) -> (f64, f64) {
    let cpu = cpu_time();
    let time = saturate(subject, threads, IDS / threads);
    let cpu = (cpu_time() - cpu).as_secs_f64() * 1e6 / IDS as f64;
    (IDS as f64 / CAP_PER_S / time.as_secs_f64(), cpu)
}

/// The 99th and 99.9th percentile and the longest of all calls.
fn tail(subject: &impl Subject, threads: u64) -> [Duration; 3] {
    let clock = quanta::Clock::new();
    let mut all = histogram();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut times = histogram();
                    for _ in 0..IDS / threads {
                        let begun = clock.raw();
                        black_box(subject.next());
                        times.saturating_record(clock.delta_as_nanos(begun, clock.raw()));
                    }
                    times
                })
            })
            .collect();
        for thread in threads {
            all.add(thread.join().expect("no subject panics")).expect("the same digits");
        }
    });
    [all.value_at_quantile(0.99), all.value_at_quantile(0.999), all.max()].map(Duration::from_nanos)
}

/// Up to ten seconds, so that no call resizes it.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("3 digits are allowed")
}

/// What all threads of this process have used.
pub(super) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

pub(crate) fn ask() {
    let mut saturation = Saturation::default();
    for threads in [1, 2, 4] {
        saturation.threads = threads;
        visit_capped(&mut saturation);
        saturation.row("snowflake, lead 2 ms", &Ours::with_lead_ms(2));
    }
    table::print(
        "Saturated",
        &format!(
            "Every thread asks and waits, with the system's clock and no lead: capped by the layout \
             at 4,096,000 IDs/s. {IDS} IDs, medians of {RUNS} runs; the tails are from runs of \
             their own, because they read a counter twice per ID (18 ns of each figure)."
        ),
        &["subject", "threads", "share of the cap", "CPU s per million", "p99", "p99.9", "longest"],
        &saturation.rows,
    );
}
