//! Leases of node IDs: a node that is killed and restarted does not repeat an ID.

use std::fmt::Display;
use std::fs::DirEntry;
use std::io::{self, ErrorKind};
use std::path::{self, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Access, access};
use snowflake::lease::{FileStore, GrantLimits, Keeper, LeaseError, StoreErrorKind};
use snowflake::{Epoch, Generator, NodeId, SystemClock};

/// The start of the name of a node ID's store.
const STORE: &str = "node-";

/// The data directory, and the lease that this process holds in it.
#[derive(Clone, Debug)]
pub(super) struct Leases {
    directory: PathBuf,
    keeper: Arc<Mutex<Option<Keeper>>>,
}

impl Leases {
    /// Creates leases in an existing directory.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory does not exist or is not writable. Other errors appear
    /// when a lease is acquired.
    pub(super) fn new(directory: &Path) -> io::Result<Leases> {
        let wrong = |directory: &dyn Display, what: &dyn Display| {
            io::Error::other(format!("--data-dir {directory}: {what}"))
        };
        let unusable = |directory: &Path, what: &dyn Display| {
            let advice = "use an existing directory that the node may write to";
            wrong(&directory.display(), &format_args!("{what}; {advice}"))
        };
        // Maelstrom starts nodes in the temporary directory of the system.
        let directory =
            path::absolute(directory).map_err(|why| wrong(&format_args!("{directory:?}"), &why))?;
        match directory.metadata() {
            Ok(there) if there.is_dir() => {
                match access(&directory, Access::WRITE_OK | Access::EXEC_OK) {
                    Err(why) if !has_stores(&directory) => Err(unusable(&directory, &why)),
                    _ => Ok(Leases { directory, keeper: Arc::default() }),
                }
            }
            Ok(_) => Err(unusable(&directory, &"not a directory")),
            Err(why) => Err(match why.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => unusable(&directory, &why),
                _ => wrong(&directory.display(), &why),
            }),
        }
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
        let directory = self.directory.join(format!("{STORE}{node_id}"));
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

/// Returns `true` if the directory has stores already, so that none may have to be created.
fn has_stores(directory: &Path) -> bool {
    let is_store =
        |entry: &DirEntry| entry.file_name().as_encoded_bytes().starts_with(STORE.as_bytes());
    directory.read_dir().is_ok_and(|entries| entries.flatten().any(|entry| is_store(&entry)))
}
