//! A node's first messages, and its recovery after a restart.

use maelstrom_node::{Config, Node, Outbox, Time};
use serde_json::json;
use snowflake::{ManualClock, UnixMillis};

use super::{DELAY_MS, ms, simulation};
use crate::simulation::{Scenario, Simulation};

/// A node must not write to a peer before the peer's `init`, because such a message would silence
/// the node. It waits for a message from any peer, or until every peer must have its `init`.
#[test]
fn no_node_sends_to_a_peer_before_every_node_is_initialized() {
    let config = Config::parse(["broadcast".into()]).expect("a workload");
    let mut node = Node::new(config, 1, ManualClock::new(UnixMillis(0)));
    let init =
        json!({"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n0", "n1", "n2"]});
    let items = json!([{"node": 2, "incarnation": 9, "first": 0, "items": [7]}]);
    let share = json!({
        "workload": "broadcast", "incarnation": 9, "digest": [[2, 9, 1]], "items": items, "sent_us": 5,
        "probe": true, "follows": true,
    });
    let early = json!({"src": "n2", "dest": "n1", "body": {"type": "gossip", "gossip": share}});
    let init = json!({"src": "c0", "dest": "n1", "body": init});
    let mut out = Outbox::new();
    for line in [early, init.clone(), init] {
        node.handle(Time(0), line.to_string().as_bytes(), &mut out);
    }
    // A peer wrote to this node before its `init`, so the cluster was running by then.
    assert_eq!(node.deadline(), Some(ms(1000)));
    for at_ms in [1, 500, 999] {
        node.handle_deadline(ms(at_ms), &mut out);
    }
    let lines: Vec<&[u8]> = out.lines().collect();
    assert_eq!(lines.len(), 2, "both answers to init and nothing else");

    let read = json!({"type": "read", "msg_id": 2});
    let read = json!({"src": "c1", "dest": "n1", "body": read}).to_string();
    out.clear();
    node.handle(ms(999), read.as_bytes(), &mut out);
    let reply: serde_json::Value = serde_json::from_slice(out.as_bytes()).expect("one line");
    assert_eq!(reply["body"]["type"], "read_ok");
    assert_eq!(node.deadline(), Some(ms(999)), "it immediately requests what it lacks");
}

/// The hub restarts without its memory. It recovers all values from its peers within the time
/// of a retransmission.
#[test]
fn a_restarted_hub_recovers_its_values() {
    for (max_staleness_ms, within_ms) in [(100, 4_000), (550, 4_500), (1900, 7_500)] {
        let mut simulation = simulation(5, max_staleness_ms);
        for (value, node) in (0..).zip(0..5) {
            simulation.add(node, value);
        }
        simulation.run_until_ms(20_000);
        simulation.restart(0);
        simulation.run_until_ms(20_000 + within_ms);
        assert_eq!(simulation.read(0).len(), 5, "{max_staleness_ms}");
        simulation.run_until_ms(40_000);
        let sent = simulation.sent_since(20_000).len();
        assert!(sent <= 12, "{max_staleness_ms}: {sent} messages");
        // Its peers distinguish its new items from the old ones.
        simulation.restart(0);
        simulation.add(0, 10);
        simulation.run_until_ms(40_000 + within_ms);
        for node in 0..5 {
            assert_eq!(simulation.read(node).len(), 6, "{max_staleness_ms}: n{node}");
        }
    }
}

/// Broadcasts values of 10 kB each.
fn broadcast_large_values(simulation: &mut Simulation, node: usize, count: usize) {
    let text = "x".repeat(10_000);
    for number in 0..count {
        let value = format!("{number}{text}");
        simulation.request(node, json!({"type": "broadcast", "message": value}));
    }
}

/// A restarted node receives megabytes in messages that Maelstrom accepts, a few at a time and
/// each once, even if its request arrives twice.
#[test]
fn a_large_state_is_sent_once_in_messages_below_one_mebibyte() {
    const VALUES: usize = 1000;
    for duplication in [0, 100] {
        let mut simulation = Simulation::new(Scenario {
            nodes: 3,
            duplication,
            shortest_delay_ms: DELAY_MS,
            longest_delay_ms: DELAY_MS,
            ..Scenario::default()
        });
        broadcast_large_values(&mut simulation, 1, VALUES);
        simulation.run_until_ms(5_000);
        simulation.restart(2);
        simulation.run_until_ms(15_000);
        let list = simulation.request(2, json!({"type": "read"}));
        assert_eq!(list["messages"].as_array().map(Vec::len), Some(VALUES));
        let longest = simulation.sent.iter().map(|sent| sent.bytes).max().expect("some were sent");
        assert!(longest < 1 << 20, "{longest} bytes in one message");
        let learnt: usize = simulation.sent_since(5_000).iter().map(|sent| sent.bytes).sum();
        assert!(learnt < 10_100_000, "{learnt} bytes to learn 10 MB, {duplication} % doubled");
        for first in &simulation.sent {
            let at_once =
                simulation.sent.iter().filter(|sent| (sent.at, sent.src) == (first.at, first.src));
            let at_once: usize = at_once.map(|sent| sent.bytes).sum();
            assert!(at_once < 4 << 20, "{at_once} bytes in one go");
        }
    }
}

/// The restarted nodes request all values from the same peer at the same time.
#[test]
fn many_peers_that_lack_megabytes_share_the_output_of_a_node() {
    const NODES: usize = 9;
    const VALUES: usize = 800;
    let mut simulation = Simulation::new(Scenario {
        nodes: NODES,
        shortest_delay_ms: DELAY_MS,
        longest_delay_ms: DELAY_MS,
        ..Scenario::default()
    });
    broadcast_large_values(&mut simulation, 0, VALUES);
    simulation.run_until_ms(5_000);
    simulation.longest_output = 0;
    for node in 2..NODES {
        simulation.restart(node);
    }
    simulation.run_until_ms(15_000);
    // A batch of 3.2 MB for the first peer, and one message for each other peer.
    let longest = simulation.longest_output;
    assert!(longest < 3_600_000 + NODES * 400_000, "{longest} bytes in one output");
    for node in 2..NODES {
        let list = simulation.request(node, json!({"type": "read"}));
        assert_eq!(list["messages"].as_array().map(Vec::len), Some(VALUES), "n{node}");
    }
}

/// Returns an `init` line for `n1` of three nodes, with the network's own number of the
/// message.
fn numbered_init(id: u64) -> String {
    let names = ["n0", "n1", "n2"];
    let body = json!({"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": names});
    json!({"id": id, "src": "c9", "dest": "n1", "body": body}).to_string()
}

/// The initialization of three nodes uses at most the messages 0 to 5. A node whose `init` has
/// a higher number joins a running cluster, and requests its lost items from its hub.
#[test]
fn a_restarted_node_requests_its_items_from_the_hub_without_a_client_request() {
    for (id, probes_after_ms) in [(4, 10_000), (5, 1_000), (500, 1_000)] {
        let config = Config::parse(["g-counter".into()]).expect("a workload");
        let mut node = Node::new(config, 1, ManualClock::new(UnixMillis(0)));
        let mut out = Outbox::new();
        node.handle(ms(0), numbered_init(id).as_bytes(), &mut out);
        out.clear();
        assert_eq!(node.deadline(), Some(ms(probes_after_ms)), "init number {id}");
        node.handle_deadline(ms(probes_after_ms), &mut out);
        let sent: Vec<&[u8]> = out.lines().collect();
        assert_eq!(sent.len(), 1, "one message, to the hub");
        let sent: serde_json::Value = serde_json::from_slice(sent[0]).expect("JSON");
        assert_eq!((&sent["dest"], &sent["body"]["gossip"]["probe"]), (&json!("n0"), &json!(true)));
    }
}

/// Adds two values on each of three nodes.
fn add_six_values(simulation: &mut Simulation) {
    for (node, value) in [0, 1, 2, 0, 1, 2].into_iter().zip(0..) {
        simulation.add(node, value);
    }
}

fn three_nodes(workload: &'static str, has_argument: bool) -> Simulation {
    Simulation::new(Scenario {
        workload,
        has_argument,
        nodes: 3,
        shortest_delay_ms: DELAY_MS,
        longest_delay_ms: DELAY_MS,
        ..Scenario::default()
    })
}

/// No client sends a request after the restart. The node recovers, and its peers receive the
/// new incarnation. A node without a workload argument learns the workload from its peers.
#[test]
fn a_node_that_restarts_in_an_idle_cluster_recovers_without_a_client_request() {
    for (node, has_argument) in (0..3).flat_map(|node| [(node, true), (node, false)]) {
        for workload in ["g-set", "g-counter", "broadcast"] {
            let mut simulation = three_nodes(workload, has_argument);
            add_six_values(&mut simulation);
            simulation.run_until_ms(20_000);
            simulation.restart_quietly(node);
            // 1 s until it may write to peers, and two round trips.
            simulation.run_until_ms(21_500);
            let context = format!("{workload}, argument: {has_argument}, n{node}");
            assert_eq!(simulation.read(node).len(), 6, "{context}");
            simulation.run_until_ms(40_000);
            let sent = simulation.sent_since(20_000).len();
            assert!(sent <= 12, "{context}: {sent} messages");
        }
    }
}

/// Two of three nodes restart, and the third is unreachable for a while. They do not know their
/// workload and keep introducing themselves until the third node replies.
#[test]
fn a_restarted_node_without_a_workload_introduces_itself_until_a_peer_with_state_replies() {
    let mut simulation = three_nodes("g-set", false);
    add_six_values(&mut simulation);
    simulation.run_until_ms(20_000);
    simulation.disconnected = vec![(0, 2), (1, 2)];
    simulation.restart_quietly(0);
    simulation.restart_quietly(1);
    simulation.run_until_ms(120_000);
    let sent = simulation.sent_since(60_000).len();
    assert!(sent <= 30, "{sent} messages in 60 s: one from each node in 4 s");
    simulation.disconnected.clear();
    simulation.run_until_ms(125_000);
    for node in 0..3 {
        assert_eq!(simulation.read(node).len(), 6, "n{node}");
    }
    simulation.run_until_ms(200_000);
    assert!(simulation.sent_since(190_000).is_empty(), "a node still sends");
}

/// No client has ever sent a request that names a workload. The nodes introduce themselves once,
/// and then no node sends.
#[test]
fn nodes_without_any_state_stop_introducing_themselves() {
    let mut simulation =
        Simulation::new(Scenario { has_argument: false, nodes: 4, ..Scenario::default() });
    for node in 0..4 {
        simulation.restart_quietly(node);
    }
    simulation.run_until_ms(60_000);
    assert!(!simulation.sent.is_empty());
    let last = simulation.sent.last().map(|sent| sent.at);
    assert!(last < Some(ms(10_000)), "a node still sends at {last:?}");
}
