//! The keeper without a thread.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::KeeperStatus;
use super::lease::Lease;
use super::renewal::Renewal;
use crate::clock::ForkGeneration;
use crate::lease::{Grant, LeaseError, LeaseStore, ReleaseRequest};
use crate::{Clock, Generator, SystemClock};

/// A keeper without a thread: the caller renews the lease.
///
/// It suits programs with an event loop of their own, and simulations. It never sleeps, and reads
/// no clock except the generator's. With a [`ManualClock`](crate::ManualClock) a test therefore
/// runs in virtual time.
///
/// Call [`renew`](ManualKeeper::renew) when [`renew_after`](ManualKeeper::renew_after) has passed.
/// After a late call the generator returns [`LeaseEnded`](crate::ClaimError::LeaseEnded) until the
/// renewal, and issues no ID outside its grants.
///
/// A drop ends the generator and does not release the node ID: the next holder finds it as after a
/// crash. Call [`release`](ManualKeeper::release) at the end.
///
/// # Examples
///
/// ```
/// use snowflake::lease::{GrantLimits, Keeper, MemoryStore};
/// use snowflake::{Epoch, ManualClock, UnixMillis};
///
/// let store = MemoryStore::new(Epoch::Y2024, GrantLimits::default());
/// let clock = ManualClock::new(UnixMillis(1_795_177_540_000));
/// let mut keeper = Keeper::builder(store).start_manual(clock.clone())?;
///
/// for _ in 0..60 {
///     clock.advance(keeper.renew_after().as_millis() as u64);
///     keeper.renew()?;
///     keeper.generator().try_next_id()?;
/// }
/// keeper.release()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ManualKeeper<C: Clock = SystemClock> {
    store: Box<dyn LeaseStore>,
    generator: Arc<Generator<C>>,
    renewal: Renewal,
    lease: Lease,
    status: KeeperStatus,
    renew_after: Duration,
    fork_generation: ForkGeneration,
}

impl<C: Clock> ManualKeeper<C> {
    pub(super) fn new(
        store: Box<dyn LeaseStore>,
        generator: Generator<C>,
        renewal: Renewal,
        grant: Grant,
    ) -> ManualKeeper<C> {
        let lease = Lease::new(grant);
        ManualKeeper {
            store,
            renew_after: renewal.pause(&lease, &Ok(true), &generator),
            generator: Arc::new(generator),
            renewal,
            lease,
            status: KeeperStatus::new(grant),
            fork_generation: ForkGeneration::current(),
        }
    }

    /// Returns the generator. Clone the [`Arc`] to where IDs are needed.
    pub fn generator(&self) -> &Arc<Generator<C>> {
        &self.generator
    }

    /// Returns the time from the start or the last renewal to the next one.
    pub fn renew_after(&self) -> Duration {
        self.renew_after
    }

    /// Renews the lease, unless it already has the time that a renewal would add.
    ///
    /// The call waits for the store. An early call is harmless.
    ///
    /// # Errors
    ///
    /// A [`LeaseError`] if the store has not renewed the lease, or may not have. The generator
    /// issues IDs until its grants end. Call again after
    /// [`renew_after`](ManualKeeper::renew_after). [`LeaseError::Forked`] in a forked child,
    /// because the parent still holds the node ID.
    pub fn renew(&mut self) -> Result<(), LeaseError> {
        self.check_process()?;
        let (lease, result) = self.renewal.renew(self.lease, &*self.store, &self.generator);
        self.renew_after = self.renewal.pause(&lease, &result, &self.generator);
        self.lease = lease;
        self.status.record(lease.current, &result);
        result.map(|_| ())
    }

    /// Returns the state of the keeper.
    pub fn status(&self) -> &KeeperStatus {
        &self.status
    }

    /// Ends the generator and releases the node ID. The next holder can start right after the last
    /// ID.
    ///
    /// The call waits for the store.
    ///
    /// # Errors
    ///
    /// A [`LeaseError`] if the store has not released the node ID, or may not have. The next
    /// holder then finds the node ID as after a crash. [`LeaseError::Forked`] in a forked child.
    pub fn release(self) -> Result<(), LeaseError> {
        self.check_process()?;
        let mark = self.lease.release_mark(self.generator.seal());
        self.store.release(&ReleaseRequest::at(&self.lease.current, mark))
    }

    fn check_process(&self) -> Result<(), LeaseError> {
        if self.fork_generation.is_forked() { Err(LeaseError::Forked) } else { Ok(()) }
    }
}

impl<C: Clock> fmt::Debug for ManualKeeper<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualKeeper")
            .field("generator", &self.generator)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl<C: Clock> Drop for ManualKeeper<C> {
    fn drop(&mut self) {
        if !self.fork_generation.is_forked() {
            self.generator.seal();
        }
    }
}
