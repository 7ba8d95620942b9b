//! Transactions of `txn-rw-register` are causally consistent and always available, whatever
//! the network, the clocks and restarts do. In the end all nodes agree.

use std::collections::BTreeMap;

use judge::{MAX_TRANSACTIONS, Op, Transaction, judge};
use maelstrom_node::Time;
use proptest::prelude::*;
use serde_json::{Value, json};
use world::{Story, TROUBLE_MS, World};

mod judge;
#[path = "../world/mod.rs"]
mod world;

/// Several of the longest intervals between two retransmissions, and the largest clock error.
const REPAIR_MS: u64 = 40_000;

/// The transactions of a story leave room for one of each node at the end.
const MAX_PLANNED: usize = 100;

const MAX_NODES: usize = 6;

const KEYS: u32 = 4;

/// An event of a story.
#[derive(Clone, Debug)]
enum Event {
    /// A node executes a transaction: for each operation a key, and `true` for a write.
    Execute(usize, Vec<(u32, bool)>),
    Restart(usize),
    /// A clock is set to this error.
    SetClock(usize, i64),
}

/// Executes a transaction at a node, which must reply immediately.
fn execute(world: &mut World, place: usize, ops: &[(u32, bool)], next: &mut u32) -> Vec<Op> {
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
    let reply = world.ask(place, json!({"type": "txn", "txn": request}));
    assert_eq!(reply["type"], "txn_ok", "{reply}");
    let done = reply["txn"].as_array().expect("a list");
    assert_eq!(done.len(), ops.len());
    let number = |value: &Value| value.as_u64().map(|value| u32::try_from(value).expect("small"));
    done.iter()
        .zip(&request)
        .map(|(done, asked)| {
            assert_eq!((&done[0], &done[1]), (&asked[0], &asked[1]));
            let key = number(&done[1]).expect("a key");
            if done[0] == "w" {
                assert_eq!(done[2], asked[2]);
                Op::Write(key, number(&done[2]).expect("a value"))
            } else {
                Op::Read(key, number(&done[2]))
            }
        })
        .collect()
}

/// Runs a story, and returns its history with a transaction of each node at the end.
fn run(story: Story, events: Vec<(u64, Event)>) -> Vec<Transaction> {
    let mut ordered = BTreeMap::new();
    for (at_ms, event) in events {
        ordered.insert((at_ms, ordered.len()), event);
    }
    let nodes = story.nodes;
    let mut world = World::new(story);
    let mut incarnations = vec![0; nodes];
    let mut history = Vec::new();
    let mut next = 0;
    for ((at_ms, _), event) in ordered {
        world.run_until(Time(at_ms * 1000));
        match event {
            Event::Execute(place, ops) => {
                let place = place % nodes;
                let ops = execute(&mut world, place, &ops, &mut next);
                let session = place + nodes * incarnations[place];
                history.push(Transaction { session, ops });
            }
            Event::Restart(place) => {
                world.restart(place % nodes);
                incarnations[place % nodes] += 1;
            }
            Event::SetClock(place, error_ms) => world.set_clock(place % nodes, error_ms),
        }
    }
    world.run_until(Time((TROUBLE_MS + REPAIR_MS) * 1000));
    let all: Vec<(u32, bool)> = (0..KEYS).map(|key| (key, false)).collect();
    let finals: Vec<Vec<Op>> =
        (0..nodes).map(|place| execute(&mut world, place, &all, &mut next)).collect();
    for (place, ops) in finals.iter().enumerate() {
        assert_eq!(*ops, finals[0], "n{place} and n0 differ at the end");
        history
            .push(Transaction { session: place + nodes * incarnations[place], ops: ops.clone() });
    }
    let last_sent = world.sent.last().map_or(Time(0), |sent| sent.at);
    assert!(world.now.since(last_sent).as_secs() >= 10, "the nodes are still sending");
    history
}

fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let ops = prop::collection::vec((0..KEYS, any::<bool>()), 0..5);
    let execute = (0..MAX_NODES, ops).prop_map(|(place, ops)| Event::Execute(place, ops));
    let restart = (0..MAX_NODES).prop_map(Event::Restart);
    let set_clock = (0..MAX_NODES, -4000..4000_i64)
        .prop_map(|(place, error_ms)| Event::SetClock(place, error_ms));
    let many = prop::collection::vec((0..TROUBLE_MS, execute), 0..MAX_PLANNED);
    let few = prop_oneof![1 => restart, 2 => set_clock];
    let few = prop::collection::vec((0..TROUBLE_MS, few), 0..5);
    (many, few).prop_map(|(many, few)| [many, few].concat())
}

prop_compose! {
    fn stories()(
        seed in any::<u64>(),
        nodes in 1..=MAX_NODES,
        max_staleness_ms in prop_oneof![Just(0), Just(100), Just(800)],
        longest_delay_ms in prop_oneof![Just(0u64), 1..200u64, 200..1000u64],
        loss in prop_oneof![Just(0u64), 0..60u64],
        duplication in prop_oneof![Just(0u64), 0..60u64],
        cuts in prop::collection::vec((0..MAX_NODES, 0..TROUBLE_MS, 0..TROUBLE_MS), 0..5),
    ) -> Story {
        Story {
            workload: "txn-rw-register",
            seed, nodes, max_staleness_ms, longest_delay_ms, loss, duplication, cuts,
            ..Story::default()
        }
    }
}

proptest! {
    #[test]
    fn transactions_are_causally_consistent_available_and_convergent(
        story in stories(),
        events in events(),
    ) {
        const { assert!(MAX_PLANNED + MAX_NODES <= MAX_TRANSACTIONS) };
        let history = run(story, events);
        prop_assert_eq!(judge(&history), Ok(()));
    }
}

/// Creates the world of a story with two nodes and one-way delays of 100 ms.
fn pair() -> World {
    World::new(Story {
        workload: "txn-rw-register",
        nodes: 2,
        max_staleness_ms: 100,
        shortest_delay_ms: 100,
        longest_delay_ms: 100,
        ..Story::default()
    })
}

fn txn(world: &mut World, place: usize, txn: Value) -> Value {
    world.ask(place, json!({"type": "txn", "txn": txn}))["txn"].clone()
}

#[test]
fn a_node_that_is_cut_off_answers_and_agrees_afterwards() {
    let mut world = pair();
    world.severed.push((0, 1));
    for place in 0..2 {
        let written = txn(&mut world, place, json!([["w", "k", place], ["r", "k", null]]));
        assert_eq!(written, json!([["w", "k", place], ["r", "k", place]]));
        world.run_until(Time(5_000_000));
    }
    world.severed.clear();
    world.run_until(Time(20_000_000));
    for place in 0..2 {
        let read = txn(&mut world, place, json!([["r", "k", null]]));
        assert_eq!(read, json!([["r", "k", 1]]), "n1 wrote last");
    }
}

/// The clock of n1 is a minute ahead. Its writes stay hidden on n0 for that minute. The stamps
/// of n0 follow the clock of n0.
#[test]
fn writes_from_a_node_whose_clock_is_ahead_stay_hidden_until_the_clock_here_has_passed() {
    let mut world = pair();
    world.set_clock(1, 60_000);
    // The node confirms the step by a second reading, a second later.
    for at_s in [1, 3, 5] {
        world.run_until(Time(at_s * 1_000_000));
        txn(&mut world, 1, json!([["w", 1, at_s]]));
    }
    world.run_until(Time(10_000_000));
    let read = txn(&mut world, 0, json!([["r", 1, null], ["w", 1, 10]]));
    assert_ne!(read[0][2], json!(5), "the stamp of that write is a minute ahead");
    world.run_until(Time(20_000_000));
    assert_eq!(txn(&mut world, 0, json!([["r", 1, null]])), json!([["r", 1, 10]]));
    world.run_until(Time(70_000_000));
    assert_eq!(txn(&mut world, 0, json!([["r", 1, null]])), json!([["r", 1, 5]]));
}

#[test]
fn a_clock_that_steps_back_an_hour_stops_no_transaction() {
    let mut world = pair();
    txn(&mut world, 0, json!([["w", 1, 1]]));
    world.set_clock(0, -3_600_000);
    for value in 2..9 {
        world.run_until(Time(value * 1_000_000));
        let done = txn(&mut world, 0, json!([["r", 1, null], ["w", 1, value]]));
        assert_eq!(done, json!([["r", 1, value - 1], ["w", 1, value]]));
    }
    world.run_until(Time(20_000_000));
    assert_eq!(txn(&mut world, 1, json!([["r", 1, null]])), json!([["r", 1, 8]]));
}
