//! The data directories of simulated machines.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// A machine's directory for files. It survives the node, except what the node has not synced.
///
/// A kill loses every write since the last [`sync`](DataDir::sync), as a power failure can. That is
/// the worst case for a node: after the kill of a process the system would still write its files.
///
/// Clones share one directory. Reads, writes and syncs take no virtual time and do not fail.
#[derive(Clone, Debug, Default)]
pub struct DataDir(Arc<Mutex<Files>>);

#[derive(Debug, Default)]
struct Files {
    written: BTreeMap<String, Vec<u8>>,
    synced: BTreeMap<String, Vec<u8>>,
}

impl DataDir {
    /// Returns the content of a file, or `None` if the file does not exist.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        self.0.lock().written.get(name).cloned()
    }

    /// Creates a file, or replaces its content.
    pub fn write(&self, name: &str, content: Vec<u8>) {
        self.0.lock().written.insert(name.to_owned(), content);
    }

    /// Makes all writes durable.
    pub fn sync(&self) {
        let files = &mut *self.0.lock();
        files.synced.clone_from(&files.written);
    }

    /// Loses all writes that are not durable.
    pub(super) fn crash(&self) {
        let files = &mut *self.0.lock();
        files.written.clone_from(&files.synced);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_loses_exactly_what_was_not_synced() {
        let data_dir = DataDir::default();
        data_dir.write("a", b"1".to_vec());
        data_dir.write("b", b"1".to_vec());
        data_dir.sync();
        data_dir.write("a", b"2".to_vec());
        data_dir.write("c", b"2".to_vec());
        assert_eq!(data_dir.read("a").as_deref(), Some(&b"2"[..]));
        data_dir.crash();
        let after = ["a", "b", "c"].map(|name| data_dir.read(name));
        assert_eq!(after, [Some(b"1".to_vec()), Some(b"1".to_vec()), None]);
    }
}
