//! What is printed, for people and as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};
use snowflake::lease::Record;
use snowflake::{Clock, Epoch, Id, NodeId, SystemClock, UnixMillis};

pub(crate) struct Output {
    pub(crate) text: String,
    pub(crate) value: Value,
}

pub(crate) fn decode(id: Id, epoch: Option<Epoch>) -> Output {
    let parts = id.parts();
    let made = epoch.map(|epoch| epoch.time_of(id));
    let made_text = made.map_or_else(
        || "with --epoch: `2024`, `twitter`, or milliseconds since 1970".to_owned(),
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

pub(crate) fn status(records: &[(NodeId, Record)]) -> Output {
    let now = SystemClock.now();
    let mut text = format!("{:>4}  {:>6}  {:8}  {:24}  holder", "node", "fence", "state", "mark");
    let mut values = Vec::new();
    for (node, record) in records {
        let Record { fence, from, mark, held, holder } = record;
        let state = match (held, record.is_held_at(now)) {
            (_, true) => "held",
            (true, false) => "ended",
            (false, _) => "released",
        };
        text += &format!("\n{node:>4}  {fence:>6}  {state:8}  {:24}  {holder}", time(*mark));
        values.push(json!({
            "node": node.get(),
            "fence": fence,
            "state": state,
            "from_ms": from.0,
            "mark_ms": mark.0,
            "holder": holder,
        }));
    }
    if records.is_empty() {
        text = "no node id was ever held".to_owned();
    }
    Output { text, value: json!(values) }
}

/// As a date, or the number where there is none.
pub(crate) fn time(ms: UnixMillis) -> String {
    let date = i64::try_from(ms.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    date.map_or_else(|| ms.to_string(), |date| format!("{date:.3}"))
}
