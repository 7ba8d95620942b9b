//! Unique IDs: no two replies have equal IDs.

use std::collections::BTreeMap;

use super::{UniqueId, UniqueIds, clock_step, order};
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
            let given = givers.iter().take(MAX_GIVERS).map(|done| {
                let node = context.directory.node_name(done.invocation.node);
                format!("{node} at {}", history.place(done.completed))
            });
            let given = given.collect::<Vec<_>>().join(", ");
            let more = match givers.len().saturating_sub(MAX_GIVERS) {
                0 => String::new(),
                1 => ", and once more".to_owned(),
                more => format!(", and {more} times more"),
            };
            let step = clock_step_between(history, context, givers);
            let sentence =
                format!("duplicate ID: {} was returned by {given}{more}", Edn::from(**id));
            let text = sentence + step.as_deref().unwrap_or_default();
            let cause = step.map(|_| clock_step::CAUSE);
            let events = givers.iter().map(|done| done.completed);
            Anomaly { cause, ..Anomaly::from(text) }.seen_in(events)
        })
        .collect();
    let object = kinds.get("object").filter(|_| acknowledged > 1);
    let list = incomparable_list(history).filter(|_| kinds.len() == 1);
    let is_incomparable = kinds.len() > 1 || object.is_some() || list.is_some();
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
    let single = [("objects as IDs", object), ("incomparable lists", list.as_ref())];
    for (name, done) in single {
        let Some(done) = done else { continue };
        let node = context.directory.node_name(done.invocation.node);
        let (id, at) = (Edn::from(done.output), history.place(done.completed));
        let anomaly = Anomaly::from(format!("{name}: {node} gave {id} at {at}"));
        anomalies.push(anomaly.seen_in([done.completed]));
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

/// Describes the step of a node's clock between the first two replies of the node with one ID.
fn clock_step_between(
    history: &History<UniqueIds>,
    context: &Context<'_>,
    givers: &[Completed<'_, UniqueIds>],
) -> Option<String> {
    givers.iter().enumerate().find_map(|(index, first)| {
        let node = first.invocation.node;
        let next = givers[index + 1..].iter().find(|next| next.invocation.node == node)?;
        let range = first.completed..next.completed;
        clock_step::before_restart(history, context.directory.node_name(node), range)
    })
}

/// Returns the first list that Maelstrom cannot compare with the lists before it.
fn incomparable_list(history: &History<UniqueIds>) -> Option<Completed<'_, UniqueIds>> {
    let list = |done: &Completed<'_, UniqueIds>| match done.output {
        UniqueId::Other(json) if json.as_str().starts_with('[') => {
            serde_json::from_str::<serde_json::Value>(json.as_str()).ok()
        }
        _ => None,
    };
    let lists = || history.completed().filter_map(|done| Some((list(&done)?, done)));
    let index = order::first_incomparable(lists().map(|(list, _)| list))?;
    lists().nth(index).map(|(_, done)| done)
}
