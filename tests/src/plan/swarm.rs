//! Swarm testing (Groce et al., 2012): each seed draws different settings.
//!
//! A sweep therefore covers combinations that were not chosen by hand.

use std::time::Duration;

use super::{Nemesis, Plan};
use crate::base::address::Directory;
use crate::base::rng::{Rng, Stream};
use crate::net::latency::{Distribution, Latency};

/// The mean latencies that a swarm draws from, in milliseconds.
const LATENCIES_MS: [u64; 6] = [0, 1, 10, 30, 100, 300];
/// The intervals between faults that a swarm draws from, in milliseconds.
const INTERVALS_MS: [u64; 5] = [300, 1000, 3000, 10_000, 30_000];
/// The largest number of nodes that a swarm draws.
const MAX_NODES: usize = 9;
/// The largest multiple of the fewest clients per node that a swarm draws.
const MAX_CLIENTS_MULTIPLE: usize = 3;

impl Plan {
    /// Draws nodes, clients, rate, latency and faults from the seed.
    ///
    /// The number of clients per node is a multiple of `clients_per_node`. The rate is at most
    /// twice the plan's rate. The faults are among the plan's faults, or among all faults if the
    /// plan has none.
    #[must_use]
    pub fn swarm(&self, clients_per_node: usize) -> Plan {
        let mut rng = Rng::new(self.seed, Stream::Swarm);
        let directory = Directory::numbered(1 + rng.index(MAX_NODES));
        let multiple = 1 + rng.index(MAX_CLIENTS_MULTIPLE);
        let concurrency = directory.node_count() * clients_per_node * multiple;
        // Low rates are as worthwhile as high rates. Rounding makes the printed rate exact.
        let rate = self.rate * 2.0 * 10f64.powf(-2.0 * rng.fraction());
        let rate = ((rate * 10.0).round() / 10.0).max(0.1);
        let distributions =
            [Distribution::Constant, Distribution::Uniform, Distribution::Exponential];
        let latency = Latency {
            mean: Duration::from_millis(LATENCIES_MS[rng.index(LATENCIES_MS.len())]),
            distribution: distributions[rng.index(distributions.len())],
        };
        // Only a constant latency can be 0, as on the command line.
        let latency =
            if latency.mean.is_zero() { Latency::constant(latency.mean) } else { latency };
        let interval = INTERVALS_MS[rng.index(INTERVALS_MS.len())];
        let possible = if self.nemesis.is_empty() { &Nemesis::ALL[..] } else { &self.nemesis };
        let nemesis = possible.iter().copied().filter(|_| rng.chance(0.5)).collect();
        Plan {
            directory,
            concurrency,
            rate,
            latency,
            nemesis,
            nemesis_interval: Duration::from_millis(interval),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_seed_decides_and_every_setting_varies() {
        let drawn = |seed| Plan { seed, ..Plan::example() }.swarm(1);
        assert_eq!(format!("{:?}", drawn(3)), format!("{:?}", drawn(3)));
        let plans: Vec<Plan> = (0..200).map(drawn).collect();
        let all = plans.iter().map(|plan| format!("{:?}", Plan { seed: 0, ..plan.clone() }));
        assert!(all.collect::<BTreeSet<_>>().len() > 190);
        let is_drawn = |of: fn(&Plan) -> bool| plans.iter().any(of);
        for nodes in [1, MAX_NODES] {
            assert!(plans.iter().any(|plan| plan.directory.node_count() == nodes), "{nodes}");
        }
        assert!(is_drawn(|plan| plan.latency.distribution == Distribution::Uniform));
        assert!(is_drawn(|plan| plan.latency.mean == Duration::from_millis(300)));
        assert!(is_drawn(|plan| plan.nemesis.contains(&Nemesis::Clock)));
        assert!(is_drawn(|plan| plan.nemesis.is_empty()));
    }

    #[test]
    fn clients_are_drawn_in_the_groups_that_a_workload_needs() {
        for seed in 0..50 {
            let plan = Plan { seed, ..Plan::example() }.swarm(2);
            assert!(plan.concurrency.is_multiple_of(2 * plan.directory.node_count()), "{plan:?}");
        }
    }

    #[test]
    fn only_faults_that_are_allowed_are_drawn() {
        let allowed = vec![Nemesis::Partition, Nemesis::Loss];
        for seed in 0..50 {
            let plan = Plan { seed, nemesis: allowed.clone(), ..Plan::example() }.swarm(1);
            assert!(plan.nemesis.iter().all(|fault| allowed.contains(fault)), "{plan:?}");
        }
    }
}
