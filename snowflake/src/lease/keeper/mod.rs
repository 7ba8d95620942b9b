//! The keeper: holds a node id, and renews it ahead of time.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::fork;
use crate::lease::renewal::{Holding, Renewal};
use crate::lease::{KeeperBuilder, Lease, LeaseError, LeaseStore};
use crate::{Clock, Generator, SystemClock};

/// Holds a node id for as long as it lives, and renews it in the background.
///
/// Its [`generator`](Keeper::generator) makes IDs inside the grants it gets, and says
/// [`LeaseEnded`](crate::ClaimError::LeaseEnded) when there is none. When the store is
/// back, so are the IDs: nothing has to be done.
///
/// Call [`release`](Keeper::release) at the end. Dropping it does as much as can be done
/// without waiting: the generator makes no more IDs, and a thread tries to release the
/// node id. If the process ends before that, the next one finds the node id as after a crash.
///
/// In a forked child it does nothing: start another one there.
///
/// # Examples
///
/// ```
/// use snowflake::lease::{Bounds, FileStore, Keeper};
/// use snowflake::{Epoch, NodeId, SystemClock};
///
/// # let temp = tempfile::tempdir()?;
/// # let folder = temp.path().join("ids");
/// # drop(FileStore::create(&folder, Epoch::Y2024, Bounds::default())?);
/// let store = FileStore::open(&folder, Epoch::Y2024, Bounds::default())?;
/// let keeper = Keeper::builder(store).node(NodeId::new(7)?).start(SystemClock)?;
///
/// let id = keeper.generator().next_id()?;
/// assert_eq!(id.parts().node, 7);
///
/// // When the service is told to stop:
/// keeper.release()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Keeper<C: Clock = SystemClock> {
    /// Taken out by `release` and `drop`, and left alone in a forked child, where another
    /// thread's lock may be held for ever and a connection is still the parent's.
    inner: Option<Inner<C>>,
    generator: Arc<Generator<C>>,
    born: u32,
}

struct Inner<C> {
    shared: Arc<Shared<C>>,
    thread: JoinHandle<()>,
}

struct Shared<C> {
    store: Box<dyn LeaseStore>,
    generator: Arc<Generator<C>>,
    renewal: Renewal,
    state: Mutex<State>,
    /// Notified when the keeper is to stop.
    stop: Condvar,
}

struct State {
    holding: Holding,
    status: KeeperStatus,
    stop: Option<Stop>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// Leave the release to whoever asked.
    Now,
    /// Release the node id, then stop.
    Release,
}

/// How a keeper is doing, from [`Keeper::status`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeeperStatus {
    /// What is held: the current grant, with the later ones that continue it.
    pub lease: Lease,
    /// How often it was renewed.
    pub renewals: u64,
    /// How often a renewal failed.
    pub failures: u64,
    /// Why the last renewal failed, if it did.
    pub error: Option<LeaseError>,
}

impl Keeper {
    /// Starts the settings of a keeper. All but the store have a default.
    pub fn builder(store: impl LeaseStore + 'static) -> KeeperBuilder {
        KeeperBuilder::new(Box::new(store))
    }
}

impl<C: Clock + Send + Sync + 'static> Keeper<C> {
    pub(super) fn start(
        store: Box<dyn LeaseStore>,
        generator: Generator<C>,
        renewal: Renewal,
        lease: Lease,
    ) -> std::io::Result<Keeper<C>> {
        let generator = Arc::new(generator);
        let status = KeeperStatus { lease, renewals: 0, failures: 0, error: None };
        let state = State { holding: Holding::new(lease), status, stop: None };
        let shared = Arc::new(Shared {
            store,
            generator: Arc::clone(&generator),
            renewal,
            state: Mutex::new(state),
            stop: Condvar::new(),
        });
        let thread = thread::Builder::new().name("snowflake-keeper".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.keep()
        })?;
        let inner = Some(Inner { shared, thread });
        Ok(Keeper { inner, generator, born: fork::generation() })
    }

    /// Makes the IDs. Clone the [`Arc`] to where they are needed.
    pub fn generator(&self) -> &Arc<Generator<C>> {
        &self.generator
    }

    /// Ends the generator and gives the node id back, so that the next holder can begin
    /// right after the last ID. Waits for the store.
    ///
    /// # Errors
    ///
    /// [`LeaseError`] if the node id was not given back, or not for sure: then the next
    /// holder finds it as after a crash. [`LeaseError::Forked`] in a forked child, whose
    /// parent goes on holding it.
    pub fn release(mut self) -> Result<(), LeaseError> {
        if self.is_forked() {
            return Err(LeaseError::Forked);
        }
        let Some(inner) = self.inner.take() else { return Ok(()) };
        inner.shared.stop(Stop::Now);
        // A panic in the store is the store's; what is held is released all the same.
        let _ = inner.thread.join();
        inner.shared.release()
    }
}

impl<C: Clock> Keeper<C> {
    /// How the keeper is doing, or `None` in a forked child.
    pub fn status(&self) -> Option<KeeperStatus> {
        let inner = self.inner.as_ref().filter(|_| !self.is_forked())?;
        Some(inner.shared.state.lock().status.clone())
    }

    fn is_forked(&self) -> bool {
        self.born != fork::generation()
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
        if self.is_forked() {
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
}

impl<C: Clock> Shared<C> {
    /// The keeper's thread.
    fn keep(&self) {
        let mut due = Instant::now() + self.renewal.interval();
        loop {
            let mut state = self.state.lock();
            while state.stop.is_none() && !self.stop.wait_until(&mut state, due).timed_out() {}
            match state.stop {
                None => {}
                Some(Stop::Now) => return,
                Some(Stop::Release) => {
                    drop(state);
                    // Nobody is left to be told.
                    let _ = self.release();
                    return;
                }
            }
            let holding = state.holding;
            // The store may take its time, and the status must not wait for it.
            drop(state);
            let (holding, result) = self.renewal.renew(holding, &*self.store, &self.generator);
            due = Instant::now() + self.renewal.pause(&holding, &result, &self.generator);
            let mut state = self.state.lock();
            state.holding = holding;
            state.status.lease = holding.lease;
            match result {
                Ok(true) => state.status.renewals += 1,
                Ok(false) => {}
                Err(_) => state.status.failures += 1,
            }
            state.status.error = result.err();
        }
    }

    /// Seals the generator, and then lowers the mark to where it stopped, or to where other
    /// holders did.
    fn release(&self) -> Result<(), LeaseError> {
        let sealed = self.generator.seal();
        let holding = self.state.lock().holding;
        self.store.release(&holding.lease, holding.mark(sealed))
    }
}
