//! The file store against failing disks, damage and second processes.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;
use crate::lease::Takeover;

const EPOCH: Epoch = Epoch::Y2024;
const NOON: UnixMillis = UnixMillis(1_795_177_540_000);
const NODE: NodeId = crate::node_id!(7);

/// A disk whose steps, counted from 0, fail from one on: as a full disk does, or a
/// process that is killed there. Reached again it works.
#[derive(Debug)]
struct Failing {
    step: AtomicUsize,
    fails_at: Arc<AtomicUsize>,
    /// Whether the step that fails does part of its work.
    torn: bool,
}

const NEVER: usize = usize::MAX;

impl Failing {
    fn step(&self) -> io::Result<()> {
        let step = self.step.fetch_add(1, Ordering::SeqCst);
        if step >= self.fails_at.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl Disk for Failing {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<File> {
        let fails = self.step();
        if fails.is_err() && self.torn {
            RealDisk.write(path, &bytes[..bytes.len() / 2])?;
        }
        fails.and_then(|()| RealDisk.write(path, bytes))
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.sync(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let fails = self.step();
        if fails.is_err() && self.torn {
            RealDisk.rename(from, to)?;
        }
        fails.and_then(|()| RealDisk.rename(from, to))
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
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

/// A request at the end of the first grant.
fn request_at(ms: u64) -> AcquireRequest {
    AcquireRequest { now: later(ms), ..request() }
}

struct Place {
    temp: TempDir,
}

impl Place {
    fn new() -> Place {
        Place { temp: tempfile::tempdir().unwrap() }
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

    /// Why the store does not open.
    fn kind(&self) -> StoreErrorKind {
        match self.open() {
            Err(LeaseError::Store(error)) => error.kind().clone(),
            other => panic!("opened as {other:?}"),
        }
    }
}

#[test]
fn marks_outlive_the_process() {
    let place = Place::new();
    let store = place.create();
    let first = store.acquire(&request()).unwrap();
    assert_eq!(first, Grant { node: NODE, from: NOON, until: later(3000), fencing_token: 1 });
    let second = store.renew(&renewal(&first, 1000, 4000)).unwrap();
    assert_eq!(second, Grant { from: later(3000), until: later(4000), ..first });
    drop(store);

    let store = place.open().unwrap();
    let successor = store.acquire(&request_at(2000)).unwrap();
    assert_eq!((successor.from, successor.fencing_token), (later(4000), 2));
    assert!(matches!(
        store.renew(&renewal(&second, 1000, 9000)),
        Err(LeaseError::TakenOver { fencing_token: 1, newest: 2, .. })
    ));
    store.release(&ReleaseRequest::at(&successor, later(4001))).unwrap();
    drop(store);
    assert_eq!(place.open().unwrap().acquire(&request_at(2000)).unwrap().from, later(4001));
}

/// If any step of a write fails, the store returns no grant. Neither this process nor the
/// next one grants time that may be recorded on the disk.
#[test]
fn a_write_that_fails_at_any_step_grants_nothing_and_loses_nothing() {
    const STEPS: usize = 4;
    for torn in [false, true] {
        for step in 0..STEPS {
            let place = Place::new();
            drop(place.create());
            let fails_at = Arc::new(AtomicUsize::new(NEVER));
            let step_count = AtomicUsize::new(0);
            let disk = Failing { step: step_count, fails_at: Arc::clone(&fails_at), torn };
            let open = FileStore::open_on(
                Box::new(disk),
                &place.directory(),
                EPOCH,
                GrantLimits::default(),
            );
            let store = open.unwrap();
            let lease = store.acquire(&request()).unwrap();

            // After the steps of the owner record and of the first grant.
            fails_at.store(1 + STEPS + step, Ordering::SeqCst);
            let failed = store.renew(&renewal(&lease, 1000, 4000)).unwrap_err();
            assert!(failed.to_string().contains(" failed: "), "{failed}");

            // The same process, when the disk is well again: past what may be on it.
            fails_at.store(NEVER, Ordering::SeqCst);
            let on_disk =
                FileStore::peek(place.directory()).unwrap().1.get(NODE).unwrap().high_water_mark;
            assert!(on_disk == later(3000) || on_disk == later(4000));
            let renewed = store.renew(&renewal(&lease, 2000, 5000)).unwrap();
            assert_eq!((renewed.from, renewed.until), (later(4000), later(5000)));

            // Another process, that finds the disk as it was left.
            fails_at.store(0, Ordering::SeqCst);
            store.renew(&renewal(&renewed, 3000, 6000)).unwrap_err();
            drop(store);
            let next = place.open().unwrap().acquire(&request_at(4000)).unwrap();
            assert!(next.from >= later(5000), "torn {torn}, step {step}: {next}");
        }
    }
}

#[test]
fn an_interrupted_creation_can_be_repeated() {
    for step in 0..6 {
        let place = Place::new();
        let fails_at = Arc::new(AtomicUsize::new(step));
        let disk = Failing { step: AtomicUsize::new(0), fails_at, torn: true };
        FileStore::create_on(Box::new(disk), &place.directory(), EPOCH, GrantLimits::default())
            .unwrap_err();
        // Either it is there or it can be made; the directory never stands in the way.
        match place.open() {
            Ok(store) => assert!(store.records().unwrap().is_empty()),
            Err(_) => drop(place.create()),
        }
    }
}

#[test]
fn a_directory_without_a_store_is_an_error() {
    let place = Place::new();
    assert_eq!(place.kind(), StoreErrorKind::Missing);
    fs::create_dir(place.directory()).unwrap();
    assert_eq!(place.kind(), StoreErrorKind::Missing);
    drop(place.create());
    let again = FileStore::create(place.directory(), EPOCH, GrantLimits::default()).unwrap_err();
    assert!(again.to_string().contains("a store or part of one exists here"), "{again}");
}

#[test]
fn a_missing_or_truncated_lease_file_is_damage() {
    let place = Place::new();
    place.create().acquire(&request()).unwrap();
    let leases = place.directory().join(LEASES);
    let bytes = fs::read(&leases).unwrap();
    for left in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&leases, &bytes[..left]).unwrap();
        assert!(matches!(place.kind(), StoreErrorKind::Damaged { .. }), "{left} bytes left");
    }
    fs::remove_file(&leases).unwrap();
    assert_eq!(place.kind(), missing_leases());

    let high_water_mark = later(60_000);
    drop(
        FileStore::rebuild(place.directory(), EPOCH, GrantLimits::default(), high_water_mark)
            .unwrap(),
    );
    assert_eq!(place.open().unwrap().acquire(&request_at(60_000)).unwrap().from, high_water_mark);
}

#[test]
fn rejects_a_copy_and_opens_a_moved_directory() {
    let place = Place::new();
    place.create().acquire(&request()).unwrap();
    let moved = place.temp.path().join("moved");
    fs::rename(place.directory(), &moved).unwrap();
    FileStore::open(&moved, EPOCH, GrantLimits::default()).unwrap();

    fs::create_dir(place.directory()).unwrap();
    for file in ["lock", LEASES] {
        fs::copy(moved.join(file), place.directory().join(file)).unwrap();
    }
    assert_eq!(place.kind(), StoreErrorKind::Copied);
}

#[test]
fn a_second_process_gets_the_id_of_the_owner() {
    let place = Place::new();
    let store = place.create();
    assert_eq!(place.kind(), StoreErrorKind::InUse { process: Some(std::process::id()) });
    drop(store);
    place.open().unwrap();
}

#[test]
fn rejects_another_epoch() {
    let place = Place::new();
    drop(place.create());
    let opened = FileStore::open(place.directory(), Epoch::TWITTER, GrantLimits::default());
    let error = opened.unwrap_err();
    assert!(matches!(error, LeaseError::IdFormatMismatch { .. }), "{error}");
    for epoch in [Epoch::Y2024, Epoch::TWITTER] {
        assert!(error.to_string().contains(&epoch.start().to_string()), "{error}");
    }
}

/// Without the sync a crash of the machine could lose the record and the leases, and the
/// directory would pass for one whose creation was interrupted.
#[test]
fn the_owner_record_is_synced_before_the_store_is_used() {
    let place = Place::new();
    // The parent, and the four steps of the lease file, come before it.
    for (open, step) in [(false, 5), (true, 0)] {
        let fails_at = Arc::new(AtomicUsize::new(step));
        let disk = Box::new(Failing { step: AtomicUsize::new(0), fails_at, torn: false });
        let limits = GrantLimits::default();
        let error = match open {
            true => FileStore::open_on(disk, &place.directory(), EPOCH, limits),
            false => FileStore::create_on(disk, &place.directory(), EPOCH, limits),
        }
        .unwrap_err();
        assert!(error.to_string().contains("writing the owner record failed"), "{error}");
    }
}
