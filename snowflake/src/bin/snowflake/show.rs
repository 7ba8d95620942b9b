//! What is printed, for people and as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};
use snowflake::lease::LeaseRecord;
use snowflake::{Clock, Epoch, Id, NodeId, SystemClock, UnixMillis};

pub(crate) struct Output {
    pub(crate) text: String,
    pub(crate) value: Value,
}

pub(crate) fn decode(id: Id, epoch: Option<Epoch>) -> Output {
    let parts = id.parts();
    let made = epoch.map(|epoch| epoch.time_of(id));
    let made_text = made.map_or_else(
        || "not known without --epoch (`2024`, `twitter`, or milliseconds since 1970)".to_owned(),
        time,
    );
    Output {
        text: format!(
            "timestamp    {} ms since the epoch\nnode id      {}\nsequence     {}\nmade at      {}",
            parts.timestamp_ms, parts.node, parts.sequence, made_text,
        ),
        value: json!({
            "id": id.to_string(),
            "timestamp_ms": parts.timestamp_ms,
            "node": parts.node,
            "sequence": parts.sequence,
            "unix_ms": made.map(|made| made.0),
        }),
    }
}

pub(crate) fn status(epoch: Epoch, records: &[(NodeId, LeaseRecord)]) -> Output {
    let start = epoch.start();
    let now = SystemClock.now();
    let nodes: Vec<_> = records.iter().map(|(node, record)| in_json(*node, record, now)).collect();
    Output {
        text: format!("epoch {} ({})\n{}", time(start), start.0, table(records, now)),
        value: json!({ "epoch_ms": start.0, "nodes": nodes }),
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
            time(*high_water_mark)
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

/// As a date, or the number where there is none.
pub(crate) fn time(ms: UnixMillis) -> String {
    let date = i64::try_from(ms.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    date.map_or_else(|| ms.to_string(), |date| format!("{date:.3}"))
}
