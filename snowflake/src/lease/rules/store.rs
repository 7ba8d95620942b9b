//! The operations of a store.

use crate::lease::{
    AcquireRequest, Grant, IdFormat, LeaseError, LeaseRecord, ReleaseRequest, RenewRequest,
    ResetRequest,
};
use crate::{NodeId, UnixMillis};

/// A store that keeps a durable high-water mark for each node ID and grants time above it.
///
/// To implement it for your own database, use [`LeaseTable`](crate::lease::LeaseTable): in
/// one transaction, load the records into a table, call it, and write what changed.
/// Uniqueness rests on three rules:
///
/// 1. A grant starts at or above the high-water mark. The store **durably** advances the mark
///    to the grant's end before it returns the grant. If a write may have failed, the store
///    returns an error.
/// 2. Only the holder with the newest fencing token renews and releases.
/// 3. Only that holder's [`release`](LeaseStore::release), and an operator's
///    [`reset`](LeaseStore::reset), lower a mark.
///
/// The methods block for as long as the store takes. Each must give up by itself within a few
/// seconds. While a call blocks, the keeper does not renew, and IDs end with the grant.
pub trait LeaseStore: Send + Sync {
    /// Returns the format of the store's IDs.
    fn id_format(&self) -> IdFormat;

    /// Makes the requester the holder of a node ID, with a first grant.
    ///
    /// # Errors
    ///
    /// As [`LeaseTable::acquire`](crate::lease::LeaseTable::acquire). After
    /// [`LeaseError::Store`] the node ID may have been acquired, and its grant is lost.
    fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError>;

    /// Grants the holder the time from the high-water mark to the requested end. One round trip.
    ///
    /// # Errors
    ///
    /// As [`LeaseTable::renew`](crate::lease::LeaseTable::renew). After [`LeaseError::Store`]
    /// the mark may have advanced, and the next renewal grants time from there.
    fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError>;

    /// Releases the node ID, and lowers the high-water mark to the requested one if that is lower.
    ///
    /// # Errors
    ///
    /// As [`LeaseTable::release`](crate::lease::LeaseTable::release). After
    /// [`LeaseError::Store`] the node ID may have been released.
    fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError>;

    /// Returns the records of all node IDs that were ever held, in order.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`].
    fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError>;

    /// Returns the record of a node ID, if it was ever held.
    ///
    /// A store that can read one record overrides this method, so that a damaged record of another
    /// node ID is not an error.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`].
    fn record(&self, node: NodeId) -> Result<Option<LeaseRecord>, LeaseError> {
        let found = self.records()?.into_iter().find(|(id, _)| *id == node);
        Ok(found.map(|(_, record)| record))
    }

    /// Sets a high-water mark by hand. Returns the former mark, if the node ID was ever held.
    ///
    /// **IDs at or above the new mark can be issued again.** The store compares the marks in the
    /// transaction that writes the new one, because a holder may raise the mark at any time.
    ///
    /// Stop the holder of the node ID first. A running holder issues IDs until its grant ends. At
    /// its next renewal it acquires the node ID again, unless another process holds it by then.
    ///
    /// # Errors
    ///
    /// As [`LeaseTable::reset`](crate::lease::LeaseTable::reset), and [`LeaseError::Store`].
    fn reset(&self, node: NodeId, request: &ResetRequest)
    -> Result<Option<UnixMillis>, LeaseError>;
}

macro_rules! store_through {
    ($($pointer:ty),*) => {$(
        impl<S: LeaseStore + ?Sized> LeaseStore for $pointer {
            fn id_format(&self) -> IdFormat {
                (**self).id_format()
            }

            fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError> {
                (**self).acquire(request)
            }

            fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError> {
                (**self).renew(request)
            }

            fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError> {
                (**self).release(request)
            }

            fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError> {
                (**self).records()
            }

            fn record(&self, node: NodeId) -> Result<Option<LeaseRecord>, LeaseError> {
                (**self).record(node)
            }

            fn reset(
                &self,
                node: NodeId,
                request: &ResetRequest,
            ) -> Result<Option<UnixMillis>, LeaseError> {
                (**self).reset(node, request)
            }
        }
    )*};
}

store_through!(&S, Box<S>, std::sync::Arc<S>);
