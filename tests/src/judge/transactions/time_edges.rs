//! The orders of transactions by process and by real time.

use std::collections::{BTreeMap, BTreeSet};

use super::anomaly::AnomalyKind;
use super::graph::{Builder, Note, Relation, Vertex};
use super::model::{self, Model};
use super::{Outcome, Transaction};

/// Adds the strongest order that these models require.
///
/// The order of real time includes the order of processes.
pub(super) fn link<R>(graph: &mut Builder, transactions: &[Transaction<R>], models: &[Model]) {
    let forbidden: BTreeSet<AnomalyKind> = model::forbidden_by(models);
    if forbidden.iter().any(|anomaly| anomaly.is_of_realtime()) {
        realtime(graph, transactions);
    } else if forbidden.iter().any(|anomaly| anomaly.is_of_process()) {
        process(graph, transactions);
    }
}

/// Links each committed transaction to the next one of its process.
fn process<R>(graph: &mut Builder, transactions: &[Transaction<R>]) {
    let mut committed: Vec<(usize, Vertex)> = transactions
        .iter()
        .enumerate()
        .filter(|(_, transaction)| transaction.outcome == Outcome::Committed)
        .map(|(index, transaction)| (transaction.completed, index as Vertex))
        .collect();
    committed.sort_unstable();
    let mut last: BTreeMap<u64, Vertex> = BTreeMap::new();
    for (_, index) in committed {
        let Some(transaction) = transactions.get(index as usize) else { continue };
        if let Some(previous) = last.insert(transaction.process, index) {
            graph.link(previous, index, Relation::Process, Note::default());
        }
    }
}

/// Links each committed transaction to all transactions that were invoked after it completed.
///
/// The edges pass a chain of relays, one for each run of completions. A transaction enters the
/// chain at its completion, and leaves it at its invocation.
fn realtime<R>(graph: &mut Builder, transactions: &[Transaction<R>]) {
    let mut events: Vec<(usize, bool, Vertex)> = Vec::new();
    for (index, transaction) in transactions.iter().enumerate() {
        events.push((transaction.invoked, false, index as Vertex));
        if transaction.outcome == Outcome::Committed {
            events.push((transaction.completed, true, index as Vertex));
        }
    }
    events.sort_unstable();
    let mut relay: Option<Vertex> = None;
    let mut completed: Vec<Vertex> = Vec::new();
    for (_, completes, transaction) in events {
        if completes {
            completed.push(transaction);
            continue;
        }
        if !completed.is_empty() {
            let next = graph.relay();
            if let Some(previous) = relay.replace(next) {
                graph.link(previous, next, Relation::Onward, Note::default());
            }
            for before in completed.drain(..) {
                graph.link(before, next, Relation::Realtime, Note::default());
            }
        }
        if let Some(relay) = relay {
            graph.link(relay, transaction, Relation::Onward, Note::default());
        }
    }
}
