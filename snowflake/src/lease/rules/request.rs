//! The requests of a holder. Each is a struct, so that a store cannot swap two times.

use crate::lease::{Grant, LeaseError};
use crate::{NodeId, UnixMillis};

/// A request to become the holder of a node ID.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcquireRequest {
    /// The node ID, or `None` for any that is free.
    pub node: Option<NodeId>,
    /// The time by the requester's clock.
    pub now: UnixMillis,
    /// The latest end of the grant, in milliseconds after `now`.
    pub grant_ms: u64,
    /// The requester's name, which `snowflake lease status` shows. The store keeps its first
    /// 256 characters and replaces control characters by spaces.
    pub holder: String,
    /// The policy for a node ID that the last holder has not released.
    pub takeover: Takeover,
}

impl AcquireRequest {
    /// Creates a request with the default takeover policy.
    pub fn new(
        node: Option<NodeId>,
        now: UnixMillis,
        grant_ms: u64,
        holder: impl Into<String>,
    ) -> AcquireRequest {
        let (holder, takeover) = (holder.into(), Takeover::default());
        AcquireRequest { node, now, grant_ms, holder, takeover }
    }
}

/// The policy for the rest of a grant that was not released, as after a crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Takeover {
    /// Takes over immediately, and starts ahead of its clock by the rest of the old grant.
    ///
    /// Timestamps then advance at half the pace of the clock until the clock has caught up. A
    /// previous holder that still runs issues IDs until its grant ends.
    #[default]
    Immediate,
    /// Waits until the old grant has ended. A previous holder that still runs keeps the node
    /// ID for as long as it renews.
    AfterExpiry,
}

/// A holder's request for the time after its last grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenewRequest {
    /// The node ID.
    pub node: NodeId,
    /// The holder's fencing token.
    pub fencing_token: u64,
    /// The time by the holder's clock, for stores that have no clock.
    pub now: UnixMillis,
    /// The end of the requested grant.
    pub until: UnixMillis,
}

impl RenewRequest {
    /// Creates the request of the holder of `grant` for the time up to `until`.
    pub fn after(grant: &Grant, now: UnixMillis, until: UnixMillis) -> RenewRequest {
        RenewRequest { node: grant.node, fencing_token: grant.fencing_token, now, until }
    }
}

/// A holder's request to give its node ID back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReleaseRequest {
    /// The node ID.
    pub node: NodeId,
    /// The holder's fencing token.
    pub fencing_token: u64,
    /// The new high-water mark, if it is lower than the recorded one.
    ///
    /// The holder has issued no ID at or after it and never will. It is not before the first
    /// grant with this fencing token.
    pub high_water_mark: UnixMillis,
}

impl ReleaseRequest {
    /// Creates the request of the holder of `grant` to lower the high-water mark.
    pub fn at(grant: &Grant, high_water_mark: UnixMillis) -> ReleaseRequest {
        let Grant { node, fencing_token, .. } = *grant;
        ReleaseRequest { node, fencing_token, high_water_mark }
    }
}

/// An operator's request to set a high-water mark by hand.
///
/// **IDs at or above the mark can be issued again**, so it is after every issued ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResetRequest {
    /// The new high-water mark.
    pub high_water_mark: UnixMillis,
    /// `true` to accept a mark below the recorded one.
    pub lowers: bool,
}

impl ResetRequest {
    /// Creates a request that fails if the recorded mark is higher.
    pub const fn raise_to(high_water_mark: UnixMillis) -> ResetRequest {
        ResetRequest { high_water_mark, lowers: false }
    }

    /// Creates a request that raises the recorded mark or lowers it.
    pub const fn set_to(high_water_mark: UnixMillis) -> ResetRequest {
        ResetRequest { high_water_mark, lowers: true }
    }

    /// Checks the request for a node ID with the `recorded` mark.
    pub(crate) fn check(&self, node: NodeId, recorded: UnixMillis) -> Result<(), LeaseError> {
        let requested = self.high_water_mark;
        if self.lowers || requested >= recorded {
            return Ok(());
        }
        Err(LeaseError::LowersMark { node, recorded, requested })
    }
}
