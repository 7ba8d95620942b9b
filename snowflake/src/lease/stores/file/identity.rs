//! The identity of a store's directory, which a copy of the directory does not have.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

/// The identity of a directory: the inode and the creation time of its lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) inode: u64,
    /// In nanoseconds since 1970, or 0 if the file system or the system does not report it.
    pub(super) created_ns: u128,
}

impl Identity {
    pub(super) fn of(lock: &File) -> io::Result<Identity> {
        Ok(Identity { inode: lock.metadata()?.ino(), created_ns: created_ns(lock) })
    }

    /// Returns `true` if both can be of one directory.
    ///
    /// An unknown creation time does not distinguish them: a process in a container may have
    /// recorded it while the system call was forbidden.
    pub(super) fn matches(self, other: Identity) -> bool {
        let times = [self.created_ns, other.created_ns];
        self.inode == other.inode && (times.contains(&0) || times[0] == times[1])
    }
}

/// Returns the creation time. `std` reports it with glibc only, and a store that was created with
/// glibc must open with musl.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn created_ns(file: &File) -> u128 {
    use rustix::fs::{AtFlags, StatxFlags, statx};

    let found = statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::BTIME).ok();
    let has_time = |mask| StatxFlags::from_bits_retain(mask).contains(StatxFlags::BTIME);
    let time = found.filter(|found| has_time(found.stx_mask)).map(|found| found.stx_btime);
    let seconds = time.and_then(|time| u128::try_from(time.tv_sec).ok());
    let nanoseconds = time.map_or(0, |time| u128::from(time.tv_nsec));
    seconds.map_or(0, |seconds| seconds * 1_000_000_000 + nanoseconds)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn created_ns(file: &File) -> u128 {
    let created = file.metadata().and_then(|metadata| metadata.created()).ok();
    let since = created.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.unwrap_or_default().as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_creation_time_matches_every_other() {
        let [one, other] = [1, 2].map(|created_ns| Identity { inode: 7, created_ns });
        let unknown = Identity { inode: 7, created_ns: 0 };
        assert!(one.matches(one) && one.matches(unknown) && unknown.matches(other));
        assert!(!one.matches(other));
        assert!(!unknown.matches(Identity { inode: 8, created_ns: 0 }));
    }

    /// A store that an earlier version has created must not look like a copy.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn the_creation_time_is_the_one_that_std_reports() {
        let file = tempfile::tempfile().unwrap();
        let created = file.metadata().unwrap().created().ok();
        let since = created.map(|time| time.duration_since(std::time::UNIX_EPOCH).unwrap());
        assert_eq!(created_ns(&file), since.unwrap_or_default().as_nanos());
    }
}
