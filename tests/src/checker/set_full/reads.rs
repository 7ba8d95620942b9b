//! The reads of one node, and what they show.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::checker::set_read::{Element, SetRead};
use crate::history::Completed;
use crate::workload::Workload;

/// The reads of one node, in the order they ended, and what they show.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) started: Vec<usize>,
    pub(super) ended: Vec<usize>,
    /// How many of them came before the quiet time.
    pub(super) before_quiet: usize,
    /// For each read, the latest start among it and all after it.
    latest_from: Vec<usize>,
    /// For each value, which reads show it.
    pub(super) shown: BTreeMap<i64, Vec<Range<usize>>>,
}

impl Reads {
    /// The latest start among these reads.
    pub(super) fn latest(&self, reads: Range<usize>) -> Option<usize> {
        if reads.end == self.started.len() {
            return self.latest_from.get(reads.start).copied();
        }
        self.started.get(reads)?.iter().copied().max()
    }

    /// The ends of the reads that show a value.
    pub(super) fn that_show(&self, element: i64) -> impl Iterator<Item = usize> {
        let ranges = self.shown.get(&element).into_iter().flatten();
        ranges.flat_map(|range| self.ended.get(range.clone()).unwrap_or_default()).copied()
    }

    /// Notes what a read shows that the one before did not, and the other way round.
    pub(super) fn push(&mut self, done: &Completed<'_, impl Workload>, read: &SetRead) {
        let index = self.started.len();
        self.started.push(done.invoked);
        self.ended.push(done.completed);
        if !done.invocation.last {
            self.before_quiet = self.started.len();
        }
        for element in &read.added {
            if let Element::Int(value) = element {
                self.shown.entry(*value).or_default().push(index..usize::MAX);
            }
        }
        for element in &read.removed {
            if let Element::Int(value) = element
                && let Some(range) = self.shown.get_mut(value).and_then(|ranges| ranges.last_mut())
            {
                range.end = index;
            }
        }
    }

    pub(super) fn finish(&mut self) {
        self.latest_from.clone_from(&self.started);
        for index in (1..self.started.len()).rev() {
            let later = self.latest_from[index];
            let earlier = &mut self.latest_from[index - 1];
            *earlier = later.max(*earlier);
        }
        let count = self.started.len();
        for range in self.shown.values_mut().flatten() {
            range.end = range.end.min(count);
        }
    }
}
