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
    folder: PathBuf,
    keeper: Arc<Mutex<Option<Keeper>>>,
}

impl Leases {
    /// Creates leases in an existing directory.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory does not exist or is not writable. Other errors appear
    /// when a lease is acquired.
    pub(super) fn new(folder: &Path) -> io::Result<Leases> {
        let wrong = |folder: &dyn Display, what: &dyn Display| {
            io::Error::other(format!("--data-dir {folder}: {what}"))
        };
        let absent = |folder: &Path, what: &dyn Display| {
            let advice = "name a folder that is there and that the node may write to";
            wrong(&folder.display(), &format_args!("{what}: {advice}"))
        };
        // Maelstrom starts nodes in the temporary directory of the system.
        let folder =
            path::absolute(folder).map_err(|why| wrong(&format_args!("{folder:?}"), &why))?;
        match folder.metadata() {
            Ok(there) if there.is_dir() => {
                match access(&folder, Access::WRITE_OK | Access::EXEC_OK) {
                    Err(why) if !has_stores(&folder) => Err(absent(&folder, &why)),
                    _ => Ok(Leases { folder, keeper: Arc::default() }),
                }
            }
            Ok(_) => Err(absent(&folder, &"it is not a folder")),
            Err(why) => Err(match why.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => absent(&folder, &why),
                _ => wrong(&folder.display(), &why),
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
        let folder = self.folder.join(format!("{STORE}{node_id}"));
        let store = match FileStore::open(&folder, epoch, GrantLimits::default()) {
            // A first start and a lost disk look the same. A service should instead create its
            // store when it is installed.
            Err(LeaseError::Store(error)) if *error.kind() == StoreErrorKind::Missing => {
                FileStore::create(&folder, epoch, GrantLimits::default())?
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
fn has_stores(folder: &Path) -> bool {
    let is_store =
        |entry: &DirEntry| entry.file_name().as_encoded_bytes().starts_with(STORE.as_bytes());
    folder.read_dir().is_ok_and(|entries| entries.flatten().any(|entry| is_store(&entry)))
}
