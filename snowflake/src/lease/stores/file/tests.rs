//! The file store against failing disks, damage and second processes.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;
use crate::lease::Successor;

const EPOCH: Epoch = Epoch::Y2024;
const NOON: UnixMillis = UnixMillis(1_795_177_540_000);
const NODE: NodeId = match NodeId::new(7) {
    Ok(node) => node,
    Err(_) => panic!(),
};

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

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.sync_folder(folder))
    }
}

fn request() -> Request {
    Request {
        node: Some(NODE),
        now: NOON,
        grant_ms: 3000,
        holder: "test".to_owned(),
        successor: Successor::RunsAhead,
    }
}

fn later(ms: u64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

struct Place {
    temp: TempDir,
}

impl Place {
    fn new() -> Place {
        Place { temp: tempfile::tempdir().unwrap() }
    }

    fn folder(&self) -> std::path::PathBuf {
        self.temp.path().join("ids")
    }

    fn create(&self) -> FileStore {
        FileStore::create(self.folder(), EPOCH, Bounds::default()).unwrap()
    }

    fn open(&self) -> Result<FileStore, LeaseError> {
        FileStore::open(self.folder(), EPOCH, Bounds::default())
    }

    /// Why the store does not open.
    fn problem(&self) -> Problem {
        match self.open() {
            Err(LeaseError::Store(error)) => error.problem().clone(),
            other => panic!("opened as {other:?}"),
        }
    }
}

#[test]
fn marks_outlive_the_process() {
    let place = Place::new();
    let store = place.create();
    let first = store.acquire(&request()).unwrap();
    assert_eq!(first, Lease { node: NODE, from: NOON, until: later(3000), fence: 1 });
    let second = store.renew(&first, later(1000), later(4000)).unwrap();
    assert_eq!(second, Lease { from: later(3000), until: later(4000), ..first });
    drop(store);

    let store = place.open().unwrap();
    let successor = store.acquire(&request()).unwrap();
    assert_eq!((successor.from, successor.fence), (later(4000), 2));
    assert!(matches!(
        store.renew(&second, later(1000), later(9000)),
        Err(LeaseError::TakenOver { fence: 1, newer: 2, .. })
    ));
    store.release(&successor, later(4001)).unwrap();
    drop(store);
    assert_eq!(place.open().unwrap().acquire(&request()).unwrap().from, later(4001));
}

/// However a write fails, the grant is not given; and neither this process nor the
/// next one grants time that the disk may have promised.
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
            let open =
                FileStore::open_on(Box::new(disk), &place.folder(), EPOCH, Bounds::default());
            let store = open.unwrap();
            let lease = store.acquire(&request()).unwrap();

            fails_at.store(STEPS + step, Ordering::SeqCst);
            let failed = store.renew(&lease, later(1000), later(4000)).unwrap_err();
            assert!(failed.to_string().contains(" failed: "), "{failed}");

            // The same process, when the disk is well again: past what may be on it.
            fails_at.store(NEVER, Ordering::SeqCst);
            let on_disk = FileStore::peek(place.folder()).unwrap().1.get(NODE).unwrap().mark;
            assert!(on_disk == later(3000) || on_disk == later(4000));
            let renewed = store.renew(&lease, later(2000), later(5000)).unwrap();
            assert_eq!((renewed.from, renewed.until), (later(4000), later(5000)));

            // Another process, that finds the disk as it was left.
            fails_at.store(0, Ordering::SeqCst);
            store.renew(&renewed, later(3000), later(6000)).unwrap_err();
            drop(store);
            let next = place.open().unwrap().acquire(&request()).unwrap();
            assert!(next.from >= later(5000), "torn {torn}, step {step}: {next}");
        }
    }
}

#[test]
fn a_creation_that_was_cut_short_can_be_done_again() {
    for step in 0..4 {
        let place = Place::new();
        let fails_at = Arc::new(AtomicUsize::new(step));
        let disk = Failing { step: AtomicUsize::new(0), fails_at, torn: true };
        FileStore::create_on(Box::new(disk), &place.folder(), EPOCH, Bounds::default())
            .unwrap_err();
        // Either it is there or it can be made; the folder never stands in the way.
        match place.open() {
            Ok(store) => assert!(store.records().unwrap().is_empty()),
            Err(_) => drop(place.create()),
        }
    }
}

#[test]
fn a_folder_without_a_store_is_not_taken_for_an_empty_one() {
    let place = Place::new();
    assert_eq!(place.problem(), Problem::Missing);
    fs::create_dir(place.folder()).unwrap();
    assert_eq!(place.problem(), Problem::Missing);
    drop(place.create());
    let again = FileStore::create(place.folder(), EPOCH, Bounds::default()).unwrap_err();
    assert!(again.to_string().contains("there is one here already"), "{again}");
}

#[test]
fn a_store_whose_marks_are_gone_or_cut_short_is_damaged() {
    let place = Place::new();
    place.create().acquire(&request()).unwrap();
    let leases = place.folder().join(LEASES);
    let bytes = fs::read(&leases).unwrap();
    for left in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&leases, &bytes[..left]).unwrap();
        assert!(matches!(place.problem(), Problem::Damaged { .. }), "{left} bytes left");
    }
    fs::remove_file(&leases).unwrap();
    assert_eq!(place.problem(), missing_leases());

    let mark = later(60_000);
    drop(FileStore::rebuild(place.folder(), EPOCH, Bounds::default(), mark).unwrap());
    assert_eq!(place.open().unwrap().acquire(&request()).unwrap().from, mark);
}

#[test]
fn a_copy_is_refused_and_a_moved_folder_is_not() {
    let place = Place::new();
    place.create().acquire(&request()).unwrap();
    let moved = place.temp.path().join("moved");
    fs::rename(place.folder(), &moved).unwrap();
    FileStore::open(&moved, EPOCH, Bounds::default()).unwrap();

    fs::create_dir(place.folder()).unwrap();
    for file in ["lock", LEASES] {
        fs::copy(moved.join(file), place.folder().join(file)).unwrap();
    }
    assert_eq!(place.problem(), Problem::Copied);
}

#[test]
fn a_second_opener_is_told_who_has_it() {
    let place = Place::new();
    let store = place.create();
    assert_eq!(place.problem(), Problem::InUse { process: Some(std::process::id()) });
    drop(store);
    place.open().unwrap();
}

#[test]
fn another_epoch_is_refused() {
    let place = Place::new();
    drop(place.create());
    let opened = FileStore::open(place.folder(), Epoch::TWITTER, Bounds::default());
    assert_eq!(
        opened.unwrap_err().to_string(),
        "the store is for IDs of epoch 1704067200000 ms since 1970, layout 41 + 10 + 12 bits, not \
         of epoch 1288834974657 ms since 1970, layout 41 + 10 + 12 bits: use the same everywhere, \
         or another store",
    );
}
