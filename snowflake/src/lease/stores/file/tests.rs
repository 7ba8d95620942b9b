//! The file store against failing disks, damage and second processes.

mod rebuild;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::identity::Identity;
use super::*;
use crate::lease::Takeover;

const EPOCH: Epoch = Epoch::Y2024;
const NOON: UnixMillis = UnixMillis(1_795_177_540_000);
const NODE: NodeId = crate::node_id!(7);

/// A disk whose steps fail from `fails_at` on, counted from 0.
///
/// A full disk fails like this, and so does a process that is killed at that step.
#[derive(Debug)]
struct FailingDisk {
    step: AtomicUsize,
    fails_at: Arc<AtomicUsize>,
    /// A failing step does part of its work.
    is_torn: bool,
}

const NEVER: usize = usize::MAX;

impl FailingDisk {
    fn step(&self) -> io::Result<()> {
        let step = self.step.fetch_add(1, Ordering::SeqCst);
        if step >= self.fails_at.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl Disk for FailingDisk {
    fn write(&self, directory: &File, name: &str, bytes: &[u8]) -> io::Result<File> {
        let step = self.step();
        if step.is_err() && self.is_torn {
            RealDisk.write(directory, name, &bytes[..bytes.len() / 2])?;
        }
        step.and_then(|()| RealDisk.write(directory, name, bytes))
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.sync(file))
    }

    fn rename(&self, directory: &File, from: &str, to: &str) -> io::Result<()> {
        let step = self.step();
        if step.is_err() && self.is_torn {
            RealDisk.rename(directory, from, to)?;
        }
        step.and_then(|()| RealDisk.rename(directory, from, to))
    }

    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.sync_directory(directory))
    }
}

fn request() -> AcquireRequest {
    AcquireRequest {
        node: Some(NODE),
        now: NOON,
        grant_ms: 3000,
        holder: "test".to_owned(),
        takeover: Takeover::Immediate,
    }
}

fn later(ms: u64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

fn renewal(grant: &Grant, now_ms: u64, until_ms: u64) -> RenewRequest {
    RenewRequest::after(grant, later(now_ms), later(until_ms))
}

/// Returns a request `ms` after [`NOON`].
fn request_at(ms: u64) -> AcquireRequest {
    AcquireRequest { now: later(ms), ..request() }
}

/// A store's directory, in a temporary directory.
struct TempStore {
    temp: TempDir,
}

impl TempStore {
    fn new() -> TempStore {
        TempStore { temp: tempfile::tempdir().unwrap() }
    }

    fn directory(&self) -> std::path::PathBuf {
        self.temp.path().join("ids")
    }

    fn create(&self) -> FileStore {
        FileStore::create(self.directory(), EPOCH, GrantLimits::default()).unwrap()
    }

    fn open(&self) -> Result<FileStore, LeaseError> {
        FileStore::open(self.directory(), EPOCH, GrantLimits::default())
    }

    /// Returns the kind of the error of [`open`](TempStore::open).
    fn open_error(&self) -> StoreErrorKind {
        match self.open() {
            Err(LeaseError::Store(error)) => error.kind().clone(),
            other => panic!("opened as {other:?}"),
        }
    }
}

#[test]
fn high_water_marks_survive_the_process() {
    let temp_store = TempStore::new();
    let store = temp_store.create();
    let first = store.acquire(&request()).unwrap();
    assert_eq!(first, Grant { node: NODE, from: NOON, until: later(3000), fencing_token: 1 });
    let second = store.renew(&renewal(&first, 1000, 4000)).unwrap();
    assert_eq!(second, Grant { from: later(3000), until: later(4000), ..first });
    drop(store);

    let store = temp_store.open().unwrap();
    let third = store.acquire(&request_at(2000)).unwrap();
    assert_eq!((third.from, third.fencing_token), (later(4000), 2));
    assert!(matches!(
        store.renew(&renewal(&second, 1000, 9000)),
        Err(LeaseError::TakenOver { fencing_token: 1, newest: 2, .. })
    ));
    store.release(&ReleaseRequest::at(&third, later(4001))).unwrap();
    drop(store);
    assert_eq!(temp_store.open().unwrap().acquire(&request_at(2000)).unwrap().from, later(4001));
}

/// If any step of a write fails, the store returns no grant. Neither this process nor the
/// next one grants time that may be recorded on the disk.
#[test]
fn a_write_that_fails_at_any_step_grants_nothing_and_loses_nothing() {
    const STEPS: usize = 4;
    for is_torn in [false, true] {
        for step in 0..STEPS {
            let temp_store = TempStore::new();
            drop(temp_store.create());
            let fails_at = Arc::new(AtomicUsize::new(NEVER));
            let step_count = AtomicUsize::new(0);
            let disk = FailingDisk { step: step_count, fails_at: Arc::clone(&fails_at), is_torn };
            let open = FileStore::open_on(
                Box::new(disk),
                &temp_store.directory(),
                EPOCH,
                GrantLimits::default(),
            );
            let store = open.unwrap();
            let lease = store.acquire(&request()).unwrap();

            // The owner record took one step, and the first grant took `STEPS`.
            fails_at.store(1 + STEPS + step, Ordering::SeqCst);
            let failed = store.renew(&renewal(&lease, 1000, 4000)).unwrap_err();
            assert!(failed.to_string().contains(" failed: "), "{failed}");

            // The disk works again. The same process grants no time that may be recorded on it.
            fails_at.store(NEVER, Ordering::SeqCst);
            let on_disk = FileStore::peek(temp_store.directory())
                .unwrap()
                .1
                .get(NODE)
                .unwrap()
                .high_water_mark;
            assert!(on_disk == later(3000) || on_disk == later(4000));
            let renewed = store.renew(&renewal(&lease, 2000, 5000)).unwrap();
            assert_eq!((renewed.from, renewed.until), (later(4000), later(5000)));

            // Another process does not grant such time either.
            fails_at.store(0, Ordering::SeqCst);
            store.renew(&renewal(&renewed, 3000, 6000)).unwrap_err();
            drop(store);
            let next = temp_store.open().unwrap().acquire(&request_at(4000)).unwrap();
            assert!(next.from >= later(5000), "torn {is_torn}, step {step}: {next}");
        }
    }
}

#[test]
fn an_interrupted_creation_can_be_repeated() {
    for step in 0..6 {
        let temp_store = TempStore::new();
        let fails_at = Arc::new(AtomicUsize::new(step));
        let disk = FailingDisk { step: AtomicUsize::new(0), fails_at, is_torn: true };
        FileStore::create_on(
            Box::new(disk),
            &temp_store.directory(),
            EPOCH,
            GrantLimits::default(),
        )
        .unwrap_err();
        // The store is complete, or it can be created now. The directory itself may exist.
        match temp_store.open() {
            Ok(store) => assert!(store.records().unwrap().is_empty()),
            Err(_) => drop(temp_store.create()),
        }
    }
}

#[test]
fn a_directory_without_a_store_is_an_error() {
    let temp_store = TempStore::new();
    assert_eq!(temp_store.open_error(), StoreErrorKind::Missing);
    fs::create_dir(temp_store.directory()).unwrap();
    assert_eq!(temp_store.open_error(), StoreErrorKind::Missing);
    drop(temp_store.create());
    let again =
        FileStore::create(temp_store.directory(), EPOCH, GrantLimits::default()).unwrap_err();
    assert!(again.to_string().contains("a store or part of one exists here"), "{again}");
}

#[test]
fn a_missing_or_truncated_lease_file_is_damage() {
    let temp_store = TempStore::new();
    temp_store.create().acquire(&request()).unwrap();
    let leases = temp_store.directory().join(LEASES);
    let bytes = fs::read(&leases).unwrap();
    for left in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&leases, &bytes[..left]).unwrap();
        assert!(
            matches!(temp_store.open_error(), StoreErrorKind::Damaged { .. }),
            "{left} bytes left"
        );
    }
    fs::remove_file(&leases).unwrap();
    assert_eq!(temp_store.open_error(), missing_leases());

    let high_water_mark = later(60_000);
    drop(
        FileStore::rebuild(
            temp_store.directory(),
            EPOCH,
            GrantLimits::default(),
            &ResetRequest::raise_to(high_water_mark),
        )
        .unwrap(),
    );
    assert_eq!(
        temp_store.open().unwrap().acquire(&request_at(60_000)).unwrap().from,
        high_water_mark
    );
}

#[test]
fn rejects_a_copy_and_opens_a_moved_directory() {
    let temp_store = TempStore::new();
    temp_store.create().acquire(&request()).unwrap();
    let moved = temp_store.temp.path().join("moved");
    fs::rename(temp_store.directory(), &moved).unwrap();
    FileStore::open(&moved, EPOCH, GrantLimits::default()).unwrap();

    fs::create_dir(temp_store.directory()).unwrap();
    for file in ["lock", LEASES] {
        fs::copy(moved.join(file), temp_store.directory().join(file)).unwrap();
    }
    assert_eq!(temp_store.open_error(), StoreErrorKind::Copied);
}

/// A copy by hard links shares the lock file, and keeps the leases of the time when it was made.
#[test]
fn rejects_a_copy_by_hard_links_and_opens_its_original() {
    let temp_store = TempStore::new();
    temp_store.create().acquire(&request()).unwrap();
    let copy = temp_store.temp.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for file in ["lock", LEASES] {
        fs::hard_link(temp_store.directory().join(file), copy.join(file)).unwrap();
    }
    let error = FileStore::open(&copy, EPOCH, GrantLimits::default()).unwrap_err().to_string();
    assert!(error.contains("this is a copy"), "{error}");
    assert!(FileStore::is_copy(&copy).unwrap());
    assert!(!FileStore::is_copy(temp_store.directory()).unwrap());
    temp_store.open().unwrap();
    // An earlier version has recorded its process ID only.
    fs::write(temp_store.directory().join("lock"), "1234567\n").unwrap();
    temp_store.open().unwrap();
}

/// A backup may move the directory away, and copy it back to its path.
#[test]
fn a_store_writes_to_the_directory_that_it_has_locked() {
    let temp_store = TempStore::new();
    let store = temp_store.create();
    let lease = store.acquire(&request()).unwrap();
    let moved = temp_store.temp.path().join("moved");
    fs::rename(temp_store.directory(), &moved).unwrap();
    fs::create_dir(temp_store.directory()).unwrap();
    for file in ["lock", LEASES] {
        fs::copy(moved.join(file), temp_store.directory().join(file)).unwrap();
    }
    let renewed = store.renew(&renewal(&lease, 1000, 4000)).unwrap();
    let mark_in = |path| FileStore::peek(path).unwrap().1.get(NODE).unwrap().high_water_mark;
    assert_eq!(mark_in(moved.clone()), renewed.until);
    assert_eq!(mark_in(temp_store.directory()), lease.until);
    // The lock has moved with the directory.
    let error = FileStore::open(&moved, EPOCH, GrantLimits::default()).unwrap_err().to_string();
    assert!(error.contains("has it open"), "{error}");
    fs::remove_dir_all(&moved).unwrap();
    let error = store.renew(&renewal(&renewed, 2000, 5000)).unwrap_err().to_string();
    assert!(error.contains("writing the leases failed: "), "{error}");
}

#[test]
fn a_lease_file_of_a_newer_version_is_not_damaged() {
    let temp_store = TempStore::new();
    temp_store.create().acquire(&request()).unwrap();
    let leases = temp_store.directory().join(LEASES);
    let newer = fs::read_to_string(&leases).unwrap().replace("leases 1\n", "leases 2\n");
    fs::write(&leases, newer).unwrap();
    let rebuilt = FileStore::rebuild(
        temp_store.directory(),
        EPOCH,
        GrantLimits::default(),
        &ResetRequest::raise_to(NOON),
    );
    for error in [temp_store.open().unwrap_err(), rebuilt.unwrap_err()] {
        let LeaseError::Store(store_error) = &error else { panic!("{error}") };
        assert!(matches!(store_error.kind(), StoreErrorKind::Misconfigured { .. }), "{error}");
        assert!(error.to_string().contains("newer version; use the version that"), "{error}");
    }
    assert!(!temp_store.directory().join("leases.old").exists());
}

/// The file system, or a system call that is forbidden in a container, may hide the creation time.
#[test]
fn a_store_without_a_recorded_creation_time_is_opened_and_its_copy_is_rejected() {
    let temp_store = TempStore::new();
    temp_store.create().acquire(&request()).unwrap();
    let leases = temp_store.directory().join(LEASES);
    let handle = File::open(temp_store.directory()).unwrap();
    let recorded = read(&temp_store.directory(), &handle).unwrap();
    let record = |inode, created_ns| {
        let directory = Identity { inode, created_ns };
        let file = LeaseFile { directory, ..recorded.clone() };
        fs::write(&leases, file.to_text()).unwrap();
    };
    let Identity { inode, created_ns } = recorded.directory;
    for created_ns in [0, created_ns] {
        record(inode, created_ns);
        assert_eq!(temp_store.open().unwrap().records().unwrap().len(), 1);
        assert!(!FileStore::is_copy(temp_store.directory()).unwrap());
    }
    record(inode + 1, 0);
    assert_eq!(temp_store.open_error(), StoreErrorKind::Copied);

    // A copy can have the inode of the original, as on another disk.
    record(inode, created_ns + 1);
    match created_ns {
        0 => println!("skipped: the file system records no creation time"),
        _ => assert_eq!(temp_store.open_error(), StoreErrorKind::Copied),
    }
}

#[test]
fn the_error_of_a_store_in_use_has_the_process_id_of_its_owner() {
    let temp_store = TempStore::new();
    let store = temp_store.create();
    assert_eq!(
        temp_store.open_error(),
        StoreErrorKind::InUse { process: Some(std::process::id()) }
    );
    drop(store);
    temp_store.open().unwrap();
}

#[test]
fn rejects_another_epoch() {
    let temp_store = TempStore::new();
    drop(temp_store.create());
    let opened = FileStore::open(temp_store.directory(), Epoch::TWITTER, GrantLimits::default());
    let error = opened.unwrap_err();
    assert!(matches!(error, LeaseError::IdFormatMismatch { .. }), "{error}");
    for epoch in [Epoch::Y2024, Epoch::TWITTER] {
        assert!(error.to_string().contains(&epoch.start().to_string()), "{error}");
    }
}

/// Without the sync, a crash of the machine could lose the owner record and the leases. The
/// directory would look like one whose creation was interrupted.
#[test]
fn the_owner_record_is_synced_before_the_store_is_used() {
    let temp_store = TempStore::new();
    // In a creation, the sync of the parent and the four steps of the lease file come first.
    for (opens, step) in [(false, 5), (true, 0)] {
        let fails_at = Arc::new(AtomicUsize::new(step));
        let disk = FailingDisk { step: AtomicUsize::new(0), fails_at, is_torn: false };
        let (disk, limits) = (Box::new(disk), GrantLimits::default());
        let error = match opens {
            true => FileStore::open_on(disk, &temp_store.directory(), EPOCH, limits),
            false => FileStore::create_on(disk, &temp_store.directory(), EPOCH, limits),
        }
        .unwrap_err();
        assert!(error.to_string().contains("writing the owner record failed"), "{error}");
    }
}
