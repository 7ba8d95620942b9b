//! The records of a lease store, for people and as JSON.

use serde_json::{Value, json};
use snowflake::lease::{LeaseRecord, StoreErrorKind};
use snowflake::{Clock, NodeId, SystemClock, UnixMillis};

use crate::output::Output;
use crate::store::Contents;

pub(crate) fn status(contents: &Contents) -> Output {
    let Contents { epoch, records, damaged } = contents;
    let start = epoch.start();
    let now = SystemClock.now();
    let nodes: Vec<_> = records.iter().map(|(node, record)| in_json(*node, record, now)).collect();
    let damaged: Vec<_> = damaged.iter().filter_map(|error| node_of(error.kind())).collect();
    let mut text = format!("epoch {} ({})", start, start.0);
    if !records.is_empty() || damaged.is_empty() {
        text += &format!("\n{}", table(records, now));
    }
    for node in &damaged {
        text += &format!("\n{node:>9}  damaged");
    }
    let damaged: Vec<_> = damaged.iter().map(|node| node.get()).collect();
    Output { text, value: json!({ "epoch_ms": start.0, "nodes": nodes, "damaged": damaged }) }
}

fn node_of(kind: &StoreErrorKind) -> Option<NodeId> {
    match kind {
        StoreErrorKind::Damaged { node, .. } => *node,
        _ => None,
    }
}

fn in_json(node: NodeId, record: &LeaseRecord, now: UnixMillis) -> Value {
    let LeaseRecord { fencing_token, from, high_water_mark, holder, .. } = record;
    json!({
        "node": node.get(),
        "fencing_token": fencing_token,
        "state": state(record, now),
        "from_ms": from.0,
        "high_water_mark_ms": high_water_mark.0,
        "holder": holder,
    })
}

fn table(records: &[(NodeId, LeaseRecord)], now: UnixMillis) -> String {
    if records.is_empty() {
        return "no node ID was ever held".to_owned();
    }
    let mut text = format!(
        "{:>9}  {:>13}  {:8}  {:24}  holder",
        "node ID", "fencing token", "state", "high-water mark"
    );
    // After a reset of all, a thousand are the same.
    let alike = |(a, one): &(NodeId, LeaseRecord), (b, next): &(NodeId, LeaseRecord)| {
        a.get() + 1 == b.get() && one == next
    };
    for row in records.chunk_by(alike) {
        let [(first, record), rest @ ..] = row else { continue };
        let nodes = match rest.last() {
            Some((last, _)) => format!("{first}-{last}"),
            None => first.to_string(),
        };
        let (LeaseRecord { fencing_token, high_water_mark, holder, .. }, state) =
            (record, state(record, now));
        text += &format!(
            "\n{nodes:>9}  {fencing_token:>13}  {state:8}  {:24}  {holder}",
            high_water_mark.to_string()
        );
    }
    text
}

fn state(record: &LeaseRecord, now: UnixMillis) -> &'static str {
    match (record.held, record.is_held_at(now)) {
        (_, true) => "held",
        (true, false) => "ended",
        (false, _) => "released",
    }
}
