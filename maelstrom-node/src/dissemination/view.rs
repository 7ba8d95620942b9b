//! Who has how much, for a workload whose protocol rests on it.

use super::peer::Peer;
use super::stream::{Digest, Origin};

/// What this node has, and what it knows of what others have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(super) mine: Origin,
    pub(super) have: &'a Digest,
    pub(super) peers: &'a [Peer],
}

impl<'a> View<'a> {
    /// The stream of this node's present life.
    pub(crate) fn mine(&self) -> Origin {
        self.mine
    }

    /// What this node has.
    pub(crate) fn have(&self) -> &'a Digest {
        self.have
    }

    /// The other nodes, by place.
    pub(crate) fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let me = usize::from(self.mine.node);
        (0..self.peers.len()).filter(move |place| *place != me)
    }

    /// The life that a node was last heard from in.
    pub(crate) fn life(&self, place: usize) -> Option<Origin> {
        let incarnation = self.peers[place].life()?;
        Some(Origin { node: u16::try_from(place).ok()?, incarnation })
    }

    /// What a node has, as it said in that life.
    pub(crate) fn has(&self, place: usize) -> &'a Digest {
        &self.peers[place].has
    }

    /// Whether a node has heard from this node's present life.
    pub(crate) fn knows_me(&self, place: usize) -> bool {
        self.peers[place].knows_me
    }

    /// How many nodes there are.
    pub(crate) fn nodes(&self) -> usize {
        self.peers.len()
    }

    /// How many nodes are a majority.
    pub(crate) fn majority(&self) -> usize {
        self.nodes() / 2 + 1
    }

    /// How many of the other nodes are a majority of them.
    pub(crate) fn majority_of_others(&self) -> usize {
        (self.nodes() - 1) / 2 + 1
    }
}
