//! The node handles any input: it never panics, and sends only valid messages. It replies once to
//! every request with a `msg_id`.

use std::fmt;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::checked_node::{CheckedNode, INCARNATION};

mod gossip;

use gossip::{gossip, log_gossip};

/// An event of a node.
#[derive(Clone)]
enum Step {
    Line(Vec<u8>),
    PassMs(u64),
}

/// A readable form, for the output of a failing test.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Line(line) => write!(f, "{}", line.escape_ascii()),
            Step::PassMs(ms) => write!(f, "{ms} ms pass"),
        }
    }
}

/// Returns numbers at the limits of the field types, and small ones.
fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..8_u64, 1 => limits()]
}

fn limits() -> impl Strategy<Value = u64> {
    select(vec![u16::MAX.into(), u32::MAX.into(), i64::MAX as u64, u64::MAX - 1, u64::MAX])
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => select(vec!["n0", "n1", "n2", "c1", "c2"]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        numbers().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        names().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        let object = prop::collection::btree_map(any::<String>(), inner, 0..4);
        prop_oneof![list.prop_map(Value::from), object.prop_map(|map| json!(map))]
    })
}

/// Returns the bodies of requests to which every initialized node can reply.
fn requests() -> impl Strategy<Value = Value> {
    prop_oneof![
        any_json().prop_map(|echo| json!({"type": "echo", "echo": echo})),
        Just(json!({"type": "generate"})),
        Just(json!({"type": "topology", "topology": {}})),
        any_json().prop_map(|message| json!({"type": "broadcast", "message": message})),
        Just(json!({"type": "read"})),
        any_json().prop_map(|element| json!({"type": "add", "element": element})),
        any_json().prop_map(|delta| json!({"type": "add", "delta": delta})),
        prop::collection::vec((select(vec!["r", "w"]), any_json(), any_json()), 0..4)
            .prop_map(|ops| json!({"type": "txn", "txn": ops})),
        any::<String>().prop_map(|kind| json!({"type": kind})),
    ]
}

/// Returns the bodies of requests about logs.
fn log_requests() -> impl Strategy<Value = Value> {
    let offset = prop_oneof![4 => 0..8_i64, 1 => any::<i64>()];
    let offsets = || prop::collection::btree_map(keys(), offset.clone(), 0..3);
    prop_oneof![
        (keys(), any_json()).prop_map(|(key, msg)| json!({"type": "send", "key": key, "msg": msg})),
        offsets().prop_map(|offsets| json!({"type": "poll", "offsets": offsets})),
        offsets().prop_map(|offsets| json!({"type": "commit_offsets", "offsets": offsets})),
        prop::collection::vec(keys(), 0..3)
            .prop_map(|keys| json!({"type": "list_committed_offsets", "keys": keys})),
    ]
}

/// Returns keys of logs.
fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => select(vec!["k", "l"]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// Returns messages with arbitrary fields.
fn strange_messages() -> impl Strategy<Value = Value> {
    let kinds = [
        "init",
        "echo",
        "generate",
        "topology",
        "broadcast",
        "read",
        "add",
        "send",
        "poll",
        "commit_offsets",
        "list_committed_offsets",
        "txn",
        "gossip",
        "error",
    ];
    let fields = [
        "node_id",
        "node_ids",
        "echo",
        "topology",
        "message",
        "element",
        "delta",
        "key",
        "msg",
        "offsets",
        "keys",
        "txn",
        "gossip",
        "msg_id",
        "in_reply_to",
    ];
    let fields = prop::collection::btree_map(select(fields.to_vec()), any_json(), 0..4);
    (names(), names(), select(kinds.to_vec()), fields).prop_map(|(src, dest, kind, fields)| {
        let mut body = json!(fields);
        body["type"] = json!(kind);
        json!({"src": src, "dest": dest, "body": body})
    })
}

fn messages() -> impl Strategy<Value = Value> {
    let requests = prop_oneof![2 => requests(), 1 => log_requests()];
    prop_oneof![
        2 => (names(), any::<i64>(), requests).prop_map(|(src, id, body)| request(&src, id, body)),
        2 => (names(), gossip()).prop_map(|(src, gossip)| message_of_peer(&src, gossip)),
        1 => strange_messages(),
    ]
}

/// Returns messages of which most are for a log.
fn log_messages() -> impl Strategy<Value = Value> {
    let peers = select(vec!["n0", "n2"]);
    prop_oneof![
        2 => (any::<i64>(), log_requests()).prop_map(|(id, body)| request("c1", id, body)),
        2 => (peers, log_gossip()).prop_map(|(src, gossip)| message_of_peer(src, gossip)),
        1 => messages(),
    ]
}

/// Returns a line with some bytes changed, inserted or removed.
fn damaged(line: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<Index>(), 0..3_usize, prop::collection::vec(any::<u8>(), 0..3));
    (line, prop::collection::vec(edit, 1..4)).prop_map(|(mut line, edits)| {
        for (at, removed, inserted) in edits {
            let at = at.index(line.len() + 1);
            let end = line.len().min(at + removed);
            line.splice(at..end, inserted);
        }
        line
    })
}

fn steps<M: Strategy<Value = Value>>(messages: fn() -> M) -> impl Strategy<Value = Vec<Step>> {
    let line = || messages().prop_map(|message| message.to_string().into_bytes());
    let step = prop_oneof![
        6 => line().prop_map(Step::Line),
        2 => damaged(line()).prop_map(Step::Line),
        1 => prop::collection::vec(any::<u8>(), 0..64).prop_map(Step::Line),
        2 => (0..3_000_u64).prop_map(Step::PassMs),
    ];
    prop::collection::vec(step, 0..40)
}

/// Performs the steps and the work that is due in the minute after them.
fn perform(node: &mut CheckedNode, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Line(line) => node.line(&line),
            Step::PassMs(ms) => node.pass(Duration::from_millis(ms)),
        };
    }
    node.pass(Duration::from_secs(60));
}

fn request(src: &str, msg_id: i64, mut body: Value) -> Value {
    body["msg_id"] = json!(msg_id);
    json!({"id": 7, "src": src, "dest": "n1", "body": body})
}

fn message_of_peer(src: &str, gossip: Value) -> Value {
    json!({"src": src, "dest": "n1", "body": {"type": "gossip", "gossip": gossip}})
}

fn initialized(max_staleness_ms: u64) -> CheckedNode {
    let mut node = CheckedNode::new(Duration::from_millis(max_staleness_ms));
    let init = json!({"type": "init", "node_id": "n1", "node_ids": ["n0", "n1", "n2"]});
    assert_eq!(node.line(request("c0", 1, init).to_string().as_bytes()).len(), 1);
    node
}

/// Returns a node that serves a log: it has recovered together with n0.
fn serving_a_log(max_staleness_ms: u64) -> CheckedNode {
    let mut node = initialized(max_staleness_ms);
    let hello = json!({
        "workload": "kafka", "incarnation": 5, "digest": [], "sent_us": 1,
        "echo": [INCARNATION, 0, 0],
    });
    let recovered = json!({"recovered": {"ends": [], "bootstrap": [INCARNATION]}});
    let items = json!([{"node": 0, "incarnation": 5, "first": 0, "items": [{"recovering": []}, recovered]}]);
    let digest = json!([[0, 5, 2], [1, INCARNATION, 1]]);
    let records = json!({
        "workload": "kafka", "incarnation": 5, "digest": digest, "sent_us": 2, "items": items,
    });
    for gossip in [hello, records] {
        node.line(message_of_peer("n0", gossip).to_string().as_bytes());
    }
    let list = json!({"type": "list_committed_offsets", "keys": []});
    let lines = node.line(request("c0", 2, list).to_string().as_bytes());
    assert!(lines[0].contains("list_committed_offsets_ok"), "{lines:?}");
    node
}

/// The property below found this case: an increment of the largest number overflowed.
#[test]
fn rejects_items_above_the_largest_sequence_number() {
    let mut node = initialized(550);
    let topology = json!({"type": "topology", "topology": {}});
    node.line(request("c1", 2, topology).to_string().as_bytes());
    for (first, values) in
        [(u64::MAX, json!([])), ((1 << 53) + 1, json!([])), (1 << 53, json!([7]))]
    {
        let run = json!({"node": 0, "incarnation": 5, "first": first, "items": [7]});
        let gossip = json!({
            "workload": "broadcast", "incarnation": 5, "digest": [], "sent_us": 1, "items": [run],
        });
        node.line(message_of_peer("n0", gossip).to_string().as_bytes());
        let lines = node.line(request("c1", 3, json!({"type": "read"})).to_string().as_bytes());
        let reply: Value = serde_json::from_str(lines.last().expect("an answer")).expect("JSON");
        assert_eq!(reply["body"]["messages"], values, "after an item numbered {first}");
    }
}

proptest! {
    #[test]
    fn arbitrary_input_causes_neither_a_panic_nor_an_invalid_message(
        max_staleness_ms in select(vec![0_u64, 100, 550, 1900]),
        init_first in any::<bool>(),
        steps in steps(messages),
    ) {
        let mut node = if init_first {
            initialized(max_staleness_ms)
        } else {
            CheckedNode::new(Duration::from_millis(max_staleness_ms))
        };
        perform(&mut node, steps);
    }

    #[test]
    fn arbitrary_input_to_a_log_causes_neither_a_panic_nor_an_invalid_message(
        max_staleness_ms in select(vec![0_u64, 100, 550, 1900]),
        steps in steps(log_messages),
    ) {
        perform(&mut serving_a_log(max_staleness_ms), steps);
    }

    #[test]
    fn every_request_gets_one_reply(
        serves_a_log in any::<bool>(),
        bodies in prop::collection::vec(
            (any::<i64>(), prop_oneof![2 => requests(), 1 => log_requests()]),
            0..40,
        ),
    ) {
        let mut node = if serves_a_log { serving_a_log(550) } else { initialized(550) };
        for (msg_id, body) in bodies {
            node.line(request("c1", msg_id, body).to_string().as_bytes());
        }
        // A log replies to a client that waits for a majority after 4 s at the latest.
        node.pass(Duration::from_secs(5));
        prop_assert_eq!(node.pending(), 0);
    }
}
