//! The replacement of a damaged or copied store.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, statat};

use super::directory::Directory;
use super::disk::{Disk, RealDisk, replace};
use super::{FileStore, LEASES, READ_LEASES, failed, read, read_bytes};
use crate::layout::NODE_MAX;
use crate::lease::{
    GrantLimits, IdFormat, LeaseError, LeaseTable, ResetRequest, StoreError, StoreErrorKind,
};
use crate::{Epoch, NodeId};

impl FileStore {
    /// Replaces a damaged or copied store by a new one with the same mark for every node ID.
    ///
    /// Every node ID gets the mark of `request`. **IDs at or above it can be issued again**: pass a
    /// time after all issued IDs. The store keeps a copy of the old file as `leases.old`, or as
    /// `leases.old.2` and so on if there is one already.
    ///
    /// A call that was interrupted can be repeated, and fencing tokens still continue.
    ///
    /// # Errors
    ///
    /// As [`open`](FileStore::open), except [`StoreErrorKind::Damaged`] and
    /// [`StoreErrorKind::Copied`]. [`LeaseError::IdFormatMismatch`] if the old file is readable and
    /// has another epoch, because then no mark prevents duplicates. [`LeaseError::LowersMark`] if it
    /// is readable and has a higher mark, unless the request accepts that.
    pub fn rebuild(
        path: impl AsRef<Path>,
        epoch: Epoch,
        limits: GrantLimits,
        request: &ResetRequest,
    ) -> Result<FileStore, LeaseError> {
        FileStore::rebuild_on(Box::new(RealDisk), path.as_ref(), epoch, limits, request)
    }

    pub(super) fn rebuild_on(
        disk: Box<dyn Disk>,
        path: &Path,
        epoch: Epoch,
        limits: GrantLimits,
        request: &ResetRequest,
    ) -> Result<FileStore, LeaseError> {
        let directory = Directory::lock(path, false)?;
        // Fencing tokens continue if the old file is readable.
        let mut table = match read(path, &directory.handle) {
            Ok(file) => {
                file.format.check(IdFormat::new(epoch))?;
                file.table
            }
            Err(error) if matches!(error.kind(), StoreErrorKind::Damaged { .. }) => {
                LeaseTable::new()
            }
            Err(error) => return Err(error.into()),
        };
        let marks = table.iter().map(|(node, record)| (record.high_water_mark, node));
        marks.max().map_or(Ok(()), |(highest, node)| request.check(node, highest))?;
        copy_old_file(&*disk, path, &directory.handle)?;
        for node in (0..=NODE_MAX).filter_map(|id| NodeId::new(id).ok()) {
            table.reset(node, request)?;
        }
        FileStore::initialize(disk, directory, epoch, limits, table)
    }
}

/// Copies the lease file, if there is one, to a name that is free.
///
/// The file itself stays in place until the new one replaces it. If it were moved away, the repetition
/// of an interrupted call would find no fencing tokens.
fn copy_old_file(disk: &dyn Disk, path: &Path, directory: &File) -> Result<(), StoreError> {
    let bytes = match read_bytes(directory) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(path, READ_LEASES, error)),
    };
    let name = free_name(directory).map_err(|error| failed(path, "keeping the old file", error))?;
    replace(disk, directory, &name, &bytes).map_err(|(doing, error)| failed(path, doing, error))
}

/// Returns the first name of an old file that no file in `directory` has.
fn free_name(directory: &File) -> io::Result<String> {
    let mut name = format!("{LEASES}.old");
    for nth in 2_u32.. {
        match statat(directory, &*name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => name = format!("{LEASES}.old.{nth}"),
            Err(rustix::io::Errno::NOENT) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(name)
}
