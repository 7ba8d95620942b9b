//! The steps of an atomic write, each of which can fail.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// The file system, as a trait so that a test can make any step fail.
pub(super) trait Disk: Debug + Send + Sync {
    /// Creates the file with these bytes, which need not be durable yet.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<File> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        Ok(file)
    }

    /// Waits until the file's bytes are durable.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Replaces `to` by `from`, atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Waits until the directory's names are durable.
    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }
}

/// The real file system.
#[derive(Debug)]
pub(super) struct RealDisk;

impl Disk for RealDisk {}

/// Replaces `directory/name`. After a crash the file has the old bytes or the new ones. When
/// this returns, the new bytes are durable.
///
/// A file whose sync failed is never renamed: a second sync of it may succeed without the
/// lost pages. The next write begins with a new file.
pub(super) fn replace(
    disk: &dyn Disk,
    directory: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<(), (&'static str, io::Error)> {
    let fresh = directory.join(format!("{name}.new"));
    // An unfinished write may have left a file with lost pages.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(("removing the file of an unfinished write", error));
        }
        _ => {}
    }
    let file = disk.write(&fresh, bytes).map_err(|error| ("writing the leases", error))?;
    disk.sync(&file).map_err(|error| ("syncing the leases", error))?;
    drop(file);
    disk.rename(&fresh, &directory.join(name))
        .map_err(|error| ("renaming the new leases", error))?;
    disk.sync_directory(directory).map_err(|error| ("syncing the directory", error))
}
