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
        self.lock.rewind()?;
        self.lock.set_len(0)?;
        writeln!(self.lock, "{}", std::process::id())
    }

    /// Whether this is the process that locked the folder, and not a child that it forked.
    pub(super) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// What no copy of the folder has: the lock file's inode, and its birth in nanoseconds
    /// where the file system knows it.
    pub(super) fn identity(&self) -> io::Result<String> {
        let lock = self.lock.metadata()?;
        Ok(format!("{} {}", lock.ino(), born_ns(&lock)))
    }
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
    /// From `linux/magic.h` and statfs(2). FUSE is not among them: it may be either.
    const NETWORK: [(i64, &str); 12] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xfe53_4d42, "SMB2"),
        (0xff53_4d42, "CIFS"),
        (0x5346_414f, "AFS"),
        (0x6b41_4653, "kAFS"),
        (0x00c3_6400, "Ceph"),
        (0x7375_7245, "Coda"),
        (0x0bd0_0bd0, "Lustre"),
        (0x0116_1970, "GFS2"),
        (0x7461_636f, "OCFS2"),
        (0x0102_1997, "9P"),
    ];
    // A folder that is not there is somebody else's error.
    let Some(found) = fs::metadata(path).ok().map(|_| rustix::fs::statfs(path)) else {
        return Ok(None);
    };
    // The type's width and sign differ between architectures; the magic numbers have 32 bits.
    #[allow(clippy::unnecessary_cast, reason = "it is one where the type is i64 already")]
    let magic = found?.f_type as i64 & 0xffff_ffff;
    Ok(NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn refuse_network_file_system(_: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}
