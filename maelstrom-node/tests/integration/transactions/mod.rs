//! Transactions of `txn-rw-register` are causally consistent and always available, whatever
//! the network, the clocks and restarts do. In the end all nodes agree.

use std::collections::BTreeMap;

use maelstrom_node::Time;
use proptest::prelude::*;
use serde_json::{Value, json};

use self::judge::{MAX_TRANSACTIONS, Op, Transaction, judge};
use crate::simulation::{FAULTS_END_MS, Scenario, Simulation};

mod judge;

/// Several of the longest intervals between two retransmissions, and the largest clock error.
const REPAIR_MS: u64 = 40_000;

/// The transactions of a scenario leave room for one of each node at the end.
const MAX_PLANNED: usize = 100;

const MAX_NODES: usize = 6;

const KEYS: u32 = 4;

/// An event of a scenario.
#[derive(Clone, Debug)]
enum Event {
    /// A node executes a transaction: for each operation a key, and `true` for a write.
    Execute(usize, Vec<(u32, bool)>),
    Restart(usize),
    /// A clock is set to this error.
    SetClock(usize, i64),
}

/// Executes a transaction at a node, which must reply immediately.
fn execute(
    simulation: &mut Simulation,
    node: usize,
    ops: &[(u32, bool)],
    next: &mut u32,
) -> Vec<Op> {
    let request: Vec<Value> = ops
        .iter()
        .map(|(key, is_write)| match is_write {
            false => json!(["r", key, null]),
            true => {
                *next += 1;
                json!(["w", key, *next])
            }
        })
        .collect();
    let reply = simulation.request(node, json!({"type": "txn", "txn": request}));
    assert_eq!(reply["type"], "txn_ok", "{reply}");
    let done = reply["txn"].as_array().expect("a list");
    assert_eq!(done.len(), ops.len());
    let number = |value: &Value| value.as_u64().map(|value| u32::try_from(value).expect("small"));
    done.iter()
        .zip(&request)
        .map(|(done, requested)| {
            assert_eq!((&done[0], &done[1]), (&requested[0], &requested[1]));
            let key = number(&done[1]).expect("a key");
            if done[0] == "w" {
                assert_eq!(done[2], requested[2]);
                Op::Write(key, number(&done[2]).expect("a value"))
            } else {
                Op::Read(key, number(&done[2]))
            }
        })
        .collect()
}

/// Runs a scenario, and returns its history with a transaction of each node at the end.
fn run(scenario: Scenario, events: Vec<(u64, Event)>) -> Vec<Transaction> {
    let mut ordered = BTreeMap::new();
    for (at_ms, event) in events {
        ordered.insert((at_ms, ordered.len()), event);
    }
    let nodes = scenario.nodes;
    let mut simulation = Simulation::new(scenario);
    let mut incarnations = vec![0; nodes];
    let mut history = Vec::new();
    let mut next = 0;
    for ((at_ms, _), event) in ordered {
        simulation.run_until(Time(at_ms * 1000));
        match event {
            Event::Execute(node, ops) => {
                let node = node % nodes;
                let ops = execute(&mut simulation, node, &ops, &mut next);
                let session = node + nodes * incarnations[node];
                history.push(Transaction { session, ops });
            }
            Event::Restart(node) => {
                simulation.restart(node % nodes);
                incarnations[node % nodes] += 1;
            }
            Event::SetClock(node, error_ms) => simulation.set_clock(node % nodes, error_ms),
        }
    }
    simulation.run_until(Time((FAULTS_END_MS + REPAIR_MS) * 1000));
    let all: Vec<(u32, bool)> = (0..KEYS).map(|key| (key, false)).collect();
    let finals: Vec<Vec<Op>> =
        (0..nodes).map(|node| execute(&mut simulation, node, &all, &mut next)).collect();
    for (node, ops) in finals.iter().enumerate() {
        assert_eq!(*ops, finals[0], "n{node} and n0 differ at the end");
        history.push(Transaction { session: node + nodes * incarnations[node], ops: ops.clone() });
    }
    let last_sent = simulation.sent.last().map_or(Time(0), |sent| sent.at);
    assert!(simulation.now.since(last_sent).as_secs() >= 10, "the nodes are still sending");
    history
}

fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let ops = prop::collection::vec((0..KEYS, any::<bool>()), 0..5);
    let execute = (0..MAX_NODES, ops).prop_map(|(node, ops)| Event::Execute(node, ops));
    let restart = (0..MAX_NODES).prop_map(Event::Restart);
    let set_clock = (0..MAX_NODES, -4000..4000_i64)
        .prop_map(|(node, error_ms)| Event::SetClock(node, error_ms));
    let many = prop::collection::vec((0..FAULTS_END_MS, execute), 0..MAX_PLANNED);
    let few = prop_oneof![1 => restart, 2 => set_clock];
    let few = prop::collection::vec((0..FAULTS_END_MS, few), 0..5);
    (many, few).prop_map(|(many, few)| [many, few].concat())
}

prop_compose! {
    fn scenarios()(
        seed in any::<u64>(),
        nodes in 1..=MAX_NODES,
        max_staleness_ms in prop_oneof![Just(0), Just(100), Just(800)],
        longest_delay_ms in prop_oneof![Just(0u64), 1..200u64, 200..1000u64],
        loss in prop_oneof![Just(0u64), 0..60u64],
        duplication in prop_oneof![Just(0u64), 0..60u64],
        cuts in prop::collection::vec((0..MAX_NODES, 0..FAULTS_END_MS, 0..FAULTS_END_MS), 0..5),
    ) -> Scenario {
        Scenario {
            workload: "txn-rw-register",
            seed, nodes, max_staleness_ms, longest_delay_ms, loss, duplication, cuts,
            ..Scenario::default()
        }
    }
}

proptest! {
    #[test]
    fn transactions_are_causally_consistent_available_and_convergent(
        scenario in scenarios(),
        events in events(),
    ) {
        const { assert!(MAX_PLANNED + MAX_NODES <= MAX_TRANSACTIONS) };
        let history = run(scenario, events);
        prop_assert_eq!(judge(&history), Ok(()));
    }
}

/// Creates the simulation of a scenario with two nodes and one-way delays of 100 ms.
fn pair() -> Simulation {
    Simulation::new(Scenario {
        workload: "txn-rw-register",
        nodes: 2,
        max_staleness_ms: 100,
        shortest_delay_ms: 100,
        longest_delay_ms: 100,
        ..Scenario::default()
    })
}

fn txn(simulation: &mut Simulation, node: usize, txn: Value) -> Value {
    simulation.request(node, json!({"type": "txn", "txn": txn}))["txn"].clone()
}

#[test]
fn an_isolated_node_replies_and_converges_after_the_partition() {
    let mut simulation = pair();
    simulation.disconnected.push((0, 1));
    for node in 0..2 {
        let written = txn(&mut simulation, node, json!([["w", "k", node], ["r", "k", null]]));
        assert_eq!(written, json!([["w", "k", node], ["r", "k", node]]));
        simulation.run_until(Time(5_000_000));
    }
    simulation.disconnected.clear();
    simulation.run_until(Time(20_000_000));
    for node in 0..2 {
        let read = txn(&mut simulation, node, json!([["r", "k", null]]));
        assert_eq!(read, json!([["r", "k", 1]]), "n1 wrote last");
    }
}

/// The clock of n1 is a minute ahead. Its writes stay hidden on n0 for that minute. The stamps
/// of n0 follow the clock of n0.
#[test]
fn writes_of_a_node_with_a_fast_clock_become_visible_when_other_clocks_reach_their_stamps() {
    let mut simulation = pair();
    simulation.set_clock(1, 60_000);
    // The node confirms the step by a second reading, a second later.
    for at_s in [1, 3, 5] {
        simulation.run_until(Time(at_s * 1_000_000));
        txn(&mut simulation, 1, json!([["w", 1, at_s]]));
    }
    simulation.run_until(Time(10_000_000));
    let read = txn(&mut simulation, 0, json!([["r", 1, null], ["w", 1, 10]]));
    assert_ne!(read[0][2], json!(5), "the stamp of that write is a minute ahead");
    simulation.run_until(Time(20_000_000));
    assert_eq!(txn(&mut simulation, 0, json!([["r", 1, null]])), json!([["r", 1, 10]]));
    simulation.run_until(Time(70_000_000));
    assert_eq!(txn(&mut simulation, 0, json!([["r", 1, null]])), json!([["r", 1, 5]]));
}

#[test]
fn a_clock_step_back_of_an_hour_does_not_stop_transactions() {
    let mut simulation = pair();
    txn(&mut simulation, 0, json!([["w", 1, 1]]));
    simulation.set_clock(0, -3_600_000);
    for value in 2..9 {
        simulation.run_until(Time(value * 1_000_000));
        let done = txn(&mut simulation, 0, json!([["r", 1, null], ["w", 1, value]]));
        assert_eq!(done, json!([["r", 1, value - 1], ["w", 1, value]]));
    }
    simulation.run_until(Time(20_000_000));
    assert_eq!(txn(&mut simulation, 1, json!([["r", 1, null]])), json!([["r", 1, 8]]));
}
