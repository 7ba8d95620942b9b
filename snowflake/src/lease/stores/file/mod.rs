//! A store in a folder of one host.

mod disk;
mod folder;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use parking_lot::Mutex;

use self::disk::{Disk, RealDisk, replace};
use self::folder::Folder;
use self::table::Table;
use crate::layout::NODE_MAX;
use crate::lease::{Bounds, Lease, LeaseError, LeaseStore, Ledger, Namespace, Problem, Record};
use crate::lease::{Request, StoreError};
use crate::{Epoch, NodeId, UnixMillis};

/// The file with the marks.
const LEASES: &str = "leases";

/// A store in a folder: the embedded one, for a process that shares its node ids with no
/// other folder.
///
/// The folder is created once, by [`create`](FileStore::create), and is locked while a
/// process has it open. Every grant rewrites one small file so that a crash at any
/// point leaves the old one or the new one, and is given only when the new one is
/// durable. What is damaged, missing or a copy is refused: there is no silent restart
/// from zero.
///
/// It knows nothing of other folders. Processes with a folder each need a node id each,
/// [fixed](crate::lease::KeeperBuilder::node) in their configuration; where that is too much
/// to ask, use a database.
///
/// # Examples
///
/// ```
/// use snowflake::Epoch;
/// use snowflake::lease::{Bounds, FileStore, LeaseStore};
///
/// # let temp = tempfile::tempdir()?;
/// # let folder = temp.path().join("ids");
/// // Once, when the service is installed:
/// FileStore::create(&folder, Epoch::Y2024, Bounds::default())?;
/// // At each start:
/// let store = FileStore::open(&folder, Epoch::Y2024, Bounds::default())?;
/// assert!(store.records()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileStore {
    folder: Folder,
    bounds: Bounds,
    disk: Box<dyn Disk>,
    table: Mutex<Table>,
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("path", &self.folder.path)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

impl FileStore {
    /// Creates a store in the folder at `path`, and opens it.
    ///
    /// The folder is made unless it is there, as a mounted volume is.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`] with [`Problem::Exists`] if there is a store in it, and as
    /// [`open`](FileStore::open).
    pub fn create(
        path: impl AsRef<Path>,
        epoch: Epoch,
        bounds: Bounds,
    ) -> Result<FileStore, LeaseError> {
        FileStore::create_on(Box::new(RealDisk), path.as_ref(), epoch, bounds)
    }

    fn create_on(
        disk: Box<dyn Disk>,
        path: &Path,
        epoch: Epoch,
        bounds: Bounds,
    ) -> Result<FileStore, LeaseError> {
        match fs::create_dir(path) {
            // It is not made as well: it may be a volume that is not mounted.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let doing = "making the folder in one that is not there (mount it, or make it)";
                return Err(failed(path, doing, error).into());
            }
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(path, "making the folder", error).into());
            }
            _ => {}
        }
        let folder = Folder::lock(path, true)?;
        let was_opened =
            folder.was_opened().map_err(|error| failed(path, "looking at the lock", error))?;
        if was_opened || path.join(LEASES).exists() {
            return Err(StoreError::new(path.display().to_string(), Problem::Exists).into());
        }
        FileStore::begin(disk, folder, epoch, bounds, Ledger::new())
    }

    /// Opens the store in the folder at `path`, which no other process may have open.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`] with what is wrong: [`Problem::Missing`], [`Problem::InUse`],
    /// [`Problem::Damaged`], [`Problem::Copied`], [`Problem::NetworkFileSystem`] or
    /// [`Problem::Failed`]; [`LeaseError::OtherNamespace`] if it was created for another epoch.
    pub fn open(
        path: impl AsRef<Path>,
        epoch: Epoch,
        bounds: Bounds,
    ) -> Result<FileStore, LeaseError> {
        FileStore::open_on(Box::new(RealDisk), path.as_ref(), epoch, bounds)
    }

    fn open_on(
        disk: Box<dyn Disk>,
        path: &Path,
        epoch: Epoch,
        bounds: Bounds,
    ) -> Result<FileStore, LeaseError> {
        let mut folder = Folder::lock(path, false)?;
        let was_opened =
            folder.was_opened().map_err(|error| failed(path, "looking at the lock", error))?;
        let table = match read(path) {
            Ok(table) => table,
            // Its creation was cut short: no grant was ever given here.
            Err(error) if *error.problem() == missing_leases() && !was_opened => {
                return Err(StoreError::new(path.display().to_string(), Problem::Missing).into());
            }
            Err(error) => return Err(error.into()),
        };
        table.namespace.expect(Namespace::new(epoch))?;
        let identity =
            folder.identity().map_err(|error| failed(path, "looking at the lock", error))?;
        if table.folder != identity {
            return Err(StoreError::new(path.display().to_string(), Problem::Copied).into());
        }
        folder.sign().map_err(|error| failed(path, "signing the lock", error))?;
        Ok(FileStore { folder, bounds, disk, table: Mutex::new(table) })
    }

    /// Starts anew where the marks are lost: in a damaged store, or in a copy.
    ///
    /// Every node id gets `mark` as its mark. **IDs that were made at or after it can
    /// be made again**: take a time that is past all of them. What was there is kept
    /// beside the new file, as `leases.old`.
    ///
    /// # Errors
    ///
    /// As [`open`](FileStore::open), but for what it mends. [`LeaseError::OtherNamespace`] if
    /// what is there can be read, and is for another epoch: no mark makes up for that.
    pub fn rebuild(
        path: impl AsRef<Path>,
        epoch: Epoch,
        bounds: Bounds,
        mark: UnixMillis,
    ) -> Result<FileStore, LeaseError> {
        let path = path.as_ref();
        let folder = Folder::lock(path, false)?;
        if let Ok(table) = read(path) {
            table.namespace.expect(Namespace::new(epoch))?;
        }
        match fs::rename(path.join(LEASES), path.join(format!("{LEASES}.old"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(path, "keeping the old file", error).into());
            }
            _ => {}
        }
        let mut ledger = Ledger::new();
        for node in (0..=NODE_MAX).filter_map(|id| NodeId::new(id).ok()) {
            ledger.reset(node, mark);
        }
        FileStore::begin(Box::new(RealDisk), folder, epoch, bounds, ledger)
    }

    /// A store with these records, in a folder without.
    fn begin(
        disk: Box<dyn Disk>,
        mut folder: Folder,
        epoch: Epoch,
        bounds: Bounds,
        ledger: Ledger,
    ) -> Result<FileStore, LeaseError> {
        let path = folder.path.clone();
        let identity =
            folder.identity().map_err(|error| failed(&path, "looking at the lock", error))?;
        let table = Table { namespace: Namespace::new(epoch), folder: identity, ledger };
        replace(&*disk, &path, LEASES, table.to_text().as_bytes())
            .map_err(|(doing, error)| failed(&path, doing, error))?;
        // Last: a lock that is signed says that there were marks here.
        folder.sign().map_err(|error| failed(&path, "signing the lock", error))?;
        Ok(FileStore { folder, bounds, disk, table: Mutex::new(table) })
    }

    /// What the store at `path` has recorded, whether or not a process has it open.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`] with [`Problem::Missing`] or [`Problem::Damaged`].
    pub fn peek(path: impl AsRef<Path>) -> Result<(Namespace, Ledger), LeaseError> {
        let (Table { namespace, ledger, .. }, _) = look(path.as_ref())?;
        Ok((namespace, ledger))
    }

    /// Whether the store at `path` is a copy, which [`open`](FileStore::open) refuses.
    ///
    /// Nothing is locked or changed, and it may be in use, here or in another process.
    ///
    /// # Errors
    ///
    /// As [`peek`](FileStore::peek).
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::Epoch;
    /// use snowflake::lease::{Bounds, FileStore};
    ///
    /// # let temp = tempfile::tempdir()?;
    /// # let [folder, backup] = ["ids", "backup"].map(|name| temp.path().join(name));
    /// let in_use = FileStore::create(&folder, Epoch::Y2024, Bounds::default())?;
    /// # std::fs::create_dir(&backup)?;
    /// for file in ["leases", "lock"] {
    ///     std::fs::copy(folder.join(file), backup.join(file))?;
    /// }
    /// assert!(!FileStore::is_copy(&folder)?);
    /// assert!(FileStore::is_copy(&backup)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_copy(path: impl AsRef<Path>) -> Result<bool, LeaseError> {
        let (table, identity) = look(path.as_ref())?;
        Ok(table.folder != identity)
    }

    /// Changes the ledger as `change` does, durably; or not at all, but for marks that may
    /// have moved on the disk.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Ledger) -> Result<T, LeaseError>,
    ) -> Result<T, LeaseError> {
        let path = &self.folder.path;
        if !self.folder.is_ours() {
            // The parent goes on writing what this process would not know of.
            return Err(StoreError::new(path.display().to_string(), Problem::Forked).into());
        }
        let mut kept = self.table.lock();
        let mut next = kept.clone();
        let granted = change(&mut next.ledger)?;
        match replace(&*self.disk, path, LEASES, next.to_text().as_bytes()) {
            Ok(()) => {
                *kept = next;
                Ok(granted)
            }
            Err((doing, error)) => {
                kept.ledger.raise_to(&next.ledger);
                Err(failed(path, doing, error).into())
            }
        }
    }
}

impl LeaseStore for FileStore {
    fn namespace(&self) -> Namespace {
        self.table.lock().namespace
    }

    fn acquire(&self, request: &Request) -> Result<Lease, LeaseError> {
        self.change(|ledger| ledger.acquire(request, request.now, self.bounds))
    }

    fn renew(
        &self,
        lease: &Lease,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<Lease, LeaseError> {
        self.change(|ledger| ledger.renew(lease, until, now, self.bounds))
    }

    fn release(&self, lease: &Lease, mark: UnixMillis) -> Result<(), LeaseError> {
        self.change(|ledger| ledger.release(lease, mark))
    }

    fn records(&self) -> Result<Vec<(NodeId, Record)>, LeaseError> {
        Ok(self.table.lock().ledger.iter().map(|(node, record)| (node, record.clone())).collect())
    }

    fn reset(&self, node: NodeId, mark: UnixMillis) -> Result<(), LeaseError> {
        self.change(|ledger| {
            ledger.reset(node, mark);
            Ok(())
        })
    }
}

fn failed(path: &Path, doing: &'static str, error: io::Error) -> StoreError {
    StoreError::new(path.display().to_string(), Problem::Failed { doing }).because(error)
}

fn missing_leases() -> Problem {
    Problem::Damaged { what: format!("its file `{LEASES}` is gone"), node: None }
}

/// What is in the folder at `path`, and what its lock tells it from a copy by.
fn look(path: &Path) -> Result<(Table, String), StoreError> {
    let identity = folder::identity(path)
        .map_err(|error| failed(path, "looking at the lock", error))?
        .ok_or_else(|| StoreError::new(path.display().to_string(), Problem::Missing))?;
    Ok((read(path)?, identity))
}

fn read(path: &Path) -> Result<Table, StoreError> {
    let place = path.display().to_string();
    let bytes = match fs::read(path.join(LEASES)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::new(place, missing_leases()));
        }
        Err(error) => return Err(failed(path, "reading", error)),
    };
    Table::from_bytes(&bytes).map_err(|what| {
        let what = format!("its file `{LEASES}` is no good, {what}");
        StoreError::new(place, Problem::Damaged { what, node: None })
    })
}
