//! The rules for grants, without I/O: no clock, no thread and no durable state.

mod advice;
mod error;
mod grant;
mod id_format;
mod limits;
mod record;
mod request;
mod store;
mod store_error;
mod table;

pub use error::LeaseError;
pub use grant::Grant;
pub use id_format::IdFormat;
pub use limits::GrantLimits;
pub use record::LeaseRecord;
pub use request::{AcquireRequest, ReleaseRequest, RenewRequest, ResetRequest, Takeover};
pub use store::LeaseStore;
pub use store_error::{StoreError, StoreErrorKind};
pub use table::LeaseTable;

pub(super) use grant::shortest_grant_ms;
#[cfg(feature = "etcd")]
pub(super) use table::Choice;
