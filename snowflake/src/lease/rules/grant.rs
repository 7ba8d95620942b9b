//! A grant, and how long the next one is.

use core::fmt;

use crate::lease::{AcquireRequest, IdFormat, LeaseError};
use crate::{NodeId, UnixMillis};

/// The right to issue IDs of one node ID with timestamps in `[from, until)`.
///
/// No two grants of a node ID have a millisecond in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The node ID.
    pub node: NodeId,
    /// The first millisecond of the grant.
    pub from: UnixMillis,
    /// The first millisecond after the grant.
    pub until: UnixMillis,
    /// The number of holders that the node ID has had, including this one.
    ///
    /// A store rejects requests of a holder whose fencing token is not the newest. See Martin
    /// Kleppmann, "How to do distributed locking" (2016).
    pub fencing_token: u64,
}

impl Grant {
    /// Checks a store's answer to `request` before a generator is built on it.
    pub(crate) fn check(
        &self,
        request: &AcquireRequest,
        format: IdFormat,
    ) -> Result<(), LeaseError> {
        let epoch = format.epoch.start();
        if self.until <= epoch {
            return Err(LeaseError::BeforeEpoch { node: self.node, until: self.until, epoch });
        }
        if request.node.is_some_and(|node| node != self.node) || self.from >= self.until {
            return Err(LeaseError::InvalidGrant { grant: *self });
        }
        Ok(())
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Grant { node, from, until, fencing_token } = self;
        write!(f, "node ID {node} from {from} until {until}, fencing token {fencing_token}")
    }
}

/// Returns the length of the shortest first grant that a request for `grant_ms` gets: a sixth.
///
/// While the clock catches up, timestamps advance at half its pace. So this grant lasts for a third
/// of `grant_ms`, which is the time between two renewals.
pub(crate) const fn shortest_grant_ms(grant_ms: u64) -> u64 {
    if grant_ms < 6 { 1 } else { grant_ms / 6 }
}
