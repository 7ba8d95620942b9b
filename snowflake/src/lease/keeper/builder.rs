//! The settings of a keeper.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use crate::lease::renewal::Renewal;
use crate::lease::{
    Keeper, Lease, LeaseError, LeaseStore, Problem, Request, StoreError, Successor,
};
use crate::{Builder, Clock, Generator, NodeId};

/// The settings of a [`Keeper`], from [`Keeper::builder`].
#[must_use = "a builder holds no node id until `start`"]
pub struct KeeperBuilder {
    store: Box<dyn LeaseStore>,
    node: Option<NodeId>,
    holder: String,
    grant_ms: u64,
    successor: Successor,
    start_within: Duration,
    settings: Box<dyn FnOnce(Builder) -> Builder>,
}

impl fmt::Debug for KeeperBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeeperBuilder")
            .field("node", &self.node)
            .field("holder", &self.holder)
            .field("grant_ms", &self.grant_ms)
            .field("successor", &self.successor)
            .field("start_within", &self.start_within)
            .finish_non_exhaustive()
    }
}

impl KeeperBuilder {
    pub(super) fn new(store: Box<dyn LeaseStore>) -> KeeperBuilder {
        KeeperBuilder {
            store,
            node: None,
            holder: this_process(),
            grant_ms: 3000,
            successor: Successor::default(),
            start_within: Duration::from_secs(10),
            settings: Box::new(|builder| builder),
        }
    }

    /// The node id to hold. The default is any that is free.
    pub fn node(mut self, node: NodeId) -> KeeperBuilder {
        self.node = Some(node);
        self
    }

    /// What the store and other holders know this one by; the default is host and process.
    pub fn holder(mut self, name: impl Into<String>) -> KeeperBuilder {
        self.holder = name.into();
        self
    }

    /// The length of a grant, in milliseconds, of which a third is the time between two
    /// renewals; the default is 3000.
    ///
    /// IDs go on for two thirds of it, at least, when the store is gone; and after a crash
    /// the successor [runs ahead](Successor::RunsAhead) of its clock, or
    /// [waits](Successor::Waits), for all of it, at most. Less than 3 is taken for 3.
    pub fn grant_ms(mut self, ms: u64) -> KeeperBuilder {
        self.grant_ms = ms.max(3);
        self
    }

    /// What to do about a holder that has not released the node id, as after a crash.
    pub fn successor(mut self, successor: Successor) -> KeeperBuilder {
        self.successor = successor;
        self
    }

    /// How long [`start`](KeeperBuilder::start) may wait for a node id that cannot be had
    /// yet; the default is 10 s. It waits only if the store says for how long.
    pub fn start_within(mut self, patience: Duration) -> KeeperBuilder {
        self.start_within = patience;
        self
    }

    /// Changes the settings of the generator.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::lease::{Bounds, Keeper, MemoryStore};
    /// use snowflake::{Epoch, SystemClock};
    ///
    /// let store = MemoryStore::new(Epoch::Y2024, Bounds::default());
    /// let keeper = Keeper::builder(store)
    ///     .generator(|generator| generator.max_ahead_ms(2))
    ///     .start(SystemClock)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn generator(mut self, settings: impl FnOnce(Builder) -> Builder + 'static) -> Self {
        self.settings = Box::new(settings);
        self
    }

    /// Acquires the node id, waiting for it if need be, and starts to renew it.
    ///
    /// # Errors
    ///
    /// [`LeaseError`] as the store's [`acquire`](LeaseStore::acquire), and
    /// [`LeaseError::Build`] if the clock is before the epoch.
    pub fn start<C: Clock + Send + Sync + 'static>(
        self,
        clock: C,
    ) -> Result<Keeper<C>, LeaseError> {
        let lease = self.acquire(&clock)?;
        let KeeperBuilder { store, holder, grant_ms, successor, settings, .. } = self;
        let mut builder = settings(Generator::builder(lease.node, store.namespace().epoch));
        if successor == Successor::RunsAhead {
            let rest_ms = lease.from.0.saturating_sub(clock.now().0);
            builder.max_ahead_ms = builder.max_ahead_ms.saturating_add(rest_ms);
        }
        let renewal = Renewal { grant_ms, holder };
        match builder.build_leased(&lease, clock) {
            Ok(generator) => Keeper::start(store, generator, renewal, lease).map_err(|error| {
                let doing = "starting the keeper's thread";
                StoreError::new("of this process", Problem::Failed { doing }).because(error).into()
            }),
            Err(error) => {
                // It has made no ID. If this fails too, the node id is free when the grant ends.
                let _ = store.release(&lease, lease.from);
                Err(error.into())
            }
        }
    }

    fn acquire(&self, clock: &impl Clock) -> Result<Lease, LeaseError> {
        let begun = Instant::now();
        loop {
            let request = Request {
                node: self.node,
                now: clock.now(),
                grant_ms: self.grant_ms,
                holder: self.holder.clone(),
                successor: self.successor,
            };
            let refused = match self.store.acquire(&request) {
                Ok(lease) => return Ok(lease),
                Err(refused) => refused,
            };
            let Some(wait_ms) = refused.wait_ms() else { return Err(refused) };
            let wait = Duration::from_millis(wait_ms.max(1));
            if begun.elapsed().saturating_add(wait) > self.start_within {
                return Err(refused);
            }
            thread::sleep(wait);
        }
    }
}

/// Host and process: what an operator needs to find it.
fn this_process() -> String {
    let id = std::process::id();
    #[cfg(unix)]
    return format!("{}:{id}", rustix::system::uname().nodename().to_string_lossy());
    #[cfg(not(unix))]
    return format!("process {id}");
}
