//! The checkers of transactions. They find the anomalies of a history, and the consistency models
//! that these anomalies refute.
//!
//! The method is Adya's (1999), which Elle applies to the clients' view (Kingsbury and Alvaro
//! 2020):
//!
//! 1. Find the anomalies that reads show by themselves: values of aborted transactions, values
//!    that were overwritten before the commit, values that contradict the transaction itself.
//! 2. Infer an order of the versions of each key. In a list, an element follows the earlier ones.
//! Registers show little of the order: `null` comes first, and a transaction that reads a version
//! and writes another overwrites the first.
//! 3. Make a graph of the transactions: write-write, write-read and read-write dependencies, and
//!    where a model asks for it the order of processes or of real time.
//! 4. Each cycle of that graph is an anomaly. Its name says of which dependencies it consists.
//! 5. A model is refuted by each anomaly that it forbids.
//!
//! [`list_append`] and [`rw_register`] do the first two steps, `graph` and `orders` the third,
//! `cycles` the fourth and [`model`] the fifth. Nothing here knows requests, nodes or names:
//! keys and values are numbers that the caller has assigned.

mod analysis;
pub mod anomaly;
mod components;
mod cycles;
mod graph;
pub mod list_append;
pub mod model;
mod orders;
pub mod rw_register;
mod single;

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

/// A key, by the number that the caller gave it.
pub type Key = u32;
/// A value, by the number that the caller gave it. Two values of one number are equal.
pub type Value = u32;
/// The value of a register that nothing was written to: `null`.
pub const NULL: Value = 0;

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The transaction is committed, and its reads are known.
    Committed,
    /// The transaction certainly did not happen.
    Aborted,
    /// The transaction may have happened, and may yet happen. Its reads are unknown.
    Unknown,
}

/// A transaction of a history.
#[derive(Clone, Debug)]
pub struct Transaction<R> {
    /// The process that ran it. A process runs one transaction at a time.
    pub process: u64,
    /// The position in the history at which the client sent it.
    pub invoked: usize,
    /// The position in the history at which the client learned what became of it.
    pub completed: usize,
    /// What became of it.
    pub outcome: Outcome,
    /// Its reads and writes, in order.
    pub accesses: Vec<Access<R>>,
}

/// A step of a transaction. `R` is what a read returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access<R> {
    /// A read of a key, and what it returned. The result has a meaning only in a committed
    /// transaction.
    Read(Key, R),
    /// A write of a value to a key, or an append to its list.
    Write(Key, Value),
}

/// What shows an anomaly. Transactions are named by their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A read returned the value of an aborted transaction.
    AbortedRead(ForeignRead),
    /// A read returned a value that its transaction had overwritten before it committed.
    IntermediateRead(ForeignRead),
    /// A read contradicts an earlier read or write of its own transaction.
    Internal {
        /// The transaction.
        reader: usize,
        /// Which of its accesses is the read.
        access: usize,
        /// What the read had to return: a whole value, or the end of a list.
        expected: Expected,
    },
    /// A read returned what its transaction wrote later.
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
    /// A committed transaction built on the value of an aborted one.
    DirtyUpdate {
        /// The key.
        key: Key,
        /// The aborted transaction.
        aborted: usize,
        /// The committed one.
        committed: usize,
        /// The elements from the first to the second.
        values: Vec<Value>,
    },
    /// A list has an element more than once.
    Duplicate {
        /// The transaction that read it.
        reader: usize,
        /// The key.
        key: Key,
        /// The element.
        value: Value,
        /// How often the list has it.
        times: usize,
    },
    /// Two reads of a list cannot both be states of one list.
    IncompatibleOrder {
        /// The key.
        key: Key,
        /// A transaction that read the shorter list.
        shorter: usize,
        /// A transaction that read the longer list.
        longer: usize,
        /// The shorter list.
        short: Vec<Value>,
        /// The longer list, of which the shorter one is not a prefix.
        long: Vec<Value>,
    },
    /// Versions of a key precede each other in a circle.
    CyclicVersions {
        /// The key.
        key: Key,
        /// The versions.
        versions: Vec<Value>,
    },
    /// Transactions precede each other in a circle.
    Cycle(Cycle),
    /// A circle exists, but no short description of it was found.
    CycleExists(Refuted),
    /// A search ended before it had an answer.
    SearchStopped(Stopped),
    /// No transaction depends on any other: the history shows nothing.
    EmptyGraph,
}

/// A read of another transaction's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignRead {
    /// The transaction that read.
    pub reader: usize,
    /// Which of its accesses is the read.
    pub access: usize,
    /// The transaction that wrote.
    pub writer: usize,
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Value,
}

/// What a read had to return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This value of a register.
    Value(Value),
    /// This list.
    List(Vec<Value>),
    /// A list that ends like this.
    Suffix(Vec<Value>),
}

/// How many examples of each anomaly are kept. All are counted.
pub const MAX_EXAMPLES: usize = 8;

/// The anomalies of a history.
#[derive(Clone, Debug, Default)]
pub struct Anomalies {
    found: BTreeMap<AnomalyKind, Vec<Evidence>>,
    counts: BTreeMap<AnomalyKind, usize>,
    /// What Maelstrom's checker does not judge although no model allows it: a sentence each.
    pub unjudged: Vec<Unjudged>,
    /// Why Maelstrom's checker cannot judge the history, if it cannot.
    pub obstacle: Option<Obstacle>,
}

/// Something wrong that Maelstrom's checker does not judge.
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
    /// Appends of one transaction to one list are not in the list in their order.
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
    /// A register was read twice in one transaction, as `null` and then as something else.
    NullThenValue {
        /// The transaction.
        reader: usize,
        /// The key.
        key: Key,
        /// The second value.
        value: Value,
    },
    /// A read of a register returned what its transaction wrote later.
    FutureRead {
        /// The transaction.
        reader: usize,
        /// The key.
        key: Key,
        /// The value.
        value: Value,
    },
}

/// Why a history cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Two transactions say that they wrote the same value to the same key.
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

    /// Adds what the cycles of a graph show.
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

    /// Returns how often an anomaly was found.
    #[must_use]
    pub fn count(&self, anomaly: AnomalyKind) -> usize {
        self.counts.get(&anomaly).copied().unwrap_or(0)
    }

    /// Judges the history by these models.
    #[must_use]
    pub fn judge(&self, models: &[Model]) -> Judgement {
        let forbidden = model::forbidden_by(models);
        let mut reported: BTreeSet<AnomalyKind> = self
            .kinds()
            .filter(|anomaly| forbidden.contains(anomaly) || anomaly.is_inconclusive())
            .collect();
        // That a cycle exists says nothing new once another anomaly refutes the same model.
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
        Judgement { valid, reported, boundary }
    }
}

/// Whether an anomaly says only that some cycle exists.
fn is_existence(anomaly: AnomalyKind) -> bool {
    anomaly.name().ends_with("-cycle-exists")
}

/// What the anomalies of a history mean for the models that it is to satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the history satisfies them.
    pub valid: Valid,
    /// The anomalies that they forbid, and those that leave the verdict open.
    pub reported: BTreeSet<AnomalyKind>,
    /// The models that all anomalies together refute; none if no anomaly is reported.
    pub boundary: Boundary,
}
