//! The staleness of values that are added after a partition has healed.

use super::{DELAY_MS, ms, simulation};

/// Returns the links between two groups of nodes, as `disconnected` pairs.
fn between(one: &[usize], other: &[usize]) -> Vec<(usize, usize)> {
    one.iter().flat_map(|one| other.iter().map(move |other| (*one, *other))).collect()
}

/// Every node adds values before, during and after a partition. Values that are added after
/// the heal meet the bound: 1.2 times the setting and one round trip.
#[test]
fn values_added_after_a_heal_meet_the_bound() {
    for nodes in [5, 25] {
        let all: Vec<usize> = (0..nodes).collect();
        for max_staleness_ms in [200, 308, 550, 1000, 1900, 5000] {
            // The first group has the hub. It has one node, two, half of them, or all but one.
            for size in [1, 2, nodes / 2, nodes - 1] {
                let (one, other) = all.split_at(size);
                check(nodes, max_staleness_ms, between(one, other));
            }
        }
    }
}

fn check(nodes: usize, max_staleness_ms: u64, cut: Vec<(usize, usize)>) {
    const INTERVAL_MS: u64 = 250;
    let (cut_ms, healed_ms, end_ms) = (10_000, 26_000, 36_000);
    let bound_ms = max_staleness_ms * 6 / 5 + 2 * DELAY_MS;
    let mut simulation = simulation(nodes, max_staleness_ms);
    let mut due = std::collections::VecDeque::new();
    let mut late = Vec::new();
    for step in 0..(end_ms + bound_ms) / INTERVAL_MS + 2 {
        let at_ms = step * INTERVAL_MS;
        while let Some((value, due_ms)) = due.front().copied().filter(|(_, due)| *due <= at_ms) {
            due.pop_front();
            simulation.run_until_ms(due_ms);
            late.extend(
                (0..nodes).filter(|node| !simulation.has(*node, value)).map(|p| (value, p)),
            );
        }
        simulation.run_until_ms(at_ms);
        if at_ms == cut_ms {
            simulation.disconnected = cut.clone();
        }
        if at_ms == healed_ms {
            simulation.disconnected.clear();
        }
        if at_ms < end_ms {
            let value = u32::try_from(step).expect("few values");
            let node = (step * 7 % nodes as u64) as usize;
            simulation.add(node, value);
            if at_ms >= healed_ms {
                due.push_back((value, at_ms + bound_ms));
            }
        }
    }
    assert!(due.is_empty(), "some values were not checked");
    assert!(simulation.now >= ms(end_ms));
    assert!(
        late.is_empty(),
        "{nodes} nodes, {max_staleness_ms} ms, cut {cut:?}: late values and the nodes {late:?}"
    );
}
