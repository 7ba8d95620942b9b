//! What a node may take with it when it is killed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::address::Directory;
use crate::edn::Edn;
use crate::history::{History, What};
use crate::time::Time;
use crate::workload::Workload;

/// When each node was killed.
///
/// A node that keeps everything in memory and acknowledges at once loses, when it is killed,
/// what it had no time to tell anybody. How much time that is has to be agreed on: what was
/// acknowledged longer before the kill has no excuse to be lost.
#[derive(Debug, Default)]
pub struct Kills {
    by_node: BTreeMap<usize, Vec<Time>>,
    window: Duration,
}

impl Kills {
    /// The kills of a history, each of which excuses what was acknowledged so long before.
    #[must_use]
    pub fn new<W: Workload>(
        history: &History<W>,
        directory: &Directory,
        window: Duration,
    ) -> Kills {
        let mut kills = Kills { by_node: BTreeMap::new(), window };
        for event in history.events() {
            if let What::Nemesis { f: "kill", value: Edn::Vector(names) } = &event.what {
                for node in 0..directory.node_count() {
                    if names.contains(&directory.node_name(node).into()) {
                        kills.by_node.entry(node).or_default().push(event.time);
                    }
                }
            }
        }
        kills
    }

    /// The first kill of a node at or after this moment.
    #[must_use]
    pub fn next(&self, node: usize, from: Time) -> Option<Time> {
        self.by_node.get(&node)?.iter().copied().find(|kill| *kill >= from)
    }

    /// Whether what a node acknowledged at this moment may be lost.
    #[must_use]
    pub fn excuse(&self, node: usize, acknowledged: Time) -> bool {
        self.next(node, acknowledged).is_some_and(|kill| kill - acknowledged < self.window)
    }
}
