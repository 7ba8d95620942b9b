//! The claim's word, as a value.

use crate::layout::{NODE_BITS, NODE_SHIFT, SEQUENCE_BITS, TIMESTAMP_BITS, TIMESTAMP_SHIFT};
use crate::layout::{SEQUENCE_MAX, TIMESTAMP_MAX};
use crate::{Id, NodeId};

/// One place on a node's timeline, with the node on top.
///
/// ```text
///  63  62         53 52                            12 11          0
/// +---+-------------+--------------------------------+-------------+
/// | 0 | node id     | tick: ms since epoch           | sequence    |
/// +---+-------------+--------------------------------+-------------+
///   1       10                     41                      12
/// ```
///
/// An ID's fields rotated: with the node out of the way, adding one to a slot
/// whose sequence is full carries into the tick, so "the next slot" is a plain
/// increment. Slots are compared whole and unpacked only when they are known to
/// be below their node's [`end`](Slot::end), so that the end of time cannot
/// carry into the node id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u64);

const TICK_SHIFT: u32 = SEQUENCE_BITS;
const SLOT_NODE_SHIFT: u32 = TICK_SHIFT + TIMESTAMP_BITS;

// The slot past the last one of the last node is 2^63: sums of slots and claims do not overflow.
const _: () = assert!(SLOT_NODE_SHIFT + NODE_BITS == 63);

impl Slot {
    pub(crate) const fn from_word(word: u64) -> Slot {
        Slot(word)
    }

    pub(crate) const fn to_word(self) -> u64 {
        self.0
    }

    /// The first slot of `tick`, or the node's end if `tick` is past the last timestamp.
    pub(crate) const fn start_of(node: NodeId, tick: u64) -> Slot {
        // A plain `min`: `Ord::min` is not const.
        let tick = if tick > TIMESTAMP_MAX { TIMESTAMP_MAX + 1 } else { tick };
        Slot(((node.get() as u64) << SLOT_NODE_SHIFT) + (tick << TICK_SHIFT))
    }

    /// One past the node's last slot. No ID is ever made from it.
    pub(crate) const fn end(node: NodeId) -> Slot {
        Slot::start_of(node, TIMESTAMP_MAX + 1)
    }

    /// The node's first slot whose ID is greater than `id`, which may be another node's.
    pub(crate) const fn after(node: NodeId, id: Id) -> Slot {
        let parts = id.parts();
        let start = Slot::start_of(node, parts.timestamp_ms);
        if node.get() == parts.node {
            start.plus(parts.sequence as u64 + 1)
        } else if node.get() > parts.node {
            start
        } else {
            Slot::start_of(node, parts.timestamp_ms + 1)
        }
    }

    #[inline]
    pub(crate) const fn plus(self, count: u64) -> Slot {
        Slot(self.0 + count)
    }

    /// The slot before this one, which must not be the first of node 0.
    #[inline]
    pub(crate) const fn before(self) -> Slot {
        Slot(self.0 - 1)
    }

    /// The slot's tick. Meaningless at or past the node's end.
    #[inline]
    pub(crate) const fn tick(self) -> u64 {
        (self.0 >> TICK_SHIFT) & TIMESTAMP_MAX
    }

    /// The ID of a slot below its node's end.
    #[inline]
    pub(crate) const fn id(self) -> Id {
        let node = self.0 >> SLOT_NODE_SHIFT;
        let sequence = self.0 & SEQUENCE_MAX as u64;
        Id::from_clear(self.tick() << TIMESTAMP_SHIFT | node << NODE_SHIFT | sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parts;

    const NODE: NodeId = match NodeId::new(5) {
        Ok(node) => node,
        Err(_) => panic!(),
    };

    #[test]
    fn a_full_sequence_carries_into_the_tick() {
        let last_of_9 = Slot::start_of(NODE, 9).plus(4095);
        assert_eq!(last_of_9.id().parts(), Parts { timestamp_ms: 9, node: 5, sequence: 4095 });
        assert_eq!(
            last_of_9.plus(1).id().parts(),
            Parts { timestamp_ms: 10, node: 5, sequence: 0 }
        );
    }

    #[test]
    fn the_end_is_past_every_slot_of_the_node() {
        let last = Slot::start_of(NODE, TIMESTAMP_MAX).plus(4095);
        assert_eq!(last.plus(1), Slot::end(NODE));
        assert_eq!(Slot::start_of(NODE, u64::MAX), Slot::end(NODE));
        assert_eq!(last.id().parts().node, 5);
    }

    #[test]
    fn resuming_gives_a_greater_id_also_after_another_nodes() {
        for node in [4, 5, 6] {
            let id = Id::from_parts(Parts { timestamp_ms: 9, node, sequence: 77 }).unwrap();
            let next = Slot::after(NODE, id);
            assert!(next.id() > id, "after node {node}");
            assert!(Slot(next.0 - 1).id() <= id, "a slot skipped after node {node}");
        }
    }
}
