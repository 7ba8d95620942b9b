//! The cost and the speed of dissemination on a deterministic network.
//!
//! Links have a constant delay, and each test specifies its faults. Retransmissions eventually
//! correct nearly any mistake, so these tests check the number of messages and the times.

use maelstrom_node::Time;

use crate::simulation::{Scenario, Sent, Simulation};

mod after_a_partition;
mod hub_stops;
mod repair;
mod slow;
mod starts;
mod strategies;
mod unreachable_hub;

/// The one-way delay between two nodes.
const DELAY_MS: u64 = 100;

fn ms(at_ms: u64) -> Time {
    Time(at_ms * 1000)
}

fn simulation(nodes: usize, max_staleness_ms: u64) -> Simulation {
    Simulation::new(Scenario {
        nodes,
        max_staleness_ms,
        shortest_delay_ms: DELAY_MS,
        longest_delay_ms: DELAY_MS,
        ..Scenario::default()
    })
}

impl Simulation {
    fn run_until_ms(&mut self, end_ms: u64) {
        self.run_until(ms(end_ms));
    }

    fn has(&mut self, node: usize, value: u32) -> bool {
        self.read(node).contains(&value)
    }

    /// Returns the messages that were sent at or after an instant.
    fn sent_since(&self, from_ms: u64) -> Vec<Sent> {
        self.sent.iter().copied().filter(|sent| sent.at >= ms(from_ms)).collect()
    }
}
