//! The transactions of a history, in the form that the judge uses.

use std::collections::BTreeMap;

use crate::format::element::Element;
use crate::history::{EventKind, History};
use crate::judge::transactions::{Access, Outcome, Transaction};
use crate::workload::txn::{Data, Done, Names, Step, Txn};

/// The transactions of a history, with the events of each.
#[derive(Debug)]
pub(super) struct TxnRecord<D: Data> {
    /// The transactions, in the order of their invocations.
    pub(super) transactions: Vec<Transaction<D::JudgedTest>>,
    /// The keys and values by number.
    pub(super) names: Names,
}

impl<D: Data> TxnRecord<D> {
    /// Collects the transactions of a history.
    pub(super) fn of(history: &History<Txn<D>>) -> TxnRecord<D> {
        let mut names = Names::default();
        let mut transactions: Vec<Transaction<D::JudgedTest>> = Vec::new();
        let mut indices: BTreeMap<usize, usize> = BTreeMap::new();
        let end = history.events().len();
        for (position, event) in history.events().iter().enumerate() {
            let (invoked, outcome) = match &event.kind {
                EventKind::Invoke(invocation) => {
                    indices.insert(position, transactions.len());
                    transactions.push(Transaction {
                        process: invocation.process,
                        invoked: position,
                        completed: end,
                        outcome: Outcome::Unknown,
                        accesses: writes(&invocation.op, &mut names),
                    });
                    continue;
                }
                EventKind::Ok { invocation, .. } => (invocation, Outcome::Committed),
                EventKind::Fail { invocation, .. } => (invocation, Outcome::Aborted),
                EventKind::Info { invocation, .. } => (invocation, Outcome::Unknown),
                EventKind::Nemesis { .. } => continue,
            };
            let index = indices.remove(invoked);
            let Some(transaction) = index.and_then(|index| transactions.get_mut(index)) else {
                continue;
            };
            transaction.completed = position;
            transaction.outcome = outcome;
            if let EventKind::Ok { output, .. } = &event.kind {
                transaction.accesses =
                    output.iter().map(|done| access::<D>(done, &mut names)).collect();
            }
        }
        TxnRecord { transactions, names }
    }
}

/// Returns the writes that a client requested. The results of the reads are unknown.
fn writes<R>(steps: &[Step], names: &mut Names) -> Vec<Access<R>> {
    let write = |step: &Step| match *step {
        Step::Read(_) => None,
        Step::Write(key, value) => {
            let (key, value) = (Element::Int(key), Element::Int(value));
            Some(Access::Write(names.key(&key), names.value(&value)))
        }
    };
    steps.iter().filter_map(write).collect()
}

/// Returns a step that a node ran.
fn access<D: Data>(done: &Done<D::Read>, names: &mut Names) -> Access<D::JudgedTest> {
    match done {
        Done::Read(key, read) => Access::Read(names.key(key), D::judged(read, names)),
        Done::Write(key, value) => Access::Write(names.key(key), names.value(value)),
    }
}
