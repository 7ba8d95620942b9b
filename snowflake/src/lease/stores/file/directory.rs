//! The directory of a store, which must be local and the original. One process at a time locks it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::disk::Disk;
use super::identity::Identity;
use crate::clock::ForkGeneration;
use crate::lease::{StoreError, StoreErrorKind};

/// The lock file. It is locked while the store is open, holds the owner record, and
/// distinguishes the directory from a copy of it.
const LOCK: &str = "lock";

/// A directory that this process has locked.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    lock: File,
    /// The process that locked it. A child that is forked later shares the lock.
    pub(super) fork_generation: ForkGeneration,
}

impl Directory {
    /// Locks the directory at `path`. Its lock file must exist, unless it is to be `created`.
    pub(super) fn lock(path: &Path, created: bool) -> Result<Directory, StoreError> {
        let error = |kind| StoreError::new(path.display().to_string(), kind);
        let failed =
            |doing, cause: io::Error| error(StoreErrorKind::Failed { doing }).because(cause);
        network_file_system_at(path)
            .map_err(|cause| failed("looking up the file system", cause))?
            .map_or(Ok(()), |name| Err(error(StoreErrorKind::NetworkFileSystem { name })))?;
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(created)
            .truncate(false)
            .open(path.join(LOCK));
        let mut lock = match opened {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && !created => {
                return Err(error(StoreErrorKind::Missing));
            }
            Err(cause) => return Err(failed("opening the lock file", cause)),
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                let fork_generation = ForkGeneration::current();
                Ok(Directory { path: path.to_owned(), lock, fork_generation })
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let process = lock.read_to_string(&mut text).ok().and(text.trim().parse().ok());
                Err(error(StoreErrorKind::InUse { process }))
            }
            Err(cause) => Err(failed("locking the directory", cause.into())),
        }
    }

    /// Returns `true` if the directory was ever opened: it has an owner record.
    pub(super) fn was_opened(&self) -> io::Result<bool> {
        Ok(self.lock.metadata()?.len() > 0)
    }

    /// Writes the owner record durably: the ID of this process, for the error of a second one.
    ///
    /// The record also proves that high-water marks existed here. Without it, a store that a crash
    /// of the machine has emptied would look like one whose creation was interrupted.
    pub(super) fn record_owner(&mut self, disk: &dyn Disk) -> io::Result<()> {
        let process = format!("{}\n", std::process::id());
        // The file is truncated last, because a write may fail on a full disk. An empty record would
        // mean that the store was never opened.
        self.lock.rewind()?;
        self.lock.write_all(process.as_bytes())?;
        self.lock.set_len(process.len() as u64)?;
        disk.sync(&self.lock)
    }

    pub(super) fn identity(&self) -> io::Result<Identity> {
        Identity::of(&self.lock)
    }
}

/// Returns the identity of the directory at `path`, or `None` if it has no lock file.
pub(super) fn identity(path: &Path) -> io::Result<Option<Identity>> {
    match File::open(path.join(LOCK)) {
        Ok(lock) => Ok(Some(Identity::of(&lock)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A close does not unlock while a forked child has the file open. So the parent unlocks
        // explicitly, and the child must not, because the lock is its parent's.
        if !self.fork_generation.is_forked() {
            // If this fails, the lock ends with the process.
            let _ = flock(&self.lock, FlockOperation::Unlock);
        }
    }
}

/// Returns the name of the network file system that `path` is on, if it is a known one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn network_file_system_at(path: &Path) -> io::Result<Option<&'static str>> {
    // A missing directory is an error of a later step.
    let Some(found) = fs::metadata(path).ok().map(|_| rustix::fs::statfs(path)) else {
        return Ok(None);
    };
    // The type's width and sign differ between architectures; the magic numbers have 32 bits.
    #[allow(clippy::unnecessary_cast, reason = "necessary on architectures with another type")]
    let magic = found?.f_type as i64 & 0xffff_ffff;
    Ok(network_file_system(magic))
}

/// Returns the name of the network file system with this number in statfs(2).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn network_file_system(magic: i64) -> Option<&'static str> {
    /// From `linux/magic.h`, statfs(2) and the remote file systems of coreutils' `stat`.
    const NETWORK: [(i64, &str); 19] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xfe53_4d42, "SMB2"),
        (0xff53_4d42, "CIFS"),
        (0x564c, "NCP"),
        (0x5346_414f, "AFS"),
        (0x6b41_4653, "kAFS"),
        (0x00c3_6400, "Ceph"),
        (0x7375_7245, "Coda"),
        (0x0bd0_0bd0, "Lustre"),
        (0x0116_1970, "GFS2"),
        (0x7461_636f, "OCFS2"),
        (0x4750_4653, "GPFS"),
        (0x1983_0326, "BeeGFS"),
        (0xaad7_aaea, "PanFS"),
        (0x0102_1997, "9P"),
        (0x786f_4256, "a shared directory of VirtualBox"),
        (0xbacb_acbc, "a shared directory of VMware"),
        // sshfs, s3fs, GlusterFS, virtiofs and others share this number.
        (0x6573_5546, "FUSE"),
    ];
    NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn network_file_system_at(_: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_network_file_systems_from_local_ones() {
        for (name, magic) in [("NFS", 0x6969), ("CIFS", 0xff53_4d42), ("FUSE", 0x6573_5546)] {
            assert_eq!(network_file_system(magic), Some(name));
        }
        for (local, magic) in [
            ("ext4", 0xef53),
            ("XFS", 0x5846_5342),
            ("Btrfs", 0x9123_683e),
            ("ZFS", 0x2fc1_2fc1),
            ("overlay", 0x794c_7630),
            ("tmpfs", 0x0102_1994),
        ] {
            assert_eq!(network_file_system(magic), None, "{local}");
        }
    }
}
