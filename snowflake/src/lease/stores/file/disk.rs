//! The steps of an atomic write, each of which can fail.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Write};

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};

/// The file system, as a trait so that a test can make any step fail.
///
/// The names are relative to an open directory. The lock is in that directory, wherever it is moved
/// to, and whatever its path names later.
pub(super) trait Disk: Debug + Send + Sync {
    /// Creates the file with these bytes, which need not be durable yet.
    fn write(&self, directory: &File, name: &str, bytes: &[u8]) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let mut file = open_in(directory, name, flags)?;
        file.write_all(bytes)?;
        Ok(file)
    }

    /// Waits until the file's bytes are durable.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Replaces `to` by `from`, atomically.
    fn rename(&self, directory: &File, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(directory, from, directory, to)?)
    }

    /// Waits until the directory's names are durable.
    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        directory.sync_all()
    }
}

/// The real file system.
#[derive(Debug)]
pub(super) struct RealDisk;

impl Disk for RealDisk {}

/// Opens the file with this name in `directory`.
pub(super) fn open_in(directory: &File, name: &str, flags: OFlags) -> io::Result<File> {
    let mode = Mode::from_raw_mode(0o666);
    Ok(openat(directory, name, flags | OFlags::CLOEXEC, mode)?.into())
}

/// Replaces the file with this name in `directory`. After a crash it has the old bytes or the new
/// ones. When this returns, the new bytes are durable.
///
/// A file whose sync failed is never renamed: a second sync of it may succeed without the
/// lost pages. The next write begins with a new file.
pub(super) fn replace(
    disk: &dyn Disk,
    directory: &File,
    name: &str,
    bytes: &[u8],
) -> Result<(), (&'static str, io::Error)> {
    let fresh = format!("{name}.new");
    // An unfinished write may have left a file with lost pages.
    match unlinkat(directory, &*fresh, AtFlags::empty()) {
        Err(error) if error != rustix::io::Errno::NOENT => {
            return Err(("removing the file of an unfinished write", error.into()));
        }
        _ => {}
    }
    let file =
        disk.write(directory, &fresh, bytes).map_err(|error| ("writing the leases", error))?;
    disk.sync(&file).map_err(|error| ("syncing the leases", error))?;
    drop(file);
    disk.rename(directory, &fresh, name).map_err(|error| ("renaming the new leases", error))?;
    disk.sync_directory(directory).map_err(|error| ("syncing the directory", error))
}
