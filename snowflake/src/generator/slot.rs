//! Slots, and the cursor: the next free slot.

use super::sync::{AtomicU64, Ordering, const_fn};
use crate::layout::{
    NODE_BITS, NODE_SHIFT, SEQUENCE_BITS, SEQUENCE_MAX, TIMESTAMP_BITS, TIMESTAMP_MAX,
    TIMESTAMP_SHIFT,
};
use crate::{Id, NodeId};

/// One place on the timeline of a node, with the node ID in the top bits.
///
/// ```text
///  63  62         53 52                            12 11          0
/// +---+-------------+--------------------------------+-------------+
/// | 0 | node ID     | tick: ms since epoch           | sequence    |
/// +---+-------------+--------------------------------+-------------+
///   1       10                     41                      12
/// ```
///
/// The fields are those of an ID in another order. With the node ID on top, adding one to a
/// full sequence carries into the tick, so the next slot is a plain increment. Compare slots
/// as whole words. Unpack a slot only if it is below the [`end`](Slot::end) of its node:
/// then the end of time cannot carry into the node ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(pub(super) u64);

const TICK_SHIFT: u32 = SEQUENCE_BITS;
const SLOT_NODE_SHIFT: u32 = TICK_SHIFT + TIMESTAMP_BITS;

// The slot after the last one of the last node is 2^63: adding claims to slots cannot overflow.
const _: () = assert!(SLOT_NODE_SHIFT + NODE_BITS == 63);

impl Slot {
    /// Returns the first slot of `tick`, or the end of the node if `tick` is past the last one.
    pub(crate) const fn start_of(node: NodeId, tick: u64) -> Slot {
        // `Ord::min` is not const.
        let tick = if tick > TIMESTAMP_MAX { TIMESTAMP_MAX + 1 } else { tick };
        Slot(((node.get() as u64) << SLOT_NODE_SHIFT) + (tick << TICK_SHIFT))
    }

    /// Returns the first slot that a node may issue. Node 0 skips a slot, as 0 is not an ID.
    pub(crate) const fn first(node: NodeId) -> Slot {
        let start = Slot::start_of(node, 0);
        if start.0 == 0 { Slot(1) } else { start }
    }

    /// Returns the slot after the last one of the node. No ID is ever made from it.
    pub(crate) const fn end(node: NodeId) -> Slot {
        Slot::start_of(node, TIMESTAMP_MAX + 1)
    }

    /// Returns the first slot of the node whose ID is greater than `id`, an ID of any node.
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

    /// Returns how many slots lie between `earlier` and this one, or 0 if none do.
    #[inline]
    pub(crate) const fn since(self, earlier: Slot) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the tick of the slot. It has no meaning at or past the end of the node.
    #[inline]
    pub(crate) const fn tick(self) -> u64 {
        (self.0 >> TICK_SHIFT) & TIMESTAMP_MAX
    }

    /// Returns the tick of the slot before this one, which is the tick of the last slot in a
    /// range that ends here.
    #[inline]
    pub(crate) const fn last_tick(self) -> u64 {
        Slot(self.0.saturating_sub(1)).tick()
    }

    /// Returns the tick that begins here, from 0 to one past the last.
    pub(crate) const fn ticks_from_start(self, node: NodeId) -> u64 {
        self.since(Slot::start_of(node, 0)) >> TICK_SHIFT
    }

    /// Returns the ID of a slot below the end of its node.
    #[inline]
    pub(crate) const fn id(self) -> Id {
        let node = self.0 >> SLOT_NODE_SHIFT;
        let sequence = self.0 & SEQUENCE_MAX as u64;
        Id::from_clear(self.tick() << TIMESTAMP_SHIFT | node << NODE_SHIFT | sequence)
    }
}

/// The next free slot of a generator. It only grows.
///
/// Every claim is one read-modify-write here: steps C3 and C7 of the protocol in
/// `generator/README.md`.
#[derive(Debug)]
pub(crate) struct Cursor(AtomicU64);

impl Cursor {
    const_fn! {
        pub(crate) const fn new(first: Slot) -> Cursor {
            Cursor(AtomicU64::new(first.0))
        }
    }

    #[inline]
    pub(crate) fn get(&self) -> Slot {
        Slot(self.0.load(Ordering::Relaxed))
    }

    /// Returns the next free slot, and makes the gaps below it visible as counted.
    pub(crate) fn get_with_gaps(&self) -> Slot {
        Slot(self.0.load(Ordering::Acquire))
    }

    /// Takes the next free slot, whatever it is.
    #[inline]
    pub(crate) fn take(&self) -> Slot {
        Slot(self.0.fetch_add(1, Ordering::Relaxed))
    }

    /// Moves the cursor from `seen` to `next`. Returns `false` if it is not at `seen`. It may
    /// also fail spuriously.
    pub(crate) fn advance(&self, seen: Slot, next: Slot) -> bool {
        debug_assert!(seen < next, "the cursor only grows");
        // Release pairs with the acquire in `get_with_gaps`. No claim needs it.
        let (success, failure) = (Ordering::Release, Ordering::Relaxed);
        self.0.compare_exchange_weak(seen.0, next.0, success, failure).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parts;

    const NODE: NodeId = crate::node_id!(5);

    #[test]
    fn the_end_is_past_every_slot_of_the_node() {
        let last = Slot::start_of(NODE, TIMESTAMP_MAX).plus(4095);
        assert_eq!(last.plus(1), Slot::end(NODE));
        assert_eq!(Slot::start_of(NODE, u64::MAX), Slot::end(NODE));
        assert_eq!(last.id().parts().node, 5);
    }

    #[test]
    fn id_0_is_never_issued() {
        assert_eq!(Slot::first(NodeId::MIN).id().get(), 1);
        assert_eq!(Slot::first(NODE), Slot::start_of(NODE, 0));
    }

    #[test]
    fn the_ticks_of_boundaries_reach_to_the_end() {
        assert_eq!(Slot::start_of(NODE, 9).ticks_from_start(NODE), 9);
        assert_eq!(Slot::end(NODE).ticks_from_start(NODE), TIMESTAMP_MAX + 1);
    }

    #[test]
    fn resuming_after_any_nodes_id_gives_a_greater_id() {
        for node in [4, 5, 6] {
            let id = Id::from_parts(Parts { timestamp_ms: 9, node, sequence: 77 }).unwrap();
            let next = Slot::after(NODE, id);
            assert!(next.id() > id, "after node {node}");
            assert!(Slot(next.0 - 1).id() <= id, "a slot skipped after node {node}");
        }
    }
}
