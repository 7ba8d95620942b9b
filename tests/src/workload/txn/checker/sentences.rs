//! Sentences about anomalies: the nodes, their operations, and the lines of their output.

use crate::base::excerpt::excerpt;
use crate::history::{EventKind, History, Operations};
use crate::judge::transactions::{
    AnomalyKind, Cycle, Dependency, Evidence, Expected, ForeignRead, Key, Obstacle, Relation,
    Unjudged, Value,
};
use crate::workload::Context;
use crate::workload::txn::{Data, Txn};

use super::record::TxnRecord;

/// The context of sentences about transactions.
pub(super) struct Sentences<'a, D: Data> {
    pub(super) history: &'a History<Txn<D>>,
    pub(super) context: &'a Context<'a>,
    pub(super) record: &'a TxnRecord<D>,
}

/// The largest number of transactions in a sentence.
const MAX_LISTED: usize = 4;

impl<D: Data> Sentences<'_, D> {
    /// Returns the node and the time of a transaction: "n1 at 1.203 s (line 5 of its output)".
    fn by(&self, transaction: usize) -> String {
        let Some(found) = self.record.transactions.get(transaction) else { return String::new() };
        let node = self.history.invocation(found.invoked).node;
        let name = self.context.directory.node_name(node);
        format!("{name} at {}", self.history.place(found.completed))
    }

    /// Returns the transaction as in the history.
    fn value(&self, transaction: usize) -> String {
        let Some(found) = self.record.transactions.get(transaction) else { return String::new() };
        let asked = &self.history.invocation(found.invoked).op;
        let value = match self.history.events().get(found.completed).map(|event| &event.kind) {
            Some(EventKind::Ok { output, .. }) => Txn::<D>::output_value(asked, output),
            _ => Txn::<D>::op_value(asked),
        };
        excerpt(&value.to_string())
    }

    fn key(&self, key: Key) -> String {
        format!("key {}", excerpt(&self.record.names.key_of(key).to_string()))
    }

    fn one(&self, value: Value) -> String {
        excerpt(&self.record.names.value_of(value).to_string())
    }

    fn list(&self, values: &[Value]) -> String {
        let items: Vec<String> =
            values.iter().map(|&value| self.record.names.value_of(value).to_string()).collect();
        excerpt(&format!("[{}]", items.join(" ")))
    }

    /// Returns the sentence about one case of an anomaly.
    pub(super) fn anomaly(&self, kind: AnomalyKind, evidence: &Evidence) -> String {
        let name = kind.name();
        let text = match evidence {
            Evidence::AbortedRead(read) => {
                self.foreign(read, "which a transaction wrote that was aborted")
            }
            Evidence::IntermediateRead(read) => {
                self.foreign(read, "which its writer overwrote before it committed")
            }
            Evidence::Internal { reader, access: _, expected } => {
                let expected = match expected {
                    Expected::Value(value) => self.one(*value),
                    Expected::List(list) => self.list(list),
                    Expected::Suffix(list) => {
                        format!("a list that ends with {}", self.list(list))
                    }
                };
                format!(
                    "{} contradicts itself: by its own earlier steps, a read had to return \
                     {expected} in {}",
                    self.by(*reader),
                    self.value(*reader),
                )
            }
            Evidence::FutureRead { reader, key, value } => format!(
                "{} read {} of {}, which the same transaction wrote later: {}",
                self.by(*reader),
                self.one(*value),
                self.key(*key),
                self.value(*reader),
            ),
            Evidence::LostUpdate { key, transactions } => {
                let listed: Vec<String> = transactions
                    .iter()
                    .take(MAX_LISTED)
                    .map(|&transaction| {
                        format!("{} {}", self.by(transaction), self.value(transaction))
                    })
                    .collect();
                let more = match transactions.len().checked_sub(MAX_LISTED) {
                    Some(more @ 1..) => format!(", and {more} more"),
                    _ => String::new(),
                };
                format!(
                    "{} transactions read the same version of {} and overwrote it: {}{more}",
                    transactions.len(),
                    self.key(*key),
                    listed.join(", "),
                )
            }
            Evidence::DirtyUpdate { key, aborted, committed, values } => format!(
                "{} appended to {} after an element of an aborted transaction, which {} ran: {}",
                self.by(*committed),
                self.key(*key),
                self.by(*aborted),
                self.list(values),
            ),
            Evidence::Duplicate { reader, key, value, times } => format!(
                "{} read {} {times} times in one list of {}: {}",
                self.by(*reader),
                self.one(*value),
                self.key(*key),
                self.value(*reader),
            ),
            Evidence::IncompatibleOrder { key, shorter, longer, short, long } => format!(
                "{} read {} as {}, and {} as {}: neither is a prefix of the other",
                self.by(*shorter),
                self.key(*key),
                self.list(short),
                self.by(*longer),
                self.list(long),
            ),
            Evidence::CyclicVersions { key, versions } => format!(
                "the versions {} of {} form a cycle: transactions read one and wrote the next",
                self.list(versions),
                self.key(*key),
            ),
            Evidence::Cycle(cycle) => self.cycle(cycle),
            Evidence::CycleExists(refuted) => format!(
                "{} transactions form cycles, so the history is not {}; no short cycle was \
                 found in time",
                refuted.members.len(),
                refuted.model.name(),
            ),
            Evidence::SearchStopped(stopped) => format!(
                "the search for {} among {} transactions stopped at a limit, without a result",
                stopped.kind.name(),
                stopped.size,
            ),
            Evidence::EmptyGraph => {
                "no transaction depends on another, so the history shows nothing".to_owned()
            }
        };
        format!("{name}: {text}")
    }

    fn foreign(&self, read: &ForeignRead, why: &str) -> String {
        format!(
            "{} read {} of {}, {why}: {} of {}",
            self.by(read.reader),
            self.one(read.value),
            self.key(read.key),
            self.value(read.writer),
            self.by(read.writer),
        )
    }

    /// Describes a cycle: its transactions, and why each precedes the next.
    fn cycle(&self, cycle: &Cycle) -> String {
        let count = cycle.steps.len();
        let transactions: Vec<String> = cycle
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                format!("T{} = {} of {}", index + 1, self.value(step.from), self.by(step.from))
            })
            .collect();
        let reasons: Vec<String> = cycle
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                let next = (index + 1) % count;
                self.reason(step, &format!("T{}", index + 1), &format!("T{}", next + 1))
            })
            .collect();
        format!(
            "{count} transactions form a cycle: {}; {}",
            transactions.join(", "),
            reasons.join("; "),
        )
    }

    /// Describes why one transaction precedes another.
    pub(super) fn reason(&self, step: &Dependency, a: &str, b: &str) -> String {
        let key = self.key(step.note.key);
        let (from, to) = (self.one(step.note.from), self.one(step.note.to));
        match step.relation {
            Relation::WriteWrite => {
                format!("{a} wrote {from} to {key}, and {b} wrote {to} after it")
            }
            Relation::WriteRead => format!("{a} wrote {from} to {key}, and {b} read it"),
            Relation::ReadWrite => {
                format!("{a} read {key} at {from}, and did not see that {b} wrote {to} after it")
            }
            Relation::Process => format!("one process ran {a}, then {b}"),
            Relation::Realtime | Relation::Onward => {
                format!("{a} was complete before {b} was invoked")
            }
        }
    }

    /// Describes an error that Maelstrom's checker does not judge.
    pub(super) fn unjudged(&self, wrong: &Unjudged) -> String {
        match *wrong {
            Unjudged::Phantom { reader, key, value } => format!(
                "phantom value: {} read {} of {}, which was never written",
                self.by(reader),
                self.one(value),
                self.key(key),
            ),
            Unjudged::Reordered { writer, key, earlier, later } => format!(
                "appends out of order: {} appended {} to {} before {}, and the list has them in \
                 another order: {}",
                self.by(writer),
                self.one(earlier),
                self.key(key),
                self.one(later),
                self.value(writer),
            ),
            Unjudged::NullThenValue { reader, key, value } => format!(
                "unrepeatable read: {} read {} as null and then as {}: {}",
                self.by(reader),
                self.key(key),
                self.one(value),
                self.value(reader),
            ),
            Unjudged::FutureRead { reader, key, value } => format!(
                "future read: {} read {} of {}, which the same transaction wrote later: {}",
                self.by(reader),
                self.one(value),
                self.key(key),
                self.value(reader),
            ),
        }
    }

    /// Describes why Maelstrom's checker has no verdict.
    pub(super) fn obstacle(&self, obstacle: &Obstacle) -> String {
        match *obstacle {
            Obstacle::WrittenTwice { writers: [first, second], key, value } => format!(
                "written twice: according to the replies, {} and {} both wrote {} to {}",
                self.by(first),
                self.by(second),
                self.one(value),
                self.key(key),
            ),
            Obstacle::NeverAppended { reader, key, value } => format!(
                "no verdict: {} read {} of {}, which was never appended; Maelstrom's checker fails \
                 on that",
                self.by(reader),
                self.one(value),
                self.key(key),
            ),
        }
    }

    /// Describes a transaction that the node returned with steps other than the requested steps.
    pub(super) fn changed(&self, transaction: usize) -> String {
        let asked = self.record.transactions.get(transaction).map(|found| {
            let asked = &self.history.invocation(found.invoked).op;
            excerpt(&Txn::<D>::op_value(asked).to_string())
        });
        format!(
            "changed transaction: {} received {} and returned {}",
            self.by(transaction),
            asked.unwrap_or_default(),
            self.value(transaction),
        )
    }
}
