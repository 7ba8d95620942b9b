//! The steps of an atomic write, each of which can fail.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What a write asks of a file system, so that a test can have any step fail.
pub(super) trait Disk: Debug + Send + Sync {
    /// Makes the file anew with these bytes, which may still be on their way.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<File> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        Ok(file)
    }

    /// Waits until the file's bytes are durable.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Puts the file in the place of another, whole.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Waits until the folder's names are durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

/// The file system.
#[derive(Debug)]
pub(super) struct RealDisk;

impl Disk for RealDisk {}

/// Replaces `folder/name`, so that it has the old bytes or the new ones whatever
/// happens, and for good once this returns.
///
/// A file that could not be synced is never renamed: what a second attempt to sync
/// it would say is worth nothing, so the next write begins with a file of its own.
pub(super) fn replace(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<(), (&'static str, io::Error)> {
    let fresh = folder.join(format!("{name}.new"));
    // What is left of a write that was cut short may be a file with lost pages.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(("removing what an unfinished write left", error));
        }
        _ => {}
    }
    let file = disk.write(&fresh, bytes).map_err(|error| ("writing", error))?;
    disk.sync(&file).map_err(|error| ("syncing what was written", error))?;
    drop(file);
    disk.rename(&fresh, &folder.join(name)).map_err(|error| ("renaming", error))?;
    disk.sync_folder(folder).map_err(|error| ("syncing the folder", error))
}
