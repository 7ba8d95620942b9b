//! File stores on Unix.

use std::path::Path;

use snowflake::lease::{
    FileStore, GrantLimits, IdFormat, LeaseError, LeaseStore, LeaseTable, StoreErrorKind,
};
use snowflake::{Epoch, UnixMillis};

/// Creates a store in a directory.
pub(crate) fn create(directory: &Path, epoch: Epoch) -> Result<(), LeaseError> {
    FileStore::create(directory, epoch, GrantLimits::default()).map(drop)
}

/// Opens the store in a directory.
pub(crate) fn open(directory: &Path, epoch: Epoch) -> Result<Box<dyn LeaseStore>, LeaseError> {
    Ok(Box::new(FileStore::open(directory, epoch, GrantLimits::default())?))
}

/// Reads the records of a store that may be in use.
pub(crate) fn peek(directory: &Path) -> Result<(IdFormat, LeaseTable), LeaseError> {
    FileStore::peek(directory)
}

/// Returns `true` if the store is known to be a copy.
pub(crate) fn is_copy(directory: &Path) -> bool {
    FileStore::is_copy(directory).unwrap_or(false)
}

/// Returns the epoch of a store that is to be created again, or `None` if it is unreadable.
pub(crate) fn recorded_epoch(directory: &Path) -> Result<Option<Epoch>, LeaseError> {
    match FileStore::peek(directory) {
        Ok((id_format, _)) => Ok(Some(id_format.epoch)),
        Err(LeaseError::Store(error)) if *error.kind() == StoreErrorKind::Missing => {
            Err(error.into())
        }
        // A damaged store is what `rebuild` repairs.
        Err(_) => Ok(None),
    }
}

/// Creates a store again, with one high-water mark for every node ID.
pub(crate) fn rebuild(
    directory: &Path,
    epoch: Epoch,
    high_water_mark: UnixMillis,
) -> Result<(), LeaseError> {
    FileStore::rebuild(directory, epoch, GrantLimits::default(), high_water_mark).map(drop)
}
