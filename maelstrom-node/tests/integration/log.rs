//! The log after more than a minority of its nodes has restarted together.
//!
//! The promise of the log excludes such restarts. The log still continues, with all messages of the
//! nodes that kept their memory.

use std::collections::BTreeSet;

use maelstrom_node::Time;
use serde_json::json;

use crate::simulation::{Scenario, Simulation};

fn run_for_s(simulation: &mut Simulation, seconds: u64) {
    simulation.run_until(Time(simulation.now.0 + seconds * 1_000_000));
}

/// Sends a message to the log of one key.
fn send(simulation: &mut Simulation, node: usize, message: u64) {
    let reply = simulation.submit(node, json!({"type": "send", "key": "k", "msg": message}));
    assert_eq!(reply, None, "the node waits for a majority, and does not reject the message");
}

/// Returns all messages that a node shows, in order.
fn poll(simulation: &mut Simulation, node: usize) -> Vec<u64> {
    let reply = simulation.request(node, json!({"type": "poll", "offsets": {"k": 0}}));
    let messages = reply["msgs"]["k"].as_array().cloned().unwrap_or_default();
    messages.iter().map(|pair| pair[1].as_u64().expect("a number")).collect()
}

/// Node n2 keeps its memory and is cut off while the others restart and serve clients.
#[test]
fn a_majority_that_restarted_without_the_third_node_shows_its_messages_after_the_heal() {
    for seed in 0..20 {
        let scenario = Scenario {
            workload: "kafka",
            seed,
            nodes: 3,
            shortest_delay_ms: 1,
            longest_delay_ms: 5,
            ..Scenario::default()
        };
        let mut simulation = Simulation::new(scenario);
        run_for_s(&mut simulation, 10);
        for message in 0..6 {
            send(&mut simulation, message as usize % 3, message);
        }
        run_for_s(&mut simulation, 5);
        // The second incarnation of n1 declares which messages of the first one count.
        simulation.restart(1);
        run_for_s(&mut simulation, 10);
        for message in 6..12 {
            send(&mut simulation, message as usize % 3, message);
        }
        run_for_s(&mut simulation, 5);
        assert_eq!(poll(&mut simulation, 2).len(), 12, "seed {seed}");
        simulation.disconnected = vec![(0, 2), (1, 2)];
        simulation.restart(0);
        simulation.restart(1);
        run_for_s(&mut simulation, 10);
        for message in 12..18 {
            send(&mut simulation, message as usize % 2, message);
        }
        run_for_s(&mut simulation, 5);
        simulation.disconnected.clear();
        run_for_s(&mut simulation, 20);
        let shown = [0, 1, 2].map(|node| poll(&mut simulation, node));
        let messages: BTreeSet<u64> = shown[0].iter().copied().collect();
        assert_eq!(messages, (0..18).collect(), "seed {seed}");
        assert_eq!(shown[0], shown[1], "seed {seed}");
        assert_eq!(shown[0], shown[2], "seed {seed}");
        // Two messages may have the same offset. A new message must still follow all others.
        send(&mut simulation, 0, 18);
        run_for_s(&mut simulation, 2);
        assert_eq!(poll(&mut simulation, 2).last(), Some(&18), "seed {seed}");
    }
}
