//! Nodes in virtual time, on a network with predetermined faults.

use std::collections::BTreeMap;

use maelstrom_node::{Config, Node, Outbox, Time};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;
use serde_json::{Value, json};
use snowflake::{ManualClock, UnixMillis};

/// The network of a test, its faults and its values. Times are in milliseconds, probabilities in
/// percent.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) workload: &'static str,
    /// `true` if the workload is an argument of the nodes.
    pub(crate) has_argument: bool,
    pub(crate) seed: u64,
    pub(crate) nodes: usize,
    pub(crate) max_staleness_ms: u64,
    pub(crate) shortest_delay_ms: u64,
    pub(crate) longest_delay_ms: u64,
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    /// `true` if no client sends a request to a restarted node.
    pub(crate) has_quiet_restarts: bool,
    /// The restarts: the time and the node of each.
    pub(crate) restarts: Vec<(u64, usize)>,
    /// The added values: the time and the node of each.
    pub(crate) values: Vec<(u64, usize)>,
    /// The isolations from all other nodes: the node, the start and the end of each.
    pub(crate) cuts: Vec<(usize, u64, u64)>,
}

impl Default for Scenario {
    /// Returns a scenario of five broadcast nodes on a network without faults or delays.
    fn default() -> Scenario {
        Scenario {
            workload: "broadcast",
            has_argument: true,
            seed: 7,
            nodes: 5,
            max_staleness_ms: 550,
            shortest_delay_ms: 0,
            longest_delay_ms: 0,
            loss: 0,
            duplication: 0,
            has_quiet_restarts: false,
            restarts: vec![],
            values: vec![],
            cuts: vec![],
        }
    }
}

/// The time at which every clock starts: 2026-01-01T12:00:00Z.
const START: UnixMillis = UnixMillis(1_767_268_800_000);

/// The end of the faults. The time after it is for repair.
pub(crate) const FAULTS_END_MS: u64 = 8_000;

/// Nodes, and the network between them.
pub(crate) struct Simulation {
    scenario: Scenario,
    rng: SplitMix64,
    pub(crate) now: Time,
    pub(crate) nodes: Vec<Node<ManualClock>>,
    /// The clock of each node's machine, and its error in milliseconds.
    clocks: Vec<(ManualClock, i64)>,
    /// The messages in flight, by arrival time and then by sending order.
    in_flight: BTreeMap<(Time, u64), (usize, usize, Vec<u8>)>,
    copies: u64,
    /// All messages between nodes, including lost ones.
    pub(crate) sent: Vec<Sent>,
    /// The size of the longest output of one call of a node, in bytes.
    pub(crate) longest_output: usize,
    /// The bodies of all replies to clients.
    pub(crate) replies: Vec<(Time, Value)>,
    /// The pairs of nodes that cannot reach each other.
    pub(crate) disconnected: Vec<(usize, usize)>,
    /// The end of each node's current or last pause.
    paused_until: Vec<Time>,
}

/// A message from one node to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Time,
    pub(crate) src: usize,
    pub(crate) dest: usize,
    pub(crate) bytes: usize,
}

impl Simulation {
    pub(crate) fn new(scenario: Scenario) -> Simulation {
        let mut simulation = Simulation {
            rng: SplitMix64::seed_from_u64(scenario.seed),
            now: Time(0),
            nodes: Vec::new(),
            clocks: (0..scenario.nodes).map(|_| (ManualClock::new(START), 0)).collect(),
            in_flight: BTreeMap::new(),
            copies: 0,
            sent: Vec::new(),
            longest_output: 0,
            replies: Vec::new(),
            disconnected: Vec::new(),
            paused_until: vec![Time(0); scenario.nodes],
            scenario,
        };
        for node in 0..simulation.scenario.nodes {
            let node = simulation.start(node);
            simulation.nodes.push(node);
        }
        for node in 0..simulation.scenario.nodes {
            simulation.init(node);
        }
        simulation
    }

    fn start(&mut self, node: usize) -> Node<ManualClock> {
        let argument = Some(self.scenario.workload.into()).filter(|_| self.scenario.has_argument);
        let mut config = Config::parse(argument).expect("a workload");
        config.max_staleness =
            Some(std::time::Duration::from_millis(self.scenario.max_staleness_ms));
        Node::new(config, self.rng.next_u64(), self.clocks[node].0.clone())
    }

    /// Advances all clocks to this time.
    fn set_time(&mut self, now: Time) {
        self.now = now;
        for (clock, error_ms) in &self.clocks {
            clock.set(UnixMillis((START.0 + now.0 / 1000).saturating_add_signed(*error_ms)));
        }
    }

    /// Sets the clock of a node's machine to this error, in milliseconds.
    pub(crate) fn set_clock(&mut self, node: usize, error_ms: i64) {
        self.clocks[node].1 = error_ms;
        self.set_time(self.now);
    }

    fn init(&mut self, node: usize) {
        let names: Vec<String> = (0..self.scenario.nodes).map(name).collect();
        self.request(node, json!({"type": "init", "node_id": name(node), "node_ids": names}));
        // The first message after `init` shows that all nodes have been initialized.
        self.request(node, json!({"type": "read"}));
    }

    /// Kills a node and starts it again without its state.
    ///
    /// No message follows `init`. The number of the `init` message shows that the network has
    /// carried many messages before.
    pub(crate) fn restart_quietly(&mut self, node: usize) {
        self.nodes[node] = self.start(node);
        let names: Vec<String> = (0..self.scenario.nodes).map(name).collect();
        let body = json!({"type": "init", "msg_id": 1, "node_id": name(node), "node_ids": names});
        let line = json!({"id": 1000, "src": "c1", "dest": name(node), "body": body});
        let mut out = Outbox::new();
        self.nodes[node].handle(self.now, line.to_string().as_bytes(), &mut out);
        self.post(node, &out).expect("init is answered");
    }

    /// Kills a node and starts it again without its state.
    pub(crate) fn restart(&mut self, node: usize) {
        if self.scenario.has_quiet_restarts {
            return self.restart_quietly(node);
        }
        self.nodes[node] = self.start(node);
        self.init(node);
    }

    /// Sends a client's request, and returns the body of the reply.
    pub(crate) fn request(&mut self, node: usize, body: Value) -> Value {
        self.submit(node, body).expect("a client gets its reply immediately")
    }

    /// Sends a client's request, and returns the body of the reply unless it comes later.
    pub(crate) fn submit(&mut self, node: usize, mut body: Value) -> Option<Value> {
        body["msg_id"] = json!(1);
        let line = json!({"src": "c1", "dest": name(node), "body": body}).to_string();
        let mut out = Outbox::new();
        self.nodes[node].handle(self.now, line.as_bytes(), &mut out);
        self.post(node, &out)
    }

    /// Puts a node's messages to peers on the network, and returns the body of its reply to the
    /// client.
    fn post(&mut self, src: usize, out: &Outbox) -> Option<Value> {
        let mut reply = None;
        self.longest_output = self.longest_output.max(out.as_bytes().len());
        for line in out.lines() {
            let message: Value = serde_json::from_slice(line).expect("JSON");
            let dest = message["dest"].as_str().expect("a name");
            let Some(dest) = dest.strip_prefix('n').and_then(|node| node.parse().ok()) else {
                reply = Some(message["body"].clone());
                self.replies.push((self.now, message["body"].clone()));
                continue;
            };
            self.sent.push(Sent { at: self.now, src, dest, bytes: line.len() });
            let has_faults = self.now < Time(FAULTS_END_MS * 1000);
            if has_faults && self.rng.next_u64() % 100 < self.scenario.loss {
                continue;
            }
            let copies =
                1 + u64::from(has_faults && self.rng.next_u64() % 100 < self.scenario.duplication);
            for _ in 0..copies {
                let Scenario { shortest_delay_ms, longest_delay_ms, .. } = self.scenario;
                let varies_us = (longest_delay_ms - shortest_delay_ms) * 1000;
                let delay_us = shortest_delay_ms * 1000 + self.rng.next_u64() % (varies_us + 1);
                self.copies += 1;
                let due = (Time(self.now.0 + delay_us), self.copies);
                self.in_flight.insert(due, (src, dest, line.to_vec()));
            }
        }
        reply
    }

    fn is_cut(&self, one: usize, other: usize) -> bool {
        let now_ms = self.now.0 / 1000;
        self.disconnected.contains(&(one, other))
            || self.disconnected.contains(&(other, one))
            || self.scenario.cuts.iter().any(|(cut, from_ms, until_ms)| {
                (*from_ms..*until_ms).contains(&now_ms) && (*cut == one || *cut == other)
            })
    }

    /// Sets the delay of the messages that are sent from now on.
    pub(crate) fn set_delay_ms(&mut self, delay_ms: u64) {
        self.scenario.shortest_delay_ms = delay_ms;
        self.scenario.longest_delay_ms = delay_ms;
    }

    /// Pauses a node until `end`. Messages to the node wait.
    pub(crate) fn pause(&mut self, node: usize, end: Time) {
        self.paused_until[node] = end;
    }

    pub(crate) fn is_paused(&self, node: usize) -> bool {
        self.now < self.paused_until[node]
    }

    /// Advances the time to `end`, and executes all due events.
    pub(crate) fn run_until(&mut self, end: Time) {
        loop {
            let arrival = self.in_flight.first_key_value().map(|(due, _)| *due);
            let deadline = (0..self.nodes.len())
                .filter_map(|node| {
                    let due = self.nodes[node].deadline()?;
                    Some((due.max(self.paused_until[node]), node))
                })
                .min();
            let next = [arrival.map(|(due, _)| due), deadline.map(|(due, _)| due)];
            let Some(next) = next.into_iter().flatten().min().filter(|next| *next < end) else {
                break;
            };
            self.set_time(self.now.max(next));
            let mut out = Outbox::new();
            let node = match (arrival, deadline) {
                (Some(due), _) if due.0 == next => {
                    let (src, dest, line) = self.in_flight.remove(&due).expect("it was first");
                    if self.is_paused(dest) {
                        let later = (self.paused_until[dest], due.1);
                        self.in_flight.insert(later, (src, dest, line));
                        continue;
                    }
                    if !self.is_cut(src, dest) {
                        self.nodes[dest].handle(self.now, &line, &mut out);
                    }
                    dest
                }
                (_, Some((_, node))) => {
                    self.nodes[node].handle_deadline(self.now, &mut out);
                    let moved = self.nodes[node].deadline().is_none_or(|due| due > self.now);
                    assert!(moved, "n{node} has a deadline that does not pass at {:?}", self.now);
                    node
                }
                _ => unreachable!("one of the two is next"),
            };
            self.post(node, &out);
        }
        self.set_time(end);
    }

    /// Adds a value. For a counter, the value is a power of two, so that the sum identifies its
    /// addends.
    pub(crate) fn add(&mut self, node: usize, value: u32) {
        let reply = self.request(
            node,
            match self.scenario.workload {
                "g-set" => json!({"type": "add", "element": value}),
                "g-counter" => json!({"type": "add", "delta": 1u64 << value}),
                _ => json!({"type": "broadcast", "message": value}),
            },
        );
        assert!(reply["type"] == "add_ok" || reply["type"] == "broadcast_ok", "{reply}");
    }

    pub(crate) fn read(&mut self, node: usize) -> Vec<u32> {
        let reply = self.request(node, json!({"type": "read"}));
        if reply["type"] == "error" && !self.scenario.has_argument {
            // The node does not know its workload yet.
            return Vec::new();
        }
        if self.scenario.workload == "g-counter" {
            let sum = reply["value"].as_u64().expect("a sum");
            return (0..u64::BITS).filter(|value| sum >> value & 1 == 1).collect();
        }
        let key = if self.scenario.workload == "g-set" { "value" } else { "messages" };
        serde_json::from_value(reply[key].clone()).expect("a list of numbers")
    }
}

/// Returns the name of the node with this index.
pub(crate) fn name(node: usize) -> String {
    format!("n{node}")
}
