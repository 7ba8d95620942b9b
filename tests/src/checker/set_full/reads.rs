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

    /// The end of the last read that shows a value.
    pub(super) fn last_that_shows(&self, element: i64) -> Option<usize> {
        let last = self.shown.get(&element)?.last()?.end.checked_sub(1)?;
        self.ended.get(last).copied()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Invocation;
    use crate::workload::g_set::GSet;
    use crate::workload::growing_set::{Answer, Op};

    #[test]
    fn the_last_read_that_shows_a_value_is_found_whether_or_not_others_follow() {
        let invocation = Invocation { process: 0, node: 0, op: Op::Read, last: false };
        let mut reads = Reads::default();
        for (completed, added, removed) in [
            (1, vec![7, 8], vec![]),
            (3, vec![], vec![7]),
            (5, vec![7], vec![]),
            (7, vec![], vec![8]),
        ] {
            let ints = |values: Vec<i64>| values.into_iter().map(Element::Int).collect();
            let read = SetRead { added: ints(added), removed: ints(removed), ..SetRead::default() };
            let answer = Answer::Accepted;
            let done: Completed<'_, GSet> = Completed {
                invoked: completed - 1,
                completed,
                invocation: &invocation,
                answer: &answer,
            };
            reads.push(&done, &read);
        }
        reads.finish();
        assert_eq!(reads.last_that_shows(7), Some(7), "to the end");
        assert_eq!(reads.last_that_shows(8), Some(5), "gone again");
        assert_eq!(reads.last_that_shows(9), None, "never");
    }
}
