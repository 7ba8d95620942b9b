//! The generator of operations. As in Maelstrom's test, groups of clients share a key.

use super::Op;
use crate::base::rng::Rng;

/// The number of values, which are 0 to 4.
const VALUES: u64 = 5;
/// The number of processes that work on a key before the group proceeds to another key.
const MAX_PROCESSES: usize = 20;

/// The groups of clients.
#[derive(Debug)]
pub(super) struct Generator {
    node_count: usize,
    groups: Vec<Group>,
    next_key: i64,
}

/// A group of two clients per node that work on one key.
#[derive(Debug)]
struct Group {
    key: i64,
    /// The processes that have worked on the key.
    processes: usize,
}

impl Generator {
    pub(super) fn new(node_count: usize, concurrency: usize) -> Generator {
        let size = 2 * node_count.max(1);
        let groups: Vec<Group> = (0..concurrency.div_ceil(size).max(1))
            .map(|group| Group { key: group as i64, processes: size })
            .collect();
        let next_key = groups.len() as i64;
        Generator { node_count: node_count.max(1), groups, next_key }
    }

    /// Returns the class of a client: one class for the readers of a group, one for the others.
    pub(super) fn class_of(&self, worker: usize) -> usize {
        worker / self.node_count
    }

    /// Draws a class. All classes are equally likely.
    pub(super) fn next_class(&self, rng: &mut Rng) -> usize {
        rng.index(2 * self.groups.len())
    }

    /// Draws the next operation of a client.
    pub(super) fn next(&mut self, worker: usize, rng: &mut Rng) -> Op {
        let size = 2 * self.node_count;
        let group = (worker / size) % self.groups.len();
        let group = &mut self.groups[group];
        if group.processes > MAX_PROCESSES.max(size) {
            *group = Group { key: self.next_key, processes: size };
            self.next_key += 1;
        }
        let key = group.key;
        // Half of the clients only read. The others run compare-and-set twice as often as write.
        if worker % size < self.node_count {
            return Op::Read { key };
        }
        let mut value = || rng.below(VALUES) as i64;
        let (from, to) = (value(), value());
        if rng.below(3) == 0 { Op::Write { key, value: to } } else { Op::Cas { key, from, to } }
    }

    /// Records that a client continues as a new process.
    pub(super) fn process_ended(&mut self, worker: usize) {
        let group = (worker / (2 * self.node_count)) % self.groups.len();
        self.groups[group].processes += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::rng::Stream;

    #[test]
    fn half_of_a_group_reads_and_each_group_has_its_own_key() {
        let mut rng = Rng::new(1, Stream::Generator);
        let mut generator = Generator::new(3, 12);
        let mut cas = 0;
        for _ in 0..1_000 {
            for worker in 0..12 {
                let op = generator.next(worker, &mut rng);
                assert_eq!(op.key(), worker as i64 / 6);
                assert_eq!(matches!(op, Op::Read { .. }), worker % 6 < 3);
                assert_eq!(generator.class_of(worker), worker / 3);
                cas += usize::from(matches!(op, Op::Cas { .. }));
            }
        }
        assert!(cas.abs_diff(4_000) < 200, "{cas}");
    }

    #[test]
    fn a_group_takes_a_new_key_after_twenty_processes() {
        let mut rng = Rng::new(1, Stream::Generator);
        let mut generator = Generator::new(5, 10);
        let mut keys = BTreeSet::new();
        for _ in 0..33 {
            keys.insert(generator.next(9, &mut rng).key());
            generator.process_ended(9);
        }
        assert_eq!(keys, BTreeSet::from([0, 1, 2]));
    }
}
