//! A read-only view of digests, for workloads with a quorum protocol.

use super::peers::Peers;
use super::stream::{Digest, Origin};

/// The digest of this node, and the last known digests of its peers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(super) mine: Origin,
    pub(super) have: &'a Digest,
    pub(super) peers: &'a Peers,
}

impl<'a> View<'a> {
    /// Returns the stream of this node's present incarnation.
    pub(crate) fn mine(&self) -> Origin {
        self.mine
    }

    /// Returns the digest of this node.
    pub(crate) fn have(&self) -> &'a Digest {
        self.have
    }

    /// Returns the indices of the other nodes.
    pub(crate) fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let me = usize::from(self.mine.node);
        (0..self.peers.len()).filter(move |index| *index != me)
    }

    /// Returns the stream of a node's last known incarnation.
    pub(crate) fn present(&self, index: usize) -> Option<Origin> {
        let incarnation = self.peers[index].incarnation()?;
        Some(Origin { node: u16::try_from(index).ok()?, incarnation })
    }

    /// Returns the items that the peer's present incarnation has acknowledged.
    pub(crate) fn has(&self, index: usize) -> &'a Digest {
        &self.peers[index].has
    }

    /// Returns `true` if a node has received a message from this node's present incarnation.
    pub(crate) fn knows_me(&self, index: usize) -> bool {
        self.peers[index].knows_me
    }

    /// Returns the number of nodes.
    pub(crate) fn nodes(&self) -> usize {
        self.peers.len()
    }

    /// Returns the number of nodes in a majority.
    pub(crate) fn majority(&self) -> usize {
        self.nodes() / 2 + 1
    }

    /// Returns the size of a majority of the other nodes.
    pub(crate) fn majority_of_others(&self) -> usize {
        (self.nodes() - 1) / 2 + 1
    }
}
