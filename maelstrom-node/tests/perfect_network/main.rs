//! What the layer costs and how soon it is done, where nothing is left to chance: links of
//! constant delay, faults only where a test puts one. Reminders make up for nearly any
//! mistake in the end, so here it is the count of messages and the moment that tell.

use maelstrom_node::Time;
use world::{Sent, Story, World};

mod heals;
mod plans;
mod repair;
mod stand_ins;
mod starts;
#[path = "../world/mod.rs"]
mod world;

/// From node to node.
const DELAY_MS: u64 = 100;

fn ms(at_ms: u64) -> Time {
    Time(at_ms * 1000)
}

fn world(nodes: usize, max_staleness_ms: u64) -> World {
    World::new(Story {
        nodes,
        max_staleness_ms,
        shortest_delay_ms: DELAY_MS,
        longest_delay_ms: DELAY_MS,
        ..Story::default()
    })
}

impl World {
    fn run_until_ms(&mut self, end_ms: u64) {
        self.run_until(ms(end_ms));
    }

    fn has(&mut self, place: usize, value: u32) -> bool {
        self.read(place).contains(&value)
    }

    /// What was sent from one instant on.
    fn sent_since(&self, from_ms: u64) -> Vec<Sent> {
        self.sent.iter().copied().filter(|sent| sent.at >= ms(from_ms)).collect()
    }
}
