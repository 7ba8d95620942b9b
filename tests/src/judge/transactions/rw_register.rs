//! Transactions over registers. A read returns one value, and a write replaces it.
//!
//! Each value is written to a key at most once, so a read identifies the transaction that wrote its
//! value.
//!
//! The order of versions is inferred as in Maelstrom's test. `null` precedes every other version,
//! and within a transaction a write follows the read of the same key.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::anomaly::AnomalyKind;
use super::components::Components;
use super::graph::{Builder, Graph, Note, Relation, Relations, Vertex};
use super::model::Model;
use super::time_edges;
use super::without_graph::{self, Forbidden};
use super::{
    Access, Anomalies, Evidence, Expected, ForeignRead, Key, NULL, Obstacle, Outcome, Transaction,
    Unjudged, Value,
};

/// Finds the anomalies of a history of transactions over registers.
///
/// The models determine which orders are used in addition to the order of the data.
#[must_use]
pub fn check(transactions: &[Transaction<Value>], models: &[Model]) -> Anomalies {
    let mut anomalies = Anomalies::default();
    check_reads(transactions, &mut anomalies);
    without_graph::lost_updates(transactions, &mut anomalies);
    let graph = dependencies(transactions, models, &mut anomalies);
    anomalies.add_cycles(&graph);
    anomalies
}

/// Finds reads that are wrong for every order of versions.
fn check_reads(transactions: &[Transaction<Value>], anomalies: &mut Anomalies) {
    let forbidden = Forbidden::of(transactions);
    let written = without_graph::written(transactions);
    let mut phantoms: BTreeSet<(Key, Value)> = BTreeSet::new();
    for (reader, transaction) in transactions.iter().enumerate() {
        if transaction.outcome != Outcome::Committed {
            continue;
        }
        let mut expected: BTreeMap<Key, Value> = BTreeMap::new();
        let mut contradiction = false;
        for (access, step) in transaction.accesses.iter().enumerate() {
            let (key, value) = match *step {
                Access::Read(key, value) => (key, value),
                Access::Write(key, value) => {
                    expected.insert(key, value);
                    continue;
                }
            };
            let foreign = |writer| ForeignRead { reader, access, writer, key, value };
            if let Some(&writer) = forbidden.aborted.get(&(key, value)) {
                anomalies.add(AnomalyKind::G1a, Evidence::AbortedRead(foreign(writer)));
            }
            if let Some(&writer) = forbidden.intermediate.get(&(key, value))
                && writer != reader
            {
                anomalies.add(AnomalyKind::G1b, Evidence::IntermediateRead(foreign(writer)));
            }
            let is_phantom = value != NULL && !written.contains(&(key, value));
            if is_phantom && phantoms.insert((key, value)) {
                anomalies.unjudged.push(Unjudged::Phantom { reader, key, value });
            }
            let later = transaction.accesses.iter().skip(access);
            if value != NULL && later.into_iter().any(|step| *step == Access::Write(key, value)) {
                anomalies.unjudged.push(Unjudged::FutureRead { reader, key, value });
            }
            // The first contradiction of a transaction explains the others.
            match expected.insert(key, value) {
                Some(before) if before == NULL && value != NULL => {
                    anomalies.unjudged.push(Unjudged::NullThenValue { reader, key, value });
                }
                Some(before) if before != value && !contradiction => {
                    contradiction = true;
                    let expected = Expected::Value(before);
                    anomalies.add(
                        AnomalyKind::Internal,
                        Evidence::Internal { reader, access, expected },
                    );
                }
                _ => {}
            }
        }
    }
}

/// The accesses of a transaction that others can observe.
///
/// These are its first read of each key before any write of it, and its last write of each key.
#[derive(Debug, Default)]
struct External {
    reads: BTreeMap<Key, Value>,
    writes: BTreeMap<Key, Value>,
}

impl External {
    fn of(accesses: &[Access<Value>]) -> External {
        let mut external = External::default();
        for access in accesses {
            match *access {
                Access::Read(key, value) => {
                    if !external.writes.contains_key(&key) {
                        external.reads.entry(key).or_insert(value);
                    }
                }
                Access::Write(key, value) => {
                    external.writes.insert(key, value);
                }
            }
        }
        external
    }
}

/// A version of a key, with the committed transactions that read or wrote it.
#[derive(Debug, Default)]
struct Version {
    writers: Vec<Vertex>,
    readers: Vec<Vertex>,
    /// The versions that directly follow, because a transaction read this version and wrote them.
    next: Vec<Value>,
}

/// Builds the dependency graph.
fn dependencies(
    transactions: &[Transaction<Value>],
    models: &[Model],
    anomalies: &mut Anomalies,
) -> Graph {
    let mut versions: BTreeMap<(Key, Value), Version> = BTreeMap::new();
    for (index, transaction) in transactions.iter().enumerate() {
        if transaction.outcome != Outcome::Committed {
            continue;
        }
        let external = External::of(&transaction.accesses);
        for (&key, &value) in &external.writes {
            versions.entry((key, value)).or_default().writers.push(index as Vertex);
        }
        for (&key, &value) in &external.reads {
            let version = versions.entry((key, value)).or_default();
            version.readers.push(index as Vertex);
            if value != NULL
                && let Some(&next) = external.writes.get(&key)
            {
                version.next.push(next);
            }
        }
    }
    let cyclic = cyclic_versions(&versions);
    let ordered = cyclic.is_empty();
    for (key, versions) in cyclic {
        anomalies.add(AnomalyKind::CyclicVersions, Evidence::CyclicVersions { key, versions });
    }

    let mut graph = Builder::new(transactions.len());
    overwrite_initial(&mut graph, &versions);
    for (&(key, value), version) in &versions {
        if !version.readers.is_empty() {
            if let &[first, second, ..] = version.writers.as_slice() {
                let writers = [first as usize, second as usize];
                anomalies.obstacle = Some(Obstacle::WrittenTwice { writers, key, value });
            }
            for &writer in &version.writers {
                for &reader in &version.readers {
                    let note = Note { key, from: value, to: 0 };
                    graph.link(writer, reader, Relation::WriteRead, note);
                }
            }
        }
        if !ordered {
            continue;
        }
        let mut writers: Vec<(Vertex, Value)> = Vec::new();
        for &next in &version.next {
            if let Some(after) = versions.get(&(key, next)) {
                writers.extend(after.writers.iter().map(|&writer| (writer, next)));
            }
        }
        writers.sort_unstable();
        writers.dedup();
        for &from in &version.writers {
            for &(writer, to) in &writers {
                graph.link(from, writer, Relation::WriteWrite, Note { key, from: value, to });
            }
        }
        graph.anti_dependencies(key, value, &version.readers, &writers);
    }
    time_edges::link(&mut graph, transactions, models);
    graph.build()
}

/// Makes each transaction that read `null` precede each one that wrote a version of the key.
fn overwrite_initial(graph: &mut Builder, versions: &BTreeMap<(Key, Value), Version>) {
    for (&(key, value), initial) in versions {
        if value != NULL {
            continue;
        }
        let writers: Vec<(Vertex, Value)> = versions
            .range((key, NULL + 1)..=(key, Value::MAX))
            .flat_map(|(&(_, value), version)| version.writers.iter().map(move |&w| (w, value)))
            .collect();
        graph.anti_dependencies(key, NULL, &initial.readers, &writers);
    }
}

/// Finds versions of a key that follow each other in a cycle.
fn cyclic_versions(versions: &BTreeMap<(Key, Value), Version>) -> Vec<(Key, Vec<Value>)> {
    let names: Vec<(Key, Value)> = versions.keys().copied().collect();
    let numbers: HashMap<(Key, Value), Vertex> =
        names.iter().enumerate().map(|(number, &name)| (name, number as Vertex)).collect();
    let mut graph = Builder::new(names.len());
    for (&(key, value), version) in versions {
        for &next in &version.next {
            let ends = (numbers.get(&(key, value)), numbers.get(&(key, next)));
            if let (Some(&from), Some(&to)) = ends {
                graph.link(from, to, Relation::WriteWrite, Note::default());
            }
        }
    }
    let all = Relations::of(&[Relation::WriteWrite]);
    Components::find(&graph.build(), all)
        .members()
        .into_iter()
        .filter_map(|members| {
            let named: Vec<(Key, Value)> =
                members.iter().filter_map(|&member| names.get(member as usize).copied()).collect();
            let key = named.first()?.0;
            Some((key, named.into_iter().map(|(_, value)| value).collect()))
        })
        .collect()
}
