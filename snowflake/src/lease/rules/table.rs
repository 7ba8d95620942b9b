//! The rules of granting, without a place to keep anything.

use std::collections::BTreeMap;

use crate::layout::NODE_MAX;
#[cfg(any(feature = "etcd", feature = "postgres"))]
use crate::lease::StoreError;
use crate::lease::{Bounds, Lease, LeaseError, Record, Request, Successor};
use crate::{NodeId, UnixMillis};

/// The largest fence: the end of SQL's `bigint`. No node id has so many holders, but what was
/// kept may have been damaged.
const FENCE_MAX: u64 = i64::MAX.cast_unsigned();

/// How much of a holder's name is kept, in characters.
const HOLDER_CHARS: usize = 256;

/// The records of a namespace, and the rules by which they change.
///
/// Every store goes by it, and so does the model that is searched for duplicates
/// (`tests/lease_model.rs`). It reads no clock and keeps nothing: `now` is the store's
/// time, or the holder's where the store has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    records: BTreeMap<NodeId, Record>,
}

impl Ledger {
    /// A ledger in which no node id was ever held.
    pub const fn new() -> Ledger {
        Ledger { records: BTreeMap::new() }
    }

    /// The record of a node id, if it was ever held.
    pub fn get(&self, node: NodeId) -> Option<&Record> {
        self.records.get(&node)
    }

    /// The records, by node id.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Record)> {
        self.records.iter().map(|(node, record)| (*node, record))
    }

    /// Puts in a record that was kept.
    pub fn insert(&mut self, node: NodeId, record: Record) {
        self.records.insert(node, record);
    }

    /// A new holder for the node id that `request` names, or for a free one.
    ///
    /// Without a node id the choice is one whose mark is not ahead of the requester's
    /// clock if there is any, and among those rather one that was released, then one
    /// that was never held, then the one whose grant ended longest ago: its holder may
    /// only be asleep.
    ///
    /// Whether a grant has ended is judged at the earlier of the store's time and the
    /// requester's: a holder whose clock is behind the store's, as the requester's is, is there.
    ///
    /// # Errors
    ///
    /// [`LeaseError::AllTaken`], [`LeaseError::Held`], [`LeaseError::GrantTooLong`],
    /// [`LeaseError::TooFarAhead`] and [`LeaseError::NoFenceLeft`]. Nothing was changed.
    pub fn acquire(
        &mut self,
        request: &Request,
        now: UnixMillis,
        bounds: Bounds,
    ) -> Result<Lease, LeaseError> {
        if request.grant_ms > bounds.max_grant_ms {
            let max_ms = bounds.max_grant_ms;
            return Err(LeaseError::GrantTooLong { asked_ms: request.grant_ms, max_ms });
        }
        let earlier = now.min(request.now);
        let node = match request.node {
            Some(node) => node,
            None => self.choose(request.now, earlier)?,
        };
        let (fence, mark) = match self.get(node) {
            Some(record) => {
                if request.successor == Successor::Waits && record.is_held_at(earlier) {
                    let (holder, until) = (record.holder.clone(), record.mark);
                    return Err(LeaseError::Held { node, holder, until, now: earlier });
                }
                if record.fence >= FENCE_MAX {
                    return Err(LeaseError::NoFenceLeft { node, fence: record.fence });
                }
                (record.fence + 1, record.mark)
            }
            None => (1, UnixMillis(0)),
        };
        let from = mark.max(request.now);
        let until = UnixMillis(from.0.saturating_add(request.grant_ms));
        within(bounds, node, until, now)?;
        let kept = request.holder.chars().take(HOLDER_CHARS);
        let holder = kept.map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.insert(node, Record { fence, from, mark: until, held: true, holder });
        Ok(Lease { node, from, until, fence })
    }

    /// As [`acquire`](Ledger::acquire) where some records are damaged, and not in here: one
    /// that is named is refused, and if none is, the others are chosen from.
    #[cfg(any(feature = "etcd", feature = "postgres"))]
    pub(crate) fn acquire_beside(
        &mut self,
        damaged: Vec<(NodeId, StoreError)>,
        request: &Request,
        now: UnixMillis,
        bounds: Bounds,
    ) -> Result<Lease, LeaseError> {
        let mut first = None;
        for (node, error) in damaged {
            if request.node == Some(node) {
                return Err(error.into());
            }
            // Neither unused nor to be had.
            let (fence, never) = (u64::MAX, UnixMillis(u64::MAX));
            let holder = String::new();
            self.insert(node, Record { fence, from: never, mark: never, held: true, holder });
            first.get_or_insert(error);
        }
        match (self.acquire(request, now, bounds), first) {
            (Err(LeaseError::AllTaken { .. }), Some(error)) => Err(error.into()),
            (granted, _) => granted,
        }
    }

    fn choose(&self, requester: UnixMillis, now: UnixMillis) -> Result<NodeId, LeaseError> {
        /// In order of preference.
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        enum Past {
            Released,
            NeverHeld,
            Ended,
        }
        let free = (0..=NODE_MAX).filter_map(|id| NodeId::new(id).ok()).filter_map(|node| {
            let (past, mark) = match self.get(node) {
                None => (Past::NeverHeld, UnixMillis(0)),
                Some(record) if record.is_held_at(now) || record.fence >= FENCE_MAX => return None,
                Some(record) if record.held => (Past::Ended, record.mark),
                Some(record) => (Past::Released, record.mark),
            };
            Some((mark > requester, past, mark, node))
        });
        match free.min() {
            Some((.., node)) => Ok(node),
            None => {
                let first_ends = self.iter().map(|(_, record)| record.mark).min();
                Err(LeaseError::AllTaken { first_ends: first_ends.unwrap_or(now), now })
            }
        }
    }

    /// Moves the mark to `until`, or by 1 ms if it is there already, and grants what that adds.
    ///
    /// # Errors
    ///
    /// [`LeaseError::TakenOver`], [`LeaseError::Released`] and
    /// [`LeaseError::TooFarAhead`]. Nothing was changed.
    pub fn renew(
        &mut self,
        lease: &Lease,
        until: UnixMillis,
        now: UnixMillis,
        bounds: Bounds,
    ) -> Result<Lease, LeaseError> {
        let record = self.held_by(lease)?;
        let from = record.mark;
        let until = until.max(UnixMillis(from.0.saturating_add(1)));
        within(bounds, lease.node, until, now)?;
        (record.from, record.mark) = (from, until);
        Ok(Lease { from, until, ..*lease })
    }

    /// Ends the holding and lowers the mark to `mark`, or leaves a lower one.
    ///
    /// # Errors
    ///
    /// [`LeaseError::TakenOver`] and [`LeaseError::Released`]. Nothing was changed.
    pub fn release(&mut self, lease: &Lease, mark: UnixMillis) -> Result<(), LeaseError> {
        let record = self.held_by(lease)?;
        record.mark = record.mark.min(mark);
        record.from = record.from.min(record.mark);
        record.held = false;
        Ok(())
    }

    /// Sets a mark by hand, higher or lower, and ends the holding.
    pub fn reset(&mut self, node: NodeId, mark: UnixMillis) {
        let fence = match self.get(node).map_or(0, |record| record.fence) {
            fence if fence < FENCE_MAX => fence + 1,
            // Damaged. Past every fence that a holder ever had, and with as many to come.
            _ => FENCE_MAX / 2,
        };
        let holder = "lease reset".to_owned();
        self.insert(node, Record { fence, from: mark, mark, held: false, holder });
    }

    /// Moves on to marks and fences that may have been kept: those of a change that failed.
    pub(crate) fn raise_to(&mut self, other: &Ledger) {
        for (node, theirs) in other.iter() {
            match self.records.get_mut(&node) {
                Some(ours) if theirs.fence > ours.fence => {
                    *ours = Record { mark: ours.mark.max(theirs.mark), ..theirs.clone() };
                }
                Some(ours) => ours.mark = ours.mark.max(theirs.mark),
                None => self.insert(node, theirs.clone()),
            }
        }
    }

    fn held_by(&mut self, lease: &Lease) -> Result<&mut Record, LeaseError> {
        let node = lease.node;
        match self.records.get_mut(&node) {
            Some(record) if record.fence != lease.fence => Err(LeaseError::TakenOver {
                node,
                fence: lease.fence,
                newer: record.fence,
                holder: record.holder.clone(),
            }),
            Some(record) if record.held => Ok(record),
            _ => Err(LeaseError::Released { node }),
        }
    }
}

/// Refuses a grant that ends too far past the store's clock.
fn within(
    bounds: Bounds,
    node: NodeId,
    until: UnixMillis,
    now: UnixMillis,
) -> Result<(), LeaseError> {
    if until > bounds.latest(now) {
        return Err(LeaseError::TooFarAhead { node, until, now, ahead_ms: bounds.ahead_ms() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_177_540_000);
    const BOUNDS: Bounds = Bounds { max_grant_ms: 5000, max_skew_ms: 2000 };

    fn node(id: u16) -> NodeId {
        NodeId::new(id).unwrap()
    }

    fn any() -> Request {
        let (grant_ms, holder) = (3000, "pod-7".to_owned());
        Request { node: None, now: NOW, grant_ms, holder, successor: Successor::RunsAhead }
    }

    fn fixed(id: u16) -> Request {
        Request { node: Some(node(id)), ..any() }
    }

    fn after(ms: u64) -> UnixMillis {
        UnixMillis(NOW.0 + ms)
    }

    #[test]
    fn a_free_node_id_is_one_that_nobody_may_be_asleep_with() {
        let mut ledger = Ledger::new();
        let first = ledger.acquire(&any(), NOW, BOUNDS).unwrap();
        let second = ledger.acquire(&any(), NOW, BOUNDS).unwrap();
        assert_eq!([first.node, second.node], [node(0), node(1)]);

        // The first one's grant has ended, and there are others: it may be asleep.
        let later = Request { now: after(3001), ..any() };
        let third = ledger.acquire(&later, later.now, BOUNDS).unwrap();
        assert_eq!(third.node, node(2));
        // Released ones come first.
        ledger.release(&second, after(1)).unwrap();
        assert_eq!(ledger.acquire(&later, later.now, BOUNDS).unwrap().node, node(1));
    }

    #[test]
    fn a_mark_that_is_ahead_is_the_last_choice() {
        let mut ledger = Ledger::new();
        let ahead = ledger.acquire(&any(), NOW, BOUNDS).unwrap();
        ledger.release(&ahead, after(2000)).unwrap();
        assert_eq!(ledger.acquire(&any(), NOW, BOUNDS).unwrap().node, node(1));
        for id in 2..=NODE_MAX {
            assert_eq!(ledger.acquire(&any(), NOW, BOUNDS).unwrap().node, node(id));
        }
        let last = ledger.acquire(&any(), NOW, BOUNDS).unwrap();
        assert_eq!((last.node, last.from), (node(0), after(2000)));

        let none_left = ledger.acquire(&any(), NOW, BOUNDS).unwrap_err();
        assert_eq!(
            none_left.to_string(),
            "all 1024 node ids are held, the first of them for 3000 ms more: release one, or wait",
        );
        // They end, and are taken again: all but the one that ends later.
        let end = Request { now: after(3000), ..any() };
        for _ in 0..NODE_MAX {
            ledger.acquire(&end, end.now, BOUNDS).unwrap();
        }
        assert!(matches!(
            ledger.acquire(&end, end.now, BOUNDS),
            Err(LeaseError::AllTaken { first_ends, .. }) if first_ends == after(5000)
        ));
    }

    #[test]
    fn a_successor_waits_for_the_old_grant_or_runs_ahead_of_it() {
        let mut ledger = Ledger::new();
        let first = ledger.acquire(&fixed(7), NOW, BOUNDS).unwrap();
        let waits = |now| Request { successor: Successor::Waits, now, ..fixed(7) };
        let held = ledger.acquire(&waits(after(1000)), after(1000), BOUNDS).unwrap_err();
        assert_eq!(held.wait_ms(), Some(2000));
        assert_eq!(ledger.acquire(&waits(after(3000)), after(3000), BOUNDS).unwrap().fence, 2);

        let ahead = ledger.acquire(&fixed(7), after(3000), BOUNDS).unwrap();
        assert_eq!((ahead.from, ahead.fence), (after(6000), 3));
        let renewed = ledger.renew(&first, after(9000), after(3000), BOUNDS);
        assert!(matches!(renewed, Err(LeaseError::TakenOver { fence: 1, newer: 3, .. })));
    }

    /// By the store's clock alone each of the two would find the other's grant ended, take
    /// the node id over, and drive its mark on with each turn.
    #[test]
    fn a_holder_whose_clock_is_behind_is_there_for_one_whose_clock_is_too() {
        let mut ledger = Ledger::new();
        let behind = Request { now: UnixMillis(NOW.0 - 30_000), ..fixed(7) };
        let first = ledger.acquire(&behind, NOW, BOUNDS).unwrap();
        let second = ledger.acquire(&behind, NOW, BOUNDS).unwrap();
        assert_eq!((first.fence, second.from), (1, first.until));

        // The first, told that it was taken over, asks whether the other is gone.
        let again = Request { successor: Successor::Waits, ..behind };
        let held = ledger.acquire(&again, NOW, BOUNDS).unwrap_err();
        assert!(matches!(held, LeaseError::Held { until, .. } if until == second.until), "{held}");
        assert_eq!(held.wait_ms(), Some(6000));
    }

    #[test]
    fn no_mark_goes_further_past_the_stores_clock_than_the_bounds() {
        let mut ledger = Ledger::new();
        let year = UnixMillis(NOW.0 + 365 * 86_400_000);
        let request = Request { now: year, ..fixed(7) };
        let refused = ledger.acquire(&request, NOW, BOUNDS).unwrap_err();
        assert_eq!(refused.wait_ms(), Some(365 * 86_400_000 + 3000 - 7000));
        assert_eq!(ledger, Ledger::new());

        // 3000 of 7000 ms each: the third in a row is one too many, for 2000 ms.
        for crashes in 0..2 {
            let lease = ledger.acquire(&fixed(7), NOW, BOUNDS).unwrap();
            assert_eq!(lease.from, after(3000 * crashes));
        }
        assert_eq!(ledger.acquire(&fixed(7), NOW, BOUNDS).unwrap_err().wait_ms(), Some(2000));
        ledger.acquire(&fixed(7), after(2000), BOUNDS).unwrap();

        let long = Request { grant_ms: 5001, ..fixed(8) };
        assert!(matches!(
            ledger.acquire(&long, NOW, BOUNDS),
            Err(LeaseError::GrantTooLong { asked_ms: 5001, max_ms: 5000 })
        ));
    }

    #[test]
    fn a_damaged_fence_is_refused_and_repaired_by_a_reset() {
        for fence in [FENCE_MAX, u64::MAX] {
            let mut ledger = Ledger::new();
            let lease = ledger.acquire(&any(), NOW, BOUNDS).unwrap();
            ledger.release(&lease, NOW).unwrap();
            let record = ledger.get(lease.node).unwrap().clone();
            ledger.insert(lease.node, Record { fence, ..record });
            let refused = ledger.acquire(&fixed(0), NOW, BOUNDS).unwrap_err();
            assert!(matches!(refused, LeaseError::NoFenceLeft { .. }), "{refused}");
            assert!(refused.to_string().contains("snowflake lease reset"), "{refused}");
            // It does not get in the way of others.
            assert_eq!(ledger.acquire(&any(), NOW, BOUNDS).unwrap().node, node(1));

            ledger.reset(lease.node, NOW);
            let repaired = ledger.acquire(&fixed(0), NOW, BOUNDS).unwrap().fence;
            assert!((lease.fence + 1..FENCE_MAX).contains(&repaired), "{repaired}");
        }
    }

    #[test]
    fn of_a_holders_name_one_short_line_is_kept() {
        let mut ledger = Ledger::new();
        let holder = format!("pod\n\0\u{1b}{}", "é".repeat(300));
        ledger.acquire(&Request { holder, ..fixed(7) }, NOW, BOUNDS).unwrap();
        let kept = &ledger.get(node(7)).unwrap().holder;
        assert_eq!(*kept, format!("pod   {}", "é".repeat(HOLDER_CHARS - 6)));
    }

    #[test]
    fn a_reset_ends_the_holding() {
        let mut ledger = Ledger::new();
        let lease = ledger.acquire(&fixed(7), NOW, BOUNDS).unwrap();
        ledger.reset(node(7), after(9));
        assert!(ledger.renew(&lease, after(4000), NOW, BOUNDS).is_err());
        assert_eq!(ledger.acquire(&fixed(7), NOW, BOUNDS).unwrap().from, after(9));
    }
}
