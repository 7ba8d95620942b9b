//! What is asked of a store, and what it gives.

use core::fmt;

use crate::{NodeId, UnixMillis};

/// A grant: the right to make IDs of one node id with timestamps in `[from, until)`.
///
/// No other grant of that node id has a millisecond in common with it, ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The node id.
    pub node: NodeId,
    /// The first millisecond.
    pub from: UnixMillis,
    /// The first millisecond that is not part of it.
    pub until: UnixMillis,
    /// How many holders the node id has had, this one included. A holder whose fence
    /// is no longer the store's has been taken over from.
    pub fence: u64,
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lease { node, from, until, fence } = self;
        write!(f, "node id {node} from {from} until {until}, fence {fence}")
    }
}

/// A wish to become the holder of a node id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The node id, or `None` for any that is free.
    pub node: Option<NodeId>,
    /// The time by the clock of whoever asks.
    pub now: UnixMillis,
    /// How much time to grant, in milliseconds.
    pub grant_ms: u64,
    /// Who asks: what `snowflake lease status` shows. Its first 256 characters are kept,
    /// control characters as spaces.
    pub holder: String,
    /// What to do about a holder that has not released the node id.
    pub successor: Successor,
}

/// What the next holder of a node id does about the rest of a grant that was not released,
/// as after a crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Successor {
    /// Takes over at once, and runs ahead of its clock by what is left of the old grant.
    /// A holder that is still there makes IDs until its grant ends, and is then told.
    #[default]
    RunsAhead,
    /// Waits until the old grant has ended. A holder that is still there keeps the
    /// node id for as long as it renews.
    Waits,
}

/// What a store keeps about one node id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// How many holders the node id has had.
    pub fence: u64,
    /// Where the last grant begins.
    pub from: UnixMillis,
    /// The high-water mark: no ID was ever made at or after it. Where the next grant begins.
    pub mark: UnixMillis,
    /// Whether the last holder has not released the node id.
    pub held: bool,
    /// The last holder, as it called itself.
    pub holder: String,
}

impl Record {
    /// Whether a holder may be making IDs at `now`.
    pub fn is_held_at(&self, now: UnixMillis) -> bool {
        self.held && self.mark > now
    }
}
