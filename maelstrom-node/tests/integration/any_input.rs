//! The node handles any input: it never panics, and sends only valid messages. It replies once to
//! every request with a `msg_id`.

use std::fmt;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use crate::checked_node::CheckedNode;

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
    prop_oneof![
        4 => 0..8_u64,
        1 => select(vec![u16::MAX.into(), u32::MAX.into(), i64::MAX as u64, u64::MAX - 1, u64::MAX]),
    ]
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

/// Returns a well-formed gossip message of a peer, with any contents.
fn gossip() -> impl Strategy<Value = Value> {
    let entry = (0..4_u16, numbers(), prop::collection::vec(numbers(), 1..4)).prop_map(
        |(node, incarnation, ends)| json!([vec![u64::from(node), incarnation], ends].concat()),
    );
    let items = prop::collection::vec(prop_oneof![any_json(), commits()], 0..4);
    let run = (0..4_u16, numbers(), numbers(), items).prop_map(
        |(node, incarnation, first, items)| {
            json!({"node": node, "incarnation": incarnation, "first": first, "items": items})
        },
    );
    let entries = prop::collection::vec(entry, 0..4);
    let runs = prop::collection::vec(run, 0..3);
    let kinds = select(vec!["broadcast", "g-set", "g-counter", "pn-counter", "txn-rw-register"]);
    (kinds, numbers(), entries, runs, numbers(), optional_fields()).prop_map(
        |(of, incarnation, have, items, sent_us, optional)| {
            let mut gossip = json!({"workload": of, "incarnation": incarnation});
            gossip["digest"] = json!(have);
            gossip["items"] = json!(items);
            gossip["sent_us"] = json!(sent_us);
            gossip.as_object_mut().expect("an object").extend(optional);
            gossip
        },
    )
}

/// Returns a transaction of a peer as an item, with any stamp and any causes.
fn commits() -> impl Strategy<Value = Value> {
    let writes = prop::collection::vec((any_json(), any_json()), 0..3);
    let after = prop::collection::vec((0..4_u16, numbers(), numbers()), 0..3);
    (numbers(), writes, after).prop_map(|(stamp, writes, after)| {
        json!({"stamp": stamp.to_string(), "writes": writes, "after": after})
    })
}

fn optional_fields() -> impl Strategy<Value = Map<String, Value>> {
    let flags = select(vec!["follows", "probe", "wants"]).prop_map(|name| (name, json!(true)));
    let field = prop_oneof![
        3 => flags,
        1 => numbers().prop_map(|age| ("age_us", json!(age))),
        1 => (0..4_u16).prop_map(|node| ("indirect_probe", json!(node))),
        1 => [numbers(), numbers()].prop_map(|pace| ("round", json!(pace))),
        1 => (numbers(), numbers())
            .prop_map(|(sent, held)| ("echo", json!([0x5eed, sent, held]))),
    ];
    prop::collection::vec(field, 0..4).prop_map(|fields| {
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
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

/// Returns messages with arbitrary fields.
fn strange_messages() -> impl Strategy<Value = Value> {
    let kinds =
        ["init", "echo", "generate", "topology", "broadcast", "read", "add", "gossip", "error"];
    let fields =
        ["node_id", "node_ids", "echo", "topology", "message", "gossip", "msg_id", "in_reply_to"];
    let fields = prop::collection::btree_map(select(fields.to_vec()), any_json(), 0..4);
    (names(), names(), select(kinds.to_vec()), fields).prop_map(|(src, dest, kind, fields)| {
        let mut body = json!(fields);
        body["type"] = json!(kind);
        json!({"src": src, "dest": dest, "body": body})
    })
}

fn messages() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => (names(), any::<i64>(), requests()).prop_map(|(src, id, body)| request(&src, id, body)),
        2 => (names(), gossip()).prop_map(|(src, gossip)| {
            json!({"src": src, "dest": "n1", "body": {"type": "gossip", "gossip": gossip}})
        }),
        1 => strange_messages(),
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

fn steps() -> impl Strategy<Value = Step> {
    let line = || messages().prop_map(|message| message.to_string().into_bytes());
    prop_oneof![
        6 => line().prop_map(Step::Line),
        2 => damaged(line()).prop_map(Step::Line),
        1 => prop::collection::vec(any::<u8>(), 0..64).prop_map(Step::Line),
        2 => (0..3_000_u64).prop_map(Step::PassMs),
    ]
}

fn request(src: &str, msg_id: i64, mut body: Value) -> Value {
    body["msg_id"] = json!(msg_id);
    json!({"id": 7, "src": src, "dest": "n1", "body": body})
}

fn initialized(max_staleness_ms: u64) -> CheckedNode {
    let mut node = CheckedNode::new(Duration::from_millis(max_staleness_ms));
    let init = json!({"type": "init", "node_id": "n1", "node_ids": ["n0", "n1", "n2"]});
    assert_eq!(node.line(request("c0", 1, init).to_string().as_bytes()).len(), 1);
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
        let message =
            json!({"src": "n0", "dest": "n1", "body": {"type": "gossip", "gossip": gossip}});
        node.line(message.to_string().as_bytes());
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
        steps in prop::collection::vec(steps(), 0..40),
    ) {
        let mut node = if init_first {
            initialized(max_staleness_ms)
        } else {
            CheckedNode::new(Duration::from_millis(max_staleness_ms))
        };
        for step in steps {
            match step {
                Step::Line(line) => node.line(&line),
                Step::PassMs(ms) => node.pass(Duration::from_millis(ms)),
            };
        }
        node.pass(Duration::from_secs(60));
    }

    #[test]
    fn every_request_gets_one_reply(
        bodies in prop::collection::vec((any::<i64>(), requests()), 0..40),
    ) {
        let mut node = initialized(550);
        for (msg_id, body) in bodies {
            node.line(request("c1", msg_id, body).to_string().as_bytes());
        }
        node.pass(Duration::from_secs(1));
        prop_assert_eq!(node.pending(), 0);
    }
}
