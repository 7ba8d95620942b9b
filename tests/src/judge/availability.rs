//! The share of operations that succeeded.

use std::collections::{BTreeMap, BTreeSet};

use super::{Anomaly, Valid, Verdict};
use crate::base::address::Directory;
use crate::format::edn::Edn;
use crate::history::{EventKind, History, Operations};
use crate::plan::Availability;

/// Checks the share of successful operations of a history against the requested availability.
#[must_use]
pub fn check<W: Operations>(
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
        // Maelstrom rounds the fraction to single precision: 90 % is less than 0.9.
        Some(Availability::AtLeast(share)) => f64::from(fraction as f32) >= share,
    };
    let problem = || {
        let few = format!(
            "too little availability: {} of {invoked} operations did not succeed; by node: {}",
            invoked - ok,
            failures_by_node(history, directory)
        );
        let errors = history.events().iter().filter_map(|event| match &event.kind {
            EventKind::Fail { error, .. } | EventKind::Info { error, .. } => Some(error),
            EventKind::Invoke(_) | EventKind::Ok { .. } | EventKind::Nemesis { .. } => None,
        });
        Anomaly::of_errors(few, errors)
    };
    Verdict::new(
        Valid::from(valid),
        Edn::map([("ok-fraction", Edn::Float(fraction))]),
        (!valid).then(problem),
    )
}

fn failures_by_node<W: Operations>(history: &History<W>, directory: &Directory) -> String {
    let succeeded: BTreeSet<usize> = history.completed().map(|done| done.invoked).collect();
    let mut failures: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, invocation) in history.invocations().filter(|(index, _)| !succeeded.contains(index)) {
        *failures.entry(invocation.node).or_default() += 1;
    }
    let shown = |(&node, count): (&usize, &usize)| format!("{} {count}", directory.node_name(node));
    failures.iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{OpError, Pings};

    #[test]
    fn exactly_nine_tenths_do_not_reach_an_availability_of_0_9() {
        let mut ends = vec![(0, None); 9];
        ends.push((0, Some(OpError::Timeout)));
        let history = History::<Pings>::ended(&ends, || (), || ());
        let directory = Directory::new(vec!["n0".to_owned()]).unwrap();
        let valid = |share| check(&history, &directory, Some(Availability::AtLeast(share))).valid;
        assert_eq!(valid(0.9), Valid::False, "as with Maelstrom");
        assert_eq!(valid(0.89), Valid::True);
    }
}
