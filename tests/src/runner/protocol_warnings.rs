//! Protocol warnings: behavior that the protocol permits, but that needs attention.

use std::collections::BTreeMap;

use crate::base::address::Directory;
use crate::format::edn::Edn;

/// A kind of protocol warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProtocolWarning {
    /// A message to another node before the sender received a request. Some nodes may not be set up
    /// at that time.
    Early,
    /// A reply to a client that gave up its request and closes soon.
    Late,
    /// Another reply to a request that already had a reply.
    Repeated,
}

/// The protocol warnings of a test.
#[derive(Clone, Debug, Default)]
pub struct ProtocolWarnings(BTreeMap<(ProtocolWarning, usize), Occurrences>);

#[derive(Clone, Copy, Debug)]
struct Occurrences {
    count: u64,
    first_line: u64,
}

impl ProtocolWarnings {
    /// Records a warning about a line of a node's standard output.
    pub(super) fn add(&mut self, kind: ProtocolWarning, node: usize, line: u64) {
        let occurrences = Occurrences { count: 0, first_line: line };
        self.0.entry((kind, node)).or_insert(occurrences).count += 1;
    }

    /// Returns the number of a node's replies to clients that had given up.
    #[must_use]
    pub fn late_answers(&self, node: usize) -> u64 {
        self.0.get(&(ProtocolWarning::Late, node)).map_or(0, |occurrences| occurrences.count)
    }

    /// Returns the number of warnings of each kind, for the results.
    ///
    /// Kinds without warnings are omitted.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, Edn)> {
        ProtocolWarning::ALL.into_iter().filter_map(|kind| {
            let count: u64 = self.of(kind).map(|(_, occurrences)| occurrences.count).sum();
            (count > 0).then(|| (kind.name(), count.into()))
        })
    }

    /// Returns one text per kind of warning: the first node, its line, the other nodes.
    #[must_use]
    pub fn warnings(&self, directory: &Directory) -> Vec<String> {
        let warning = |kind: ProtocolWarning| {
            let (node, occurrences) = self.of(kind).next()?;
            let (what, expected, likely) = kind.describe();
            let others: Vec<&str> =
                self.of(kind).skip(1).map(|(node, _)| directory.node_name(node)).collect();
            let others = match others.is_empty() {
                true => String::new(),
                false => format!("; so did {}", others.join(" ")),
            };
            let count = match occurrences.count {
                1 => String::new(),
                count => format!(", the first of {count} such lines"),
            };
            Some(format!(
                "warning: node {} {what}{others}\n  line {} of its standard \
                 output{count}\n  expected: {expected}\n  likely: {likely}",
                directory.node_name(node),
                occurrences.first_line,
            ))
        };
        ProtocolWarning::ALL.into_iter().filter_map(warning).collect()
    }

    fn of(&self, wanted: ProtocolWarning) -> impl Iterator<Item = (usize, &Occurrences)> {
        let entries = self.0.iter().filter(move |((kind, _), _)| *kind == wanted);
        entries.map(|((_, node), occurrences)| (*node, occurrences))
    }
}

impl ProtocolWarning {
    const ALL: [ProtocolWarning; 3] =
        [ProtocolWarning::Early, ProtocolWarning::Late, ProtocolWarning::Repeated];

    fn name(self) -> &'static str {
        match self {
            ProtocolWarning::Early => "early-messages",
            ProtocolWarning::Late => "late-answers",
            ProtocolWarning::Repeated => "repeated-answers",
        }
    }

    /// Returns the behavior of the node, the expected behavior and the likely cause.
    fn describe(self) -> (&'static str, &'static str, &'static str) {
        match self {
            ProtocolWarning::Early => (
                "sent a message to another node before its first request",
                "no message before the first request after init: other nodes may not be set up, \
                 and Maelstrom then ignores the sender",
                "it begins to gossip in its init handler; begin at the next message",
            ),
            ProtocolWarning::Late => (
                "answered a client after the client's timeout",
                "an answer within 5 s, or none: the client closes at its next operation, and \
                 Maelstrom ignores a node that writes to a closed client",
                "it was delayed, or waited for other nodes; drop requests older than 4.5 s",
            ),
            ProtocolWarning::Repeated => (
                "answered a request again",
                "one answer to each request: Maelstrom ignores a node that writes to a closed \
                 client",
                "the node retried the request internally, and answered each attempt",
            ),
        }
    }
}
