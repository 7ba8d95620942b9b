//! Broadcast, sets and counters converge.
//!
//! Messages are lost, duplicated and reordered, and nodes restart. After the faults, every node
//! receives every value that survived. Then no node sends.

use std::collections::{BTreeMap, BTreeSet};

use maelstrom_node::Time;
use proptest::prelude::*;
use serde_json::json;

use crate::simulation::{FAULTS_END_MS, Scenario, Simulation};

/// The time for several of the longest retry intervals, 6.75 s, and the longest bound here, 2 s.
const REPAIR_MS: u64 = 40_000;

/// Runs a scenario to its end.
///
/// Every value that some node had at the end of the faults must be on all nodes, once. Without
/// restarts, this applies to every value.
fn run(scenario: Scenario) {
    let mut events: BTreeMap<(u64, usize), (bool, usize)> = BTreeMap::new();
    for (at_ms, node) in &scenario.values {
        events.insert((*at_ms, events.len()), (false, *node % scenario.nodes));
    }
    for (at_ms, node) in &scenario.restarts {
        events.insert((*at_ms, events.len()), (true, *node % scenario.nodes));
    }
    let restarted = !scenario.restarts.is_empty();
    let mut simulation = Simulation::new(scenario);
    let mut added = BTreeSet::new();
    for ((at_ms, number), (restart, node)) in events {
        simulation.run_until(Time(at_ms * 1000));
        if restart {
            simulation.restart(node);
        } else {
            let value = u32::try_from(number).expect("few values");
            simulation.add(node, value);
            added.insert(value);
        }
    }
    simulation.run_until(Time(FAULTS_END_MS * 1000));
    let nodes = simulation.nodes.len();
    let survived: BTreeSet<u32> = (0..nodes).flat_map(|node| simulation.read(node)).collect();
    if !restarted {
        assert_eq!(survived, added);
    }
    simulation.run_until(Time((FAULTS_END_MS + REPAIR_MS) * 1000));
    for node in 0..nodes {
        let read = simulation.read(node);
        let distinct: BTreeSet<u32> = read.iter().copied().collect();
        assert_eq!(read.len(), distinct.len(), "n{node} reads a value twice");
        let missing: Vec<_> = survived.difference(&distinct).collect();
        assert!(missing.is_empty(), "n{node} lacks {missing:?}");
        assert!(distinct.is_subset(&added), "n{node} reads a value that was not added");
    }
    let last_sent = simulation.sent.last().map_or(Time(0), |sent| sent.at);
    let quiet = simulation.now.since(last_sent);
    assert!(quiet.as_secs() >= 10, "a node sent a message {quiet:?} before the end");
}

prop_compose! {
    fn scenarios()(
        workload in prop::sample::select(vec!["broadcast", "g-set", "g-counter"]),
        // Without an argument and a request, only the number of its `init` shows a node that it
        // has restarted. A restart that is not quiet has no such number.
        (has_argument, has_quiet_restarts) in
            prop::sample::select(vec![(true, false), (true, true), (false, true)]),
        seed in any::<u64>(),
        nodes in 1usize..8,
        max_staleness_ms in prop_oneof![Just(0), Just(100), Just(550), Just(1900)],
        longest_delay_ms in prop_oneof![Just(0u64), 1..200u64, 200..1000u64],
        loss in prop_oneof![Just(0u64), 0..60u64],
        duplication in prop_oneof![Just(0u64), 0..60u64],
        restarts in prop::collection::vec((0..FAULTS_END_MS, 0usize..8), 0..4),
        values in prop::collection::vec((0..FAULTS_END_MS, 0usize..8), 0..60),
        cuts in prop::collection::vec((0usize..8, 0..FAULTS_END_MS, 0..FAULTS_END_MS), 0..5),
    ) -> Scenario {
        Scenario {
            workload, has_argument, has_quiet_restarts, seed, nodes, max_staleness_ms,
            longest_delay_ms, loss, duplication, restarts, values, cuts, ..Scenario::default()
        }
    }
}

proptest! {
    #[test]
    fn every_surviving_value_reaches_every_node_and_then_sending_stops(scenario in scenarios()) {
        run(scenario);
    }
}

/// One link is down permanently, as in a ring of majorities, and the other nodes continue to add
/// values. However many new values there are, the values of n1 must reach n2 through a third
/// node, with every strategy.
#[test]
fn a_value_reaches_a_node_whose_link_to_the_source_is_down() {
    for max_staleness_ms in [0, 100, 550, 1900] {
        for disconnected in [(0, 2), (1, 2)] {
            let mut simulation = Simulation::new(Scenario {
                nodes: 4,
                max_staleness_ms,
                longest_delay_ms: 200,
                ..Scenario::default()
            });
            simulation.disconnected.push(disconnected);
            for round in 0..100 {
                simulation.run_until(Time(round * 300_000));
                let node = usize::try_from(round).expect("few rounds") % 4;
                simulation.request(node, json!({"type": "broadcast", "message": round}));
            }
            // 18 s are enough for several retransmissions while new values arrive.
            for node in 0..4 {
                let read: BTreeSet<u32> = simulation.read(node).into_iter().collect();
                let missing: Vec<u32> = (0..40).filter(|value| !read.contains(value)).collect();
                assert!(
                    missing.is_empty(),
                    "{max_staleness_ms} ms, {disconnected:?}: n{node} lacks {missing:?}"
                );
            }
        }
    }
}

/// The first value of an incarnation is lost, the second one arrives, and the node is killed
/// before it retransmits the first. The gap is permanent.
#[test]
fn a_value_after_a_permanent_gap_reaches_every_node() {
    run(Scenario {
        seed: 14_377_820_694_968_386_809,
        nodes: 3,
        max_staleness_ms: 1900,
        loss: 51,
        restarts: vec![(2183, 1)],
        values: vec![(0, 7), (845, 7)],
        ..Scenario::default()
    });
}

/// A message from the hub to an earlier incarnation arrives at the present one. It does not show
/// that the hub has received a message from the present incarnation, which lacks every value.
#[test]
fn a_message_to_an_earlier_incarnation_does_not_acknowledge_the_current_one() {
    run(Scenario {
        seed: 2_920_436_136_830_114_529,
        nodes: 3,
        max_staleness_ms: 0,
        longest_delay_ms: 457,
        restarts: vec![(46, 0), (6812, 2)],
        values: vec![(3722, 2)],
        ..Scenario::default()
    });
}

/// A late message of an ended incarnation arrives after the first message of the present one.
/// The mistake must not last. Otherwise both nodes retransmit forever.
#[test]
fn a_late_message_of_an_ended_incarnation_does_not_replace_the_current_one() {
    let values = [(865, 6), (718, 0), (1244, 3), (199, 0), (555, 2), (505, 5), (416, 7), (718, 1)];
    run(Scenario {
        seed: 16_740_709_081_690_909_062,
        nodes: 6,
        max_staleness_ms: 0,
        longest_delay_ms: 566,
        loss: 18,
        restarts: vec![(1425, 3)],
        values: [&values[..], &[(1426, 3), (390, 0), (28, 0)]].concat(),
        ..Scenario::default()
    });
}

/// A peer takes an ended incarnation for the present one, and that incarnation had acknowledged
/// everything. The peer must still recognize the present incarnation.
#[test]
fn an_incarnation_wrongly_considered_ended_is_recognized_when_it_probes() {
    run(Scenario {
        seed: 11_852_065_032_887_535_609,
        nodes: 7,
        max_staleness_ms: 0,
        longest_delay_ms: 472,
        restarts: vec![(287, 0), (335, 0)],
        values: vec![(197, 0), (197, 6), (287, 6), (467, 0)],
        cuts: vec![(2, 652, 5502)],
        ..Scenario::default()
    });
}

/// n4 cannot reach the hub. Its stand-in n1 acknowledges its value, is killed before it passes the
/// value on, and comes back without it. n4 must keep sending the value to the hub: it receives no
/// message about the restart of n1, and n1 does not know that n4 relied on it.
#[test]
fn a_value_survives_the_restart_of_a_stand_in_that_acknowledged_it() {
    for has_quiet_restarts in [false, true] {
        run(Scenario {
            seed: 302_393_105_578_258_447,
            nodes: 6,
            loss: 52,
            has_quiet_restarts,
            restarts: vec![(6158, 2), (7677, 7)],
            values: vec![(6496, 4)],
            ..Scenario::default()
        });
    }
}

/// Late messages make n0 and n3 take ended incarnations of each other for the present ones. Each
/// ignores the proof of the other, because it ignores the other's present incarnation.
#[test]
fn two_nodes_that_take_ended_incarnations_of_each_other_for_the_present_ones_recover() {
    run(Scenario {
        seed: 635_553_488_227_349_950,
        nodes: 4,
        max_staleness_ms: 1900,
        longest_delay_ms: 680,
        has_quiet_restarts: true,
        restarts: vec![(2515, 4), (2296, 3)],
        values: vec![(53, 3), (98, 6), (1166, 3), (720, 1), (2451, 3), (1296, 6)],
        ..Scenario::default()
    });
}

/// The round clock of the hub has shorter rounds than the present margin. A flush that waits for
/// late reports must not wait for the reports of the next round, and so on.
#[test]
fn a_flush_does_not_wait_for_round_after_round() {
    let values = [(6485, 2), (4091, 2), (3419, 0), (1446, 2), (1816, 3), (5447, 3), (6698, 2)];
    let more = [(5202, 2), (5780, 3), (2902, 7), (4238, 7), (6445, 0), (5728, 1), (4373, 2)];
    run(Scenario {
        workload: "g-set",
        has_argument: false,
        seed: 16_988_464_826_960_114_358,
        nodes: 3,
        longest_delay_ms: 651,
        has_quiet_restarts: true,
        values: [&values[..], &more, &[(5245, 1)]].concat(),
        ..Scenario::default()
    });
}

/// A late message makes n1 take an earlier incarnation of n0 for the present one. So n1 believes
/// that n0 has the value, which n0 has lost.
#[test]
fn a_value_returns_to_a_node_that_a_peer_takes_for_its_earlier_incarnation() {
    run(Scenario {
        seed: 1_025_664_967_279_955_651,
        nodes: 2,
        max_staleness_ms: 0,
        longest_delay_ms: 652,
        duplication: 32,
        has_quiet_restarts: true,
        restarts: vec![(5299, 1), (954, 1), (6766, 0)],
        values: vec![(0, 0)],
        ..Scenario::default()
    });
}
