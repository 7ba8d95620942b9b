//! The folder of a store: that it is local, the original, and nobody else's.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rustix::fs::{FlockOperation, flock};

use crate::lease::{Problem, StoreError};

/// Held locked for as long as the store is open, and what tells the folder from a copy.
const LOCK: &str = "lock";

/// A folder that this process alone has.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    lock: File,
    /// The process that locked it. A child that is forked later has the lock as well.
    process: u32,
}

impl Folder {
    /// Locks the folder at `path`, whose lock file there must be unless it is to be `created`.
    pub(super) fn lock(path: &Path, created: bool) -> Result<Folder, StoreError> {
        let problem = |problem| StoreError::new(path.display().to_string(), problem);
        let failed = |doing, error: io::Error| problem(Problem::Failed { doing }).because(error);
        refuse_network_file_system(path)
            .map_err(|error| failed("asking for the file system", error))?
            .map_or(Ok(()), |name| Err(problem(Problem::NetworkFileSystem { name })))?;
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(created)
            .truncate(false)
            .open(path.join(LOCK));
        let mut lock = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !created => {
                return Err(problem(Problem::Missing));
            }
            Err(error) => return Err(failed("opening the lock", error)),
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Folder { path: path.to_owned(), lock, process: std::process::id() }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let process = lock.read_to_string(&mut text).ok().and(text.trim().parse().ok());
                Err(problem(Problem::InUse { process }))
            }
            Err(error) => Err(failed("locking", error.into())),
        }
    }

    /// Whether the folder was ever opened: its lock names the process that has it.
    pub(super) fn was_opened(&self) -> io::Result<bool> {
        Ok(self.lock.metadata()?.len() > 0)
    }

    /// Names this process in the lock, for the next one that finds it locked.
    pub(super) fn sign(&mut self) -> io::Result<()> {
        let process = format!("{}\n", std::process::id());
        // Cut short last: a lock that is empty was never signed, and a disk may be full.
        self.lock.rewind()?;
        self.lock.write_all(process.as_bytes())?;
        self.lock.set_len(process.len() as u64)
    }

    /// Whether this is the process that locked the folder, and not a child that it forked.
    pub(super) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// What no copy of the folder has: the lock file's inode, and its birth in nanoseconds
    /// where the file system knows it.
    pub(super) fn identity(&self) -> io::Result<String> {
        Ok(identity_by(&self.lock.metadata()?))
    }
}

/// The same of the folder at `path`, whoever has it, or none without a lock.
pub(super) fn identity(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path.join(LOCK)) {
        Ok(lock) => Ok(Some(identity_by(&lock))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn identity_by(lock: &Metadata) -> String {
    format!("{} {}", lock.ino(), born_ns(lock))
}

fn born_ns(file: &Metadata) -> u128 {
    let born = file.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    born.unwrap_or_default().as_nanos()
}

impl Drop for Folder {
    fn drop(&mut self) {
        // By hand, because a forked child that lives on would keep what is only closed;
        // and not in that child, because it would let the parent's go.
        if self.is_ours() {
            // If it fails, the lock ends with the process.
            let _ = flock(&self.lock, FlockOperation::Unlock);
        }
    }
}

/// The name of the network file system that `path` is on, if it is a known one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn refuse_network_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    // A folder that is not there is somebody else's error.
    let Some(found) = fs::metadata(path).ok().map(|_| rustix::fs::statfs(path)) else {
        return Ok(None);
    };
    // The type's width and sign differ between architectures; the magic numbers have 32 bits.
    #[allow(clippy::unnecessary_cast, reason = "it is one where the type is i64 already")]
    let magic = found?.f_type as i64 & 0xffff_ffff;
    Ok(network_file_system(magic))
}

/// The file system that statfs(2) knows by this number, if it is one over a network.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn network_file_system(magic: i64) -> Option<&'static str> {
    /// From `linux/magic.h`, statfs(2) and what coreutils' `stat` takes for remote.
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
        (0x786f_4256, "a shared folder of VirtualBox"),
        (0xbacb_acbc, "a shared folder of VMware"),
        // sshfs, s3fs, GlusterFS and virtiofs among others: there is no telling which.
        (0x6573_5546, "FUSE"),
    ];
    NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn refuse_network_file_system(_: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
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
