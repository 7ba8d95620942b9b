//! Node ids with a store behind them: a node that is killed and started again repeats no ID.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use snowflake::lease::{Bounds, FileStore, Keeper, LeaseError, Problem};
use snowflake::{Epoch, Generator, NodeId, SystemClock};

/// The data folder, and the lease that is held in it.
#[derive(Clone, Debug)]
pub(super) struct Leases {
    folder: PathBuf,
    keeper: Arc<Mutex<Option<Keeper>>>,
}

impl Leases {
    pub(super) fn new(folder: PathBuf) -> Leases {
        Leases { folder, keeper: Arc::default() }
    }

    /// The generator of a leased node id. The store of each node id has a folder of its own,
    /// because nodes on one machine are given the same arguments.
    pub(super) fn acquire(
        &self,
        node_id: NodeId,
        epoch: Epoch,
    ) -> Result<Arc<Generator>, LeaseError> {
        let folder = self.folder.join(format!("node-{node_id}"));
        let store = match FileStore::open(&folder, epoch, Bounds::default()) {
            // The first start looks like this, and so does a lost disk. A node of a test
            // cannot tell; a service creates its store when it is installed.
            Err(LeaseError::Store(error)) if *error.problem() == Problem::Missing => {
                FileStore::create(&folder, epoch, Bounds::default())?
            }
            opened => opened?,
        };
        let keeper = Keeper::builder(store).node(node_id).start(SystemClock)?;
        let generator = Arc::clone(keeper.generator());
        *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
        Ok(generator)
    }

    /// Gives the node id back, so that the next start begins right after the last ID.
    pub(super) fn release(&self) -> Result<(), LeaseError> {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        keeper.map_or(Ok(()), Keeper::release)
    }
}
