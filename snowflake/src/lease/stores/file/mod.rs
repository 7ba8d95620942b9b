//! A store in a local directory.

mod directory;
mod disk;
mod format;
mod identity;
mod rebuild;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use parking_lot::{Mutex, MutexGuard};
use rustix::fs::OFlags;

use self::directory::Directory;
use self::disk::{Disk, RealDisk, open_in, replace};
use self::format::LeaseFile;
use crate::lease::{
    AcquireRequest, Grant, GrantLimits, IdFormat, LeaseError, LeaseRecord, LeaseStore, LeaseTable,
    ReleaseRequest, RenewRequest, ResetRequest, StoreError, StoreErrorKind,
};
use crate::{Epoch, NodeId, UnixMillis};

/// The name of the lease file.
const LEASES: &str = "leases";

/// A store in a local directory, for one process, or one per fixed node ID.
///
/// [`create`](FileStore::create) creates the directory once. A process that opens the store locks
/// the directory. For every grant the store first replaces one small file, atomically and durably,
/// and then returns the grant. A store that is damaged, missing or a copy is an error: the store
/// never starts again from zero by itself.
///
/// A call blocks for as long as the disk takes to sync, also while it hangs or is frozen
/// (`fsfreeze`). Then IDs end with the grant, and a release waits.
///
/// A store does not know the node IDs of other directories. If several processes have a directory
/// each, give each process a [fixed](crate::lease::KeeperBuilder::node) node ID in its
/// configuration, or use a database.
///
/// # Examples
///
/// ```
/// use snowflake::Epoch;
/// use snowflake::lease::{FileStore, GrantLimits, LeaseStore};
///
/// # let temp = tempfile::tempdir()?;
/// # let directory = temp.path().join("ids");
/// // Once, when the service is installed:
/// FileStore::create(&directory, Epoch::Y2024, GrantLimits::default())?;
/// // At each start:
/// let store = FileStore::open(&directory, Epoch::Y2024, GrantLimits::default())?;
/// assert!(store.records()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileStore {
    directory: Directory,
    limits: GrantLimits,
    disk: Box<dyn Disk>,
    format: IdFormat,
    file: Mutex<LeaseFile>,
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("path", &self.directory.path)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl FileStore {
    /// Creates a store in the directory at `path`, and opens it.
    ///
    /// The directory may exist, as a mounted volume does. Its parent has to exist.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`] with [`StoreErrorKind::Exists`] if there is a store in it, and as
    /// [`open`](FileStore::open).
    pub fn create(
        path: impl AsRef<Path>,
        epoch: Epoch,
        limits: GrantLimits,
    ) -> Result<FileStore, LeaseError> {
        FileStore::create_on(Box::new(RealDisk), path.as_ref(), epoch, limits)
    }

    fn create_on(
        disk: Box<dyn Disk>,
        path: &Path,
        epoch: Epoch,
        limits: GrantLimits,
    ) -> Result<FileStore, LeaseError> {
        match fs::create_dir(path) {
            // The parent is not created, because it may be a volume that is not mounted.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let cause = "its parent does not exist; mount or create the parent";
                let error = io::Error::new(error.kind(), cause);
                return Err(failed(path, "creating the directory", error).into());
            }
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(path, "creating the directory", error).into());
            }
            _ => {}
        }
        let directory = Directory::lock(path, true)?;
        let was_opened = directory.was_opened().map_err(|error| failed(path, READ_LOCK, error))?;
        let found = open_in(&directory.handle, LEASES, OFlags::RDONLY);
        let is_absent = found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if was_opened || !is_absent {
            return Err(StoreError::new(path.display().to_string(), StoreErrorKind::Exists).into());
        }
        // Also of a directory that exists: an earlier creation may have ended before this sync.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))
            .and_then(|parent| disk.sync_directory(&parent))
            .map_err(|error| failed(path, "syncing the parent directory", error))?;
        FileStore::initialize(disk, directory, epoch, limits, LeaseTable::new())
    }

    /// Opens the store in the directory at `path`, and locks the directory.
    ///
    /// # Errors
    ///
    /// - [`LeaseError::Store`] with [`StoreErrorKind::Missing`], [`StoreErrorKind::InUse`],
    ///   [`StoreErrorKind::Damaged`], [`StoreErrorKind::Copied`],
    ///   [`StoreErrorKind::NetworkFileSystem`] or [`StoreErrorKind::Failed`].
    /// - [`LeaseError::IdFormatMismatch`] if the store was created for another epoch.
    pub fn open(
        path: impl AsRef<Path>,
        epoch: Epoch,
        limits: GrantLimits,
    ) -> Result<FileStore, LeaseError> {
        FileStore::open_on(Box::new(RealDisk), path.as_ref(), epoch, limits)
    }

    fn open_on(
        disk: Box<dyn Disk>,
        path: &Path,
        epoch: Epoch,
        limits: GrantLimits,
    ) -> Result<FileStore, LeaseError> {
        let mut directory = Directory::lock(path, false)?;
        let was_opened = directory.was_opened().map_err(|error| failed(path, READ_LOCK, error))?;
        let file = match read(path, &directory.handle) {
            Ok(file) => file,
            // The creation was interrupted, so this store never returned a grant.
            Err(error) if *error.kind() == missing_leases() && !was_opened => {
                return Err(
                    StoreError::new(path.display().to_string(), StoreErrorKind::Missing).into()
                );
            }
            Err(error) => return Err(error.into()),
        };
        file.format.check(IdFormat::new(epoch))?;
        let is_copy = directory.is_copy_of(file.directory);
        if is_copy.map_err(|error| failed(path, READ_LOCK, error))? {
            return Err(StoreError::new(path.display().to_string(), StoreErrorKind::Copied).into());
        }
        directory.record_owner(&*disk).map_err(|error| failed(path, WRITE_OWNER, error))?;
        let (format, file) = (file.format, Mutex::new(file));
        Ok(FileStore { directory, limits, disk, format, file })
    }

    /// Writes a new lease file, and opens the store. The file replaces an old one atomically.
    fn initialize(
        disk: Box<dyn Disk>,
        mut directory: Directory,
        epoch: Epoch,
        limits: GrantLimits,
        table: LeaseTable,
    ) -> Result<FileStore, LeaseError> {
        let path = directory.path.clone();
        let identity = directory.identity().map_err(|error| failed(&path, READ_LOCK, error))?;
        let file = LeaseFile { format: IdFormat::new(epoch), directory: identity, table };
        replace(&*disk, &directory.handle, LEASES, file.to_text().as_bytes())
            .map_err(|(doing, error)| failed(&path, doing, error))?;
        // This comes last, because an owner record proves that high-water marks existed here.
        directory.record_owner(&*disk).map_err(|error| failed(&path, WRITE_OWNER, error))?;
        let (format, file) = (file.format, Mutex::new(file));
        Ok(FileStore { directory, limits, disk, format, file })
    }

    /// Reads the records of the store at `path`, which may be in use.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`] with [`StoreErrorKind::Missing`], [`StoreErrorKind::Damaged`] or
    /// [`StoreErrorKind::Failed`].
    pub fn peek(path: impl AsRef<Path>) -> Result<(IdFormat, LeaseTable), LeaseError> {
        let (LeaseFile { format, table, .. }, _) = read_unlocked(path.as_ref())?;
        Ok((format, table))
    }

    /// Returns `true` if the store at `path` is a copy, which [`open`](FileStore::open)
    /// rejects.
    ///
    /// The call takes no lock and changes nothing. The store may be in use.
    ///
    /// # Errors
    ///
    /// As [`peek`](FileStore::peek).
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::Epoch;
    /// use snowflake::lease::{FileStore, GrantLimits};
    ///
    /// # let temp = tempfile::tempdir()?;
    /// # let [directory, backup] = ["ids", "backup"].map(|name| temp.path().join(name));
    /// let in_use = FileStore::create(&directory, Epoch::Y2024, GrantLimits::default())?;
    /// # std::fs::create_dir(&backup)?;
    /// for file in ["leases", "lock"] {
    ///     std::fs::copy(directory.join(file), backup.join(file))?;
    /// }
    /// assert!(!FileStore::is_copy(&directory)?);
    /// assert!(FileStore::is_copy(&backup)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_copy(path: impl AsRef<Path>) -> Result<bool, LeaseError> {
        Ok(read_unlocked(path.as_ref())?.1)
    }

    /// Locks the content of the lease file. Returns an error in a forked child: the parent
    /// continues to write, and the lock may never be unlocked here.
    fn lock(&self) -> Result<MutexGuard<'_, LeaseFile>, LeaseError> {
        if self.directory.fork_generation.is_forked() {
            let location = self.directory.path.display().to_string();
            return Err(StoreError::new(location, StoreErrorKind::Forked).into());
        }
        Ok(self.file.lock())
    }

    /// Changes the table durably. If the write fails, the table is not changed, except that its
    /// high-water marks are raised to those that may be on the disk now.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut LeaseTable) -> Result<T, LeaseError>,
    ) -> Result<T, LeaseError> {
        let Directory { path, handle, .. } = &self.directory;
        let mut file = self.lock()?;
        let mut next = file.clone();
        let granted = change(&mut next.table)?;
        match replace(&*self.disk, handle, LEASES, next.to_text().as_bytes()) {
            Ok(()) => {
                *file = next;
                Ok(granted)
            }
            Err((doing, error)) => {
                file.table.raise_to(&next.table);
                Err(failed(path, doing, error).into())
            }
        }
    }
}

impl LeaseStore for FileStore {
    fn id_format(&self) -> IdFormat {
        self.format
    }

    fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError> {
        self.change(|table| table.acquire(request, request.now, self.limits))
    }

    fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError> {
        self.change(|table| table.renew(request, request.now, self.limits))
    }

    fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError> {
        self.change(|table| table.release(request))
    }

    fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError> {
        let file = self.lock()?;
        Ok(file.table.iter().map(|(node, record)| (node, record.clone())).collect())
    }

    fn reset(
        &self,
        node: NodeId,
        request: &ResetRequest,
    ) -> Result<Option<UnixMillis>, LeaseError> {
        self.change(|table| table.reset(node, request))
    }
}

const READ_LEASES: &str = "reading the leases";
const READ_LOCK: &str = "reading the lock file";
const WRITE_OWNER: &str = "writing the owner record";

fn failed(path: &Path, doing: &'static str, error: io::Error) -> StoreError {
    StoreError::new(path.display().to_string(), StoreErrorKind::Failed { doing }).because(error)
}

fn missing_leases() -> StoreErrorKind {
    StoreErrorKind::Damaged { details: format!("its file `{LEASES}` is missing"), node: None }
}

/// Returns the content of the directory at `path`, which may be in use, and `true` if it is a copy.
fn read_unlocked(path: &Path) -> Result<(LeaseFile, bool), StoreError> {
    let unreadable = |doing, error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            StoreError::new(path.display().to_string(), StoreErrorKind::Missing)
        }
        _ => failed(path, doing, error),
    };
    let handle = File::open(path).map_err(|error| unreadable("opening the directory", error))?;
    let lock = directory::read_lock(&handle).map_err(|error| unreadable(READ_LOCK, error))?;
    let file = read(path, &handle)?;
    let is_copy = directory::is_copy(&handle, &lock, file.directory);
    Ok((file, is_copy.map_err(|error| failed(path, READ_LOCK, error))?))
}

fn read_bytes(directory: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_in(directory, LEASES, OFlags::RDONLY)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read(path: &Path, directory: &File) -> Result<LeaseFile, StoreError> {
    let error = |kind| StoreError::new(path.display().to_string(), kind);
    let bytes = match read_bytes(directory) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return Err(error(missing_leases()));
        }
        Err(cause) => return Err(failed(path, READ_LEASES, cause)),
    };
    LeaseFile::from_bytes(&bytes).map_err(|damage| {
        error(match format::is_newer(&bytes) {
            true => StoreErrorKind::Misconfigured {
                details: format!(
                    "its file `{LEASES}` is of a newer version; use the version that wrote it"
                ),
            },
            false => {
                let details = format!("its file `{LEASES}` is damaged: {damage}");
                StoreErrorKind::Damaged { details, node: None }
            }
        })
    })
}
