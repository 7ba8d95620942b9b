//! The durable record of a node ID.

use crate::UnixMillis;

/// The durable record of a node ID in a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaseRecord {
    /// The number of holders that the node ID has had.
    pub fencing_token: u64,
    /// The start of the last grant.
    pub from: UnixMillis,
    /// The end of the last grant. No ID was ever issued at or after it, and no later grant
    /// starts before it.
    ///
    /// Percolator's timestamp oracle allocates its timestamps this way (Peng and Dabek, OSDI
    /// 2010).
    pub high_water_mark: UnixMillis,
    /// `true` unless the last holder has released the node ID. A holder that has crashed still
    /// counts.
    pub held: bool,
    /// The last holder's name.
    pub holder: String,
}

impl LeaseRecord {
    /// Returns `true` if a holder may be issuing IDs at `now`.
    pub fn is_held_at(&self, now: UnixMillis) -> bool {
        self.held && self.high_water_mark > now
    }
}
