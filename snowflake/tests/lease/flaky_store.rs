//! A store in memory whose failures a test controls.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use snowflake::lease::{
    AcquireRequest, Grant, GrantLimits, IdFormat, LeaseError, LeaseRecord, LeaseStore, MemoryStore,
    ReleaseRequest, RenewRequest, ResetRequest, StoreError, StoreErrorKind,
};
use snowflake::{Epoch, NodeId, UnixMillis};

/// A store in memory that can be unreachable or lose its answers.
pub(crate) struct FlakyStore {
    pub(crate) store: MemoryStore,
    pub(crate) mode: AtomicU8,
    /// The number of requests.
    pub(crate) calls: AtomicU64,
    /// Runs before the next failure of an unreachable store.
    pub(crate) hang: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

pub(crate) const WORKS: u8 = 0;
pub(crate) const UNREACHABLE: u8 = 1;
/// Executes a request, and then returns an error.
pub(crate) const LOSES_ANSWERS: u8 = 2;
pub(crate) const PANICS: u8 = 3;

impl FlakyStore {
    pub(crate) fn new() -> Arc<FlakyStore> {
        let store = MemoryStore::new(Epoch::Y2024, GrantLimits::default());
        let (mode, calls) = (AtomicU8::new(WORKS), AtomicU64::new(0));
        Arc::new(FlakyStore { store, mode, calls, hang: Mutex::default() })
    }

    fn call<T>(
        &self,
        execute: impl FnOnce(&MemoryStore) -> Result<T, LeaseError>,
    ) -> Result<T, LeaseError> {
        let failed = || {
            let kind = StoreErrorKind::Failed { doing: "the test" };
            Err(StoreError::new("in memory", kind).into())
        };
        self.calls.fetch_add(1, SeqCst);
        match self.mode.load(SeqCst) {
            UNREACHABLE => {
                let hang = self.hang.lock().unwrap().take();
                hang.into_iter().for_each(|hang| hang());
                failed()
            }
            PANICS => panic!("the store of a test panics"),
            LOSES_ANSWERS => execute(&self.store).and_then(|_| failed()),
            _ => execute(&self.store),
        }
    }

    pub(crate) fn high_water_mark(&self, id: u16) -> UnixMillis {
        let records = self.store.records().unwrap();
        records.iter().find(|(node, _)| node.get() == id).unwrap().1.high_water_mark
    }
}

impl LeaseStore for FlakyStore {
    fn id_format(&self) -> IdFormat {
        self.store.id_format()
    }

    fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError> {
        self.call(|store| store.acquire(request))
    }

    fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError> {
        self.call(|store| store.renew(request))
    }

    fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError> {
        self.call(|store| store.release(request))
    }

    fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError> {
        self.call(|store| store.records())
    }

    fn reset(
        &self,
        node: NodeId,
        request: &ResetRequest,
    ) -> Result<Option<UnixMillis>, LeaseError> {
        self.call(|store| store.reset(node, request))
    }
}
