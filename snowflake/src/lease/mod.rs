//! Time-range leases of node ids.

mod error;
#[cfg(unix)]
mod file;
mod grant;
mod ledger;
mod memory;
mod namespace;
mod store;

pub use error::{LeaseError, Problem, StoreError};
#[cfg(unix)]
pub use file::FileStore;
pub use grant::{Lease, Record, Request, Successor};
pub use ledger::Ledger;
pub use memory::MemoryStore;
pub use namespace::{Bounds, Namespace};
pub use store::LeaseStore;
