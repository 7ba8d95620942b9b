//! Arbitrary messages of peers, in a valid form.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::{any_json, keys, limits, numbers};
use crate::checked_node::INCARNATION;

/// Returns a well-formed gossip message of any workload, with any contents.
pub(super) fn gossip() -> impl Strategy<Value = Value> {
    let values = select(vec!["broadcast", "g-set", "g-counter", "pn-counter"]);
    let values = (values, runs(any_json())).prop_flat_map(|(of, items)| gossip_of(of, items));
    prop_oneof![2 => values, 1 => transactions(), 1 => log_gossip()]
}

fn transactions() -> impl Strategy<Value = Value> {
    runs(prop_oneof![1 => any_json(), 4 => commits()])
        .prop_flat_map(|items| gossip_of("txn-rw-register", items))
}

/// Returns a well-formed gossip message of a log, with any contents.
pub(super) fn log_gossip() -> impl Strategy<Value = Value> {
    runs(prop_oneof![1 => any_json(), 4 => records()])
        .prop_flat_map(|items| gossip_of("kafka", items))
}

fn gossip_of(of: &'static str, items: Vec<Value>) -> impl Strategy<Value = Value> {
    (incarnations(), digests(), numbers(), optional_fields()).prop_map(
        move |(incarnation, have, sent_us, optional)| {
            let mut gossip = json!({"workload": of, "incarnation": incarnation});
            gossip["digest"] = json!(have);
            gossip["items"] = json!(items);
            gossip["sent_us"] = json!(sent_us);
            gossip.as_object_mut().expect("an object").extend(optional);
            gossip
        },
    )
}

/// Returns runs of items.
fn runs(item: impl Strategy<Value = Value>) -> impl Strategy<Value = Vec<Value>> {
    // A message with a larger sequence number than 2^53 is not well-formed.
    let first = prop_oneof![9 => 0..8_u64, 1 => Just(1 << 53)];
    let items = prop::collection::vec(item, 0..4);
    let run = (0..4_u16, incarnations(), first, items).prop_map(
        |(node, incarnation, first, items)| {
            json!({"node": node, "incarnation": incarnation, "first": first, "items": items})
        },
    );
    prop::collection::vec(run, 0..3)
}

/// Returns a transaction of a peer as an item, with any stamp and any causes.
fn commits() -> impl Strategy<Value = Value> {
    let writes = prop::collection::vec((any_json(), any_json()), 0..3);
    let after = prop::collection::vec((0..4_u16, numbers(), numbers()), 0..3);
    (numbers(), writes, after).prop_map(|(stamp, writes, after)| {
        json!({"stamp": stamp.to_string(), "writes": writes, "after": after})
    })
}

/// Returns a record of a log as an item, with any offsets and any incarnations.
fn records() -> impl Strategy<Value = Value> {
    let incarnations = || prop::collection::vec(incarnations(), 0..3);
    prop_oneof![
        3 => (keys(), prop_oneof![2 => 0..8_u64, 1 => limits()], any_json()).prop_map(|sent| json!({"send": sent})),
        2 => prop::collection::btree_map(keys(), numbers(), 0..3)
            .prop_map(|offsets| json!({"commit": offsets})),
        1 => incarnations().prop_map(|earlier| json!({"recovering": earlier})),
        1 => (digests(), incarnations()).prop_map(|(ends, bootstrap)| {
            json!({"recovered": {"ends": ends, "bootstrap": bootstrap}})
        }),
    ]
}

/// Returns a list of digest entries.
fn digests() -> impl Strategy<Value = Vec<Value>> {
    let ranges = prop_oneof![
        numbers().prop_map(|end| vec![end]),
        (0..4_u64, 5..8_u64, prop_oneof![8..12_u64, limits()])
            .prop_map(|(end, start, last)| vec![end, start, last]),
    ];
    let entry = (0..4_u16, incarnations(), ranges).prop_map(|(node, incarnation, ranges)| {
        json!([vec![u64::from(node), incarnation], ranges].concat())
    });
    prop::collection::vec(entry, 0..4)
}

/// Returns incarnations, often one of [`serving_a_log`](super::serving_a_log).
fn incarnations() -> impl Strategy<Value = u64> {
    prop_oneof![1 => numbers(), 2 => select(vec![5, 6, INCARNATION])]
}

fn optional_fields() -> impl Strategy<Value = Map<String, Value>> {
    let flags = select(vec!["follows", "forward", "probe", "wants", "unrecognized"])
        .prop_map(|name| (name, json!(true)));
    let field = prop_oneof![
        3 => flags,
        1 => numbers().prop_map(|age| ("age_us", json!(age))),
        1 => (0..4_u16).prop_map(|node| ("indirect_probe", json!(node))),
        1 => [numbers(), numbers()].prop_map(|pace| ("round", json!(pace))),
        1 => (numbers(), numbers())
            .prop_map(|(sent, held)| ("echo", json!([INCARNATION, sent, held]))),
    ];
    prop::collection::vec(field, 0..4).prop_map(|fields| {
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    })
}
