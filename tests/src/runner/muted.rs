//! Muted nodes: Maelstrom's reader of a node stops at a line that it cannot deliver.
//!
//! The reader catches the error, logs it, and reads no further line. The test continues without
//! the node's output, and the checkers judge the history. The process is not affected.

use std::collections::BTreeMap;

use crate::base::address::Directory;
use crate::base::excerpt::excerpt;
use crate::format::wire::Malformed;
use crate::judge::Anomaly;

/// The muted nodes of a test, with the lines that muted them.
#[derive(Clone, Debug, Default)]
pub struct MutedNodes {
    /// The incarnations that were muted, in order. A node can be restarted and muted again.
    incarnations: Vec<Muted>,
    /// The index of the current incarnation of each node that is muted now.
    now: BTreeMap<usize, usize>,
}

#[derive(Clone, Debug)]
struct Muted {
    node: usize,
    end: LastLine,
    /// The number of lines that the node wrote afterwards.
    ignored: u64,
}

/// The end of a node's output, as Maelstrom's reader sees it.
#[derive(Clone, Debug)]
enum LastLine {
    Malformed { number: u64, text: String, malformed: Malformed },
    Closed,
}

impl MutedNodes {
    /// Mutes a node because of a line.
    pub(super) fn mute(&mut self, node: usize, number: u64, line: &[u8], malformed: Malformed) {
        let text = excerpt(&String::from_utf8_lossy(line));
        self.add(node, LastLine::Malformed { number, text, malformed });
    }

    /// Mutes a node because it closed its standard output, unless it is muted already.
    pub(super) fn close(&mut self, node: usize) {
        if !self.now.contains_key(&node) {
            self.add(node, LastLine::Closed);
        }
    }

    fn add(&mut self, node: usize, end: LastLine) {
        self.now.insert(node, self.incarnations.len());
        self.incarnations.push(Muted { node, end, ignored: 0 });
    }

    /// Counts a line of a node if the node is muted. Returns `false` if it is not.
    pub(super) fn ignores(&mut self, node: usize) -> bool {
        let muted = self.now.get(&node).and_then(|&index| self.incarnations.get_mut(index));
        muted.map(|muted| muted.ignored += 1).is_some()
    }

    pub(super) fn is_muted(&self, node: usize) -> bool {
        self.now.contains_key(&node)
    }

    /// Ends the mute of a node that is restarted: its new process has a new reader.
    pub(super) fn restart(&mut self, node: usize) {
        self.now.remove(&node);
    }

    /// Returns `true` if an incarnation of the node was muted.
    #[must_use]
    pub fn contains(&self, node: usize) -> bool {
        self.incarnations.iter().any(|muted| muted.node == node)
    }

    /// Returns the number of muted incarnations.
    #[must_use]
    pub fn count(&self) -> usize {
        self.incarnations.len()
    }

    /// Returns a finding for each muted incarnation.
    pub fn findings(&self, directory: &Directory) -> impl Iterator<Item = Anomaly> {
        self.incarnations.iter().map(|muted| {
            let node = directory.node_name(muted.node);
            let (text, cause) = match &muted.end {
                LastLine::Malformed { number, text, malformed } => (
                    format!(
                        "muted node: node {node} wrote a line that {}\n  line {number} of its \
                         standard output: {text}\n  expected: {}\n  Maelstrom stops reading a node \
                         at such a line: {}",
                        excerpt(&malformed.problem),
                        malformed.expected,
                        ignored(muted.ignored),
                    ),
                    malformed.hint,
                ),
                LastLine::Closed => (
                    format!(
                        "muted node: node {node} closed its standard output and continued to \
                         run\n  expected: the output stays open until the node is killed"
                    ),
                    "it redirected its output, or the process that writes to it has ended",
                ),
            };
            Anomaly { text, cause: Some(cause), events: Vec::new() }
        })
    }

    /// Returns a warning for each muted incarnation.
    pub fn warnings(&self, directory: &Directory) -> impl Iterator<Item = String> {
        self.incarnations.iter().map(|muted| {
            let node = directory.node_name(muted.node);
            let (cause, hint) = match &muted.end {
                LastLine::Malformed { number, malformed, .. } => (
                    format!(
                        "after line {number} of its standard output, a line that {}; {}",
                        excerpt(&malformed.problem),
                        ignored(muted.ignored)
                    ),
                    malformed.hint,
                ),
                LastLine::Closed => (
                    "because it closed its standard output".to_owned(),
                    "it redirected its output, or the process that writes to it has ended",
                ),
            };
            format!("warning: node {node} is muted, as in Maelstrom, {cause}\n  likely: {hint}")
        })
    }
}

fn ignored(count: u64) -> String {
    match count {
        0 => "the node wrote nothing after it".to_owned(),
        1 => "1 line after it is ignored".to_owned(),
        count => format!("{count} lines after it are ignored"),
    }
}
