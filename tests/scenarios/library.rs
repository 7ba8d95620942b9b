//! The bench as a library, from the view of another crate.

use std::time::Duration;

use serde_json::{Value, json};
use workbench::base::time::Time;
use workbench::bench::{
    Bench, ConsistencyModel, Failure, Nemesis, SimulatedNode, Startup, WorkloadName, Write,
};
use workbench::faulty::FaultyNode;

use crate::support::FAULTY_NODE;

/// A node that sends each value once to every other node, so a lost message is a lost value. With
/// a deadline, the node sends all values again.
#[derive(Debug, Default)]
struct Gossip {
    name: String,
    peers: Vec<String>,
    values: Vec<i64>,
    retry: Option<Duration>,
    deadline: Option<Time>,
}

impl Gossip {
    fn send(&self, dest: &str, body: Value, write: Write<'_>) {
        let message = json!({"src": self.name, "dest": dest, "body": body});
        write(message.to_string().as_bytes());
    }

    fn send_to_peers(&self, values: &[i64], write: Write<'_>) {
        for peer in &self.peers {
            self.send(peer, json!({"type": "gossip", "values": values}), write);
        }
    }

    fn learn(&mut self, values: &Value) {
        let values = values.as_array().into_iter().flatten().filter_map(Value::as_i64);
        for value in values {
            if !self.values.contains(&value) {
                self.values.push(value);
            }
        }
    }
}

impl SimulatedNode for Gossip {
    fn handle(&mut self, now: Time, line: &[u8], write: Write<'_>) {
        let message: Value = serde_json::from_slice(line).unwrap();
        let body = &message["body"];
        let mut reply = match body["type"].as_str().unwrap() {
            "init" => {
                self.name = body["node_id"].as_str().unwrap().to_owned();
                let names = body["node_ids"].as_array().unwrap().iter().filter_map(Value::as_str);
                self.peers = names.filter(|name| *name != self.name).map(str::to_owned).collect();
                json!({"type": "init_ok"})
            }
            "topology" => json!({"type": "topology_ok"}),
            "broadcast" => {
                self.learn(&json!([body["message"]]));
                let value = body["message"].as_i64().unwrap();
                self.send_to_peers(&[value], write);
                self.deadline = self.deadline.or(self.retry.map(|retry| now + retry));
                json!({"type": "broadcast_ok"})
            }
            "read" => json!({"type": "read_ok", "messages": self.values}),
            _ => return self.learn(&body["values"]),
        };
        reply["in_reply_to"] = body["msg_id"].clone();
        self.send(message["src"].as_str().unwrap(), reply, write);
    }

    fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    fn handle_deadline(&mut self, now: Time, write: Write<'_>) {
        self.send_to_peers(&self.values, write);
        self.deadline = self.retry.map(|retry| now + retry);
    }
}

fn bench() -> Bench {
    Bench::new(WorkloadName::Broadcast)
        .nodes(5)
        .rate(50.0)
        .faults(&[Nemesis::Partition], Duration::from_secs(2))
        .seed(3)
}

#[test]
fn a_simulated_node_of_another_crate_is_judged_under_faults() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let retry = |_: Startup| Gossip { retry: Some(Duration::from_secs(1)), ..Gossip::default() };
    let report = bench().store(&store).strict().simulate(retry).unwrap();
    assert!(report.is_valid(), "{report}");
    assert!(report.figures.faults["partition"] > 1, "{report}");
    assert!(report.figures.server_messages_per_op.unwrap() < 5.0, "{report}");
    assert!(!store.exists(), "a valid simulation leaves nothing behind");

    let lossy = || bench().store(&store).simulate(|_| Gossip::default()).unwrap();
    let (report, again) = (lossy(), lossy());
    assert!(!report.is_valid() && report.to_string().contains("lost value: "), "{report}");
    assert_eq!(report.to_string(), again.to_string(), "the seed decides");
    assert!(store.join("latest/history.edn").exists());
    assert!(store.join("latest/results.edn").exists());
    assert!(store.join("latest/report.html").exists());
}

/// A node that forwards each request to n0, under the name of the client. n0 answers the client.
#[derive(Debug, Default)]
struct Relay(Gossip);

impl SimulatedNode for Relay {
    fn handle(&mut self, now: Time, line: &[u8], write: Write<'_>) {
        let mut message: Value = serde_json::from_slice(line).unwrap();
        let kind = message["body"]["type"].as_str().unwrap();
        if self.0.name.is_empty() || self.0.name == "n0" || kind == "topology" {
            if let Some(client) = message["body"]["client"].as_str() {
                message["src"] = client.into();
            }
            let line = message.to_string();
            self.0.handle(now, line.as_bytes(), write);
            self.0.peers.clear();
            return;
        }
        message["body"]["client"] = message["src"].clone();
        self.0.send("n0", message["body"].take(), write);
    }
}

#[test]
fn a_read_that_another_node_answers_is_judged_as_a_read_of_the_node_that_was_asked() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..5 {
        let relay = |_: Startup| Relay::default();
        let report = bench().seed(seed).faults(&[], Duration::from_secs(1)).store(dir.path());
        let report = report.strict().simulate(relay).unwrap();
        assert!(report.is_valid(), "{report}");
    }
}

/// Half of the clients of lin-kv only read.
#[test]
fn a_register_is_written_with_the_default_number_of_clients() {
    let dir = tempfile::tempdir().unwrap();
    let registers = || Bench::new(WorkloadName::LinKv).nodes(1).rate(50.0).store(dir.path());
    let correct = registers().simulate(|_| FaultyNode::new("none")).unwrap();
    assert!(correct.is_valid(), "{correct}");
    let mistaken = registers().simulate(|_| FaultyNode::new("loses writes")).unwrap();
    assert!(!mistaken.is_valid(), "{mistaken}");
    let failure = registers().clients_per_node(3).simulate(|_| FaultyNode::new("none"));
    let failure = failure.unwrap_err().to_string();
    assert!(failure.contains("lin-kv needs two clients per node"), "{failure}");
}

/// Each setting would keep the test from ending, or would have no effect.
#[test]
fn a_setting_that_the_command_line_rejects_is_an_error() {
    let echo = || Bench::new(WorkloadName::Echo);
    let fault = |fault, interval_ms| echo().faults(&[fault], Duration::from_millis(interval_ms));
    for (bench, mentioned) in [
        (echo().rate(3e6), "rate"),
        (echo().rate(f64::NAN), "rate"),
        (echo().nodes(5000), "nodes"),
        (echo().clients_per_node(5000), "clients"),
        (echo().rate(1e5).time_limit(Duration::from_secs(1000)), "operations"),
        (fault(Nemesis::Partition, 0), "interval"),
    ] {
        let failure = bench.simulate(|_| FaultyNode::new("none")).unwrap_err().to_string();
        assert!(failure.contains(mentioned), "no {mentioned:?} in {failure}");
    }
    let failure = fault(Nemesis::Clock, 1000).run(FAULTY_NODE, &["none"]).unwrap_err();
    assert!(failure.to_string().contains("clock"), "{failure}");
}

#[test]
fn a_program_is_tested_from_a_test_of_its_own_crate() {
    let dir = tempfile::tempdir().unwrap();
    let echo = || {
        Bench::new(WorkloadName::Echo)
            .nodes(1)
            .rate(20.0)
            .time_limit(Duration::from_secs(1))
            .store(dir.path())
    };
    let report = echo().run(FAULTY_NODE, &["none"]).unwrap();
    assert!(report.is_valid(), "{report}");
    let report = echo().run(FAULTY_NODE, &["echoes something else"]).unwrap();
    assert!(!report.is_valid() && report.to_string().contains("wrong echo: n0"), "{report}");
    assert!(dir.path().join("latest/node-logs/n0.log").exists());
    let failure = echo().run(FAULTY_NODE, &["exits immediately"]).unwrap_err();
    assert!(matches!(failure, Failure::Exited { .. }), "{failure}");
    let failure = echo().run("no-such-file", &[]).unwrap_err();
    assert!(failure.to_string().starts_with("cannot start no-such-file: "), "{failure}");
}

#[test]
fn a_program_is_tested_against_the_consistency_model_that_it_promises() {
    let dir = tempfile::tempdir().unwrap();
    let transactions = || {
        Bench::new(WorkloadName::TxnListAppend)
            .nodes(1)
            .clients_per_node(4)
            .rate(200.0)
            .time_limit(Duration::from_secs(1))
            .store(dir.path())
    };
    let skewed = ["allows write skew"];
    let report = transactions().run(FAULTY_NODE, &skewed).unwrap();
    assert!(!report.is_valid(), "{report}");
    let promised = [ConsistencyModel::SnapshotIsolation];
    let report = transactions().consistency_models(&promised).run(FAULTY_NODE, &skewed).unwrap();
    assert!(report.is_valid(), "{report}");
}
