//! The file store on a full disk and on a read-only disk.
//!
//! The disks are small file systems in memory. Only root can mount them: for other users the tests
//! report that they were skipped, and pass.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use snowflake::lease::{
    AcquireRequest, FileStore, GrantLimits, LeaseError, LeaseStore, RenewRequest,
};
use snowflake::{Epoch, NodeId, UnixMillis};
use tempfile::TempDir;

const NOON: UnixMillis = UnixMillis(1_795_177_540_000);

fn later(ms: u64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

/// Lets one test run at a time.
///
/// A process that one test starts inherits the open files of the other, until it has executed its
/// program. A file that is removed during that time still fills its disk.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A disk of 64 KiB.
struct Disk {
    mount_point: TempDir,
    _guard: MutexGuard<'static, ()>,
}

impl Disk {
    /// Mounts a disk. Returns `None`, and reports it, if that fails.
    fn mount() -> Option<Disk> {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let disk = Disk { mount_point: tempfile::tempdir().unwrap(), _guard };
        if disk.run_mount("size=64k,mode=777") {
            return Some(disk);
        }
        // `io::stderr` bypasses the capture of the test runner.
        let _ = writeln!(io::stderr(), "skipped: only root can mount a small disk");
        None
    }

    /// Returns `true` if the command has succeeded.
    fn run_mount(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(self.mount_point.path());
        mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn set_writable(&self, writable: bool) {
        let options = if writable { "remount,rw" } else { "remount,ro" };
        assert!(self.run_mount(options));
    }

    fn directory(&self) -> PathBuf {
        self.mount_point.path().join("ids")
    }

    fn filler(&self) -> PathBuf {
        self.mount_point.path().join("filler")
    }

    /// Writes a file until the disk is full.
    fn fill(&self) {
        let mut filler = File::create(self.filler()).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn create(&self) -> FileStore {
        FileStore::create(self.directory(), Epoch::Y2024, GrantLimits::default()).unwrap()
    }

    fn open(&self) -> Result<FileStore, LeaseError> {
        FileStore::open(self.directory(), Epoch::Y2024, GrantLimits::default())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut umount = Command::new("umount");
        // The mount may have failed.
        let _ = umount.args(["--lazy"]).arg(self.mount_point.path()).stderr(Stdio::null()).status();
    }
}

fn request(now: UnixMillis) -> AcquireRequest {
    AcquireRequest::new(NodeId::new(7).ok(), now, 3000, "test")
}

#[test]
fn a_full_disk_grants_nothing_and_loses_nothing() {
    let Some(disk) = Disk::mount() else { return };
    let store = disk.create();
    let lease = store.acquire(&request(NOON)).unwrap();

    disk.fill();
    let full =
        store.renew(&RenewRequest::after(&lease, NOON, later(4000))).unwrap_err().to_string();
    assert!(full.contains(" failed: No space left on device"), "{full}");
    drop(store);
    // A new process finds the mark, and its store returns no grant either.
    let store = disk.open().unwrap();
    let full = store.acquire(&request(later(4000))).unwrap_err().to_string();
    assert!(full.contains(" failed: No space left on device"), "{full}");
    let mark = store.records().unwrap()[0].1.high_water_mark;
    drop(store);

    fs::remove_file(disk.filler()).unwrap();
    let next = disk.open().unwrap().acquire(&request(later(4000))).unwrap();
    assert!(mark >= lease.until && next.from >= lease.until, "{next} after {lease}");
}

#[test]
fn a_read_only_disk_is_an_error_until_it_is_writable() {
    let Some(disk) = Disk::mount() else { return };
    let store = disk.create();
    let lease = store.acquire(&request(NOON)).unwrap();
    drop(store);

    disk.set_writable(false);
    let error = disk.open().unwrap_err().to_string();
    assert!(error.ends_with("opening the lock file failed: Read-only file system (os error 30)"));

    disk.set_writable(true);
    let next = disk.open().unwrap().acquire(&request(lease.until)).unwrap();
    assert_eq!(next.from, lease.until);
}
