//! What a store does.

use crate::lease::{Lease, LeaseError, Namespace, Record, Request};
use crate::{NodeId, UnixMillis};

/// Keeps a durable high-water mark for each node id, and grants time above it.
///
/// Implement it for a database of your own with the rules of [`Ledger`](crate::lease::Ledger):
/// load the records into one, ask it, and write what it changed, in one transaction.
/// All that uniqueness rests on is:
///
/// 1. A grant begins at or above the mark, and the mark is at its end **durably**
///    before the grant is returned. What may or may not have been written is not granted.
/// 2. Only the holder with the newest fence renews and releases.
/// 3. Only [`release`](LeaseStore::release) by that holder, and an operator's
///    [`reset`](LeaseStore::reset), lower a mark.
///
/// The methods block for as long as the store takes; each should give up by itself
/// well within a grant.
pub trait LeaseStore: Send + Sync {
    /// What the store's holders have in common.
    fn namespace(&self) -> Namespace;

    /// Makes the caller the holder of a node id, with a first grant.
    ///
    /// # Errors
    ///
    /// [`LeaseError`] as [`Ledger::acquire`](crate::lease::Ledger::acquire), and
    /// [`LeaseError::Store`]: then the node id may have been acquired, for nobody.
    fn acquire(&self, request: &Request) -> Result<Lease, LeaseError>;

    /// Grants `lease`'s holder the time from the mark to `until`. One round trip.
    ///
    /// `now` is the time by the holder's clock, for stores that have none.
    ///
    /// # Errors
    ///
    /// [`LeaseError`] as [`Ledger::renew`](crate::lease::Ledger::renew), and
    /// [`LeaseError::Store`]: then the mark may have moved, and the next renewal grants
    /// time from there.
    fn renew(&self, lease: &Lease, now: UnixMillis, until: UnixMillis)
    -> Result<Lease, LeaseError>;

    /// Ends the holding of `lease` and lowers the mark to `mark`, or leaves a lower one: the
    /// holder has made no ID at or after it, and never will. Nor did any other: `mark` is not
    /// before the first grant that the holder got with this fence.
    ///
    /// # Errors
    ///
    /// [`LeaseError`] as [`Ledger::release`](crate::lease::Ledger::release), and
    /// [`LeaseError::Store`]: then the node id may have been released.
    fn release(&self, lease: &Lease, mark: UnixMillis) -> Result<(), LeaseError>;

    /// The records of all node ids that were ever held, in order.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`].
    fn records(&self) -> Result<Vec<(NodeId, Record)>, LeaseError>;

    /// Sets a mark by hand. **A mark below an ID that was made lets that ID be made again.**
    ///
    /// Whoever holds the node id is told at its next renewal, and makes IDs until its
    /// grant ends: stop it first.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`].
    fn reset(&self, node: NodeId, mark: UnixMillis) -> Result<(), LeaseError>;
}

macro_rules! store_through {
    ($($pointer:ty),*) => {$(
        impl<S: LeaseStore + ?Sized> LeaseStore for $pointer {
            fn namespace(&self) -> Namespace {
                (**self).namespace()
            }

            fn acquire(&self, request: &Request) -> Result<Lease, LeaseError> {
                (**self).acquire(request)
            }

            fn renew(
                &self,
                lease: &Lease,
                now: UnixMillis,
                until: UnixMillis,
            ) -> Result<Lease, LeaseError> {
                (**self).renew(lease, now, until)
            }

            fn release(&self, lease: &Lease, mark: UnixMillis) -> Result<(), LeaseError> {
                (**self).release(lease, mark)
            }

            fn records(&self) -> Result<Vec<(NodeId, Record)>, LeaseError> {
                (**self).records()
            }

            fn reset(&self, node: NodeId, mark: UnixMillis) -> Result<(), LeaseError> {
                (**self).reset(node, mark)
            }
        }
    )*};
}

store_through!(&S, Box<S>, std::sync::Arc<S>);
