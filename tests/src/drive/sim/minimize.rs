//! Minimization of a failing test, as long as it fails with the same anomaly.
//!
//! Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input",
//! 2002) reduces operations and faults. The seed draws all of them as before, and those that are
//! not selected do not take place. Nodes, clients and the time limit are reduced afterwards.

use std::time::Duration;

use crate::base::address::Directory;
use crate::plan::Plan;
use crate::plan::selection::Selection;

/// The maximum number of passes over all reductions. A pass without success ends the search.
const MAX_ROUNDS: usize = 4;

/// The shortest time limit that is tried.
const MIN_TIME_LIMIT: Duration = Duration::from_millis(100);

/// A test that fails.
#[derive(Clone, Debug)]
pub struct Case {
    /// The plan.
    pub plan: Plan,
    /// The operations that take place, except final ones.
    pub operations: Vec<u64>,
    /// The faults that take place.
    pub faults: Vec<u64>,
}

impl Case {
    /// Returns the operations as a selection for the runner.
    #[must_use]
    pub fn selected_operations(&self) -> Selection {
        self.operations.iter().copied().collect()
    }

    /// Returns the faults as a selection for the runner.
    #[must_use]
    pub fn selected_faults(&self) -> Selection {
        self.faults.iter().copied().collect()
    }

    fn with_nodes(&self, count: usize) -> Case {
        let per_node = (self.plan.concurrency / self.plan.directory.node_count()).max(1);
        let directory = Directory::numbered(count);
        let plan = Plan { directory, concurrency: per_node * count, ..self.plan.clone() };
        Case { plan, ..self.clone() }
    }
}

/// Reduces a case.
///
/// `fails` runs a case and returns `true` if it fails with the same anomaly. Each case that it
/// receives is smaller than the last one that failed. A node keeps at least `clients_per_node`
/// clients.
pub fn minimize(case: Case, clients_per_node: usize, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut best = case;
    for _ in 0..MAX_ROUNDS {
        let before = size(&best);
        let operations = std::mem::take(&mut best.operations);
        best.operations = reduce(operations, |operations| {
            fails(&Case { operations: operations.to_vec(), ..best.clone() })
        });
        let faults = std::mem::take(&mut best.faults);
        best.faults =
            reduce(faults, |faults| fails(&Case { faults: faults.to_vec(), ..best.clone() }));
        best = with_fewer_nodes(best, clients_per_node, &mut fails);
        best = with_less_time(best, &mut fails);
        if size(&best) == before {
            break;
        }
    }
    best
}

fn size(case: &Case) -> (usize, usize, usize, usize, Duration) {
    let plan = &case.plan;
    let nodes = plan.directory.node_count();
    (case.operations.len(), case.faults.len(), nodes, plan.concurrency, plan.time_limit)
}

fn with_fewer_nodes(
    best: Case,
    clients_per_node: usize,
    fails: &mut impl FnMut(&Case) -> bool,
) -> Case {
    let nodes = best.plan.directory.node_count();
    let smaller = (1..nodes).map(|count| best.with_nodes(count)).find(|case| fails(case));
    let best = smaller.unwrap_or(best);
    let fewest = best.plan.directory.node_count() * clients_per_node;
    if best.plan.concurrency > fewest {
        let plan = Plan { concurrency: fewest, ..best.plan.clone() };
        let fewer_clients = Case { plan, ..best.clone() };
        if fails(&fewer_clients) {
            return fewer_clients;
        }
    }
    best
}

fn with_less_time(mut best: Case, fails: &mut impl FnMut(&Case) -> bool) -> Case {
    loop {
        let time_limit = best.plan.time_limit / 2;
        let shorter = Case { plan: Plan { time_limit, ..best.plan.clone() }, ..best.clone() };
        if time_limit < MIN_TIME_LIMIT || !fails(&shorter) {
            return best;
        }
        best = shorter;
    }
}

/// Removes items until no single item can be removed.
fn reduce(mut items: Vec<u64>, mut fails: impl FnMut(&[u64]) -> bool) -> Vec<u64> {
    if items.is_empty() || fails(&[]) {
        return Vec::new();
    }
    let mut parts = 2;
    while items.len() > 1 {
        let size = items.len().div_ceil(parts);
        let chunks: Vec<Vec<u64>> = items.chunks(size).map(<[u64]>::to_vec).collect();
        if let Some(chunk) = chunks.iter().find(|chunk| fails(chunk)) {
            items.clone_from(chunk);
            parts = 2;
            continue;
        }
        let without = |left_out: usize| -> Vec<u64> {
            let kept = chunks.iter().enumerate().filter(|(index, _)| *index != left_out);
            kept.flat_map(|(_, chunk)| chunk.iter().copied()).collect()
        };
        // With two parts, each is the complement of the other.
        let smaller = match chunks.len() {
            2 => None,
            count => (0..count).map(without).find(|rest| fails(rest)),
        };
        match smaller {
            Some(rest) => {
                items = rest;
                parts = (parts - 1).max(2);
            }
            None if size == 1 => break,
            None => parts = (parts * 2).min(items.len()),
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(items: &[u64], needed: &[u64]) -> bool {
        needed.iter().all(|item| items.contains(item))
    }

    #[test]
    fn reduces_a_case_to_its_necessary_parts() {
        for needed in [&[][..], &[0], &[999], &[3, 500], &[1, 2, 3, 700, 701, 999]] {
            let mut tries = 0;
            let reduced = reduce((0..1000).collect(), |items| {
                tries += 1;
                has(items, needed)
            });
            assert_eq!(reduced, needed);
            assert!(tries < 400, "{tries} tries for {needed:?}");
        }
    }

    #[test]
    fn minimizes_every_part_of_a_case_that_can_be_smaller() {
        let names = (0..5).map(|node| format!("n{node}")).collect();
        let plan = Plan {
            concurrency: 10,
            time_limit: Duration::from_secs(20),
            ..Plan::new(Directory::new(names).unwrap())
        };
        let case = Case { plan, operations: (0..300).collect(), faults: (0..7).collect() };
        let mut tries = 0;
        let small = minimize(case, 1, |case| {
            tries += 1;
            has(&case.operations, &[17, 203])
                && has(&case.faults, &[4])
                && case.plan.directory.node_count() >= 3
                && case.plan.time_limit >= Duration::from_secs(3)
        });
        assert_eq!(small.operations, [17, 203]);
        assert_eq!(small.faults, [4]);
        assert_eq!(size(&small), (2, 1, 3, 3, Duration::from_secs(5)));
        assert!(tries < 200, "{tries}");
    }

    #[test]
    fn reduces_a_case_that_always_fails_to_nothing() {
        let plan = Plan::new(Directory::new(vec!["n0".to_owned()]).unwrap());
        let case = Case { plan, operations: (0..9).collect(), faults: (0..3).collect() };
        let small = minimize(case, 1, |_| true);
        assert!(small.operations.is_empty() && small.faults.is_empty());
    }

    #[test]
    fn a_node_keeps_the_clients_that_its_workload_needs() {
        let plan = Plan { concurrency: 12, ..Plan::new(Directory::numbered(3)) };
        let case = Case { plan, operations: vec![0], faults: Vec::new() };
        let small = minimize(case, 2, |case| case.plan.directory.node_count() >= 2);
        assert_eq!(small.plan.concurrency, 4);
    }
}
