//! Malformed lines after which Maelstrom continues its test.

use std::collections::BTreeMap;

use crate::base::address::Directory;
use crate::base::excerpt::excerpt;
use crate::format::wire::Malformed;
use crate::judge::Anomaly;

/// The malformed lines of a test: the first line of each node, and their number.
#[derive(Clone, Debug, Default)]
pub struct MalformedLines(BTreeMap<usize, First>);

#[derive(Clone, Debug)]
struct First {
    line: u64,
    malformed: Malformed,
    count: u64,
}

impl MalformedLines {
    /// Adds a line of a node's standard output.
    pub(super) fn add(&mut self, node: usize, line: u64, malformed: Malformed) {
        self.0.entry(node).or_insert(First { line, malformed, count: 0 }).count += 1;
    }

    /// Returns the number of lines.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.values().map(|first| first.count).sum()
    }

    /// Returns a finding for each node that wrote such a line.
    pub fn findings(&self, directory: &Directory) -> impl Iterator<Item = Anomaly> {
        self.0.iter().map(|(&node, first)| {
            let First { line, malformed, count } = first;
            let others = match count {
                1 => String::new(),
                count => format!(", the first of {count} such lines"),
            };
            Anomaly {
                text: format!(
                    "malformed line: node {} wrote a line that {}\n  line {line} of its standard \
                     output{others}\n  expected: {}",
                    directory.node_name(node),
                    excerpt(&malformed.problem),
                    malformed.expected,
                ),
                cause: Some(malformed.hint),
                events: Vec::new(),
            }
        })
    }
}
