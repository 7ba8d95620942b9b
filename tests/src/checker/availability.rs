//! The share of operations that succeeded.

use std::collections::{BTreeMap, BTreeSet};

use super::{Problem, Valid, Verdict};
use crate::address::Directory;
use crate::edn::Edn;
use crate::history::{History, What};
use crate::workload::Workload;

/// Maelstrom's `--availability`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Availability {
    /// Every operation has to succeed.
    Total,
    /// At least this share, from 0 to 1.
    AtLeast(f64),
}

/// Holds a history against what was asked for.
#[must_use]
pub fn check<W: Workload>(
    history: &History<W>,
    directory: &Directory,
    goal: Option<Availability>,
) -> Verdict {
    let invoked = history.invocations().count();
    let ok = history.completed().count();
    let fraction = if invoked == 0 { 1.0 } else { ok as f64 / invoked as f64 };
    let valid = match goal {
        None => true,
        Some(Availability::Total) => ok == invoked,
        Some(Availability::AtLeast(share)) => fraction >= share,
    };
    let problem = || {
        let few = format!(
            "too little availability: {} of {invoked} operations did not succeed; by node: {}",
            invoked - ok,
            failures_by_node(history, directory)
        );
        let errors = history.events().iter().filter_map(|event| match &event.what {
            What::Fail { error, .. } | What::Info { error, .. } => Some(error),
            What::Invoke(_) | What::Ok { .. } | What::Nemesis { .. } => None,
        });
        Problem::of_errors(few, errors)
    };
    Verdict::new(
        Valid::from(valid),
        Edn::map([("ok-fraction", Edn::Float(fraction))]),
        (!valid).then(problem),
    )
}

fn failures_by_node<W: Workload>(history: &History<W>, directory: &Directory) -> String {
    let succeeded: BTreeSet<usize> = history.completed().map(|done| done.invoked).collect();
    let mut failures: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, invocation) in history.invocations().filter(|(index, _)| !succeeded.contains(index)) {
        *failures.entry(invocation.node).or_default() += 1;
    }
    let shown = |(&node, count): (&usize, &usize)| format!("{} {count}", directory.node_name(node));
    failures.iter().map(shown).collect::<Vec<_>>().join(", ")
}
