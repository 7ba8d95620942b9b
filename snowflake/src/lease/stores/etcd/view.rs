//! The records of a namespace as etcd keeps them: keys, values and revisions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::messages::{KeyValue, Operation, Outcome, Revision};
use crate::lease::{Ledger, Namespace, Problem, Record};
use crate::{Epoch, NodeId, UnixMillis};

/// The keys of a namespace.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
    pub(super) namespace: String,
    /// What a node id's key begins with.
    nodes: String,
}

impl Keys {
    pub(super) fn under(prefix: &str) -> Keys {
        Keys {
            prefix: prefix.to_owned(),
            namespace: format!("{prefix}/namespace"),
            nodes: format!("{prefix}/node/"),
        }
    }

    pub(super) fn node(&self, node: NodeId) -> String {
        format!("{}{:04}", self.nodes, node.get())
    }

    /// What has to be read to change one record, or to choose among all.
    pub(super) fn reading(&self, node: Option<NodeId>) -> Vec<Operation> {
        match node {
            Some(node) => [&self.namespace, &self.node(node)].map(|key| Operation::get(key)).into(),
            None => vec![Operation::get_under(&self.prefix)],
        }
    }

    /// The node id whose key this is, if it is one's.
    fn node_of(&self, key: &str) -> Option<NodeId> {
        let node = NodeId::new(key.strip_prefix(&self.nodes)?.parse().ok()?).ok()?;
        (self.node(node) == key).then_some(node)
    }
}

/// What was read of a namespace, or put.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Of the namespace's last change.
    namespace: Revision,
    records: BTreeMap<NodeId, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Of its last change.
    revision: Revision,
    /// The record, or what is wrong with it.
    record: Result<Record, Problem>,
}

impl View {
    /// What was found, and in which namespace.
    pub(super) fn of(keys: &Keys, outcome: Outcome) -> Result<(View, Namespace), Problem> {
        let mut view = View::default();
        let mut namespace = None;
        for found in outcome.into_found() {
            let Ok(key) = str::from_utf8(&found.key.0) else { continue };
            if key == keys.namespace {
                view.namespace = found.mod_revision;
                let text: NamespaceText = parsed(&found).map_err(|error| {
                    let what = format!("its key `{key}` is no good: {error}: put back what it was");
                    Problem::Misconfigured { what }
                })?;
                namespace = Some(text.into());
            } else if let Some(node) = keys.node_of(key) {
                let record = parsed::<RecordText>(&found).map(Record::from).map_err(|error| {
                    let what = format!("its key `{key}` is no good: {error}");
                    Problem::Damaged { what, node: Some(node) }
                });
                view.records.insert(node, Entry { revision: found.mod_revision, record });
            }
        }
        let namespace = namespace.ok_or_else(|| Problem::Misconfigured {
            what: format!(
                "its key `{}` is gone: if those of the node ids went with it, so did what keeps \
                 IDs from being made again; let every holder's grant end, then start them anew",
                keys.namespace
            ),
        })?;
        Ok((view, namespace))
    }

    /// The records, and what is wrong with those that cannot be read.
    pub(super) fn sorted(&self) -> (Ledger, Vec<(NodeId, Problem)>) {
        let (mut ledger, mut damaged) = (Ledger::new(), Vec::new());
        for (node, entry) in &self.records {
            match entry.record.clone() {
                Ok(record) => ledger.insert(*node, record),
                Err(problem) => damaged.push((*node, problem)),
            }
        }
        (ledger, damaged)
    }

    /// The records, with a fence that is no older than the last one where it cannot be read:
    /// every new holder is a change, and so no fence is above its key's revision.
    pub(super) fn repaired(&self) -> Ledger {
        let mut ledger = Ledger::new();
        for (node, Entry { revision, record }) in &self.records {
            let repaired = record.clone().unwrap_or_else(|_| Record {
                fence: revision.0,
                from: UnixMillis(0),
                mark: UnixMillis(0),
                held: true,
                holder: String::new(),
            });
            ledger.insert(*node, repaired);
        }
        ledger
    }

    pub(super) fn namespace(&self) -> Revision {
        self.namespace
    }

    /// The last change of a node id's record, or 0 if there is none.
    pub(super) fn revision(&self, node: NodeId) -> Revision {
        self.records.get(&node).map_or(Revision(0), |entry| entry.revision)
    }

    /// The same with one record only, if it is there.
    pub(super) fn only(&self, node: NodeId) -> Option<View> {
        let entry = self.records.get(&node)?.clone();
        Some(View { namespace: self.namespace, records: BTreeMap::from([(node, entry)]) })
    }

    /// Takes in a record that was put.
    pub(super) fn keep(
        &mut self,
        namespace: Revision,
        node: NodeId,
        revision: Revision,
        record: Record,
    ) {
        self.namespace = namespace;
        self.records.insert(node, Entry { revision, record: Ok(record) });
    }
}

fn parsed<'a, T: Deserialize<'a>>(found: &'a KeyValue) -> serde_json::Result<T> {
    serde_json::from_slice(&found.value.0)
}

/// A record as a person can read it.
#[derive(Serialize, Deserialize)]
struct RecordText {
    fence: u64,
    from_ms: u64,
    mark_ms: u64,
    held: bool,
    holder: String,
}

impl From<RecordText> for Record {
    fn from(text: RecordText) -> Record {
        let RecordText { fence, from_ms, mark_ms, held, holder } = text;
        Record { fence, from: UnixMillis(from_ms), mark: UnixMillis(mark_ms), held, holder }
    }
}

/// The value of a node id's key.
pub(super) fn record_text(record: &Record) -> String {
    let Record { fence, from, mark, held, holder } = record.clone();
    let text = RecordText { fence, from_ms: from.0, mark_ms: mark.0, held, holder };
    serde_json::to_string(&text).expect("numbers and text are JSON")
}

#[derive(Serialize, Deserialize)]
struct NamespaceText {
    epoch_ms: u64,
    timestamp_bits: u32,
    node_bits: u32,
    sequence_bits: u32,
}

impl From<NamespaceText> for Namespace {
    fn from(text: NamespaceText) -> Namespace {
        Namespace {
            epoch: Epoch::new(UnixMillis(text.epoch_ms)),
            layout: [text.timestamp_bits, text.node_bits, text.sequence_bits],
        }
    }
}

/// The value of the namespace's key.
pub(super) fn namespace_text(namespace: Namespace) -> String {
    let [timestamp_bits, node_bits, sequence_bits] = namespace.layout;
    let epoch_ms = namespace.epoch.start().0;
    let text = NamespaceText { epoch_ms, timestamp_bits, node_bits, sequence_bits };
    serde_json::to_string(&text).expect("numbers are JSON")
}
