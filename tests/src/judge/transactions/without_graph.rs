//! The anomalies of lists and registers that do not require a graph.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::anomaly::AnomalyKind;
use super::{Access, Anomalies, Evidence, Key, Outcome, Transaction, Value};

/// The writes that other transactions must not read, each with its transaction.
#[derive(Debug, Default)]
pub(super) struct Forbidden {
    /// The writes of aborted transactions.
    pub(super) aborted: HashMap<(Key, Value), usize>,
    /// The writes that the same transaction overwrote.
    pub(super) intermediate: HashMap<(Key, Value), usize>,
}

impl Forbidden {
    /// Collects the writes of a history.
    pub(super) fn of<R>(transactions: &[Transaction<R>]) -> Forbidden {
        let mut forbidden = Forbidden::default();
        let mut latest: HashMap<Key, Value> = HashMap::new();
        for (index, transaction) in transactions.iter().enumerate() {
            latest.clear();
            for access in &transaction.accesses {
                let Access::Write(key, value) = *access else { continue };
                if transaction.outcome == Outcome::Aborted {
                    forbidden.aborted.insert((key, value), index);
                }
                if let Some(overwritten) = latest.insert(key, value) {
                    forbidden.intermediate.insert((key, overwritten), index);
                }
            }
        }
        forbidden
    }
}

/// Returns the keys and values of all writes, whatever the outcome of their transactions.
pub(super) fn written<R>(transactions: &[Transaction<R>]) -> HashSet<(Key, Value)> {
    let accesses = transactions.iter().flat_map(|transaction| &transaction.accesses);
    let write = |access: &Access<R>| match *access {
        Access::Write(key, value) => Some((key, value)),
        Access::Read(..) => None,
    };
    accesses.filter_map(write).collect()
}

/// Finds transactions that read the same version of a key and overwrote it.
pub(super) fn lost_updates<R: Ord>(transactions: &[Transaction<R>], anomalies: &mut Anomalies) {
    let mut updates: BTreeMap<(Key, &R), Vec<usize>> = BTreeMap::new();
    for (index, transaction) in transactions.iter().enumerate() {
        if transaction.outcome != Outcome::Committed {
            continue;
        }
        let mut read: BTreeMap<Key, &R> = BTreeMap::new();
        let mut counted: Vec<Key> = Vec::new();
        for access in &transaction.accesses {
            match access {
                Access::Read(key, value) => {
                    read.entry(*key).or_insert(value);
                }
                Access::Write(key, _) => {
                    if let Some(&value) = read.get(key)
                        && !counted.contains(key)
                    {
                        counted.push(*key);
                        updates.entry((*key, value)).or_default().push(index);
                    }
                }
            }
        }
    }
    for ((key, _), transactions) in updates {
        if transactions.len() > 1 {
            anomalies.add(AnomalyKind::LostUpdate, Evidence::LostUpdate { key, transactions });
        }
    }
}
