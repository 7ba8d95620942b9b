//! Parser of operations on logs in a recorded history.

use std::collections::BTreeMap;

use super::{Key, Offset, Op, Output, Record, Session};
use crate::format::datum::Datum;
use crate::format::element::Element;
use crate::workload::RecordedEvent;

/// Reads an operation.
pub(super) fn op(event: RecordedEvent<'_>) -> Result<Op, String> {
    match event.f() {
        "assign" => {
            // The bench writes a map. Jepsen writes the flag next to the keys.
            let rewound = event.value().get("seek-to-beginning");
            let flag = event.get("seek-to-beginning?") == Some(&Datum::Bool(true));
            let keys = rewound.unwrap_or(event.value()).items().ok_or("expected a list of keys")?;
            let keys = keys.iter().map(key).collect::<Result<_, _>>()?;
            Ok(Op::Assign { keys, rewind: flag || rewound.is_some() })
        }
        "crash" => Ok(Op::Crash),
        "poll" => Ok(Op::Poll),
        "send" => {
            let (key, message) = sent(event)?;
            Ok(Op::Send { key, message: message.int()? })
        }
        f => Err(format!("this workload has no operation :{f}")),
    }
}

/// Reads the result of an operation.
pub(super) fn output(
    session: &mut Session,
    op: &Op,
    event: RecordedEvent<'_>,
) -> Result<Output, String> {
    match op {
        Op::Send { .. } => match sent(event)?.1.items() {
            Some([offset, _]) => offset.int().map(Output::Sent),
            _ => Err("expected an offset and a message".to_owned()),
        },
        Op::Crash => Err("a crash does not succeed".to_owned()),
        Op::Poll => {
            let polled = match micro_operation(event)? {
                [_, messages] => by_key(messages, records)?,
                _ => BTreeMap::new(),
            };
            session.advance(&polled);
            Ok(Output::Polled(polled))
        }
        Op::Assign { keys, rewind } => {
            let value = event.value();
            let offsets = |name| {
                let offset = |offset: &Datum| offset.int::<Offset>();
                value.get(name).map(|map| by_key(map, offset)).transpose()
            };
            let listed = offsets("committed")?;
            // Maelstrom records only the keys. Its clients continue at their own offsets, and
            // begin with other keys at 0.
            let known = |key: &Key| session.offsets.get(key).filter(|_| !rewind).copied();
            let start = |key: &Key| (key.clone(), known(key).unwrap_or(0));
            let start = offsets("start")?.unwrap_or_else(|| keys.iter().map(start).collect());
            session.offsets.clone_from(&start);
            Ok(Output::Assigned { start, listed })
        }
    }
}

/// Returns `true` if the value of an event has the messages of a poll.
pub(super) fn has_messages(event: RecordedEvent<'_>) -> bool {
    matches!(micro_operation(event), Ok([_, messages]) if messages.entries().is_some())
}

/// Returns the one micro-operation of a value: `[:poll …]` or `[:send …]`.
fn micro_operation<'a>(event: RecordedEvent<'a>) -> Result<&'a [Datum], String> {
    let operations = event.value().items().unwrap_or_default();
    let [operation] = operations else {
        return Err(format!("expected one micro-operation, found {}", operations.len()));
    };
    operation.items().ok_or_else(|| format!("expected a list, found {}", operation.kind()))
}

fn sent<'a>(event: RecordedEvent<'a>) -> Result<(Key, &'a Datum), String> {
    match micro_operation(event)? {
        [_, to, message] => Ok((key(to)?, message)),
        other => Err(format!("expected :send, a key and a message, found {} values", other.len())),
    }
}

fn key(datum: &Datum) -> Result<Key, String> {
    let name = datum.text().ok_or_else(|| format!("a key is a string, found {}", datum.kind()))?;
    Ok(Key::new(name))
}

fn by_key<T>(
    map: &Datum,
    read: impl Fn(&Datum) -> Result<T, String>,
) -> Result<BTreeMap<Key, T>, String> {
    let entries = map.entries().ok_or_else(|| format!("expected a map, found {}", map.kind()))?;
    entries.iter().map(|(name, value)| Ok((key(name)?, read(value)?))).collect()
}

fn records(list: &Datum) -> Result<Vec<Record>, String> {
    let record = |pair: &Datum| match pair.items() {
        Some([offset, message]) => {
            Ok(Record { offset: offset.int()?, message: Element::parse(&message.to_json())? })
        }
        _ => Err("expected an offset and a message".to_owned()),
    };
    list.items().unwrap_or_default().iter().map(record).collect()
}
