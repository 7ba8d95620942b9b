//! The recovery of the log: nodes that are cut off while they recover, and more than a minority of
//! nodes that restart together.

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

/// The time in which a probe and its answer travel, with links of 100 ms.
const ROUND_TRIP_US: u64 = 201_000;

fn slow_links(nodes: usize) -> Simulation {
    Simulation::new(Scenario {
        workload: "kafka",
        nodes,
        shortest_delay_ms: 100,
        longest_delay_ms: 100,
        ..Scenario::default()
    })
}

/// Disconnects all pairs of nodes except these.
fn connect(simulation: &mut Simulation, connected: &[(usize, usize)]) {
    let nodes = simulation.nodes.len();
    let pairs = (0..nodes).flat_map(|one| (0..one).map(move |other| (other, one)));
    simulation.disconnected = pairs.filter(|pair| !connected.contains(pair)).collect();
}

fn run_for_a_round_trip(simulation: &mut Simulation) {
    simulation.run_until(Time(simulation.now.0 + ROUND_TRIP_US));
}

/// Asserts that the messages of a node do not grow while it is cut off, and that it then recovers.
fn assert_recovers_after_a_long_cut(simulation: &mut Simulation, node: usize) {
    run_for_s(simulation, 60);
    let size = |simulation: &Simulation| {
        let last = simulation.sent.iter().rfind(|sent| sent.src == node);
        last.expect("it retransmits").bytes
    };
    let before = size(simulation);
    run_for_s(simulation, 3600);
    // The time of sending has a few more digits.
    assert!(size(simulation) <= before + 4, "{} bytes after {before}", size(simulation));
    simulation.disconnected.clear();
    run_for_s(simulation, 10);
    send(simulation, node, 7);
    run_for_s(simulation, 5);
    assert_eq!(poll(simulation, node), [7]);
}

#[test]
fn a_node_that_is_cut_off_on_its_first_start_adds_no_records() {
    let mut simulation = slow_links(3);
    run_for_a_round_trip(&mut simulation);
    connect(&mut simulation, &[]);
    assert_recovers_after_a_long_cut(&mut simulation, 0);
}

#[test]
fn a_restarted_node_that_is_cut_off_adds_no_records() {
    let mut simulation = slow_links(3);
    run_for_s(&mut simulation, 10);
    simulation.restart(0);
    run_for_a_round_trip(&mut simulation);
    connect(&mut simulation, &[(1, 2)]);
    assert_recovers_after_a_long_cut(&mut simulation, 0);
}

/// Node n1 responds to n0, and then recovers. After that, n2 restarts and responds to n0. The three
/// are not a bootstrap majority, because they were never unrecovered together.
#[test]
fn nodes_that_recover_one_after_the_other_are_not_a_bootstrap_majority() {
    let mut simulation = slow_links(5);
    run_for_s(&mut simulation, 10);
    simulation.restart(0);
    simulation.restart(1);
    let others = [(2, 3), (2, 4), (3, 4)];
    connect(&mut simulation, &[&[(0, 1), (0, 2), (0, 3), (0, 4)], &others[..]].concat());
    run_for_a_round_trip(&mut simulation);
    // The record *recovering* of n0 reaches n1 only.
    connect(&mut simulation, &[&[(0, 1)], &others[..]].concat());
    run_for_s(&mut simulation, 3);
    connect(&mut simulation, &[&[(1, 2), (1, 3), (1, 4)], &others[..]].concat());
    run_for_s(&mut simulation, 15);
    connect(&mut simulation, &others);
    send(&mut simulation, 3, 7);
    run_for_s(&mut simulation, 3);
    simulation.restart(2);
    connect(&mut simulation, &[(0, 2), (3, 4)]);
    run_for_s(&mut simulation, 20);
    connect(&mut simulation, &[(0, 1), (0, 2), (1, 2), (3, 4)]);
    run_for_s(&mut simulation, 20);
    let reply = simulation.submit(0, json!({"type": "send", "key": "k", "msg": 8}));
    assert!(
        reply.as_ref().is_some_and(|reply| reply["code"] == 11),
        "n0 to n2 lack a message that a majority had acknowledged: {reply:?}"
    );
    simulation.disconnected.clear();
    run_for_s(&mut simulation, 20);
    send(&mut simulation, 0, 8);
    run_for_s(&mut simulation, 5);
    assert_eq!(poll(&mut simulation, 0), [7, 8]);
}

/// Node n1 responds to n0 and then restarts. The second incarnation of n1 and n4 have a message
/// that the first incarnation of n0 had acknowledged. Nodes n2 and n3 lack it.
#[test]
fn a_recovering_node_does_not_count_the_response_of_an_incarnation_that_is_over() {
    let mut simulation = slow_links(5);
    run_for_s(&mut simulation, 10);
    connect(&mut simulation, &[(0, 4)]);
    send(&mut simulation, 4, 7);
    run_for_s(&mut simulation, 1);
    simulation.restart(0);
    connect(&mut simulation, &[(0, 1), (0, 2), (0, 3)]);
    run_for_a_round_trip(&mut simulation);
    connect(&mut simulation, &[(0, 1)]);
    run_for_a_round_trip(&mut simulation);
    simulation.restart(1);
    connect(&mut simulation, &[(1, 2), (1, 3), (1, 4)]);
    run_for_a_round_trip(&mut simulation);
    run_for_a_round_trip(&mut simulation);
    connect(&mut simulation, &[(1, 4)]);
    run_for_s(&mut simulation, 1);
    assert!(!simulation.nodes[4].owes_reply(), "a majority acknowledges the message");
    connect(&mut simulation, &[(0, 2), (0, 3), (2, 3)]);
    run_for_s(&mut simulation, 20);
    let reply = simulation.submit(0, json!({"type": "send", "key": "k", "msg": 8}));
    assert!(
        reply.as_ref().is_some_and(|reply| reply["code"] == 11),
        "n0, n2 and n3 lack a message that a majority had acknowledged: {reply:?}"
    );
    simulation.disconnected.clear();
    run_for_s(&mut simulation, 20);
    send(&mut simulation, 0, 8);
    run_for_s(&mut simulation, 5);
    assert_eq!(poll(&mut simulation, 0), [7, 8]);
}
