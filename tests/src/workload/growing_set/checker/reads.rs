//! The reads of one node, and the values that they show.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::format::element::Element;
use crate::history::Completed;
use crate::workload::Workload;
use crate::workload::growing_set::read::SetRead;

/// The reads of one node, in the order of their ends, and the values that they show.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) started: Vec<usize>,
    pub(super) ended: Vec<usize>,
    /// The number of reads before the quiet time.
    pub(super) before_quiet: usize,
    /// For each value, the ranges of reads that show it.
    pub(super) shown: BTreeMap<i64, Vec<Range<usize>>>,
}

impl Reads {
    /// Returns the latest start among these reads.
    pub(super) fn latest(&self, reads: Range<usize>) -> Option<usize> {
        let ends = self.ended.get(reads.clone())?.iter().rev();
        let mut starts = self.started.get(reads)?.iter().copied().rev().zip(ends);
        let (mut latest, _) = starts.next()?;
        // A read that ended before the latest start so far also started before it. The same holds
        // for all earlier reads. The loop therefore visits only reads that overlap.
        for (start, ended) in starts {
            if *ended < latest {
                break;
            }
            latest = latest.max(start);
        }
        Some(latest)
    }

    /// Returns the end of the last read that shows a value.
    pub(super) fn last_that_shows(&self, element: i64) -> Option<usize> {
        let last = self.shown.get(&element)?.last()?.end.checked_sub(1)?;
        self.ended.get(last).copied()
    }

    /// Returns the end of the first read that shows a value.
    pub(super) fn first_that_shows(&self, element: i64) -> Option<usize> {
        let first = self.shown.get(&element)?.first()?.start;
        self.ended.get(first).copied()
    }

    /// Records the differences between a read and the previous read of the same node.
    pub(super) fn push(&mut self, done: &Completed<'_, impl Workload>, read: &SetRead) {
        let index = self.started.len();
        self.started.push(done.invoked);
        self.ended.push(done.completed);
        if !done.invocation.is_final {
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
        let count = self.started.len();
        for range in self.shown.values_mut().flatten() {
            range.end = range.end.min(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::{Rng, Stream};
    use crate::history::Invocation;
    use crate::workload::g_set::GSet;
    use crate::workload::growing_set::{Op, Output};

    /// One to thirty clients read. Each begins its next read after the end of its last one.
    #[test]
    fn finds_the_latest_start_of_overlapping_reads() {
        for seed in 0..300 {
            let mut rng = Rng::new(seed, Stream::Generator);
            let mut under_way: Vec<usize> = Vec::new();
            let mut reads = Reads::default();
            let clients = 1 + rng.index(30);
            for event in 0..200 {
                let begins = under_way.is_empty() || under_way.len() < clients && rng.chance(0.5);
                if begins {
                    under_way.push(event);
                } else {
                    let started = under_way.swap_remove(rng.index(under_way.len()));
                    reads.started.push(started);
                    reads.ended.push(event);
                }
            }
            let count = reads.started.len();
            for start in 0..count {
                for end in start + 1..=count {
                    let latest = reads.started[start..end].iter().max().copied();
                    assert_eq!(reads.latest(start..end), latest, "seed {seed}: {start}..{end}");
                }
            }
        }
    }

    #[test]
    fn finds_the_last_read_that_shows_a_value() {
        let invocation = Invocation { process: 0, node: 0, op: Op::Read, is_final: false };
        let mut reads = Reads::default();
        for (completed, added, removed) in [
            (1, vec![7, 8], vec![]),
            (3, vec![], vec![7]),
            (5, vec![7], vec![]),
            (7, vec![], vec![8]),
        ] {
            let ints = |values: Vec<i64>| values.into_iter().map(Element::Int).collect();
            let read = SetRead { added: ints(added), removed: ints(removed), ..SetRead::default() };
            let output = Output::Accepted;
            let done: Completed<'_, GSet> = Completed {
                invoked: completed - 1,
                completed,
                invocation: &invocation,
                output: &output,
            };
            reads.push(&done, &read);
        }
        reads.finish();
        assert_eq!(reads.last_that_shows(7), Some(7), "to the end");
        assert_eq!(reads.last_that_shows(8), Some(5), "gone again");
        assert_eq!(reads.last_that_shows(9), None, "never");
    }
}
