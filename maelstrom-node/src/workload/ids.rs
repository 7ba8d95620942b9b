//! The source of IDs for workloads.

use std::fmt;

use snowflake::{ClaimError, Clock, Generator, Id};

/// The ID generator of the node, whatever its clock is.
pub(crate) trait IdGenerator: fmt::Debug + Send + Sync {
    /// Returns the next ID. Never waits.
    fn try_next_id(&self) -> Result<Id, ClaimError>;
}

impl<C: Clock + fmt::Debug + Send + Sync> IdGenerator for Generator<C> {
    fn try_next_id(&self) -> Result<Id, ClaimError> {
        Generator::try_next_id(self)
    }
}
