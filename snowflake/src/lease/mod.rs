//! Time-range leases of node ids.

mod builder;
mod error;
#[cfg(unix)]
mod file;
mod grant;
mod keeper;
mod ledger;
mod memory;
mod namespace;
mod renewal;
mod store;

pub use builder::KeeperBuilder;
pub use error::{LeaseError, Problem, StoreError};
#[cfg(unix)]
pub use file::FileStore;
pub use grant::{Lease, Record, Request, Successor};
pub use keeper::{Keeper, KeeperStatus};
pub use ledger::Ledger;
pub use memory::MemoryStore;
pub use namespace::{Bounds, Namespace};
pub use store::LeaseStore;
