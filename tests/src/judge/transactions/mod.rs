//! The checkers of transactions.
//!
//! They find the anomalies of a history, and the consistency models that these anomalies refute.
//!
//! The method is Adya's (1999), which Elle applies to the clients' view (Kingsbury and Alvaro
//! 2020):
//!
//! 1. Find the anomalies that single reads show: values of aborted transactions, values that were
//!    overwritten before the commit, values that contradict the transaction itself.
//! 2. Infer an order of the versions of each key. In a list, an element follows the earlier ones.
//!    Registers show little of the order: `null` comes first, and a transaction that reads a
//!    version and writes another overwrites the first.
//! 3. Build a graph of the transactions: write-write, write-read and read-write dependencies. If a
//!    model requires it, add the order of processes or of real time.
//! 4. Report each cycle of that graph as an anomaly. Its name describes its kinds of dependencies.
//! 5. Refute each model that forbids one of the anomalies.
//!
//! [`list_append`] and [`rw_register`] do the first two steps, `graph` and `time_edges` the third,
//! `cycles` the fourth and [`model`] the fifth. The module does not depend on requests, nodes or
//! names: keys and values are numbers that the caller has assigned.

mod analysis;
pub mod anomaly;
mod components;
mod cycles;
mod graph;
pub mod list_append;
pub mod model;
pub mod rw_register;
mod time_edges;
mod without_graph;

#[cfg(test)]
mod brute_force;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use analysis::{Refuted, Stopped};
pub use anomaly::AnomalyKind;
pub use cycles::{Cycle, Dependency};
pub use graph::{Note, Relation};
pub use model::{Boundary, Model};

use crate::judge::Valid;

/// The number of a key, which the caller assigns.
pub type Key = u32;
/// The number of a value, which the caller assigns. Equal values have equal numbers.
pub type Value = u32;
/// The value of a register before the first write: `null`.
pub const NULL: Value = 0;

/// The outcome of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The transaction committed, and its reads are known.
    Committed,
    /// The transaction certainly did not happen.
    Aborted,
    /// The transaction may have happened, or may still happen. Its reads are unknown.
    Unknown,
}

/// A transaction of a history.
#[derive(Clone, Debug)]
pub struct Transaction<R> {
    /// The process that ran it. A process runs one transaction at a time.
    pub process: u64,
    /// The position in the history at which the client sent it.
    pub invoked: usize,
    /// The position in the history at which the client learned the outcome.
    pub completed: usize,
    /// The outcome.
    pub outcome: Outcome,
    /// Its reads and writes, in order.
    pub accesses: Vec<Access<R>>,
}

/// A step of a transaction. `R` is the type of a read's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access<R> {
    /// A read of a key, and its result. The result is meaningful only in a committed transaction.
    Read(Key, R),
    /// A write of a value to a key, or an append to its list.
    Write(Key, Value),
}

/// The evidence of an anomaly. An index identifies a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A read returned the value of an aborted transaction.
    AbortedRead(ForeignRead),
    /// A read returned a value that its transaction had overwritten before it committed.
    IntermediateRead(ForeignRead),
    /// A read contradicts an earlier read or write of the same transaction.
    Internal {
        /// The transaction.
        reader: usize,
        /// The index of the read among the transaction's accesses.
        access: usize,
        /// The expected result: a whole value, or the end of a list.
        expected: Expected,
    },
    /// A read returned a value that its transaction wrote later.
    FutureRead {
        /// The transaction.
        reader: usize,
        /// The key.
        key: Key,
        /// The value.
        value: Value,
    },
    /// Several transactions read one version of a key and overwrote it.
    LostUpdate {
        /// The key.
        key: Key,
        /// The transactions.
        transactions: Vec<usize>,
    },
    /// A committed transaction wrote a version on top of an aborted one.
    DirtyUpdate {
        /// The key.
        key: Key,
        /// The aborted transaction.
        aborted: usize,
        /// The committed transaction.
        committed: usize,
        /// The elements from the aborted append to the committed one.
        values: Vec<Value>,
    },
    /// A list contains an element more than once.
    Duplicate {
        /// The transaction that read it.
        reader: usize,
        /// The key.
        key: Key,
        /// The element.
        value: Value,
        /// The number of times that the list contains the element.
        times: usize,
    },
    /// Two reads of a list cannot both be states of that list.
    IncompatibleOrder {
        /// The key.
        key: Key,
        /// A transaction that read the shorter list.
        shorter: usize,
        /// A transaction that read the longer list.
        longer: usize,
        /// The shorter list.
        short: Vec<Value>,
        /// The longer list. The shorter one is not a prefix of it.
        long: Vec<Value>,
    },
    /// Versions of a key precede each other in a cycle.
    CyclicVersions {
        /// The key.
        key: Key,
        /// The versions.
        versions: Vec<Value>,
    },
    /// Transactions precede each other in a cycle.
    Cycle(Cycle),
    /// A cycle exists, but the search found no short description of it.
    CycleExists(Refuted),
    /// A search ended without an answer.
    SearchStopped(Stopped),
    /// No transaction depends on another: the history proves nothing.
    EmptyGraph,
}

/// A read of another transaction's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignRead {
    /// The transaction that read.
    pub reader: usize,
    /// The index of the read among the transaction's accesses.
    pub access: usize,
    /// The transaction that wrote the value.
    pub writer: usize,
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Value,
}

/// The expected result of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This value of a register.
    Value(Value),
    /// This list.
    List(Vec<Value>),
    /// A list that ends with these elements.
    Suffix(Vec<Value>),
}

/// The maximum number of examples that are kept of each anomaly. All cases are counted.
pub const MAX_EXAMPLES: usize = 8;

/// The anomalies of a history.
#[derive(Clone, Debug, Default)]
pub struct Anomalies {
    found: BTreeMap<AnomalyKind, Vec<Evidence>>,
    counts: BTreeMap<AnomalyKind, usize>,
    /// Wrong results that no model allows, but that Maelstrom's checker does not judge.
    pub unjudged: Vec<Unjudged>,
    /// The reason why Maelstrom's checker cannot judge the history, if it cannot.
    pub obstacle: Option<Obstacle>,
}

/// A wrong result that Maelstrom's checker does not judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unjudged {
    /// A read returned a value that was never written to the key.
    Phantom {
        /// The transaction.
        reader: usize,
        /// The key.
        key: Key,
        /// The value.
        value: Value,
    },
    /// Appends of one transaction to a list are not in the list in the order of the transaction.
    Reordered {
        /// The transaction.
        writer: usize,
        /// The key.
        key: Key,
        /// The earlier append, which comes later in the list or is missing.
        earlier: Value,
        /// The later append.
        later: Value,
    },
    /// Two reads of a register in one transaction returned `null` and then another value.
    NullThenValue {
        /// The transaction.
        reader: usize,
        /// The key.
        key: Key,
        /// The second value.
        value: Value,
    },
    /// A read of a register returned a value that its transaction wrote later.
    FutureRead {
        /// The transaction.
        reader: usize,
        /// The key.
        key: Key,
        /// The value.
        value: Value,
    },
}

/// The reason why a history cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Two transactions wrote the same value to the same key.
    WrittenTwice {
        /// The transactions.
        writers: [usize; 2],
        /// The key.
        key: Key,
        /// The value.
        value: Value,
    },
    /// A read returned an element that was never appended to the key.
    NeverAppended {
        /// The transaction.
        reader: usize,
        /// The key.
        key: Key,
        /// The element.
        value: Value,
    },
}

impl Anomalies {
    /// Adds one case of an anomaly.
    pub(crate) fn add(&mut self, anomaly: AnomalyKind, evidence: Evidence) {
        *self.counts.entry(anomaly).or_default() += 1;
        let examples = self.found.entry(anomaly).or_default();
        if examples.len() < MAX_EXAMPLES {
            examples.push(evidence);
        }
    }

    /// Adds the anomalies that the cycles of a graph show.
    fn add_cycles(&mut self, graph: &graph::Graph) {
        if graph.is_empty() {
            self.add(AnomalyKind::EmptyTransactionGraph, Evidence::EmptyGraph);
        }
        let cycles = analysis::analyze(graph);
        for (anomaly, cycle) in cycles.found {
            self.add(anomaly, Evidence::Cycle(cycle));
        }
        for refuted in cycles.refuted {
            self.add(refuted.anomaly(), Evidence::CycleExists(refuted));
        }
        for stopped in cycles.stopped {
            self.add(AnomalyKind::CycleSearchTimeout, Evidence::SearchStopped(stopped));
        }
    }

    /// Returns the anomalies that occur.
    pub fn kinds(&self) -> impl Iterator<Item = AnomalyKind> {
        self.found.keys().copied()
    }

    /// Returns the examples of an anomaly that were kept.
    #[must_use]
    pub fn examples(&self, anomaly: AnomalyKind) -> &[Evidence] {
        self.found.get(&anomaly).map_or(&[], Vec::as_slice)
    }

    /// Returns the number of cases of an anomaly.
    #[must_use]
    pub fn count(&self, anomaly: AnomalyKind) -> usize {
        self.counts.get(&anomaly).copied().unwrap_or(0)
    }

    /// Judges the history by these models.
    #[must_use]
    pub fn judge(&self, models: &[Model]) -> ModelJudgement {
        let forbidden = model::forbidden_by(models);
        let mut reported: BTreeSet<AnomalyKind> = self
            .kinds()
            .filter(|anomaly| forbidden.contains(anomaly) || anomaly.is_inconclusive())
            .collect();
        // The existence of a cycle is redundant if another anomaly refutes the same model.
        let shown = self.kinds().filter(|anomaly| !is_existence(*anomaly));
        let refuted = model::refuted_by(shown);
        reported.retain(|&anomaly| {
            let existence = self.examples(anomaly).iter().find_map(|evidence| match evidence {
                Evidence::CycleExists(cycle) => Some(cycle.model),
                _ => None,
            });
            existence.is_none_or(|model| !refuted.contains(&model))
        });
        let valid = if reported.is_empty() {
            Valid::True
        } else if reported.iter().any(|anomaly| forbidden.contains(anomaly)) {
            Valid::False
        } else {
            Valid::Unknown
        };
        let boundary =
            if reported.is_empty() { Boundary::default() } else { Boundary::of(self.kinds()) };
        ModelJudgement { valid, reported, boundary }
    }
}

/// Returns `true` if an anomaly only reports the existence of some cycle.
fn is_existence(anomaly: AnomalyKind) -> bool {
    anomaly.name().ends_with("-cycle-exists")
}

/// The judgement of a history by the required models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelJudgement {
    /// The result: whether the history satisfies the models.
    pub valid: Valid,
    /// The anomalies that the models forbid, and those that leave the verdict open.
    pub reported: BTreeSet<AnomalyKind>,
    /// The models that all anomalies together refute; none if no anomaly is reported.
    pub boundary: Boundary,
}
