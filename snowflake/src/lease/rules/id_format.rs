//! The ID format, which all holders of one store share.

use core::fmt;

use crate::Epoch;
use crate::layout::{NODE_BITS, SEQUENCE_BITS, TIMESTAMP_BITS};
use crate::lease::LeaseError;

/// The epoch and the layout of the IDs of one store.
///
/// With two epochs, or two layouts, two grants that do not overlap could still yield the same
/// IDs. A store records the format when it is created, and rejects every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdFormat {
    /// The instant that timestamps count from.
    pub epoch: Epoch,
    /// The widths of timestamp, node ID and sequence, in bits.
    pub layout: [u32; 3],
}

impl IdFormat {
    /// Creates the format of this version's IDs with `epoch`.
    pub const fn new(epoch: Epoch) -> IdFormat {
        IdFormat { epoch, layout: [TIMESTAMP_BITS, NODE_BITS, SEQUENCE_BITS] }
    }

    /// Checks that `self`, which a store has recorded, is `ours`.
    ///
    /// # Errors
    ///
    /// [`LeaseError::IdFormatMismatch`] with both.
    pub fn check(self, ours: IdFormat) -> Result<(), LeaseError> {
        if self == ours {
            return Ok(());
        }
        Err(LeaseError::IdFormatMismatch { recorded: self, ours })
    }
}

impl IdFormat {
    /// Returns the format for `epoch`, or without one for the epoch that `self` has recorded.
    ///
    /// # Errors
    ///
    /// As [`check`](IdFormat::check).
    #[cfg(any(feature = "etcd", feature = "postgres"))]
    pub(crate) fn for_epoch(self, epoch: Option<Epoch>) -> Result<IdFormat, LeaseError> {
        let ours = IdFormat::new(epoch.unwrap_or(self.epoch));
        self.check(ours)?;
        Ok(ours)
    }
}

impl fmt::Display for IdFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [timestamp, node, sequence] = self.layout;
        let epoch = self.epoch.start();
        write!(f, "epoch {epoch}, layout {timestamp} + {node} + {sequence} bits")
    }
}
