//! Broadcast, sets and counters converge: whatever is lost, doubled, reordered or restarted along the
//! way, once the network is whole again every node has every value that survived, and
//! then falls silent.

use std::collections::{BTreeMap, BTreeSet};

use maelstrom_node::{Config, Kind, Node, Outbox, Time};
use proptest::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;
use serde_json::{Value, json};
use snowflake::{ManualClock, UnixMillis};

/// What befalls a run. Instants and spans in milliseconds, chances in percent.
#[derive(Clone, Debug)]
struct Story {
    kind: Kind,
    seed: u64,
    nodes: usize,
    max_staleness_ms: u64,
    longest_delay_ms: u64,
    loss: u64,
    duplication: u64,
    /// Who is restarted when.
    restarts: Vec<(u64, usize)>,
    /// Who hands in a value when.
    values: Vec<(u64, usize)>,
    /// Who is cut off from everyone, from when to when.
    cuts: Vec<(usize, u64, u64)>,
}

/// Until then faults may strike; what comes later is the time allowed for repair.
const TROUBLE_MS: u64 = 8_000;

/// Enough for a few turns of the longest backoff, 5 s, and the longest bound here, 2 s.
const REPAIR_MS: u64 = 40_000;

struct World {
    story: Story,
    rng: SplitMix64,
    now: Time,
    nodes: Vec<Node<ManualClock>>,
    /// By due time; the sending order breaks ties.
    in_flight: BTreeMap<(Time, u64), (usize, usize, Vec<u8>)>,
    sent: u64,
    last_sent: Time,
    /// Pairs of nodes that cannot reach each other at all.
    severed: Vec<(usize, usize)>,
}

impl World {
    fn new(story: Story) -> World {
        let mut world = World {
            rng: SplitMix64::seed_from_u64(story.seed),
            now: Time(0),
            nodes: Vec::new(),
            in_flight: BTreeMap::new(),
            sent: 0,
            last_sent: Time(0),
            severed: Vec::new(),
            story,
        };
        for _ in 0..world.story.nodes {
            let node = world.start();
            world.nodes.push(node);
        }
        for place in 0..world.story.nodes {
            world.init(place);
        }
        world
    }

    fn start(&mut self) -> Node<ManualClock> {
        let mut config = Config::default();
        config.workload = Some(self.story.kind);
        config.max_staleness = Some(std::time::Duration::from_millis(self.story.max_staleness_ms));
        Node::new(config, self.rng.next_u64(), ManualClock::new(UnixMillis(0)))
    }

    fn init(&mut self, place: usize) {
        let names: Vec<String> = (0..self.story.nodes).map(name).collect();
        self.ask(place, json!({"type": "init", "node_id": name(place), "node_ids": names}));
        // The first message after it says that all nodes have been initialised.
        self.read(place);
    }

    /// A client's request, and the body of the reply.
    fn ask(&mut self, place: usize, mut body: Value) -> Value {
        body["msg_id"] = json!(1);
        let line = json!({"src": "c1", "dest": name(place), "body": body}).to_string();
        let mut out = Outbox::new();
        self.nodes[place].handle(self.now, line.as_bytes(), &mut out);
        self.post(place, &out).expect("a client is answered at once")
    }

    /// Puts what a node sent on the network; returns what it told the client.
    fn post(&mut self, src: usize, out: &Outbox) -> Option<Value> {
        let mut reply = None;
        for line in out.lines() {
            let message: Value = serde_json::from_slice(line).expect("JSON");
            let dest = message["dest"].as_str().expect("a name");
            let Some(dest) = dest.strip_prefix('n').and_then(|place| place.parse().ok()) else {
                reply = Some(message["body"].clone());
                continue;
            };
            self.last_sent = self.now;
            let trouble = self.now < Time(TROUBLE_MS * 1000);
            if trouble && self.rng.next_u64() % 100 < self.story.loss {
                continue;
            }
            let copies =
                1 + u64::from(trouble && self.rng.next_u64() % 100 < self.story.duplication);
            for _ in 0..copies {
                let delay_us = self.rng.next_u64() % (self.story.longest_delay_ms * 1000 + 1);
                self.sent += 1;
                let due = (Time(self.now.0 + delay_us), self.sent);
                self.in_flight.insert(due, (src, dest, line.to_vec()));
            }
        }
        reply
    }

    fn is_cut(&self, one: usize, other: usize) -> bool {
        let now_ms = self.now.0 / 1000;
        self.severed.contains(&(one, other))
            || self.severed.contains(&(other, one))
            || self.story.cuts.iter().any(|(cut, from_ms, until_ms)| {
                (*from_ms..*until_ms).contains(&now_ms) && (*cut == one || *cut == other)
            })
    }

    /// Lets time pass until `end`, doing whatever is due on the way.
    fn run_until(&mut self, end: Time) {
        loop {
            let arrival = self.in_flight.first_key_value().map(|(due, _)| *due);
            let deadline = (0..self.nodes.len())
                .filter_map(|place| Some((self.nodes[place].deadline()?, place)))
                .min();
            let next = [arrival.map(|(due, _)| due), deadline.map(|(due, _)| due)];
            let Some(next) = next.into_iter().flatten().min().filter(|next| *next < end) else {
                break;
            };
            self.now = self.now.max(next);
            let mut out = Outbox::new();
            let place = match (arrival, deadline) {
                (Some(due), _) if due.0 == next => {
                    let (src, dest, line) = self.in_flight.remove(&due).expect("it was first");
                    if !self.is_cut(src, dest) {
                        self.nodes[dest].handle(self.now, &line, &mut out);
                    }
                    dest
                }
                (_, Some((_, place))) => {
                    self.nodes[place].handle_deadline(self.now, &mut out);
                    let moved = self.nodes[place].deadline().is_none_or(|due| due > self.now);
                    assert!(moved, "n{place} has a deadline that does not pass at {:?}", self.now);
                    place
                }
                _ => unreachable!("one of the two is next"),
            };
            self.post(place, &out);
        }
        self.now = end;
    }

    /// Hands in a value. A counter is given a power of two, so that its sum tells which
    /// values it is made of.
    fn add(&mut self, place: usize, value: u32) {
        let reply = self.ask(
            place,
            match self.story.kind {
                Kind::GSet => json!({"type": "add", "element": value}),
                Kind::GCounter => json!({"type": "add", "delta": 1u64 << value}),
                _ => json!({"type": "broadcast", "message": value}),
            },
        );
        assert!(reply["type"] == "add_ok" || reply["type"] == "broadcast_ok", "{reply}");
    }

    fn read(&mut self, place: usize) -> Vec<u32> {
        let reply = self.ask(place, json!({"type": "read"}));
        if self.story.kind == Kind::GCounter {
            let sum = reply["value"].as_u64().expect("a sum");
            return (0..u64::BITS).filter(|value| sum >> value & 1 == 1).collect();
        }
        let key = if self.story.kind == Kind::GSet { "value" } else { "messages" };
        serde_json::from_value(reply[key].clone()).expect("a list of numbers")
    }
}

fn name(place: usize) -> String {
    format!("n{place}")
}

/// Runs a story to its end. Every value that some node knew when the trouble was over
/// must be on all of them, once; without restarts that is every value.
fn run(story: Story) {
    let mut events: BTreeMap<(u64, usize), (bool, usize)> = BTreeMap::new();
    for (at_ms, place) in &story.values {
        events.insert((*at_ms, events.len()), (false, *place % story.nodes));
    }
    for (at_ms, place) in &story.restarts {
        events.insert((*at_ms, events.len()), (true, *place % story.nodes));
    }
    let restarted = !story.restarts.is_empty();
    let mut world = World::new(story);
    let mut added = BTreeSet::new();
    for ((at_ms, number), (restart, place)) in events {
        world.run_until(Time(at_ms * 1000));
        if restart {
            world.nodes[place] = world.start();
            world.init(place);
        } else {
            let value = u32::try_from(number).expect("few values");
            world.add(place, value);
            added.insert(value);
        }
    }
    world.run_until(Time(TROUBLE_MS * 1000));
    let nodes = world.nodes.len();
    let survived: BTreeSet<u32> = (0..nodes).flat_map(|place| world.read(place)).collect();
    if !restarted {
        assert_eq!(survived, added);
    }
    world.run_until(Time((TROUBLE_MS + REPAIR_MS) * 1000));
    for place in 0..nodes {
        let read = world.read(place);
        let distinct: BTreeSet<u32> = read.iter().copied().collect();
        assert_eq!(read.len(), distinct.len(), "n{place} reads a value twice");
        let missing: Vec<_> = survived.difference(&distinct).collect();
        assert!(missing.is_empty(), "n{place} lacks {missing:?}");
        assert!(distinct.is_subset(&added), "n{place} reads what nobody added");
    }
    let quiet = world.now.since(world.last_sent);
    assert!(quiet.as_secs() >= 10, "somebody still spoke {quiet:?} before the end");
}

prop_compose! {
    fn stories()(
        kind in prop::sample::select(vec![Kind::Broadcast, Kind::GSet, Kind::GCounter]),
        seed in any::<u64>(),
        nodes in 1usize..8,
        max_staleness_ms in prop_oneof![Just(0), Just(100), Just(550), Just(1900)],
        longest_delay_ms in prop_oneof![Just(0u64), 1..200u64, 200..1000u64],
        loss in prop_oneof![Just(0u64), 0..60u64],
        duplication in prop_oneof![Just(0u64), 0..60u64],
        restarts in prop::collection::vec((0..TROUBLE_MS, 0usize..8), 0..4),
        values in prop::collection::vec((0..TROUBLE_MS, 0usize..8), 0..60),
        cuts in prop::collection::vec((0usize..8, 0..TROUBLE_MS, 0..TROUBLE_MS), 0..5),
    ) -> Story {
        Story {
            kind, seed, nodes, max_staleness_ms, longest_delay_ms, loss, duplication, restarts,
            values, cuts,
        }
    }
}

proptest! {
    #[test]
    fn every_surviving_value_reaches_everyone_and_then_all_is_quiet(story in stories()) {
        run(story);
    }
}
/// One link is down for good, as in a ring of majorities, and everyone else goes on
/// writing. However much news there is, what n1 made must reach n2 through a third node,
/// whatever the plan.
#[test]
fn a_value_finds_its_way_round_a_link_that_is_down() {
    for max_staleness_ms in [0, 100, 550, 1900] {
        for severed in [(0, 2), (1, 2)] {
            let mut world = World::new(Story {
                kind: Kind::Broadcast,
                seed: 7,
                nodes: 4,
                max_staleness_ms,
                longest_delay_ms: 200,
                loss: 0,
                duplication: 0,
                restarts: vec![],
                values: vec![],
                cuts: vec![],
            });
            world.severed.push(severed);
            for round in 0..100 {
                world.run_until(Time(round * 300_000));
                let place = usize::try_from(round).expect("few rounds") % 4;
                world.ask(place, json!({"type": "broadcast", "message": round}));
            }
            // 18 s: long enough for a few reminders, with news coming in all the while.
            for place in 0..4 {
                let read: BTreeSet<u32> = world.read(place).into_iter().collect();
                let missing: Vec<u32> = (0..40).filter(|value| !read.contains(value)).collect();
                assert!(
                    missing.is_empty(),
                    "{max_staleness_ms} ms, {severed:?}: n{place} lacks {missing:?}"
                );
            }
        }
    }
}

/// The first value of a node's life is lost on the way, the second arrives, and the
/// node is killed before it can repeat the first: the gap is there for good.
#[test]
fn a_value_past_a_gap_that_nobody_can_close_reaches_everyone() {
    run(Story {
        kind: Kind::Broadcast,
        seed: 14_377_820_694_968_386_809,
        nodes: 3,
        max_staleness_ms: 1900,
        longest_delay_ms: 0,
        loss: 51,
        duplication: 0,
        restarts: vec![(2183, 1)],
        values: vec![(0, 7), (845, 7)],
        cuts: vec![],
    });
}

/// A hub's word to the old life of a node arrives in its new one. It must not pass for
/// the hub's having heard of the new life, which has everything yet to learn.
#[test]
fn a_message_to_the_old_life_of_a_node_says_nothing_about_the_new_one() {
    run(Story {
        kind: Kind::Broadcast,
        seed: 2_920_436_136_830_114_529,
        nodes: 3,
        max_staleness_ms: 0,
        longest_delay_ms: 457,
        loss: 0,
        duplication: 0,
        restarts: vec![(46, 0), (6812, 2)],
        values: vec![(3722, 2)],
        cuts: vec![],
    });
}

/// A late message of a dead life arrives after the first one of the living: the mistake
/// must not last, or the two sides remind each other for ever.
#[test]
fn a_late_message_of_an_old_life_does_not_bury_the_new_one() {
    let values = [(865, 6), (718, 0), (1244, 3), (199, 0), (555, 2), (505, 5), (416, 7), (718, 1)];
    run(Story {
        kind: Kind::Broadcast,
        seed: 16_740_709_081_690_909_062,
        nodes: 6,
        max_staleness_ms: 0,
        longest_delay_ms: 566,
        loss: 18,
        duplication: 0,
        restarts: vec![(1425, 3)],
        values: [&values[..], &[(1426, 3), (390, 0), (28, 0)]].concat(),
        cuts: vec![],
    });
}

/// The life before the last had heard from the node that now takes it for the present
/// one, and confirmed everything: the living life must still find a hearing.
#[test]
fn a_life_taken_for_over_is_heard_when_it_asks() {
    run(Story {
        kind: Kind::Broadcast,
        seed: 11_852_065_032_887_535_609,
        nodes: 7,
        max_staleness_ms: 0,
        longest_delay_ms: 472,
        loss: 0,
        duplication: 0,
        restarts: vec![(287, 0), (335, 0)],
        values: vec![(197, 0), (197, 6), (287, 6), (467, 0)],
        cuts: vec![(2, 652, 5502)],
    });
}
