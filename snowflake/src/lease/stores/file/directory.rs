//! The directory of a store, which must be local and the original. One process at a time locks it.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

use super::disk::{Disk, open_in};
use super::identity::Identity;
use crate::clock::ForkGeneration;
use crate::lease::{StoreError, StoreErrorKind};

/// The lock file. It is locked while the store is open, holds the owner record, and
/// distinguishes the directory from a copy of it.
const LOCK: &str = "lock";

/// A directory that this process has locked.
#[derive(Debug)]
pub(super) struct Directory {
    /// The path at which it was opened, for messages. The directory may be elsewhere by now.
    pub(super) path: PathBuf,
    pub(super) handle: File,
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
        let missing = |cause: &io::Error| cause.kind() == io::ErrorKind::NotFound && !created;
        let handle = match File::open(path) {
            Ok(handle) => handle,
            Err(cause) if missing(&cause) => return Err(error(StoreErrorKind::Missing)),
            Err(cause) => return Err(failed("opening the directory", cause)),
        };
        network_file_system_of(&handle)
            .map_err(|cause| failed("looking up the file system", cause))?
            .map_or(Ok(()), |name| Err(error(StoreErrorKind::NetworkFileSystem { name })))?;
        let create = if created { OFlags::CREATE } else { OFlags::empty() };
        let lock = match open_in(&handle, LOCK, OFlags::RDWR | create) {
            Ok(file) => file,
            Err(cause) if missing(&cause) => return Err(error(StoreErrorKind::Missing)),
            Err(cause) => return Err(failed("opening the lock file", cause)),
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                let fork_generation = ForkGeneration::current();
                Ok(Directory { path: path.to_owned(), handle, lock, fork_generation })
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let process = Owner::of(&lock).ok().and_then(|owner| owner.process);
                Err(error(StoreErrorKind::InUse { process }))
            }
            Err(cause) => Err(failed("locking the directory", cause.into())),
        }
    }

    /// Returns `true` if the directory was ever opened: it has an owner record.
    pub(super) fn was_opened(&self) -> io::Result<bool> {
        Ok(self.lock.metadata()?.len() > 0)
    }

    /// Writes the owner record durably: the ID of this process, for the error of a second one, and
    /// the directory's inode.
    ///
    /// The record also proves that high-water marks existed here. Without it, a store that a crash
    /// of the machine has emptied would look like one whose creation was interrupted.
    pub(super) fn record_owner(&mut self, disk: &dyn Disk) -> io::Result<()> {
        let record = format!("{} {}\n", std::process::id(), self.handle.metadata()?.ino());
        // The file is truncated last, because a write may fail on a full disk. An empty record
        // would mean that the store was never opened.
        self.lock.rewind()?;
        self.lock.write_all(record.as_bytes())?;
        self.lock.set_len(record.len() as u64)?;
        disk.sync(&self.lock)
    }

    pub(super) fn identity(&self) -> io::Result<Identity> {
        Identity::of(&self.lock)
    }

    /// Returns `true` if the lease file of the directory with this identity is a copy here.
    pub(super) fn is_copy_of(&self, recorded: Identity) -> io::Result<bool> {
        is_copy(&self.handle, &self.lock, recorded)
    }
}

/// Opens the lock file of a directory that may be in use.
pub(super) fn read_lock(directory: &File) -> io::Result<File> {
    open_in(directory, LOCK, OFlags::RDONLY)
}

/// Returns `true` if a lease file with the identity of its directory is a copy in `directory`.
///
/// A copy by hard links shares the lock file, with its identity, and not the directory.
pub(super) fn is_copy(directory: &File, lock: &File, recorded: Identity) -> io::Result<bool> {
    let inode = directory.metadata()?.ino();
    let is_linked = Owner::of(lock)?.directory.is_some_and(|owned| owned != inode);
    Ok(is_linked || !recorded.matches(Identity::of(lock)?))
}

/// The owner record. A part that is missing is `None`.
struct Owner {
    /// The ID of the last process that has opened the directory.
    process: Option<u32>,
    /// The inode of the directory in which it found the lock file.
    directory: Option<u64>,
}

impl Owner {
    fn of(lock: &File) -> io::Result<Owner> {
        let mut text = [0; 64];
        let length = lock.read_at(&mut text, 0)?;
        let text = str::from_utf8(&text[..length]).unwrap_or_default();
        // A write that was interrupted leaves the end of an earlier record, in another line.
        let mut words = text.split_once('\n').unwrap_or_default().0.split(' ');
        let process = words.next().and_then(|word| word.parse().ok());
        let directory = words.next().and_then(|word| word.parse().ok());
        Ok(Owner { process, directory })
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

/// Returns the name of the network file system that the file is on, if it is a known one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn network_file_system_of(file: &File) -> io::Result<Option<&'static str>> {
    // The type's width and sign differ between architectures; the magic numbers have 32 bits.
    #[allow(clippy::unnecessary_cast, reason = "necessary on architectures with another type")]
    let magic = rustix::fs::fstatfs(file)?.f_type as i64 & 0xffff_ffff;
    Ok(network_file_system(magic))
}

/// Returns the name of the network file system with this number in statfs(2).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn network_file_system(magic: i64) -> Option<&'static str> {
    /// From `linux/magic.h`, statfs(2) and the remote file systems of coreutils' `stat`, without
    /// VxFS, which may be local.
    const NETWORK: [(i64, &str); 24] = [
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
        (0x6163_6673, "ACFS"),
        (0x0131_11a8, "IBRIX"),
        (0xbeef_dead, "SNFS"),
        (0x2003_0528, "OrangeFS"),
        (0x7c7c_6673, "a shared directory of Parallels"),
        (0x786f_4256, "a shared directory of VirtualBox"),
        (0xbacb_acbc, "a shared directory of VMware"),
        // sshfs, s3fs, GlusterFS, virtiofs and others share this number.
        (0x6573_5546, "FUSE"),
    ];
    NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn network_file_system_of(_: &File) -> io::Result<Option<&'static str>> {
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
