//! The cost of an ID for one thread and for two, below the cap.

use std::time::Duration;

use benches::rounds::{FRESH_IDS, Rounds};
use benches::subject::{Entry, all};

use crate::effort::Effort;
use crate::report::Cost;

/// Times the subjects in turns, so that a slow moment of the machine affects all of them.
fn in_turns(
    rounds: usize,
    threads: u64,
    is_measured: fn(&Entry) -> bool,
    round: fn(&dyn Rounds) -> Duration,
) -> Vec<Cost> {
    let entries = all();
    let mut subjects: Vec<_> = entries
        .iter()
        .filter(|entry| is_measured(entry))
        .map(|entry| (entry, (entry.make)(), Vec::with_capacity(rounds)))
        .collect();
    for _ in 0..rounds {
        for (_, subject, times) in &mut subjects {
            times.push(round(&**subject).as_nanos() as f64 / (threads * FRESH_IDS) as f64);
        }
    }
    let cost = |(entry, _, times): (&Entry, _, _)| Cost {
        subject: entry.name.to_owned(),
        role: entry.role,
        ns: crate::median(times),
    };
    subjects.into_iter().map(cost).collect()
}

pub(crate) fn one_thread(effort: Effort) -> Vec<Cost> {
    let is_measured = |entry: &Entry| entry.questions.one_thread;
    in_turns(effort.of(500), 1, is_measured, |subject| subject.one_thread())
}

pub(crate) fn two_threads(effort: Effort) -> Vec<Cost> {
    let is_measured = |entry: &Entry| entry.questions.two_threads;
    in_turns(effort.of(500), 2, is_measured, |subject| subject.two_threads())
}
