//! Fault injection into eight service instances that lease from one store.
//!
//! Their processes issue IDs as fast as they can. The nemesis kills, stops and replaces them, and
//! sets their clocks. The checker verifies that no ID was issued twice and that each process's IDs
//! increase. Each fault has an expected effect, which is compared with the observed one.
//!
//! There is a test for each store: files, PostgreSQL and etcd. The tests start the servers, and
//! report what they skip if a server is not installed. With files, each instance has a directory
//! and a fixed node ID. With a server, four instances have a fixed node ID and four acquire any.
//!
//! ```text
//! just torture               # 60 s on each store
//! TORTURE_SECONDS=20 TORTURE_SEED=7 cargo test -p snowflake-ids --all-features --test torture -- --nocapture
//! ```
//!
//! `schedule` draws the faults from the seed. The `nemesis` injects them into an `instance`, which
//! runs one `process` after another. Each process is a `worker` that writes a `history`.
//! `expectation` has the expected effects, and the `checker` verifies the IDs of all processes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod servers;
mod torture {
    pub(crate) mod checker;
    pub(crate) mod expectation;
    pub(crate) mod history;
    pub(crate) mod instance;
    pub(crate) mod latency_probe;
    mod nemesis;
    pub(crate) mod process;
    pub(crate) mod schedule;
    pub(crate) mod worker;
}

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::{env, fs, thread};

use servers::{Etcd, Postgres, skipped};
use snowflake::lease::{AcquireRequest, FileStore, ReleaseRequest};
use snowflake::{Clock, SystemClock};
use torture::checker::check;
use torture::history::now_ms;
use torture::instance::Instance;
use torture::latency_probe::LatencyProbe;
use torture::process::FakeClock;
use torture::schedule::{FaultSchedule, INSTANCES, LeaseSetup};
use torture::worker::{EPOCH, LIMITS, WorkerConfig, open};

/// The smallest number of IDs that a run must have: ten million in a minute.
const MIN_IDS_PER_MS: u64 = 10_000_000 / 60_000;

/// The worker that the test runner starts. Without the runner it does nothing.
#[test]
fn worker() {
    if let Some(worker) = WorkerConfig::from_env() {
        worker.run();
    }
}

#[test]
fn ids_are_unique_under_faults_with_the_file_store() {
    torture("files", None);
}

#[test]
fn ids_are_unique_under_faults_with_the_postgres_store() {
    if let Some(server) = Postgres::start() {
        torture("PostgreSQL", Some(&server.url()));
    }
}

#[test]
fn ids_are_unique_under_faults_with_the_etcd_store() {
    if let Some(server) = Etcd::start() {
        torture("etcd", Some(&server.url()));
    }
}

/// Returns a number from the environment.
fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Lets one test run at a time, because each uses all cores.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs eight instances with the server at `url`, or with a directory for each.
fn torture(store: &str, url: Option<&str>) {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let library = FakeClock::library();
    if library.is_none() {
        skipped("wrong clocks: libfaketime is not installed (Debian: apt-get install faketime)");
    }
    let length_ms = 1000 * setting("TORTURE_SECONDS").unwrap_or(10);
    // Some faults last longer than a grant, so a short run has shorter grants than the default of 3
    // s.
    let grant_ms = if length_ms < 30_000 { 1000 } else { 3000 };
    let seed =
        setting("TORTURE_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 32);
    let has_fake_clocks = library.is_some();
    let schedule = FaultSchedule { seed, length_ms, grant_ms, has_fake_clocks };
    println!("torture on {store} for {length_ms} ms, grants of {grant_ms} ms, TORTURE_SEED={seed}");

    let temp = tempfile::tempdir().unwrap();
    let probe_store = match url {
        Some(url) => {
            release_some_node_ids(url);
            open(url).unwrap()
        }
        None => Box::new(FileStore::create(temp.path().join("probe"), EPOCH, LIMITS).unwrap()),
    };
    let probe = LatencyProbe::start(probe_store);
    let mut instances: Vec<Instance> = (0..INSTANCES)
        .map(|nth| instance(nth, temp.path(), url, grant_ms, library.as_deref()))
        .collect();
    let until_ms = now_ms() + length_ms;
    let panics = thread::scope(|scope| {
        let mut threads = Vec::new();
        for (nth, instance) in instances.iter_mut().enumerate() {
            let injections = schedule.injections(nth, instance.setup);
            let faults: Vec<_> =
                injections.iter().map(|injection| injection.fault.to_string()).collect();
            println!("{}: {}", instance.name, faults.join(", "));
            threads.push(scope.spawn(move || instance.run(&injections, until_ms)));
        }
        threads.into_iter().filter_map(|thread| thread.join().err()).count()
    });

    let tolerance_ms = probe.tolerance_ms();
    let mut mismatches = 0;
    for finding in instances.iter().flat_map(|instance| &instance.findings) {
        let mismatch = finding.mismatch(tolerance_ms);
        mismatches += usize::from(mismatch.is_some());
        let mismatch = mismatch.map(|mismatch| format!(", MISMATCH: {mismatch}"));
        println!("{finding}{}", mismatch.unwrap_or_default());
    }
    let processes = || instances.iter().flat_map(|instance| &instance.processes);
    let ids = check(processes()).unwrap_or_else(|anomaly| panic!("seed {seed}: {anomaly}"));
    println!("{ids} IDs of {} processes, no duplicate", processes().count());
    if let Some(tolerance_ms) = tolerance_ms {
        println!("the tolerance of durations was {tolerance_ms} ms");
    }
    assert_eq!(mismatches + panics, 0, "seed {seed}: {mismatches} mismatches, {panics} panics");
    let min_ids = if tolerance_ms.is_some() { MIN_IDS_PER_MS * length_ms } else { 1 };
    assert!(ids >= min_ids, "too few IDs for a verdict: {ids} (expected at least {min_ids})");
}

/// Acquires and releases node IDs, so that a request for any node ID prefers these.
///
/// The one with the oldest mark is the first choice. So when an instance releases its node ID and
/// acquires it again, no other instance gets that node ID in between.
fn release_some_node_ids(url: &str) {
    let store = open(url).unwrap();
    let request = AcquireRequest::new(None, SystemClock.now(), 6, "torture");
    let leases: Vec<_> = (0..4 * INSTANCES).map(|_| store.acquire(&request).unwrap()).collect();
    leases.iter().for_each(|lease| store.release(&ReleaseRequest::at(lease, lease.from)).unwrap());
}

fn instance(
    nth: usize,
    temp: &Path,
    url: Option<&str>,
    grant_ms: u64,
    library: Option<&Path>,
) -> Instance {
    let is_fixed = url.is_none() || nth.is_multiple_of(2);
    // Requests for any node ID get low numbers.
    let node = is_fixed.then_some(1000 + nth as u16);
    let name = node.map_or(format!("instance {nth}, any node ID"), |id| {
        format!("instance {nth}, node ID {id}")
    });
    let directory = temp.join(format!("instance-{nth}"));
    fs::create_dir(&directory).unwrap();
    let store = match url {
        Some(url) => url.to_owned(),
        None => {
            let store = directory.join("ids");
            drop(FileStore::create(&store, EPOCH, LIMITS).unwrap());
            store.to_str().unwrap().to_owned()
        }
    };
    let history = directory.join("history");
    let setup = LeaseSetup { is_fixed, is_shared: url.is_some(), has_clock: url.is_some() };
    let worker = WorkerConfig { store, node, grant_ms, history };
    let clock = library.map(|library| FakeClock::new(library, &directory));
    Instance::new(name, setup, worker, &directory, clock)
}
