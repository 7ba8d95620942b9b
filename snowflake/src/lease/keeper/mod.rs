//! The keeper: holds a node ID, and renews its lease in the background.

mod builder;
mod lease;
mod log;
mod manual;
mod renewal;
mod status;
#[cfg(test)]
mod tests;

use std::fmt;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use self::builder::BootClock;
pub use self::builder::KeeperBuilder;
use self::lease::Lease;
use self::log::Log;
pub use self::manual::ManualKeeper;
use self::renewal::Renewal;
pub use self::status::KeeperStatus;
use crate::clock::ForkGeneration;
use crate::lease::{Grant, LeaseError, LeaseStore, ReleaseRequest, StoreError, StoreErrorKind};
use crate::{Clock, Generator, LeaseEnd, SystemClock};

/// The holder of a node ID, which renews its lease in the background.
///
/// Its [`generator`](Keeper::generator) issues IDs inside the grants, and returns
/// [`LeaseEnded`](crate::ClaimError::LeaseEnded) after the last one. The keeper retries until a
/// renewal succeeds. Then the generator issues IDs again. It retries four times as often as it
/// renews. While another process holds the node ID, the pauses double up to eight intervals.
///
/// Call [`release`](Keeper::release) at the end. A drop does not wait: the generator issues no more
/// IDs, and a thread tries to release the node ID. If the process ends before the release, the next
/// holder finds the node ID as after a crash.
///
/// In a forked child the keeper does nothing. Start another one there.
///
/// # Examples
///
/// ```
/// use snowflake::lease::{FileStore, GrantLimits, Keeper};
/// use snowflake::{Epoch, NodeId, SystemClock};
///
/// # let temp = tempfile::tempdir()?;
/// # let directory = temp.path().join("ids");
/// # drop(FileStore::create(&directory, Epoch::Y2024, GrantLimits::default())?);
/// let store = FileStore::open(&directory, Epoch::Y2024, GrantLimits::default())?;
/// let keeper = Keeper::builder(store).node(NodeId::new(7)?).start(SystemClock)?;
///
/// let id = keeper.generator().next_id()?;
/// assert_eq!(id.parts().node, 7);
///
/// // When the service stops:
/// keeper.release()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Keeper<C: Clock = SystemClock> {
    /// `release` and `drop` take this. A forked child does not touch it: a lock that another thread
    /// held stays locked there, and a connection belongs to the parent.
    inner: Option<Inner<C>>,
    generator: Arc<Generator<C>>,
    fork_generation: ForkGeneration,
}

struct Inner<C> {
    shared: Arc<Shared<C>>,
    thread: JoinHandle<()>,
}

struct Shared<C> {
    store: Box<dyn LeaseStore>,
    generator: Arc<Generator<C>>,
    renewal: Renewal,
    boot_clock: BootClock,
    state: Mutex<State>,
    /// Notified when the keeper has to stop.
    stop: Condvar,
}

struct State {
    lease: Lease,
    status: KeeperStatus,
    stop: Option<Stop>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// Leaves the release to the caller.
    Now,
    /// Releases the node ID, then stops.
    Release,
}

/// The longest wait in one piece. A wait does not count suspends of the machine, so the
/// keeper notices a resume at most this late.
const MAX_WAIT_SLICE: Duration = Duration::from_millis(100);

impl Keeper {
    /// Creates the settings of a keeper. All settings except the store have a default.
    pub fn builder(store: impl LeaseStore + 'static) -> KeeperBuilder {
        KeeperBuilder::new(Box::new(store))
    }
}

impl<C: Clock + Send + Sync + 'static> Keeper<C> {
    fn start(
        store: Box<dyn LeaseStore>,
        generator: Generator<C>,
        renewal: Renewal,
        grant: Grant,
        boot_clock: BootClock,
    ) -> std::io::Result<Keeper<C>> {
        let generator = Arc::new(generator);
        let status = KeeperStatus::new(grant);
        let state = State { lease: Lease::new(grant), status, stop: None };
        let shared = Arc::new(Shared {
            store,
            generator: Arc::clone(&generator),
            renewal,
            boot_clock,
            state: Mutex::new(state),
            stop: Condvar::new(),
        });
        // The due time is computed here, because the thread may start late, as after a suspend.
        let pause = shared.renewal.pause(&Lease::new(grant), &Ok(true), &generator);
        let due = (shared.boot_clock)().saturating_add(pause);
        let thread = thread::Builder::new().name("snowflake-keeper".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.keep(due)
        });
        let thread = thread.inspect_err(|_| {
            // If this fails too, the node ID becomes free at the grant's end.
            let _ = shared.release();
        })?;
        let inner = Some(Inner { shared, thread });
        Ok(Keeper { inner, generator, fork_generation: ForkGeneration::current() })
    }
}

impl<C: Clock> Keeper<C> {
    /// Returns the generator. Clone the [`Arc`] to where IDs are needed.
    pub fn generator(&self) -> &Arc<Generator<C>> {
        &self.generator
    }

    /// Ends the generator and releases the node ID. The next holder can start right after the last
    /// ID.
    ///
    /// The call waits for the store.
    ///
    /// # Errors
    ///
    /// A [`LeaseError`] if the store has not released the node ID, or may not have. The next
    /// holder then finds the node ID as after a crash. [`LeaseError::Forked`] in a forked child,
    /// because the parent still holds the node ID.
    pub fn release(mut self) -> Result<(), LeaseError> {
        if self.fork_generation.is_forked() {
            return Err(LeaseError::Forked);
        }
        let Some(inner) = self.inner.take() else { return Ok(()) };
        inner.shared.stop(Stop::Now);
        // The thread catches panics. If it ended by one, the node ID would be released
        // nevertheless.
        let _ = inner.thread.join();
        inner.shared.release()
    }

    /// Returns the state of the keeper, or `None` in a forked child.
    pub fn status(&self) -> Option<KeeperStatus> {
        let inner = self.inner.as_ref().filter(|_| !self.fork_generation.is_forked())?;
        Some(inner.shared.state.lock().status.clone())
    }
}

impl<C: Clock> fmt::Debug for Keeper<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("generator", &self.generator)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl<C: Clock> Drop for Keeper<C> {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else { return };
        if self.fork_generation.is_forked() {
            mem::forget(inner);
            return;
        }
        self.generator.seal();
        inner.shared.stop(Stop::Release);
    }
}

impl<C> Shared<C> {
    fn stop(&self, stop: Stop) {
        self.state.lock().stop = Some(stop);
        self.stop.notify_all();
    }

    /// Waits until the boot clock reads `due`, or until the keeper has to stop.
    fn wait_until(&self, due: Duration) -> Option<Stop> {
        let mut state = self.state.lock();
        loop {
            let left = due.saturating_sub((self.boot_clock)());
            if state.stop.is_some() || left.is_zero() {
                return state.stop;
            }
            self.stop.wait_for(&mut state, left.min(MAX_WAIT_SLICE));
        }
    }
}

impl<C: Clock> Shared<C> {
    /// Runs the keeper's thread, whose first renewal is at `due`.
    fn keep(&self, mut due: Duration) {
        let mut log = Log::new();
        loop {
            match self.wait_until(due) {
                None => {}
                Some(Stop::Now) => return,
                Some(Stop::Release) => {
                    // No caller is left to receive an error.
                    return self.release().unwrap_or_else(|error| Log::failed_release(&error));
                }
            }
            // The store, the clock and the subscriber of the log are the caller's, and may panic.
            // The lock is free while they run, and the generator consists of atomics.
            let renewed = panic::catch_unwind(AssertUnwindSafe(|| self.renew(&mut log)));
            due = renewed.unwrap_or_else(|_| self.record_panic());
        }
    }

    /// Renews the lease, and records and logs the result. Returns when the next renewal is due.
    fn renew(&self, log: &mut Log) -> Duration {
        let lease = self.state.lock().lease;
        // The lock is free during the renewal, because `status` must not wait for the store.
        let (lease, result) = self.renewal.renew(lease, &*self.store, &self.generator);
        let is_stopping = {
            let mut state = self.state.lock();
            state.lease = lease;
            state.status.record(lease.current, &result);
            state.stop.is_some()
        };
        let pause = self.renewal.pause(&lease, &result, &self.generator);
        let due = (self.boot_clock)().saturating_add(pause);
        // A generator that is sealed for the stop looks as if its lease had ended.
        if !is_stopping {
            // The lock is free, because what receives the log may call `status`.
            log.renewal(&lease, &result, &self.generator, (self.boot_clock)());
        }
        due
    }

    /// Records a panic as a failed renewal. Returns when the next one is due.
    fn record_panic(&self) -> Duration {
        self.generator.set_lease_end(LeaseEnd::StoreFailed);
        let kind = StoreErrorKind::Failed { doing: "renewing" };
        let cause = std::io::Error::other("the store, the clock or the log subscriber panicked");
        let error = StoreError::new("of this process", kind).because(cause);
        let mut state = self.state.lock();
        let grant = state.lease.current;
        state.status.record(grant, &Err(error.into()));
        (self.boot_clock)().saturating_add(self.renewal.retry_interval())
    }

    /// Seals the generator, and then lowers the high-water mark to the end of the time in which
    /// this generator or another holder has issued IDs.
    fn release(&self) -> Result<(), LeaseError> {
        let sealed = self.generator.seal();
        let lease = self.state.lock().lease;
        self.store.release(&ReleaseRequest::at(&lease.current, lease.release_mark(sealed)))
    }
}
