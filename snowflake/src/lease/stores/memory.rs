//! A store that forgets, for tests.

use parking_lot::Mutex;

use crate::lease::{Bounds, Lease, LeaseError, LeaseStore, Ledger, Namespace, Record, Request};
use crate::{Epoch, NodeId, UnixMillis};

/// A store in memory, for tests: it keeps holders of one process apart and forgets all with it.
///
/// It goes by the clock of whoever asks.
#[derive(Debug)]
pub struct MemoryStore {
    namespace: Namespace,
    bounds: Bounds,
    ledger: Mutex<Ledger>,
}

impl MemoryStore {
    /// A store in which no node id was ever held.
    pub const fn new(epoch: Epoch, bounds: Bounds) -> MemoryStore {
        let namespace = Namespace::new(epoch);
        MemoryStore { namespace, bounds, ledger: Mutex::new(Ledger::new()) }
    }
}

impl LeaseStore for MemoryStore {
    fn namespace(&self) -> Namespace {
        self.namespace
    }

    fn acquire(&self, request: &Request) -> Result<Lease, LeaseError> {
        self.ledger.lock().acquire(request, request.now, self.bounds)
    }

    fn renew(
        &self,
        lease: &Lease,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<Lease, LeaseError> {
        self.ledger.lock().renew(lease, until, now, self.bounds)
    }

    fn release(&self, lease: &Lease, mark: UnixMillis) -> Result<(), LeaseError> {
        self.ledger.lock().release(lease, mark)
    }

    fn records(&self) -> Result<Vec<(NodeId, Record)>, LeaseError> {
        Ok(self.ledger.lock().iter().map(|(node, record)| (node, record.clone())).collect())
    }

    fn reset(&self, node: NodeId, mark: UnixMillis) -> Result<(), LeaseError> {
        self.ledger.lock().reset(node, mark);
        Ok(())
    }
}
