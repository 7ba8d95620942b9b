//! Transactions over lists. A read returns a whole list, and a write appends one element.
//!
//! Each element is appended to a key at most once, so a list shows the order of its appends. The
//! longest list that was read of a key is the order of its versions. Appends that were never read
//! come after it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::anomaly::AnomalyKind;
use super::graph::{Builder, Graph, Note, Relation, Vertex};
use super::model::Model;
use super::time_edges;
use super::without_graph::{self, Forbidden};
use super::{
    Access, Anomalies, Evidence, Expected, ForeignRead, Key, NULL, Obstacle, Outcome, Transaction,
    Unjudged, Value,
};

/// The result of a read of a list; `None` for `null`.
pub type List = Option<Vec<Value>>;

/// Finds the anomalies of a history of transactions over lists.
///
/// The models determine which orders are used in addition to the order of the data.
#[must_use]
pub fn check(transactions: &[Transaction<List>], models: &[Model]) -> Anomalies {
    let mut anomalies = Anomalies::default();
    check_reads(transactions, &mut anomalies);
    without_graph::lost_updates(transactions, &mut anomalies);
    let orders = version_orders(transactions, &mut anomalies);
    dirty_updates(transactions, &orders, &mut anomalies);
    check_appends(transactions, &orders, &mut anomalies);
    let graph = dependencies(transactions, &orders, models);
    anomalies.add_cycles(&graph);
    anomalies
}

/// Finds reads that are wrong for every order of versions.
fn check_reads(transactions: &[Transaction<List>], anomalies: &mut Anomalies) {
    let forbidden = Forbidden::of(transactions);
    let appended = without_graph::written(transactions);
    let mut phantoms: BTreeSet<(Key, Value)> = BTreeSet::new();
    for (reader, transaction) in transactions.iter().enumerate() {
        if transaction.outcome != Outcome::Committed {
            continue;
        }
        check_own(reader, transaction, anomalies);
        for (access, step) in transaction.accesses.iter().enumerate() {
            let Access::Read(key, Some(list)) = step else { continue };
            let key = *key;
            let foreign = |writer, value| ForeignRead { reader, access, writer, key, value };
            let mut times: BTreeMap<Value, usize> = BTreeMap::new();
            for &value in list {
                *times.entry(value).or_default() += 1;
                if let Some(&writer) = forbidden.aborted.get(&(key, value)) {
                    anomalies.add(AnomalyKind::G1a, Evidence::AbortedRead(foreign(writer, value)));
                }
                // Later reads show the same element again.
                if !appended.contains(&(key, value)) && phantoms.insert((key, value)) {
                    anomalies.unjudged.push(Unjudged::Phantom { reader, key, value });
                }
            }
            if let Some(&value) = list.last()
                && let Some(&writer) = forbidden.intermediate.get(&(key, value))
                && writer != reader
            {
                let evidence = Evidence::IntermediateRead(foreign(writer, value));
                anomalies.add(AnomalyKind::G1b, evidence);
            }
            for (value, times) in times {
                if times > 1 {
                    let evidence = Evidence::Duplicate { reader, key, value, times };
                    anomalies.add(AnomalyKind::DuplicateElements, evidence);
                }
            }
        }
    }
}

/// The known part of a list within a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
enum OwnView {
    /// The whole list, from a read. `None` is `null`.
    Whole(List),
    /// The elements that the transaction appended to a list that it had not read.
    Suffix(Vec<Value>),
}

/// Finds a read that contradicts its own transaction, and reads of its later appends.
fn check_own(reader: usize, transaction: &Transaction<List>, anomalies: &mut Anomalies) {
    let mut known: BTreeMap<Key, OwnView> = BTreeMap::new();
    let mut contradiction = false;
    for (access, step) in transaction.accesses.iter().enumerate() {
        match step {
            Access::Write(key, value) => {
                let next = match known.remove(key) {
                    None => OwnView::Suffix(vec![*value]),
                    Some(OwnView::Suffix(mut list)) => {
                        list.push(*value);
                        OwnView::Suffix(list)
                    }
                    Some(OwnView::Whole(list)) => {
                        let mut list = list.unwrap_or_default();
                        list.push(*value);
                        OwnView::Whole(Some(list))
                    }
                };
                known.insert(*key, next);
            }
            Access::Read(key, list) => {
                let before = known.insert(*key, OwnView::Whole(list.clone()));
                let expected = match before {
                    Some(OwnView::Whole(Some(before))) if Some(&before) != list.as_ref() => {
                        Some(Expected::List(before))
                    }
                    Some(OwnView::Suffix(suffix))
                        if !list.as_deref().unwrap_or_default().ends_with(&suffix) =>
                    {
                        Some(Expected::Suffix(suffix))
                    }
                    // Maelstrom's checker ignores a read of null here. A cycle will show it.
                    _ => None,
                };
                if let Some(expected) = expected
                    && !contradiction
                {
                    contradiction = true;
                    let evidence = Evidence::Internal { reader, access, expected };
                    anomalies.add(AnomalyKind::Internal, evidence);
                }
            }
        }
    }
    for (access, step) in transaction.accesses.iter().enumerate() {
        let Access::Read(key, Some(list)) = step else { continue };
        let later = transaction.accesses.iter().skip(access).find_map(|later| match later {
            Access::Write(k, value) if k == key && list.contains(value) => Some(*value),
            _ => None,
        });
        if let Some(value) = later {
            let evidence = Evidence::FutureRead { reader, key: *key, value };
            anomalies.add(AnomalyKind::FutureRead, evidence);
            return;
        }
    }
}

/// The known order of the elements of a list.
#[derive(Debug, Default)]
struct Order {
    values: Vec<Value>,
    places: HashMap<Value, usize>,
    /// A transaction that read all the values.
    reader: usize,
}

impl Order {
    fn of(list: &[Value], reader: usize) -> Order {
        let mut order = Order { reader, ..Order::default() };
        for &value in list {
            if !order.places.contains_key(&value) {
                order.places.insert(value, order.values.len());
                order.values.push(value);
            }
        }
        order
    }

    /// Returns the element directly before an appended one, or [`NULL`] for the first.
    fn before(&self, value: Value) -> Value {
        let place = self.places.get(&value).copied().unwrap_or(self.values.len());
        place.checked_sub(1).and_then(|place| self.values.get(place)).copied().unwrap_or(NULL)
    }
}

/// Finds the order of each key's elements, and reads that do not fit into any order.
fn version_orders(
    transactions: &[Transaction<List>],
    anomalies: &mut Anomalies,
) -> BTreeMap<Key, Order> {
    let mut reads: BTreeMap<Key, Vec<(&[Value], usize)>> = BTreeMap::new();
    let mut single: BTreeMap<Key, Option<Value>> = BTreeMap::new();
    for (index, transaction) in transactions.iter().enumerate() {
        for access in &transaction.accesses {
            match access {
                Access::Read(key, Some(list))
                    if transaction.outcome == Outcome::Committed && !list.is_empty() =>
                {
                    reads.entry(*key).or_default().push((list, index));
                }
                Access::Write(key, value) if transaction.outcome != Outcome::Aborted => {
                    single.entry(*key).and_modify(|only| *only = None).or_insert(Some(*value));
                }
                _ => {}
            }
        }
    }
    let mut orders: BTreeMap<Key, Order> = BTreeMap::new();
    for (key, mut lists) in reads {
        lists.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        lists.dedup_by(|(a, _), (b, _)| a == b);
        let clash = lists.windows(2).find_map(|pair| match pair {
            [(short, shorter), (long, longer)] if !long.starts_with(short) => {
                Some((*shorter, *longer, short.to_vec(), long.to_vec()))
            }
            _ => None,
        });
        if let Some((shorter, longer, short, long)) = clash {
            let evidence = Evidence::IncompatibleOrder { key, shorter, longer, short, long };
            anomalies.add(AnomalyKind::IncompatibleOrder, evidence);
        }
        if let Some((longest, reader)) = lists.last() {
            orders.insert(key, Order::of(longest, *reader));
        }
    }
    // A key with one append does not need a read: its only element is the first.
    for (key, only) in single {
        if let Some(value) = only {
            orders.entry(key).or_insert_with(|| Order::of(&[value], 0));
        }
    }
    orders
}

/// Finds elements of aborted transactions before an element of a committed transaction.
fn dirty_updates(
    transactions: &[Transaction<List>],
    orders: &BTreeMap<Key, Order>,
    anomalies: &mut Anomalies,
) {
    let mut writers: HashMap<(Key, Value), usize> = HashMap::new();
    for (index, transaction) in transactions.iter().enumerate() {
        for access in &transaction.accesses {
            if let Access::Write(key, value) = *access {
                writers.insert((key, value), index);
            }
        }
    }
    for (&key, order) in orders {
        // The first aborted transaction after the last committed one, and the elements since.
        let mut aborted: Option<(usize, Vec<Value>)> = None;
        for &value in &order.values {
            let Some(&writer) = writers.get(&(key, value)) else {
                // Maelstrom's checker fails here, whatever other anomalies it has found.
                let missing = Obstacle::NeverAppended { reader: order.reader, key, value };
                anomalies.obstacle.get_or_insert(missing);
                continue;
            };
            let Some(transaction) = transactions.get(writer) else { continue };
            if let Some((_, values)) = &mut aborted {
                values.push(value);
            }
            match transaction.outcome {
                Outcome::Committed => {
                    if let Some((aborted, values)) = aborted.take() {
                        let committed = writer;
                        let evidence = Evidence::DirtyUpdate { key, aborted, committed, values };
                        anomalies.add(AnomalyKind::DirtyUpdate, evidence);
                    }
                }
                Outcome::Aborted if aborted.is_none() => aborted = Some((writer, vec![value])),
                Outcome::Aborted | Outcome::Unknown => {}
            }
        }
    }
}

/// Finds appends of one transaction that took effect in a different order.
///
/// A cycle does not show them: a transaction does not depend on itself.
fn check_appends(
    transactions: &[Transaction<List>],
    orders: &BTreeMap<Key, Order>,
    anomalies: &mut Anomalies,
) {
    let mut last: BTreeMap<Key, Value> = BTreeMap::new();
    for (writer, transaction) in transactions.iter().enumerate() {
        last.clear();
        for access in &transaction.accesses {
            let Access::Write(key, later) = *access else { continue };
            let Some(earlier) = last.insert(key, later) else { continue };
            let Some(places) = orders.get(&key).map(|order| &order.places) else { continue };
            let Some(after) = places.get(&later) else { continue };
            if places.get(&earlier).is_none_or(|before| before > after) {
                anomalies.unjudged.push(Unjudged::Reordered { writer, key, earlier, later });
            }
        }
    }
}

/// Builds the dependency graph of the transactions that committed or may have.
fn dependencies(
    transactions: &[Transaction<List>],
    orders: &BTreeMap<Key, Order>,
    models: &[Model],
) -> Graph {
    let unread = Order::default();
    let order = |key| orders.get(&key).unwrap_or(&unread);
    let mut writers: HashMap<(Key, Value), Vertex> = HashMap::new();
    // By key and element: the readers of the list that ends with the element, and the next appends.
    let mut readers: BTreeMap<(Key, Value), Vec<Vertex>> = BTreeMap::new();
    let mut next: BTreeMap<(Key, Value), Vec<(Vertex, Value)>> = BTreeMap::new();
    for (index, transaction) in transactions.iter().enumerate() {
        if transaction.outcome == Outcome::Aborted {
            continue;
        }
        for access in &transaction.accesses {
            match access {
                Access::Write(key, value) => {
                    writers.insert((*key, *value), index as Vertex);
                    let before = order(*key).before(*value);
                    next.entry((*key, before)).or_default().push((index as Vertex, *value));
                }
                Access::Read(key, list) if transaction.outcome == Outcome::Committed => {
                    let last = list.as_ref().and_then(|list| list.last()).copied().unwrap_or(NULL);
                    let readers = readers.entry((*key, last)).or_default();
                    if readers.last() != Some(&(index as Vertex)) {
                        readers.push(index as Vertex);
                    }
                }
                Access::Read(..) => {}
            }
        }
    }
    let mut graph = Builder::new(transactions.len());
    for (&(key, value), readers) in &readers {
        if value == NULL {
            continue;
        }
        if let Some(&writer) = writers.get(&(key, value)) {
            for &reader in readers {
                let note = Note { key, from: value, to: 0 };
                graph.link(writer, reader, Relation::WriteRead, note);
            }
        }
    }
    for (&(key, before), appends) in &next {
        if before != NULL
            && let Some(&from) = writers.get(&(key, before))
        {
            for &(writer, to) in appends {
                graph.link(from, writer, Relation::WriteWrite, Note { key, from: before, to });
            }
        }
        if let Some(readers) = readers.get(&(key, before)) {
            graph.anti_dependencies(key, before, readers, appends);
        }
    }
    time_edges::link(&mut graph, transactions, models);
    graph.build()
}
