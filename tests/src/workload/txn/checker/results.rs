//! Anomalies as values, for the results and the drawings of them. The keys are Elle's.

use crate::format::edn::Edn;
use crate::judge::transactions::{
    AnomalyKind, Cycle, Evidence, Expected, ForeignRead, Key, Relation, Value,
};
use crate::workload::txn::Data;

use super::record::TxnRecord;
use super::sentences::Sentences;

/// The largest number of transactions of a component in the results.
const MAX_MEMBERS: usize = 64;

impl<D: Data> Sentences<'_, D> {
    /// Returns one case of an anomaly as a map.
    pub(super) fn evidence(&self, kind: AnomalyKind, evidence: &Evidence) -> Edn {
        match evidence {
            Evidence::AbortedRead(read) | Evidence::IntermediateRead(read) => {
                self.foreign_read(read)
            }
            Evidence::Internal { reader, access, expected } => Edn::map([
                ("op", self.op(*reader)),
                ("mop", self.mop(*reader, *access)),
                ("expected", self.expected(expected)),
            ]),
            Evidence::FutureRead { reader, key, value } => Edn::map([
                ("op", self.op(*reader)),
                ("key", self.key_value(*key)),
                ("element", self.value_of(*value)),
            ]),
            Evidence::LostUpdate { key, transactions } => {
                Edn::map([("key", self.key_value(*key)), ("txns", self.ops(transactions))])
            }
            Evidence::DirtyUpdate { key, aborted, committed, values } => Edn::map([
                ("key", self.key_value(*key)),
                ("values", self.values(values)),
                ("txns", self.ops(&[*aborted, *committed])),
            ]),
            Evidence::Duplicate { reader, key, value, times } => {
                let duplicates = Edn::Map(vec![(self.value_of(*value), (*times).into())]);
                Edn::map([
                    ("op", self.op(*reader)),
                    ("key", self.key_value(*key)),
                    ("duplicates", duplicates),
                ])
            }
            Evidence::IncompatibleOrder { key, shorter, longer, short, long } => Edn::map([
                ("key", self.key_value(*key)),
                ("values", Edn::Vector(vec![self.values(short), self.values(long)])),
                ("txns", self.ops(&[*shorter, *longer])),
            ]),
            Evidence::CyclicVersions { key, versions } => {
                Edn::map([("key", self.key_value(*key)), ("scc", self.values(versions))])
            }
            Evidence::Cycle(cycle) => self.cycle_value(kind, cycle),
            Evidence::CycleExists(refuted) => {
                let members = refuted.members.iter().take(MAX_MEMBERS);
                let members: Vec<Edn> = members
                    .filter_map(|&member| self.record.transactions.get(member))
                    .map(|transaction| transaction.completed.into())
                    .collect();
                Edn::map([
                    ("type", Edn::Keyword(kind.name())),
                    ("not", Edn::Keyword(refuted.model.name())),
                    ("scc-size", refuted.members.len().into()),
                    ("scc", Edn::Vector(members)),
                ])
            }
            Evidence::SearchStopped(stopped) => Edn::map([
                ("anomaly-spec-type", Edn::Keyword(stopped.kind.name())),
                ("scc-size", stopped.size.into()),
            ]),
            Evidence::EmptyGraph => Edn::Bool(true),
        }
    }

    fn foreign_read(&self, read: &ForeignRead) -> Edn {
        Edn::map([
            ("op", self.op(read.reader)),
            ("mop", self.mop(read.reader, read.access)),
            ("writer", self.op(read.writer)),
            ("element", self.value_of(read.value)),
        ])
    }

    /// Returns a cycle: its transactions, and the reason of each step.
    ///
    /// The first transaction is also the last one.
    fn cycle_value(&self, kind: AnomalyKind, cycle: &Cycle) -> Edn {
        let mut transactions: Vec<usize> = cycle.steps.iter().map(|step| step.from).collect();
        transactions.extend(transactions.first().copied());
        let count = cycle.steps.len();
        let steps = cycle.steps.iter().enumerate().map(|(index, step)| {
            let mut map = Edn::map([("type", Edn::Keyword(step.relation.name()))]);
            let data = matches!(
                step.relation,
                Relation::WriteWrite | Relation::WriteRead | Relation::ReadWrite
            );
            if data {
                map.insert("key", self.key_value(step.note.key));
                map.insert("value", self.value_of(step.note.from));
            }
            if data && step.relation != Relation::WriteRead {
                map.insert("value'", self.value_of(step.note.to));
            }
            let (a, b) = (format!("T{}", index + 1), format!("T{}", (index + 1) % count + 1));
            map.insert("because", Edn::Str(self.reason(step, &a, &b)));
            map
        });
        Edn::map([
            ("type", Edn::Keyword(kind.name())),
            ("cycle", self.ops(&transactions)),
            ("steps", Edn::Vector(steps.collect())),
        ])
    }

    /// Returns the events of a history that show an anomaly: the ends of its transactions.
    pub(super) fn events(&self, evidence: &Evidence) -> Vec<usize> {
        let transactions: Vec<usize> = match evidence {
            Evidence::AbortedRead(read) | Evidence::IntermediateRead(read) => {
                vec![read.reader, read.writer]
            }
            Evidence::Internal { reader, .. }
            | Evidence::FutureRead { reader, .. }
            | Evidence::Duplicate { reader, .. } => vec![*reader],
            Evidence::LostUpdate { transactions, .. } => transactions.clone(),
            Evidence::DirtyUpdate { aborted, committed, .. } => vec![*aborted, *committed],
            Evidence::IncompatibleOrder { shorter, longer, .. } => vec![*shorter, *longer],
            Evidence::Cycle(cycle) => cycle.steps.iter().map(|step| step.from).collect(),
            Evidence::CycleExists(refuted) => {
                refuted.members.iter().take(MAX_MEMBERS).copied().collect()
            }
            Evidence::CyclicVersions { .. } | Evidence::SearchStopped(_) | Evidence::EmptyGraph => {
                Vec::new()
            }
        };
        let found = transactions.iter().filter_map(|&index| self.record.transactions.get(index));
        found.map(|transaction| transaction.completed).collect()
    }

    fn op(&self, transaction: usize) -> Edn {
        let Some(found) = self.record.transactions.get(transaction) else { return Edn::Nil };
        let Some(event) = self.history.events().get(found.completed) else { return Edn::Nil };
        let mut op = self.history.event_to_edn(found.completed, event);
        let node = self.history.invocation(found.invoked).node;
        op.insert("node", self.context.directory.node_name(node).into());
        op.insert("invoked", found.invoked.into());
        op
    }

    fn ops(&self, transactions: &[usize]) -> Edn {
        Edn::Vector(transactions.iter().map(|&transaction| self.op(transaction)).collect())
    }

    /// Returns one step of a committed transaction.
    fn mop(&self, transaction: usize, access: usize) -> Edn {
        let op = self.op(transaction);
        match op.get("value") {
            Some(Edn::Vector(steps)) => steps.get(access).cloned().unwrap_or(Edn::Nil),
            _ => Edn::Nil,
        }
    }

    fn expected(&self, expected: &Expected) -> Edn {
        match expected {
            Expected::Value(value) => self.value_of(*value),
            Expected::List(list) => self.values(list),
            Expected::Suffix(list) => {
                let unknown = std::iter::once(Edn::Symbol("..."));
                let known = list.iter().map(|&value| self.value_of(value));
                Edn::Vector(unknown.chain(known).collect())
            }
        }
    }

    fn key_value(&self, key: Key) -> Edn {
        self.record.names.key_of(key).into()
    }

    fn value_of(&self, value: Value) -> Edn {
        self.record.names.value_of(value).into()
    }

    fn values(&self, values: &[Value]) -> Edn {
        Edn::Vector(values.iter().map(|&value| self.value_of(value)).collect())
    }
}

/// Returns `true` if a history has keys of several types.
///
/// Maelstrom's checker of registers fails on such a history.
pub(super) fn has_mixed_keys<D: Data>(record: &TxnRecord<D>) -> bool {
    use crate::format::element::Element;
    D::ONE_TYPE_OF_KEYS && record.names.keys().iter().any(|key| matches!(key, Element::Other(_)))
}
