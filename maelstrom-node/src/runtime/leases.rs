//! Leases of node IDs: a node that is killed and restarted does not repeat an ID.

use std::io;
use std::path::{self, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use snowflake::lease::{FileStore, GrantLimits, Keeper, LeaseError, StoreErrorKind};
use snowflake::{Epoch, Generator, NodeId, SystemClock};

/// The data directory, and the lease that this process holds in it.
#[derive(Clone, Debug)]
pub(super) struct Leases {
    directory: PathBuf,
    keeper: Arc<Mutex<Option<Keeper>>>,
}

impl Leases {
    /// Creates leases in an existing directory. Its errors appear when a lease is acquired.
    pub(super) fn new(directory: &Path) -> io::Result<Leases> {
        // Maelstrom starts nodes in the temporary directory of the system.
        let directory = path::absolute(directory).map_err(|why| {
            io::Error::other(format!(
                "--data-dir {directory:?}: {why}; pass the path of a directory"
            ))
        })?;
        Ok(Leases { directory, keeper: Arc::default() })
    }

    /// Acquires the lease of a node ID and returns its generator.
    ///
    /// The store of each node ID has its own directory, because nodes on one machine have the
    /// same arguments.
    pub(super) fn acquire(
        &self,
        node_id: NodeId,
        epoch: Epoch,
    ) -> Result<Arc<Generator>, LeaseError> {
        let directory = self.directory.join(format!("node-{node_id}"));
        let store = match FileStore::open(&directory, epoch, GrantLimits::default()) {
            // A first start and a lost disk look the same. A service should instead create its
            // store when it is installed.
            Err(LeaseError::Store(error)) if *error.kind() == StoreErrorKind::Missing => {
                FileStore::create(&directory, epoch, GrantLimits::default())?
            }
            opened => opened?,
        };
        // The node waits for the lease with its deadline, instead of the keeper with a sleep.
        let keeper = Keeper::builder(store).node(node_id).start_timeout_ms(0).start(SystemClock)?;
        let generator = Arc::clone(keeper.generator());
        *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
        Ok(generator)
    }

    /// Releases the node ID, so that the next start begins right after the last ID.
    pub(super) fn release(&self) -> Result<(), LeaseError> {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        keeper.map_or(Ok(()), Keeper::release)
    }
}
