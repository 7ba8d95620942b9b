//! The torture: eight processes lease from one store, make IDs as fast as they can, and are
//! killed, stopped, replaced and given wrong clocks. No ID is made twice, each process's
//! IDs increase, and what each of them goes through is what was said beforehand.
//!
//! On files, PostgreSQL and etcd, with servers that are started here; what the machine does
//! not have is named and left out. In the file store each lane has a folder and a node
//! id of its own; of the others, four lanes have a fixed node ID and four take any.
//!
//! ```text
//! just torture               # 60 s on each store
//! TORTURE_SECONDS=20 TORTURE_SEED=7 cargo test -p snowflake --all-features --test torture -- --nocapture
//! ```
//!
//! `schedule` says which faults, and `forecast` what is to come of each. The `nemesis` injects
//! them into a `lane`, one `process` after another, each a `worker` that leaves a `history`; the
//! `checker` looks at the IDs of all.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod servers;
mod torture {
    pub(crate) mod checker;
    pub(crate) mod forecast;
    pub(crate) mod history;
    pub(crate) mod lane;
    mod nemesis;
    pub(crate) mod process;
    pub(crate) mod schedule;
    pub(crate) mod worker;
    pub(crate) mod yardstick;
}

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::{env, fs, thread};

use servers::{Etcd, Postgres, skipped};
use snowflake::lease::{AcquireRequest, FileStore, ReleaseRequest, Takeover};
use snowflake::{Clock, SystemClock};
use torture::checker::check;
use torture::history::now_ms;
use torture::lane::Lane;
use torture::process::FakeClock;
use torture::schedule::{Holding, LANES, Plan};
use torture::worker::{EPOCH, LIMITS, Orders, open};
use torture::yardstick::Yardstick;

/// Ten million IDs in a minute, and more.
const IDS_PER_MS: u64 = 10_000_000 / 60_000;

/// What the conductor starts; by itself it does nothing.
#[test]
fn worker() {
    if let Some(orders) = Orders::given() {
        orders.carry_out();
    }
}

#[test]
fn on_files() {
    conduct("files", None);
}

#[test]
fn on_postgres() {
    if let Some(server) = Postgres::start() {
        conduct("PostgreSQL", Some(&server.url()));
    }
}

#[test]
fn on_etcd() {
    if let Some(server) = Etcd::start() {
        conduct("etcd", Some(&server.url()));
    }
}

/// A number from the environment.
fn given(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

/// One after another: the machine is busy enough.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Tortures eight lanes on the server at `url`, or on a folder each.
fn conduct(store: &str, url: Option<&str>) {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let library = FakeClock::library();
    if library.is_none() {
        skipped("wrong clocks: libfaketime is not installed (Debian: apt-get install faketime)");
    }
    let length_ms = 1000 * given("TORTURE_SECONDS").unwrap_or(10);
    // What is longer than a grant is long. The default is 3 s.
    let grant_ms = if length_ms < 30_000 { 1000 } else { 3000 };
    let seed =
        given("TORTURE_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 32);
    let plan = Plan { seed, length_ms, grant_ms, clocks: library.is_some() };
    println!("torture on {store} for {length_ms} ms, grants of {grant_ms} ms, TORTURE_SEED={seed}");

    let temp = tempfile::tempdir().unwrap();
    let beside = match url {
        Some(url) => {
            leave_some_released(url);
            open(url).unwrap()
        }
        None => Box::new(FileStore::create(temp.path().join("beside"), EPOCH, LIMITS).unwrap()),
    };
    let yardstick = Yardstick::start(beside);
    let mut lanes: Vec<Lane> =
        (0..LANES).map(|nth| lane(nth, temp.path(), url, grant_ms, library.as_deref())).collect();
    let until_ms = now_ms() + length_ms;
    let gave_up = thread::scope(|scope| {
        let mut running = Vec::new();
        for (nth, lane) in lanes.iter_mut().enumerate() {
            let injections = plan.lane(nth, lane.holding);
            let faults: Vec<_> =
                injections.iter().map(|injection| injection.fault.to_string()).collect();
            println!("{}: {}", lane.name, faults.join(", "));
            running.push(scope.spawn(move || lane.run(&injections, until_ms)));
        }
        running.into_iter().filter_map(|lane| lane.join().err()).count()
    });

    let late_ms = yardstick.late_ms();
    let mut wrongs = 0;
    for finding in lanes.iter().flat_map(|lane| &lane.findings) {
        let wrong = finding.wrong(late_ms).map(|wrong| format!(", WRONG: {wrong}"));
        wrongs += usize::from(wrong.is_some());
        println!("{finding}{}", wrong.unwrap_or_default());
    }
    let processes = || lanes.iter().flat_map(|lane| &lane.processes);
    let ids = check(processes()).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    println!("{ids} IDs by {} processes, none twice", processes().count());
    if let Some(late_ms) = late_ms {
        println!("{late_ms} ms late at most");
    }
    assert_eq!(wrongs + gave_up, 0, "seed {seed}: not as forecast, see above");
    let least = if late_ms.is_some() { IDS_PER_MS * length_ms } else { 1 };
    assert!(ids >= least, "{ids} IDs are too few to tell");
}

/// Node IDs that were released are taken before others, the one with the oldest mark first.
/// So that one which a lane releases, to have it again, is not another's in between.
fn leave_some_released(url: &str) {
    let store = open(url).unwrap();
    let request = AcquireRequest {
        node: None,
        now: SystemClock.now(),
        grant_ms: 6,
        holder: "torture".to_owned(),
        takeover: Takeover::Immediate,
    };
    let leases: Vec<_> = (0..4 * LANES).map(|_| store.acquire(&request).unwrap()).collect();
    leases.iter().for_each(|lease| store.release(&ReleaseRequest::at(lease, lease.from)).unwrap());
}

fn lane(nth: usize, temp: &Path, url: Option<&str>, grant_ms: u64, library: Option<&Path>) -> Lane {
    let is_fixed = url.is_none() || nth.is_multiple_of(2);
    // Far from those that are taken by whoever has none.
    let node = is_fixed.then_some(1000 + nth as u16);
    let name =
        node.map_or(format!("lane {nth}, any node ID"), |id| format!("lane {nth}, node ID {id}"));
    let folder = temp.join(format!("lane-{nth}"));
    fs::create_dir(&folder).unwrap();
    let store = match url {
        Some(url) => url.to_owned(),
        None => {
            let store = folder.join("ids");
            drop(FileStore::create(&store, EPOCH, LIMITS).unwrap());
            store.to_str().unwrap().to_owned()
        }
    };
    let history = folder.join("history");
    let holding = Holding { is_fixed, is_shared: url.is_some(), is_bounded: url.is_some() };
    let orders = Orders { store, node, grant_ms, history };
    let clock = library.map(|library| FakeClock::new(library, &folder));
    Lane::new(name, holding, orders, &folder, clock)
}
