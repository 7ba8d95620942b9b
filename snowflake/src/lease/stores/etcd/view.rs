//! The records as etcd keeps them: keys, values and revisions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::messages::{KeyValue, Operation, Revision, TransactionResponse};
use crate::lease::{IdFormat, LeaseRecord, LeaseTable, StoreErrorKind};
use crate::{Epoch, NodeId, UnixMillis};

/// The keys of a store.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) id_format: String,
    /// The prefix of the keys of node IDs, without the slash.
    pub(super) nodes: String,
}

impl Keys {
    pub(super) fn under(prefix: &str) -> Keys {
        Keys { id_format: format!("{prefix}/id_format"), nodes: format!("{prefix}/node_id") }
    }

    pub(super) fn node(&self, node: NodeId) -> String {
        format!("{}/{:04}", self.nodes, node.get())
    }

    /// Returns the reads for a change of one record, or of any record with `None`.
    pub(super) fn reading(&self, node: Option<NodeId>) -> Vec<Operation> {
        let records = match node {
            Some(node) => Operation::get(&self.node(node)),
            None => Operation::get_under(&self.nodes),
        };
        vec![Operation::get(&self.id_format), records]
    }

    /// Returns the node ID whose key this is, if it is one.
    fn node_of(&self, key: &str) -> Option<NodeId> {
        let id = key.strip_prefix(&self.nodes)?.strip_prefix('/')?;
        let node = NodeId::new(id.parse().ok()?).ok()?;
        (self.node(node) == key).then_some(node)
    }
}

/// Records that this process has read or put, with their revisions.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The last change of the ID format.
    id_format: Revision,
    records: BTreeMap<NodeId, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// The key's last change.
    revision: Revision,
    /// The record, or the error if it is damaged.
    record: Result<LeaseRecord, StoreErrorKind>,
}

impl View {
    /// Returns what a transaction read, and the ID format if there is one.
    pub(super) fn of(
        keys: &Keys,
        response: TransactionResponse,
    ) -> Result<(View, Option<IdFormat>), StoreErrorKind> {
        let mut view = View::default();
        let mut id_format = None;
        for found in response.into_key_values() {
            let Ok(key) = str::from_utf8(&found.key.0) else { continue };
            if key == keys.id_format {
                view.id_format = found.mod_revision;
                let text: IdFormatJson = parsed(&found).map_err(|error| {
                    let details =
                        format!("its key `{key}` is damaged: {error}; restore its former value");
                    StoreErrorKind::Misconfigured { details }
                })?;
                id_format = Some(text.into());
            } else if let Some(node) = keys.node_of(key) {
                let record = parsed::<RecordJson>(&found).map(LeaseRecord::from).map_err(|error| {
                    let details = format!("its key `{key}` is damaged: {error}");
                    StoreErrorKind::Damaged { details, node: Some(node) }
                });
                view.records.insert(node, Entry { revision: found.mod_revision, record });
            }
        }
        Ok((view, id_format))
    }

    /// Returns the records, and the errors of the damaged ones.
    pub(super) fn split_damaged(&self) -> (LeaseTable, Vec<(NodeId, StoreErrorKind)>) {
        let (mut table, mut damaged) = (LeaseTable::new(), Vec::new());
        for (node, entry) in &self.records {
            match entry.record.clone() {
                Ok(record) => table.insert(*node, record),
                Err(kind) => damaged.push((*node, kind)),
            }
        }
        (table, damaged)
    }

    /// Returns the records. A damaged one has the revision of its key as its fencing token.
    ///
    /// Every new holder changes the key, so the revision is at least the last fencing token.
    pub(super) fn table_for_reset(&self) -> LeaseTable {
        let mut table = LeaseTable::new();
        for (node, Entry { revision, record }) in &self.records {
            let repaired = record.clone().unwrap_or_else(|_| LeaseRecord {
                fencing_token: revision.0,
                from: UnixMillis(0),
                high_water_mark: UnixMillis(0),
                held: true,
                holder: String::new(),
            });
            table.insert(*node, repaired);
        }
        table
    }

    /// Returns `true` if no node ID was ever held.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn id_format(&self) -> Revision {
        self.id_format
    }

    /// Returns the last change of a node ID's record, or 0 if there is none.
    pub(super) fn revision(&self, node: NodeId) -> Revision {
        self.records.get(&node).map_or(Revision(0), |entry| entry.revision)
    }

    /// Returns a view of one record, if it is there.
    pub(super) fn only(&self, node: NodeId) -> Option<View> {
        let entry = self.records.get(&node)?.clone();
        Some(View { id_format: self.id_format, records: BTreeMap::from([(node, entry)]) })
    }

    /// Inserts a record that was put.
    pub(super) fn insert(
        &mut self,
        id_format: Revision,
        node: NodeId,
        revision: Revision,
        record: LeaseRecord,
    ) {
        self.id_format = id_format;
        self.records.insert(node, Entry { revision, record: Ok(record) });
    }
}

fn parsed<'a, T: Deserialize<'a>>(found: &'a KeyValue) -> serde_json::Result<T> {
    serde_json::from_slice(&found.value.0)
}

/// A record in JSON.
#[derive(Serialize, Deserialize)]
struct RecordJson {
    fencing_token: u64,
    from_ms: u64,
    high_water_mark_ms: u64,
    held: bool,
    holder: String,
}

impl From<RecordJson> for LeaseRecord {
    fn from(text: RecordJson) -> LeaseRecord {
        let RecordJson { fencing_token, from_ms, high_water_mark_ms, held, holder } = text;
        LeaseRecord {
            fencing_token,
            from: UnixMillis(from_ms),
            high_water_mark: UnixMillis(high_water_mark_ms),
            held,
            holder,
        }
    }
}

/// Returns the value of a node ID's key.
pub(super) fn record_json(record: &LeaseRecord) -> String {
    let LeaseRecord { fencing_token, from, high_water_mark, held, holder } = record.clone();
    let text = RecordJson {
        fencing_token,
        from_ms: from.0,
        high_water_mark_ms: high_water_mark.0,
        held,
        holder,
    };
    serde_json::to_string(&text).expect("numbers and text are JSON")
}

#[derive(Serialize, Deserialize)]
struct IdFormatJson {
    epoch_ms: u64,
    timestamp_bits: u32,
    node_id_bits: u32,
    sequence_bits: u32,
}

impl From<IdFormatJson> for IdFormat {
    fn from(text: IdFormatJson) -> IdFormat {
        IdFormat {
            epoch: Epoch::new(UnixMillis(text.epoch_ms)),
            layout: [text.timestamp_bits, text.node_id_bits, text.sequence_bits],
        }
    }
}

/// Returns the value of the ID format's key.
pub(super) fn id_format_json(id_format: IdFormat) -> String {
    let [timestamp_bits, node_id_bits, sequence_bits] = id_format.layout;
    let epoch_ms = id_format.epoch.start().0;
    let text = IdFormatJson { epoch_ms, timestamp_bits, node_id_bits, sequence_bits };
    serde_json::to_string(&text).expect("numbers are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../../../tests/golden/etcd-1.json");

    #[test]
    fn the_golden_keys_are_written_and_read() {
        let golden: BTreeMap<String, String> = serde_json::from_str(GOLDEN).unwrap();
        let keys = Keys::under("snowflake");
        assert_eq!(golden[&keys.id_format], id_format_json(IdFormat::new(Epoch::Y2024)));
        for (id, held, holder) in [(7, true, "pod-7 on host a"), (1023, false, "")] {
            let record = LeaseRecord {
                fencing_token: 3,
                from: UnixMillis(1_795_177_540_000),
                high_water_mark: UnixMillis(1_795_177_543_000),
                held,
                holder: holder.to_owned(),
            };
            let value = &golden[&keys.node(NodeId::new(id).unwrap())];
            assert_eq!(*value, record_json(&record));
            let read: RecordJson = serde_json::from_str(value).unwrap();
            assert_eq!(LeaseRecord::from(read), record);
        }
        assert_eq!(golden.len(), 3);
    }
}
