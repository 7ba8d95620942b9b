//! The settings of a keeper.

use std::fmt;
use std::thread;
use std::time::Duration;

use super::log::Log;
use super::renewal::Renewal;
use crate::clock::since_boot;
use crate::lease::random::{random, with_jitter};
use crate::lease::rules::shortest_grant_ms;
use crate::lease::{
    AcquireRequest, Grant, Keeper, LeaseError, LeaseStore, ManualKeeper, ReleaseRequest,
    StoreError, StoreErrorKind, Takeover,
};
use crate::{Builder, Clock, Generator, NodeId};

/// The function that reads the boot clock. A test replaces it to simulate a suspend.
pub(super) type BootClock = Box<dyn Fn() -> Duration + Send + Sync>;

/// The settings of a [`Keeper`], from [`Keeper::builder`].
#[must_use = "a builder holds no node ID until `start`"]
pub struct KeeperBuilder {
    store: Box<dyn LeaseStore>,
    node: Option<NodeId>,
    holder: String,
    grant_ms: u64,
    takeover: Takeover,
    start_timeout_ms: u64,
    /// The settings of the generator, for any node ID.
    generator: Builder,
    pub(super) boot_clock: BootClock,
}

impl fmt::Debug for KeeperBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeeperBuilder")
            .field("node", &self.node)
            .field("holder", &self.holder)
            .field("grant_ms", &self.grant_ms)
            .field("takeover", &self.takeover)
            .field("start_timeout_ms", &self.start_timeout_ms)
            .finish_non_exhaustive()
    }
}

impl KeeperBuilder {
    pub(super) fn new(store: Box<dyn LeaseStore>) -> KeeperBuilder {
        let epoch = store.id_format().epoch;
        KeeperBuilder {
            store,
            node: None,
            holder: this_process(),
            grant_ms: 3000,
            takeover: Takeover::default(),
            start_timeout_ms: 10_000,
            generator: Builder::new(NodeId::MIN, epoch),
            boot_clock: Box::new(since_boot),
        }
    }

    /// Sets the node ID to hold. The default is any free one.
    pub fn node(mut self, node: NodeId) -> KeeperBuilder {
        self.node = Some(node);
        self
    }

    /// Sets the name of this holder; the default is the host name and the process ID.
    pub fn holder(mut self, name: impl Into<String>) -> KeeperBuilder {
        self.holder = name.into();
        self
    }

    /// Sets how far past the clock a grant may end, in milliseconds; the default is 3000.
    ///
    /// The keeper renews every third of it. Without the store, IDs continue for at least two
    /// thirds of it. After a crash the next holder starts [ahead](Takeover::Immediate) of its
    /// clock by at most this time, or [waits](Takeover::AfterExpiry) for it. Values below 3
    /// count as 3.
    ///
    /// While the clock catches up after a crash, IDs continue for at least a quarter of it, and the
    /// generator issues at most 2,048,000 IDs per second.
    pub fn grant_ms(mut self, ms: u64) -> KeeperBuilder {
        self.grant_ms = ms.max(3);
        self
    }

    /// Sets the policy for a node ID that the last holder has not released, as after a crash.
    pub fn takeover(mut self, takeover: Takeover) -> KeeperBuilder {
        self.takeover = takeover;
        self
    }

    /// Sets how long [`start`](KeeperBuilder::start) may wait for a node ID, in milliseconds;
    /// the default is 10,000.
    ///
    /// It waits if the store reports [how long](LeaseError::retry_after), as for a node ID that is
    /// held, or if all node IDs are held. After a request that has [failed](StoreErrorKind::Failed)
    /// it tries again after a random pause, on average four times as often as it would renew. If the
    /// store has executed that request, a node ID is held for one grant, and no process has it.
    pub fn start_timeout_ms(mut self, ms: u64) -> KeeperBuilder {
        self.start_timeout_ms = ms;
        self
    }

    /// Sets [`Builder::max_ahead_ms`] of the generator, up to five sixths of
    /// [`grant_ms`](KeeperBuilder::grant_ms).
    ///
    /// Larger values count as that limit: a renewal adds at least a sixth of `grant_ms` after the
    /// last timestamp, and no grant ends more than `grant_ms` past the clock. For more IDs in one
    /// `reserve`, raise both settings. A generator at full load that cannot reach its store issues
    /// IDs for up to `max_ahead_ms` less time.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::lease::{GrantLimits, Keeper, MemoryStore};
    /// use snowflake::{Epoch, SystemClock};
    ///
    /// let store = MemoryStore::new(Epoch::Y2024, GrantLimits::default());
    /// let keeper = Keeper::builder(store).max_ahead_ms(2).start(SystemClock)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_ahead_ms(mut self, ms: u64) -> KeeperBuilder {
        self.generator = self.generator.max_ahead_ms(ms);
        self
    }

    /// Sets [`Builder::max_wait_ms`] of the generator.
    pub fn max_wait_ms(mut self, ms: u64) -> KeeperBuilder {
        self.generator = self.generator.max_wait_ms(ms);
        self
    }

    /// Sets [`Builder::frozen_clock_ms`] of the generator.
    pub fn frozen_clock_ms(mut self, ms: u64) -> KeeperBuilder {
        self.generator = self.generator.frozen_clock_ms(ms);
        self
    }

    /// Sets [`Builder::first_sequence_spread`] of the generator.
    pub fn first_sequence_spread(mut self, max: u16) -> KeeperBuilder {
        self.generator = self.generator.first_sequence_spread(max);
        self
    }

    /// Acquires the node ID, waits for it if necessary, and starts to renew it.
    ///
    /// # Errors
    ///
    /// - As the store's [`acquire`](LeaseStore::acquire).
    /// - [`LeaseError::BeforeEpoch`] or [`LeaseError::Build`] if the clock is before the epoch.
    /// - [`LeaseError::InvalidGrant`] if the store's grant does not fit the request.
    /// - [`LeaseError::Store`] if the keeper's thread does not start. The node ID is released.
    pub fn start<C: Clock + Send + Sync + 'static>(
        self,
        clock: C,
    ) -> Result<Keeper<C>, LeaseError> {
        let grant = self.acquire(&clock)?;
        let generator = self.generator_of(grant, clock)?;
        let KeeperBuilder { store, holder, grant_ms, boot_clock, .. } = self;
        let renewal = Renewal { grant_ms, holder };
        Keeper::start(store, generator, renewal, grant, boot_clock).map_err(|cause| {
            let kind = StoreErrorKind::Failed { doing: "starting the keeper's thread" };
            StoreError::new("of this process", kind).because(cause).into()
        })
    }

    /// Acquires the node ID for a caller that renews the lease without a thread.
    ///
    /// The call does not wait for the node ID, whatever
    /// [`start_timeout_ms`](KeeperBuilder::start_timeout_ms) is. If the error has a time in
    /// [`retry_after`](LeaseError::retry_after), start again after that time.
    ///
    /// # Errors
    ///
    /// As [`start`](KeeperBuilder::start).
    pub fn start_manual<C: Clock>(self, clock: C) -> Result<ManualKeeper<C>, LeaseError> {
        let grant = self.store.acquire(&self.request(&clock))?;
        let generator = self.generator_of(grant, clock)?;
        let KeeperBuilder { store, holder, grant_ms, .. } = self;
        Ok(ManualKeeper::new(store, generator, Renewal { grant_ms, holder }, grant))
    }

    /// Builds the generator of a grant. If that fails, it releases the node ID.
    fn generator_of<C: Clock>(&self, grant: Grant, clock: C) -> Result<Generator<C>, LeaseError> {
        let format = self.store.id_format();
        // A renewal adds at least the shortest grant after the timeline. With a timeline further
        // ahead, renewals would advance the mark by more than a grant past the clock.
        let max_ahead_ms = self.grant_ms - shortest_grant_ms(self.grant_ms);
        let builder = self.generator.for_node(grant.node);
        let builder = builder.max_ahead_ms(builder.ahead.max_ahead_ms.min(max_ahead_ms));
        let built = grant
            .check(&self.request(&clock), format)
            .and_then(|()| Ok(builder.build_leased(grant.from, grant.until, clock)?));
        if built.is_err() {
            // No ID was issued. If this fails too, the node ID becomes free at the grant's end.
            let _ = self.store.release(&ReleaseRequest::at(&grant, grant.from));
        }
        built
    }

    fn request(&self, clock: &impl Clock) -> AcquireRequest {
        AcquireRequest {
            node: self.node,
            now: clock.now(),
            grant_ms: self.grant_ms,
            holder: self.holder.clone(),
            takeover: self.takeover,
        }
    }

    fn acquire(&self, clock: &impl Clock) -> Result<Grant, LeaseError> {
        let start = (self.boot_clock)();
        let limit = start.saturating_add(Duration::from_millis(self.start_timeout_ms));
        loop {
            let error = match self.store.acquire(&self.request(clock)) {
                Ok(grant) => return Ok(grant),
                Err(error) => error,
            };
            let Some(wait) = self.wait_after(&error) else { return Err(error) };
            if (self.boot_clock)().saturating_add(wait) > limit {
                return Err(error);
            }
            Log::wait(&error, wait);
            thread::sleep(wait);
        }
    }

    /// Returns the time to wait before the next request of a start, if there is to be one.
    pub(super) fn wait_after(&self, error: &LeaseError) -> Option<Duration> {
        let failed = matches!(error, LeaseError::Store(error)
            if matches!(error.kind(), StoreErrorKind::Failed { .. }));
        // Processes that start together would overload a slow server together, again and again.
        let retry = || with_jitter(Duration::from_millis(self.grant_ms) / 12, random());
        let wait = error.retry_after().or_else(|| failed.then(retry))?;
        Some(wait.max(Duration::from_millis(1)))
    }
}

/// Returns the host name and the process ID, so that an operator can find the process.
fn this_process() -> String {
    let id = std::process::id();
    #[cfg(unix)]
    return format!("{}:{id}", rustix::system::uname().nodename().to_string_lossy());
    #[cfg(not(unix))]
    return format!("process {id}");
}
