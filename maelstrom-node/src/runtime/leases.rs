//! Node ids with a store behind them: a node that is killed and started again repeats no ID.

use std::fmt::Display;
use std::fs::DirEntry;
use std::io::{self, ErrorKind};
use std::path::{self, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Access, access};
use snowflake::lease::{FileStore, GrantLimits, Keeper, LeaseError, StoreErrorKind};
use snowflake::{Epoch, Generator, NodeId, SystemClock};

/// How long to wait for a node id: Maelstrom gives a node 10 s to answer `init`.
const START_TIMEOUT_MS: u64 = 5000;

/// How the name of a node id's store begins.
const STORE: &str = "node-";

/// The data folder, and the lease that is held in it.
#[derive(Clone, Debug)]
pub(super) struct Leases {
    folder: PathBuf,
    keeper: Arc<Mutex<Option<Keeper>>>,
}

impl Leases {
    /// Leases in a folder, which must be there. What else can go wrong shows when a lease is
    /// taken.
    pub(super) fn new(folder: &Path) -> io::Result<Leases> {
        let wrong = |folder: &dyn Display, what: &dyn Display| {
            io::Error::other(format!("--data-dir {folder}: {what}"))
        };
        let absent = |folder: &Path, what: &dyn Display| {
            let advice = "name a folder that is there and that the node may write to";
            wrong(&folder.display(), &format_args!("{what}: {advice}"))
        };
        // Nodes may be started anywhere, by Maelstrom in the system's temporary folder.
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

    /// The generator of a leased node id. The store of each node id has a folder of its own,
    /// because nodes on one machine are given the same arguments.
    pub(super) fn acquire(
        &self,
        node_id: NodeId,
        epoch: Epoch,
    ) -> Result<Arc<Generator>, LeaseError> {
        let folder = self.folder.join(format!("{STORE}{node_id}"));
        let store = match FileStore::open(&folder, epoch, GrantLimits::default()) {
            // The first start looks like this, and so does a lost disk. A node of a test
            // cannot tell; a service creates its store when it is installed.
            Err(LeaseError::Store(error)) if *error.kind() == StoreErrorKind::Missing => {
                FileStore::create(&folder, epoch, GrantLimits::default())?
            }
            opened => opened?,
        };
        let keeper = Keeper::builder(store)
            .node(node_id)
            .start_timeout_ms(START_TIMEOUT_MS)
            .start(SystemClock)?;
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

/// Whether nodes have made folders in this one, so that no more may have to be made.
fn has_stores(folder: &Path) -> bool {
    let is_store =
        |entry: &DirEntry| entry.file_name().as_encoded_bytes().starts_with(STORE.as_bytes());
    folder.read_dir().is_ok_and(|entries| entries.flatten().any(|entry| is_store(&entry)))
}
