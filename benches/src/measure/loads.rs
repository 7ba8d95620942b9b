//! Latency, CPU time and throughput under loads, in one process for each subject and pass.

use std::io;
use std::process::{Command, Stdio};

use benches::latency::{Latency, QUANTILES};
use benches::rounds::{Rounds, Spent};
use benches::subject::{Entry, all};

use crate::effort::Effort;
use crate::report::{Loads, Paced, Saturated, Tasks};
use crate::{LOADS_OF, QUICK, median};

/// IDs that the layout allows in a second.
const CAP_PER_S: f64 = 4_096_000.0;

/// Threads that saturate one generator.
const THREADS: [u64; 5] = [1, 2, 4, 8, 16];

/// IDs per second of a paced load.
const RATES: [u64; 3] = [10_000, 100_000, 1_000_000];

/// Tasks that saturate one generator.
const TASKS: [u64; 3] = [1, 8, 64];

/// IDs of a saturated run: a fifth of a second at the cap.
const SATURATED_IDS: usize = 819_200;

/// IDs of a run of tasks: a third of a second at the cap.
const TASKS_IDS: usize = 1_310_720;

/// Bursts per subject. The report has their median.
const BURSTS: usize = 50;

/// Passes over all subjects.
const PASSES: usize = 3;

/// Measures every subject in three passes. Each figure is the median of the passes, so a slow
/// moment of the machine does not change it.
pub(crate) fn measure(effort: Effort) -> io::Result<Vec<Loads>> {
    let passes = if effort == Effort::Quick { 1 } else { PASSES };
    let entries: Vec<Entry> = all().into_iter().filter(Entry::has_loads).collect();
    let mut runs: Vec<Vec<Loads>> = entries.iter().map(|_| Vec::new()).collect();
    for pass in 1..=passes {
        for (entry, runs) in entries.iter().zip(&mut runs) {
            eprintln!("measure: loads, pass {pass} of {passes}: {}", entry.name);
            runs.push(in_own_process(entry, effort)?);
        }
    }
    Ok(runs.iter().map(|runs| merge(runs)).collect())
}

/// Measures one subject in a new process, so that the threads of another one do not slow it.
fn in_own_process(entry: &Entry, effort: Effort) -> io::Result<Loads> {
    // The file at this program's path may have changed: cargo builds it again for criterion's
    // benchmarks.
    let mut command = Command::new("/proc/self/exe");
    command.args([LOADS_OF, entry.name]).stderr(Stdio::inherit());
    if effort == Effort::Quick {
        command.arg(QUICK);
    }
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!(
            "measuring {} failed: {}",
            entry.name, output.status
        )));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Measures one subject, in one pass.
pub(crate) fn measure_one(entry: &Entry, effort: Effort) -> Loads {
    let subject = (entry.make)();
    let questions = entry.questions;
    Loads {
        subject: entry.name.to_owned(),
        role: entry.role,
        burst_us: questions.burst.then(|| burst(&*subject, effort)),
        saturated: if questions.saturated { saturated(&*subject, effort) } else { Vec::new() },
        paced: if questions.paced { paced(&*subject, effort) } else { Vec::new() },
        tasks: entry.tasks.map_or_else(Vec::new, |run| {
            let ids = effort.of(TASKS_IDS) as u64;
            TASKS
                .map(|tasks| {
                    let spent = run(tasks, ids);
                    Tasks { tasks, share: share(spent, ids), cpu_s_per_million: cpu(spent, ids) }
                })
                .into()
        }),
    }
}

fn burst(subject: &dyn Rounds, effort: Effort) -> f64 {
    let micros = |_| subject.burst().as_nanos() as f64 / 1000.0;
    median((0..effort.of(BURSTS)).map(micros).collect())
}

/// Measures the saturated loads.
///
/// CPU time and share come from a run in which no call is timed, because the timing costs CPU time.
fn saturated(subject: &dyn Rounds, effort: Effort) -> Vec<Saturated> {
    let ids = effort.of(SATURATED_IDS) as u64;
    THREADS
        .map(|threads| {
            let spent = subject.saturate(threads, ids);
            Saturated {
                threads,
                share: share(spent, ids),
                cpu_s_per_million: cpu(spent, ids),
                latency_ns: Latency::of(&subject.saturated_latency(threads, ids)),
            }
        })
        .into()
}

/// Measures the paced loads. A pass has at least ten thousand calls, as p99.99 needs.
fn paced(subject: &dyn Rounds, effort: Effort) -> Vec<Paced> {
    RATES
        .map(|ids_per_s| {
            let ids = effort.of((ids_per_s as usize * 2 / 3).max(10_000)) as u64;
            Paced { ids_per_s, latency_ns: Latency::of(&subject.paced_latency(ids_per_s, ids)) }
        })
        .into()
}

fn share(spent: Spent, ids: u64) -> f64 {
    ids as f64 / CAP_PER_S / spent.wall.as_secs_f64()
}

fn cpu(spent: Spent, ids: u64) -> f64 {
    spent.cpu.as_secs_f64() * 1e6 / ids as f64
}

/// Takes the median of each figure, and the maximum of the maxima.
fn merge(runs: &[Loads]) -> Loads {
    let first = &runs[0];
    let of = |figure: &dyn Fn(&Loads) -> f64| median(runs.iter().map(figure).collect());
    let latency = |figure: &dyn Fn(&Loads) -> Latency| merge_latency(runs.iter().map(figure));
    Loads {
        subject: first.subject.clone(),
        role: first.role,
        burst_us: first.burst_us.map(|_| of(&|run| run.burst_us.unwrap_or_default())),
        saturated: (0..first.saturated.len())
            .map(|at| Saturated {
                threads: first.saturated[at].threads,
                share: of(&|run| run.saturated[at].share),
                cpu_s_per_million: of(&|run| run.saturated[at].cpu_s_per_million),
                latency_ns: latency(&|run| run.saturated[at].latency_ns),
            })
            .collect(),
        paced: (0..first.paced.len())
            .map(|at| Paced {
                ids_per_s: first.paced[at].ids_per_s,
                latency_ns: latency(&|run| run.paced[at].latency_ns),
            })
            .collect(),
        tasks: (0..first.tasks.len())
            .map(|at| Tasks {
                tasks: first.tasks[at].tasks,
                share: of(&|run| run.tasks[at].share),
                cpu_s_per_million: of(&|run| run.tasks[at].cpu_s_per_million),
            })
            .collect(),
    }
}

fn merge_latency(runs: impl Iterator<Item = Latency>) -> Latency {
    let runs: Vec<Latency> = runs.collect();
    let mut merged = [None; QUANTILES.len()];
    for (at, merged) in merged.iter_mut().enumerate() {
        let figures: Vec<u64> = runs.iter().filter_map(|run| run.0[at]).collect();
        let is_maximum = at == QUANTILES.len() - 1;
        *merged = if is_maximum { figures.into_iter().max() } else { Some(median(figures)) };
    }
    Latency(merged)
}
