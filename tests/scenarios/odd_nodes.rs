//! Odd nodes: the bench's verdict equals Maelstrom's.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};
use workbench::base::address::Directory;
use workbench::base::time::Time;
use workbench::doctor::{Examined, trial};
use workbench::drive::judged_test::Nodes;
use workbench::drive::sim::{SimulatedNode, Simulator, Startup, Write};
use workbench::faulty::FaultyNode;
use workbench::judge::Valid;
use workbench::judge::transactions::Model as ConsistencyModel;
use workbench::net::latency::Latency;
use workbench::output::progress::Screen;
use workbench::output::report::Report;
use workbench::plan::{Plan, Targets};
use workbench::runner::Runner;
use workbench::workload::broadcast::Broadcast;
use workbench::workload::broadcast::topology::Topology;
use workbench::workload::counter::GCounter;
use workbench::workload::echo::Echo;
use workbench::workload::g_set::GSet;
use workbench::workload::kafka::{Kafka, Settings};
use workbench::workload::unique_ids::UniqueIds;
use workbench::workload::{Workload, WorkloadName};

const TABLE: &str = include_str!("odd_nodes.txt");

/// One line of the table.
#[derive(Clone, Copy, Debug)]
struct Odd {
    workload: &'static str,
    reply: &'static str,
    every: u64,
    change: &'static str,
    verdict: &'static str,
}

fn table() -> Vec<Odd> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let odd = |line: &'static str| {
        let fields: Vec<&str> = line.split(" | ").collect();
        let [workload, reply, every, change, verdict] = fields[..] else {
            panic!("not five fields: {line}")
        };
        Odd { workload, reply, every: every.parse().unwrap(), change, verdict }
    };
    lines.map(odd).collect()
}

/// A correct node with occasional changes in its replies of one type.
struct OddNode {
    node: FaultyNode,
    odd: Odd,
    replies: u64,
    /// The replies that are written later, in order.
    late: VecDeque<(Time, Vec<u8>)>,
}

/// The delay of a late reply. The client has given up, and its worker has begun another operation.
const LATE: Duration = Duration::from_secs(6);

/// The delay of a second reply to the same request.
const AGAIN: Duration = Duration::from_secs(1);

impl SimulatedNode for OddNode {
    fn handle(&mut self, now: Time, line: &[u8], write: Write<'_>) {
        let mut replies: Vec<Vec<u8>> = Vec::new();
        self.node.handle(now, line, &mut |line| replies.push(line.to_vec()));
        for line in replies {
            let message: Value = serde_json::from_slice(&line).unwrap();
            let is_meant = message["body"]["type"] == self.odd.reply;
            self.replies += u64::from(is_meant);
            if !is_meant || !self.replies.is_multiple_of(self.odd.every) {
                write(&line);
            } else if self.odd.change == "late" {
                self.late.push_back((now + LATE, line));
            } else if self.odd.change == "again" {
                write(&line);
                self.late.push_back((now + AGAIN, line));
            } else if let Some(code) = self.odd.change.strip_prefix("late after error ") {
                changed(message, &format!("error {code}")).iter().for_each(|line| write(line));
                self.late.push_back((now + AGAIN, line));
            } else {
                changed(message, self.odd.change).iter().for_each(|line| write(line));
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.late.front().map(|(at, _)| *at)
    }

    fn handle_deadline(&mut self, now: Time, write: Write<'_>) {
        while self.late.front().is_some_and(|(at, _)| *at <= now) {
            let late = self.late.pop_front();
            late.iter().for_each(|(_, line)| write(line));
        }
    }
}

/// Returns the lines that a node writes instead of a message.
fn changed(mut message: Value, change: &str) -> Vec<Vec<u8>> {
    let write = |message: &Value| message.to_string().into_bytes();
    if let Some((path, value)) = change.split_once(" = ") {
        let (parent, field) = parent(&mut message, path);
        parent[field] = serde_json::from_str(value).unwrap();
        return vec![write(&message)];
    }
    let (verb, argument) = change.split_once(' ').unwrap_or((change, ""));
    match verb {
        "silence" => return Vec::new(),
        "suffix" => return vec![[write(&message), argument.as_bytes().to_vec()].concat()],
        "insert" => {
            return vec![[b"{", argument.as_bytes(), b",", &write(&message)[1..]].concat()];
        }
        "stray" => {
            let mut stray = message.clone();
            stray["body"]["in_reply_to"] = json!(99);
            return vec![write(&stray), write(&message)];
        }
        "twice" => return vec![write(&message), write(&message)],
        "line" => return vec![argument.as_bytes().to_vec(), write(&message)],
        "error" => {
            let code: Value = serde_json::from_str(argument).unwrap();
            let in_reply_to = &message["body"]["in_reply_to"];
            message["body"] = json!({"type": "error", "in_reply_to": in_reply_to, "code": code});
            return vec![write(&message)];
        }
        _ => {}
    }
    if let Some((kind, path)) = argument.split_once(' ') {
        return vec![with_raw(message, path, |number| raw(verb, kind, number))];
    }
    let (parent, field) = parent(&mut message, argument);
    let value = &mut parent[field];
    match verb {
        "remove" => drop(parent.as_object_mut().unwrap().remove(field).unwrap()),
        "quote" => each(value, |number| json!(number.to_string())),
        "float" => each(value, |number| json!(number.as_f64().unwrap())),
        "list" => *value = json!([value]),
        "object" => *value = json!({"id": value}),
        "null-if-empty" if value == &json!([]) => *value = Value::Null,
        "null-if-empty" => {}
        "null-values" => {
            let values = value.as_object_mut().unwrap().values_mut();
            values.filter(|value| **value == json!([])).for_each(|value| *value = Value::Null);
        }
        "repeat" => {
            let first = value[0].clone();
            let values = value.as_array_mut().unwrap();
            values.extend((!first.is_null()).then_some(first));
        }
        "append" => value.as_array_mut().unwrap().push(json!(-1)),
        verb => panic!("no such change: {verb}"),
    }
    vec![write(&message)]
}

/// Returns a message with other text in place of a value.
fn with_raw(mut message: Value, path: &str, raw: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let (parent, field) = parent(&mut message, path);
    let value = parent[field].to_string();
    parent[field] = json!("@");
    let text = message.to_string();
    let (before, after) = text.split_once(r#""@""#).unwrap();
    [before.as_bytes(), &raw(&value), after.as_bytes()].concat()
}

/// Returns text that no JSON library writes, for a value.
fn raw(verb: &str, kind: &str, value: &str) -> Vec<u8> {
    let string = |text: &[u8]| [b"\"", text, value.as_bytes(), b"\""].concat();
    match (verb, kind) {
        ("bytes", "tab") => string(b"\t"),
        ("bytes", "latin1") => string(b"caf\xe9"),
        ("bytes", "half") => string(br"\ud83d"),
        ("bytes", "lost") => vec![b'"', 0xF8 + value.len() as u8, b'"'],
        ("nest", depth) => {
            let depth: usize = depth.parse().unwrap();
            format!("{}{value}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes()
        }
        ("digits", count) => {
            let count: usize = count.parse().unwrap();
            format!("9{value:0>width$}", width = count - 1).into_bytes()
        }
        change => panic!("no such change: {change:?}"),
    }
}

fn parent<'a, 'b>(message: &'a mut Value, path: &'b str) -> (&'a mut Value, &'b str) {
    match path.split_once('.') {
        Some((parent, field)) => (&mut message[parent], field),
        None => (message, path),
    }
}

fn each(value: &mut Value, change: impl Fn(&Value) -> Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| *item = change(item)),
        value => *value = change(value),
    }
}

fn plan(strict: bool) -> Plan {
    Plan {
        concurrency: 2,
        rate: 20.0,
        time_limit: Duration::from_secs(10),
        latency: Latency::constant(Duration::from_millis(5)),
        nemesis_targets: vec![Targets::One],
        nemesis_interval: Duration::from_secs(2),
        strict,
        seed: 1,
        ..Plan::new(Directory::new(vec!["n1".to_owned()]).unwrap())
    }
}

fn verdict(odd: Odd, strict: bool) -> (&'static str, String) {
    match odd.workload {
        "echo" => judge(odd, strict, Echo),
        "unique-ids" => judge(odd, strict, UniqueIds),
        "broadcast" => judge(odd, strict, Broadcast::new(Topology::Grid)),
        "g-set" => judge(odd, strict, GSet::default()),
        "g-counter" => judge(odd, strict, GCounter::default()),
        "kafka" => {
            let settings = Settings { key_count: 4, max_writes_per_key: 64, crashes_per_op: 0.01 };
            judge(odd, strict, Kafka::new(settings))
        }
        workload => panic!("no workload {workload}"),
    }
}

fn judge<W: Workload>(odd: Odd, strict: bool, workload: W) -> (&'static str, String) {
    let factory = |_: Startup| -> Box<dyn SimulatedNode> {
        let node = FaultyNode::new(&format!("{}: none", odd.workload));
        Box::new(OddNode { node, odd, replies: 0, late: VecDeque::new() })
    };
    let screen = Screen::silent();
    let plan = plan(strict);
    let mut simulator = Simulator::new(&plan, &factory, &screen);
    let mut runner = Runner::new(plan, workload);
    if let Err(failure) = simulator.run(&mut runner) {
        return ("fails", failure.to_string());
    }
    let report = Report::new(&runner.finish(), "simulation", None);
    let verdict = match report.valid {
        Valid::True => "valid",
        Valid::False => "invalid",
        Valid::Unknown => "unknown",
    };
    (verdict, report.anomalies_text())
}

#[test]
fn every_odd_node_gets_the_verdict_that_maelstrom_gives_it() {
    let table = table();
    assert!(table.len() >= 60, "{} odd nodes", table.len());
    let mut wrong = String::new();
    for odd in &table {
        let (verdict, why) = verdict(*odd, false);
        if verdict != odd.verdict {
            wrong.push_str(&format!("{odd:?}\n  is {verdict} here: {why}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// An operation that fails keeps its client. An operation with an unknown outcome does not.
#[test]
fn a_late_answer_mutes_a_node_only_if_its_client_has_closed() {
    for (workload, reply, change, is_closed) in [
        ("broadcast", "read_ok", "late", false),
        ("broadcast", "read_ok", "late after error 13", false),
        ("broadcast", "broadcast_ok", "late after error 11", false),
        ("broadcast", "broadcast_ok", "late after error 13", true),
        ("broadcast", "broadcast_ok", "late", true),
        ("broadcast", "read_ok", "late after error \"11\"", false),
        ("broadcast", "broadcast_ok", "late after error \"11\"", true),
        ("broadcast", "broadcast_ok", "late after error 11.0", true),
        ("g-set", "read_ok", "late after error null", true),
        ("kafka", "list_committed_offsets_ok", "late after error null", false),
        ("g-set", "read_ok", "late", true),
        ("g-set", "add_ok", "late after error 11", true),
        ("g-counter", "read_ok", "late", true),
        ("g-counter", "add_ok", "late after error 11", true),
        ("kafka", "list_committed_offsets_ok", "late", false),
        ("kafka", "list_committed_offsets_ok", "late after error 13", false),
        ("kafka", "send_ok", "late", true),
        ("echo", "echo_ok", "late", true),
        ("unique-ids", "generate_ok", "late", false),
    ] {
        let odd = Odd { workload, reply, every: 4, change, verdict: "" };
        let (_, why) = verdict(odd, false);
        assert_eq!(why.contains("muted node: "), is_closed, "{odd:?}: {why}");
    }
}

/// Returns the mistakes that the doctor finds in three odd nodes, in virtual time.
fn mistakes(odd: Odd) -> Vec<Examined> {
    let factory = |_: Startup| -> Box<dyn SimulatedNode> {
        let node = FaultyNode::new(&format!("{}: none", odd.workload));
        Box::new(OddNode { node, odd, replies: 0, late: VecDeque::new() })
    };
    let workload = WorkloadName::ALL.iter().find(|name| name.facts().name == odd.workload);
    let (models, nodes) = (&[ConsistencyModel::StrictSerializable], Nodes::Simulated(&factory));
    let examined = trial::examine(*workload.unwrap(), models, nodes, None).unwrap();
    examined.into_iter().filter(Examined::is_wrong).collect()
}

/// The nodes of the table do not exchange data. So only two workloads are correct without a change.
#[test]
fn the_doctor_finds_a_mistake_in_every_odd_node_that_a_strict_test_fails() {
    // Maelstrom permits these, and the doctor advises against them.
    let advised = ["twice", "silence", "error 13", "error 1000", "error 11", "late"];
    let mut wrong = String::new();
    for odd in table().into_iter().filter(|odd| ["echo", "unique-ids"].contains(&odd.workload)) {
        let (strict, why) = verdict(odd, true);
        let mistakes = mistakes(odd);
        let is_named = !mistakes.is_empty();
        if is_named != (strict != "valid" || advised.contains(&odd.change)) {
            wrong.push_str(&format!(
                "{odd:?} is {strict}: {why}, and the doctor finds {mistakes:?}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A malformed reply, or a line that ends a test, is a violation of the protocol in every workload.
#[test]
fn the_doctor_names_every_violation_of_the_protocol() {
    let mut seen = 0;
    for odd in table() {
        let (strict, why) = verdict(odd, true);
        // The doctor's tests end before a reply of this table is late.
        let is_muted = why.contains("muted node") && !odd.change.starts_with("late");
        if strict == "fails" || is_muted || why.contains("malformed line") {
            let mistakes = mistakes(odd);
            assert!(
                mistakes.iter().any(|wrong| wrong.expected.contains("protocol")),
                "{odd:?}: {mistakes:?}"
            );
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} violations");
}

/// Maelstrom accepts some incorrect behavior. The bench reports it, and a strict test fails.
#[test]
fn a_strict_test_fails_for_findings_only() {
    let mut stricter: BTreeMap<&str, u64> = BTreeMap::new();
    for odd in table() {
        let (strict, why) = verdict(odd, true);
        let is_worse = strict != odd.verdict;
        assert!(!is_worse || strict == "invalid" && why.contains("finding: "), "{odd:?}: {why}");
        *stricter.entry(odd.workload).or_default() += u64::from(is_worse);
    }
    for workload in ["echo", "broadcast", "g-set", "g-counter", "kafka"] {
        assert!(stricter[workload] > 0, "no odd node of {workload} is found: {stricter:?}");
    }
}
