//! The file store on a disk that is full, and on one that cannot be written.
//!
//! The disks are small ones in memory, which only root can mount: for others the tests say
//! that they were skipped, and pass.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use snowflake::lease::{
    AcquireRequest, FileStore, GrantLimits, LeaseError, LeaseStore, RenewRequest, Takeover,
};
use snowflake::{Epoch, NodeId, UnixMillis};
use tempfile::TempDir;

const NOON: UnixMillis = UnixMillis(1_795_177_540_000);

fn later(ms: u64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

/// One test at a time: a program that another one starts has, for a moment, what is open
/// here, and a file that is removed meanwhile goes on filling its disk.
static TURN: Mutex<()> = Mutex::new(());

/// A disk of 64 KiB.
struct Disk {
    mounted: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Disk {
    /// None, and said so, if it cannot be mounted.
    fn mount() -> Option<Disk> {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let disk = Disk { mounted: tempfile::tempdir().unwrap(), _turn };
        if disk.mounted_with("size=64k,mode=777") {
            return Some(disk);
        }
        // Past the test runner, which would keep it to itself.
        let _ = writeln!(io::stderr(), "skipped: no small disk, which root alone can mount");
        None
    }

    fn mounted_with(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(self.mounted.path());
        mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn set_writable(&self, writable: bool) {
        let options = if writable { "remount,rw" } else { "remount,ro" };
        assert!(self.mounted_with(options));
    }

    fn folder(&self) -> PathBuf {
        self.mounted.path().join("ids")
    }

    fn filler(&self) -> PathBuf {
        self.mounted.path().join("filler")
    }

    /// Leaves not a byte.
    fn fill(&self) {
        let mut filler = File::create(self.filler()).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn create(&self) -> FileStore {
        FileStore::create(self.folder(), Epoch::Y2024, GrantLimits::default()).unwrap()
    }

    fn open(&self) -> Result<FileStore, LeaseError> {
        FileStore::open(self.folder(), Epoch::Y2024, GrantLimits::default())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut umount = Command::new("umount");
        // It may never have been mounted.
        let _ = umount.args(["--lazy"]).arg(self.mounted.path()).stderr(Stdio::null()).status();
    }
}

fn request() -> AcquireRequest {
    AcquireRequest {
        node: NodeId::new(7).ok(),
        now: NOON,
        grant_ms: 3000,
        holder: "test".to_owned(),
        takeover: Takeover::Immediate,
    }
}

#[test]
fn a_full_disk_grants_nothing_and_loses_nothing() {
    let Some(disk) = Disk::mount() else { return };
    let store = disk.create();
    let lease = store.acquire(&request()).unwrap();

    disk.fill();
    let full =
        store.renew(&RenewRequest::after(&lease, NOON, later(4000))).unwrap_err().to_string();
    assert!(full.contains(" failed: No space left on device"), "{full}");
    drop(store);
    // A start finds the mark, and can give nothing either.
    let store = disk.open().unwrap();
    let full =
        store.acquire(&AcquireRequest { now: later(4000), ..request() }).unwrap_err().to_string();
    assert!(full.contains(" failed: No space left on device"), "{full}");
    let kept = store.records().unwrap()[0].1.high_water_mark;
    drop(store);

    fs::remove_file(disk.filler()).unwrap();
    let after = AcquireRequest { now: later(4000), ..request() };
    let next = disk.open().unwrap().acquire(&after).unwrap();
    assert!(kept >= lease.until && next.from >= lease.until, "{next} after {lease}");
}

#[test]
fn a_read_only_disk_is_refused_and_works_again_when_it_can_be_written() {
    let Some(disk) = Disk::mount() else { return };
    let store = disk.create();
    let lease = store.acquire(&request()).unwrap();
    drop(store);

    disk.set_writable(false);
    let refused = disk.open().unwrap_err().to_string();
    assert!(refused.ends_with("opening the lock file failed: Read-only file system (os error 30)"));

    disk.set_writable(true);
    let after = AcquireRequest { now: lease.until, ..request() };
    assert_eq!(disk.open().unwrap().acquire(&after).unwrap().from, lease.until);
}
