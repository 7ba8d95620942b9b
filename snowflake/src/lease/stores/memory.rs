//! A store that keeps nothing durably, for tests.

use parking_lot::Mutex;

use crate::lease::{
    AcquireRequest, Grant, GrantLimits, IdFormat, LeaseError, LeaseRecord, LeaseStore, LeaseTable,
    ReleaseRequest, RenewRequest, ResetRequest,
};
use crate::{Epoch, NodeId, UnixMillis};

/// A store in memory, for tests: it serves one process and ends with it.
///
/// It has no clock, and uses the requester's.
#[derive(Debug)]
pub struct MemoryStore {
    format: IdFormat,
    limits: GrantLimits,
    table: Mutex<LeaseTable>,
}

impl MemoryStore {
    /// Creates a store in which no node ID was ever held.
    pub const fn new(epoch: Epoch, limits: GrantLimits) -> MemoryStore {
        let format = IdFormat::new(epoch);
        MemoryStore { format, limits, table: Mutex::new(LeaseTable::new()) }
    }
}

impl LeaseStore for MemoryStore {
    fn id_format(&self) -> IdFormat {
        self.format
    }

    fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError> {
        self.table.lock().acquire(request, request.now, self.limits)
    }

    fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError> {
        self.table.lock().renew(request, request.now, self.limits)
    }

    fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError> {
        self.table.lock().release(request)
    }

    fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError> {
        Ok(self.table.lock().iter().map(|(node, record)| (node, record.clone())).collect())
    }

    fn reset(
        &self,
        node: NodeId,
        request: &ResetRequest,
    ) -> Result<Option<UnixMillis>, LeaseError> {
        self.table.lock().reset(node, request)
    }
}
