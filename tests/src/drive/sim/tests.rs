//! Tests of the simulator's guarantees.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::*;
use crate::base::address::Directory;
use crate::drive::own_node::OwnNodeConfig;
use crate::history::EventKind;
use crate::net::latency::{Distribution, Latency};
use crate::plan::{Nemesis, Targets};
use crate::workload::broadcast::Broadcast;
use crate::workload::broadcast::topology::Topology;

fn plan(seed: u64) -> Plan {
    Plan {
        concurrency: 10,
        rate: 50.0,
        time_limit: Duration::from_secs(10),
        latency: Latency {
            mean: Duration::from_millis(20),
            distribution: Distribution::Exponential,
        },
        nemesis: Nemesis::ALL.to_vec(),
        nemesis_interval: Duration::from_secs(2),
        strict: true,
        seed,
        ..Plan::new(Directory::numbered(5))
    }
}

fn history(seed: u64) -> String {
    let plan = plan(seed);
    let factory = OwnNodeConfig::default().factory();
    let screen = Screen::silent();
    let mut simulator = Simulator::new(&plan, &factory, &screen);
    let mut runner = Runner::new(plan, Broadcast::new(Topology::Grid));
    simulator.run(&mut runner).unwrap();
    let mut history = Vec::new();
    runner.finish().history.write(&mut history).unwrap();
    String::from_utf8(history).unwrap()
}

/// The test uses every fault, so that it covers every part.
#[test]
fn the_same_seed_gives_the_same_bytes_of_history() {
    let first = history(7);
    for fault in ["partition", "one-way", "loss", "kill", "pause", "clock"] {
        assert!(first.contains(fault), "{fault} is missing, so this proves nothing for it");
    }
    assert!(first == history(7), "seed 7 gave two histories");
    assert!(first != history(8), "seeds 7 and 8 gave the same history");
}

/// A pause before a restarted node has answered `init` would fail the test.
#[test]
fn overlapping_kills_and_pauses_do_not_fail_the_test_run() {
    for seed in 0..40 {
        let plan = Plan {
            nemesis: vec![Nemesis::Kill, Nemesis::Pause],
            nemesis_interval: Duration::from_secs(10),
            time_limit: Duration::from_secs(100),
            rate: 1.0,
            ..plan(seed)
        };
        let factory = OwnNodeConfig::default().factory();
        let screen = Screen::silent();
        let mut simulator = Simulator::new(&plan, &factory, &screen);
        let mut runner = Runner::new(plan, Broadcast::new(Topology::Grid));
        if let Err(failure) = simulator.run(&mut runner) {
            panic!("seed {seed}: {failure}");
        }
    }
}

/// A node whose deadline is always in the past.
struct Stuck;

impl SimulatedNode for Stuck {
    fn handle(&mut self, _now: Time, _line: &[u8], _write: Write<'_>) {}

    fn deadline(&self) -> Option<Time> {
        Some(Time(0))
    }
}

#[test]
fn a_deadline_that_does_not_advance_is_an_error() {
    let plan = plan(0);
    let factory = |_: Startup| -> Box<dyn SimulatedNode> { Box::new(Stuck) };
    let screen = Screen::silent();
    let mut simulator = Simulator::new(&plan, &factory, &screen);
    let mut runner = Runner::new(plan, Broadcast::new(Topology::Grid));
    let failure = simulator.run(&mut runner).unwrap_err();
    assert!(matches!(failure, Failure::Stuck { node: Some(node) } if node == "n0"));
}

/// A node that replies to setup requests, and logs the types of the messages that it receives.
struct Logging(Arc<Mutex<Vec<String>>>);

impl SimulatedNode for Logging {
    fn handle(&mut self, _now: Time, line: &[u8], write: Write<'_>) {
        let message: serde_json::Value = serde_json::from_slice(line).unwrap();
        let body = &message["body"];
        let kind = body["type"].as_str().unwrap_or_default();
        self.0.lock().push(kind.to_owned());
        if matches!(kind, "init" | "topology") {
            let (src, dest, msg_id) = (&message["dest"], &message["src"], &body["msg_id"]);
            let reply = serde_json::json!({
                "src": src,
                "dest": dest,
                "body": {"type": format!("{kind}_ok"), "in_reply_to": msg_id},
            });
            write(reply.to_string().as_bytes());
        }
    }
}

/// Maelstrom's broadcast client sends `topology` before its first operation only.
#[test]
fn a_restarted_node_receives_init_and_no_setup_request() {
    let log = Arc::<Mutex<Vec<String>>>::default();
    let plan = Plan { nemesis: vec![Nemesis::Kill], ..plan(1) };
    let factory = |_: Startup| -> Box<dyn SimulatedNode> { Box::new(Logging(Arc::clone(&log))) };
    let screen = Screen::silent();
    let mut simulator = Simulator::new(&plan, &factory, &screen);
    let mut runner = Runner::new(plan, Broadcast::new(Topology::Grid));
    simulator.run(&mut runner).unwrap();
    let count = |kind| log.lock().iter().filter(|logged| *logged == kind).count();
    assert_eq!(count("topology"), 5);
    assert!(count("init") > 7, "{} starts", count("init"));
}

/// All nodes are killed or paused together, and all start or resume together.
#[test]
fn a_test_continues_after_faults_of_all_nodes() {
    for kind in [Nemesis::Kill, Nemesis::Pause] {
        let plan = Plan { nemesis: vec![kind], nemesis_targets: vec![Targets::All], ..plan(1) };
        let factory = OwnNodeConfig::parse(["broadcast".into()]).unwrap().factory();
        let screen = Screen::silent();
        let mut simulator = Simulator::new(&plan, &factory, &screen);
        let mut runner = Runner::new(plan, Broadcast::new(Topology::Grid));
        simulator.run(&mut runner).unwrap();
        let history = runner.finish().history;
        let ends = ["start", "resume"];
        let end = history.events().iter().rposition(
            |event| matches!(event.kind, EventKind::Nemesis { f, .. } if ends.contains(&f)),
        );
        let after = history.completed().filter(|done| Some(done.completed) > end).count();
        assert!(after >= 10, "{kind:?}: only {after} final reads succeeded");
    }
}
