//! The state of a keeper, for its user.

use crate::lease::{Grant, LeaseError};

/// The state of a keeper, from [`Keeper::status`](crate::lease::Keeper::status).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeeperStatus {
    /// The current grant, with the later ones that continue it.
    pub grant: Grant,
    /// The number of renewals.
    pub renewals: u64,
    /// The number of failed renewals.
    pub failures: u64,
    /// Why the last renewal failed, if it did.
    pub error: Option<LeaseError>,
}

impl KeeperStatus {
    pub(super) fn new(grant: Grant) -> KeeperStatus {
        KeeperStatus { grant, renewals: 0, failures: 0, error: None }
    }

    /// Records the result of a renewal, which is `Ok(false)` if none was necessary.
    pub(super) fn record(&mut self, grant: Grant, result: &Result<bool, LeaseError>) {
        self.grant = grant;
        match result {
            Ok(true) => self.renewals += 1,
            Ok(false) => {}
            Err(_) => self.failures += 1,
        }
        self.error = result.as_ref().err().cloned();
    }
}
