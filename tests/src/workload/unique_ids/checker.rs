//! Unique IDs: no two replies have equal IDs.

use std::collections::BTreeMap;

use super::{UniqueId, UniqueIds};
use crate::format::edn::Edn;
use crate::history::{Completed, History};
use crate::judge::{Anomaly, Valid, Verdict};
use crate::workload::Context;

/// The number of replies with one ID that a sentence lists. The results count all replies.
const MAX_GIVERS: usize = 10;

/// Judges a history of generated IDs.
///
/// Maelstrom, `doc/workloads.md`, unique-ids: IDs "may be of any type", but must be "globally
/// unique". Maelstrom's checker sorts the IDs, so their types must not mix.
pub(super) fn check(history: &History<UniqueIds>, context: &Context<'_>) -> Verdict {
    let mut givers: BTreeMap<&UniqueId, Vec<Completed<'_, UniqueIds>>> = BTreeMap::new();
    for done in history.completed() {
        givers.entry(done.output).or_default().push(done);
    }
    let attempted = history.invocations().count();
    let acknowledged: usize = givers.values().map(Vec::len).sum();
    let duplicated: Vec<_> = givers.iter().filter(|(_, givers)| givers.len() > 1).collect();
    // The first ID of each type.
    let mut kinds: BTreeMap<&str, Completed<'_, UniqueIds>> = BTreeMap::new();
    for done in history.completed() {
        if let Some(kind) = done.output.kind() {
            kinds.entry(kind).or_insert(done);
        }
    }

    let mut anomalies: Vec<Anomaly> = duplicated
        .iter()
        .map(|(id, givers)| {
            let told = givers.iter().take(MAX_GIVERS).map(|done| {
                let node = context.directory.node_name(done.invocation.node);
                format!("{node} at {}", history.place(done.completed))
            });
            let told = told.collect::<Vec<_>>().join(", ");
            let more = match givers.len().saturating_sub(MAX_GIVERS) {
                0 => String::new(),
                1 => ", and once more".to_owned(),
                more => format!(", and {more} times more"),
            };
            let text = format!("duplicate ID: {} was given by {told}{more}", Edn::from(**id));
            Anomaly::from(text).seen_in(givers.iter().map(|done| done.completed))
        })
        .collect();
    let is_incomparable = kinds.len() > 1 || givers.len() > 1 && kinds.contains_key("object");
    if kinds.len() > 1 {
        let given: Vec<String> = kinds
            .iter()
            .map(|(kind, done)| {
                let node = context.directory.node_name(done.invocation.node);
                let (id, at) = (Edn::from(done.output), history.place(done.completed));
                format!("{kind} {id} by {node} at {at}")
            })
            .collect();
        let mixed = Anomaly::from(format!("mixed types of ID: {}", given.join(", ")));
        anomalies.push(mixed.seen_in(kinds.values().map(|done| done.completed)));
    }
    if givers.len() > 1
        && let Some(done) = kinds.get("object")
    {
        let node = context.directory.node_name(done.invocation.node);
        let (id, at) = (Edn::from(done.output), history.place(done.completed));
        let object = Anomaly::from(format!("objects as IDs: {node} gave {id} at {at}"));
        anomalies.push(object.seen_in([done.completed]));
    }
    let range = givers.first_key_value().zip(givers.last_key_value());
    let map = Edn::map([
        ("attempted-count", attempted.into()),
        ("acknowledged-count", acknowledged.into()),
        ("duplicated-count", duplicated.len().into()),
        (
            "duplicated",
            Edn::Map(duplicated.iter().map(|(id, g)| (Edn::from(**id), g.len().into())).collect()),
        ),
        ("range", range.map_or(Edn::Nil, |((first, _), (last, _))| Edn::vector([*first, *last]))),
    ]);
    // Maelstrom's checker fails if it cannot compare two IDs, so the verdict is unknown.
    let valid = if is_incomparable { Valid::Unknown } else { Valid::from(anomalies.is_empty()) };
    Verdict::new(valid, map, anomalies)
}
