//! What all holders of one store must have in common.

use core::fmt;

use crate::layout::{NODE_BITS, SEQUENCE_BITS, TIMESTAMP_BITS};
use crate::lease::LeaseError;
use crate::{Epoch, UnixMillis};

/// What all holders of one store must have in common: with two epochs, or two layouts,
/// two grants that do not overlap could still make the same IDs.
///
/// A store records it when it is first used and refuses whoever differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Namespace {
    /// The instant that timestamps count from.
    pub epoch: Epoch,
    /// Widths of timestamp, node id and sequence, in bits.
    pub layout: [u32; 3],
}

impl Namespace {
    /// The namespace of this version's IDs with `epoch`.
    pub const fn new(epoch: Epoch) -> Namespace {
        Namespace { epoch, layout: [TIMESTAMP_BITS, NODE_BITS, SEQUENCE_BITS] }
    }

    /// Refuses `self`, which a store has recorded, unless it is `ours`.
    ///
    /// # Errors
    ///
    /// [`LeaseError::OtherNamespace`] with both.
    pub fn expect(self, ours: Namespace) -> Result<(), LeaseError> {
        if self == ours {
            return Ok(());
        }
        Err(LeaseError::OtherNamespace { recorded: self, ours })
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [timestamp, node, sequence] = self.layout;
        write!(f, "epoch {}, layout {timestamp} + {node} + {sequence} bits", self.epoch)
    }
}

/// How far into the future a store lets a mark go.
///
/// A grant must end by the store's clock plus [`ahead_ms`](Bounds::ahead_ms): a process
/// whose clock is a year ahead must not burn its node id for a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The longest grant, in milliseconds; the default is 60 s.
    pub max_grant_ms: u64,
    /// How far the holder's clock may be ahead of the store's, in milliseconds; the default
    /// is 10 s.
    pub max_skew_ms: u64,
}

impl Bounds {
    /// How far past the store's clock a grant may end, in milliseconds: both bounds together.
    pub const fn ahead_ms(self) -> u64 {
        self.max_grant_ms.saturating_add(self.max_skew_ms)
    }

    /// The latest end of a grant at `now`.
    pub(crate) const fn latest(self, now: UnixMillis) -> UnixMillis {
        UnixMillis(now.0.saturating_add(self.ahead_ms()))
    }
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { max_grant_ms: 60_000, max_skew_ms: 10_000 }
    }
}
