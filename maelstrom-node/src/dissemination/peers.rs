//! All peers of a node, and indexes of their state.
//!
//! A cluster may have a thousand nodes. A node must not visit every peer for each message, because
//! the cost of an event would grow with the number of nodes. The indexes answer the questions that
//! concern all peers: whose timer is next, which link is the slowest, and which peers rely on this
//! node. [`PeerMut`] updates them after each change of a peer.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut, Index};
use std::time::Duration;

use super::peer::Peer;
use crate::base::Time;

/// The peers of a node, by index in the sorted names. The entry of the node itself is not used.
#[derive(Debug)]
pub(crate) struct Peers {
    all: Vec<Peer>,
    /// The peers with a timer, by its time.
    due: BTreeSet<(Time, usize)>,
    /// The measured links to responsive peers, by their time on an idle network.
    bases: BTreeSet<(Duration, usize)>,
    /// The same links, by how much longer they take at present.
    latenesses: BTreeSet<(Duration, usize)>,
    followers: BTreeSet<usize>,
    /// The peers without a planned acknowledgement.
    without_acknowledgement: BTreeSet<usize>,
    /// The peers without a planned retransmission.
    without_retransmission: BTreeSet<usize>,
}

/// The indexed state of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Indexed {
    due: Option<Time>,
    /// The base and the lateness of the link, if they are measured and the peer is responsive.
    link: Option<(Duration, Duration)>,
    follows: bool,
    has_acknowledgement: bool,
    has_retransmission: bool,
}

impl Indexed {
    fn new(peer: &Peer) -> Indexed {
        let rest = peer.rest.map(|(due, _)| due);
        let timers = [peer.retransmit_at, peer.acknowledge_at, rest];
        let link = &peer.round_trip;
        let counts = link.is_measured() && !peer.is_in_repair();
        Indexed {
            due: timers.into_iter().flatten().min(),
            link: counts.then(|| (link.base(), link.lateness())),
            follows: peer.follows,
            has_acknowledgement: peer.acknowledge_at.is_some(),
            has_retransmission: peer.retransmit_at.is_some(),
        }
    }
}

impl Peers {
    pub(crate) fn new(nodes: usize, me: usize) -> Peers {
        let others = || (0..nodes).filter(|index| *index != me).collect();
        Peers {
            all: std::iter::repeat_with(Peer::default).take(nodes).collect(),
            due: BTreeSet::new(),
            bases: BTreeSet::new(),
            latenesses: BTreeSet::new(),
            followers: BTreeSet::new(),
            without_acknowledgement: others(),
            without_retransmission: others(),
        }
    }

    /// Returns the number of nodes, including this one.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Peer> {
        self.all.iter()
    }

    /// Returns a peer for a change. The indexes are updated when the result is dropped.
    pub(crate) fn change(&mut self, index: usize) -> PeerMut<'_> {
        let before = Indexed::new(&self.all[index]);
        PeerMut { peers: self, index, before }
    }

    /// Returns the time of the next timer of any peer.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Returns the peers with a timer that is due, in order of their indexes.
    pub(crate) fn due(&self, now: Time) -> BTreeSet<usize> {
        self.due.range(..=(now, usize::MAX)).map(|(_, index)| *index).collect()
    }

    /// Returns the longest base and the longest lateness of the links to responsive peers.
    pub(crate) fn slowest_links(&self) -> Option<(Duration, Duration)> {
        Some((self.bases.last()?.0, self.latenesses.last()?.0))
    }

    /// Returns the peers that rely on this node to pass on new items.
    pub(crate) fn followers(&self) -> &BTreeSet<usize> {
        &self.followers
    }

    /// Returns the peers without a planned acknowledgement.
    pub(crate) fn without_acknowledgement(&self) -> &BTreeSet<usize> {
        &self.without_acknowledgement
    }

    /// Returns the peers without a planned retransmission.
    pub(crate) fn without_retransmission(&self) -> &BTreeSet<usize> {
        &self.without_retransmission
    }

    fn update(&mut self, index: usize, before: Indexed, after: Indexed) {
        if before == after {
            return;
        }
        if before.due != after.due {
            before.due.map(|due| self.due.remove(&(due, index)));
            after.due.map(|due| self.due.insert((due, index)));
        }
        if before.link != after.link {
            if let Some((base, lateness)) = before.link {
                self.bases.remove(&(base, index));
                self.latenesses.remove(&(lateness, index));
            }
            if let Some((base, lateness)) = after.link {
                self.bases.insert((base, index));
                self.latenesses.insert((lateness, index));
            }
        }
        put(&mut self.followers, index, after.follows);
        put(&mut self.without_acknowledgement, index, !after.has_acknowledgement);
        put(&mut self.without_retransmission, index, !after.has_retransmission);
    }
}

/// Adds an index to a set, or removes it.
fn put(set: &mut BTreeSet<usize>, index: usize, belongs: bool) {
    if belongs {
        set.insert(index);
    } else {
        set.remove(&index);
    }
}

impl Index<usize> for Peers {
    type Output = Peer;

    fn index(&self, index: usize) -> &Peer {
        &self.all[index]
    }
}

/// A peer that may be changed.
#[derive(Debug)]
pub(crate) struct PeerMut<'a> {
    peers: &'a mut Peers,
    index: usize,
    before: Indexed,
}

impl Deref for PeerMut<'_> {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peers.all[self.index]
    }
}

impl DerefMut for PeerMut<'_> {
    fn deref_mut(&mut self) -> &mut Peer {
        &mut self.peers.all[self.index]
    }
}

impl Drop for PeerMut<'_> {
    fn drop(&mut self) {
        let after = Indexed::new(&self.peers.all[self.index]);
        self.peers.update(self.index, self.before, after);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::send::Selection;
    use super::*;

    const NODES: usize = 5;
    const ME: usize = 2;

    /// Changes one field of a peer.
    fn change(peers: &mut Peers, index: usize, field: u8, value: u64) {
        let mut peer = peers.change(index);
        let time = Some(Time(value % 4)).filter(|time| *time > Time(0));
        match field {
            0 => peer.retransmit_at = time,
            1 => peer.acknowledge_at = time,
            2 => peer.rest = time.map(|due| (due, Selection::New)),
            3 => peer.follows = value % 2 == 1,
            4 => peer.unanswered = (value % 2) as u32,
            _ => peer.round_trip.sample(Time(value), Duration::from_millis(value), Duration::ZERO),
        }
    }

    proptest! {
        /// The oracle looks at all peers.
        #[test]
        fn the_indexes_give_the_answers_of_a_look_at_all_peers(
            changes in prop::collection::vec((0..NODES - 1, 0u8..6, 0u64..500), 0..60),
            now in 0u64..4,
        ) {
            let others = |index: &usize| *index != ME;
            let mut peers = Peers::new(NODES, ME);
            for (nth, field, value) in changes {
                let index = (0..NODES).filter(others).nth(nth).expect("a peer");
                change(&mut peers, index, field, value);
            }
            let timers = |peer: &Peer| {
                let rest = peer.rest.map(|(due, _)| due);
                [peer.retransmit_at, peer.acknowledge_at, rest].into_iter().flatten().min()
            };
            let that = |holds: &dyn Fn(&Peer) -> bool| {
                BTreeSet::from_iter((0..NODES).filter(others).filter(|index| holds(&peers[*index])))
            };
            prop_assert_eq!(peers.deadline(), peers.iter().filter_map(timers).min());
            let now = Time(now);
            let is_due = |peer: &Peer| timers(peer).is_some_and(|due| due <= now);
            prop_assert_eq!(peers.due(now), that(&is_due));
            prop_assert_eq!(peers.followers(), &that(&|peer| peer.follows));
            prop_assert_eq!(peers.without_acknowledgement(), &that(&|peer| peer.acknowledge_at.is_none()));
            prop_assert_eq!(peers.without_retransmission(), &that(&|peer| peer.retransmit_at.is_none()));
            let links = || {
                let responsive = peers.iter().filter(|peer| !peer.is_in_repair());
                responsive.map(|peer| peer.round_trip).filter(|link| link.is_measured())
            };
            let base = links().map(|link| link.base()).max();
            let lateness = links().map(|link| link.lateness()).max();
            prop_assert_eq!(peers.slowest_links(), base.zip(lateness));
        }
    }
}
