//! What a store keeps durably.

use crate::UnixMillis;

/// What a store keeps about one node ID.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaseRecord {
    /// How many holders the node ID has had.
    pub fencing_token: u64,
    /// The start of the last grant.
    pub from: UnixMillis,
    /// The end of the last grant. No ID was ever issued at or after it, and no later grant
    /// starts before it.
    ///
    /// Percolator's timestamp oracle allocates its timestamps this way (Peng and Dabek, OSDI
    /// 2010).
    pub high_water_mark: UnixMillis,
    /// Whether the last holder has not released the node ID.
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
