//! The visibility of one value: when reads show it, and when they miss it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::reads::Reads;
use crate::history::History;
use crate::judge::kills::Kills;
use crate::workload::Workload;

/// The events of one value during a test. All numbers are indices of events.
#[derive(Debug, Default)]
pub(super) struct Value {
    pub(super) element: i64,
    /// The start of its addition.
    pub(super) added: usize,
    /// The node that received the request to add it.
    pub(super) node: usize,
    /// The end of its addition, if it succeeded.
    pub(super) acknowledged: Option<usize>,
    /// The acknowledgement or the end of the first read that shows the value, whichever is first.
    pub(super) known: Option<usize>,
    /// The latest start of a read that shows it.
    pub(super) last_present: Option<usize>,
    /// The latest start of a read that misses the value, and the node that was read.
    pub(super) last_absent: Option<(usize, usize)>,
    /// The latest start of a final read that misses the value, and the node that was read.
    pub(super) last_absent_final: Option<(usize, usize)>,
    /// `true` if kills of nodes may have caused the loss of the value.
    pub(super) allowed_loss: bool,
}

/// The outcome of an addition, as the reads show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdditionOutcome {
    /// Every read from some point on shows the value.
    Stable,
    /// The value is known, and later reads do not show it.
    Lost,
    /// No read shows whether the value is present.
    NeverRead,
    /// Every node that had the value was killed before it could send the value to another node.
    AllowedLoss,
}

impl Value {
    /// Returns `true` if a final read misses a known value.
    pub(super) fn is_missing_somewhere(&self) -> bool {
        self.known.is_some() && self.last_absent_final.map(|(read, _)| read) > self.known
    }

    /// Judges the value by the reads that show it and miss it.
    pub(super) fn outcome(&self) -> AdditionOutcome {
        let lost =
            if self.allowed_loss { AdditionOutcome::AllowedLoss } else { AdditionOutcome::Lost };
        let absent = self.last_absent.map(|(read, _)| read);
        if self.last_present.is_some() && absent < self.last_present {
            return AdditionOutcome::Stable;
        }
        // A read that began before the value was known may precede it, so that read does not count.
        if self.known.is_some() && absent > self.known {
            return lost;
        }
        AdditionOutcome::NeverRead
    }
}

/// Finds the latest read of one node that shows a value, and the latest that misses it.
pub(super) fn judge_visibility(value: &mut Value, node: usize, reads: &Reads) {
    let none = Vec::new();
    let shown = reads.shown.get(&value.element).unwrap_or(&none);
    // Reads that ended before the addition of the value do not count.
    let mut next = reads.ended.partition_point(|&ended| ended < value.added);
    for range in shown {
        value.last_present = value.last_present.max(reads.latest(range.clone()));
        absent(value, node, reads, next..range.start.max(next));
        next = next.max(range.end);
    }
    absent(value, node, reads, next..reads.started.len());
}

fn absent(value: &mut Value, node: usize, reads: &Reads, range: Range<usize>) {
    if range.is_empty() {
        return;
    }
    let latest = |range| reads.latest(range).map(|read| (read, node));
    value.last_absent = value.last_absent.max(latest(range.clone()));
    let last_reads = range.start.max(reads.before_quiet)..range.end;
    if !last_reads.is_empty() {
        value.last_absent_final = value.last_absent_final.max(latest(last_reads));
    }
}

/// Returns `true` if no live node is certain to have a value.
///
/// The node that received the addition had the value, with or without an acknowledgement. Each
/// node that showed the value also had it.
pub(super) fn is_allowed_loss<W: Workload>(
    value: &Value,
    reads: &BTreeMap<usize, Reads>,
    history: &History<W>,
    kills: &Kills,
) -> bool {
    let Some(known) = value.known.map(|known| history.time(known)) else { return false };
    let handed = (value.node, history.time(value.acknowledged.unwrap_or(value.added)));
    let showed = reads.iter().filter_map(|(&node, reads)| {
        Some((node, history.time(reads.last_that_shows(value.element)?)))
    });
    let holders: Vec<_> = std::iter::once(handed).chain(showed).collect();
    kills.lost_at(known, &holders).is_some()
}
