//! What a lease costs an ID.

use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use benches::rounds::{FRESH_IDS, fresh};
use snowflake::lease::{Bounds, Keeper, Lease, MemoryStore};
use snowflake::{
    Builder, Clock, Epoch, Generator, HoldsUntil, NodeId, Reading, SystemClock, UnixMillis,
};

use crate::table;

const ROUNDS: usize = 1000;
const PLAIN: &str = "without a lease";
const LEASED: &str = "with a lease";

fn builder() -> Builder {
    Generator::builder(NodeId::MAX, Epoch::Y2024)
}

pub(crate) fn ask() {
    time();
    instructions();
}

fn time() {
    let plain = Arc::new(builder().build_static(SystemClock));
    let store = MemoryStore::new(Epoch::Y2024, Bounds::default());
    let keeper = Keeper::builder(store).start(SystemClock).expect("memory does not fail");
    let subjects = [(PLAIN, &plain), (LEASED, keeper.generator())];

    let mut times = subjects.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for ((_, generator), times) in subjects.iter().zip(&mut times) {
            let mut made = 0;
            let time = fresh(|| made += u64::from(black_box(generator.try_next_id()).is_ok()));
            // A refusal is cheaper than an ID: a round with one says nothing.
            if made == FRESH_IDS {
                times.push(table::ns_each(time, FRESH_IDS));
            }
        }
    }
    let medians = times.map(table::median);
    let rows: Vec<_> = subjects
        .iter()
        .zip(medians)
        .map(|((name, _), ns)| {
            vec![(*name).into(), format!("{ns:.2}"), format!("{:.3}", ns / medians[0])]
        })
        .collect();
    table::print(
        "A lease",
        &format!(
            "{FRESH_IDS} IDs by `try_next_id` of a fresh millisecond, with the system's clock, and a \
             keeper that renews its grants meanwhile. Medians of {ROUNDS} rounds, in turns."
        ),
        &["generator", "ns per ID", "of the first"],
        &rows,
    );
}

/// IDs of a millisecond, after which the clock moves on.
const IDS_PER_MS: u64 = 2000;
/// Two runs, whose difference has nothing of starting and ending in it.
const RUNS: [u64; 2] = [100_000, 300_000];

/// What valgrind counts: the same from run to run.
fn instructions() {
    let mut rows = Vec::new();
    for name in [PLAIN, LEASED] {
        let Some(counts) = RUNS.map(|ids| count(name, ids)).into_iter().collect::<Option<Vec<_>>>()
        else {
            println!("\nInstructions were not counted: valgrind is not installed.");
            return;
        };
        let each = (counts[1] - counts[0]) as f64 / (RUNS[1] - RUNS[0]) as f64;
        rows.push((name, each));
    }
    let first = rows[0].1;
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, each)| vec![name.into(), format!("{each:.2}"), format!("{:.3}", each / first)])
        .collect();
    table::print(
        "A lease, in instructions",
        &format!(
            "As callgrind counts them, with a clock that moves on after {IDS_PER_MS} IDs: it is \
             read, and the grant's end with it, once in that time."
        ),
        &["generator", "instructions per ID", "of the first"],
        &rows,
    );
}

/// How many instructions this program needs to make so many IDs, or none without valgrind.
fn count(name: &str, ids: u64) -> Option<u64> {
    let program = std::env::current_exe().expect("a program knows where it is");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let output = valgrind.arg(program).args([CLAIMS, name, &ids.to_string()]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected :"))?.1;
    collected.trim().parse().ok()
}

/// The argument that makes this program do nothing but claim.
pub(crate) const CLAIMS: &str = "claims";

/// Makes IDs with a generator that is called `name`, and says nothing.
pub(crate) fn claim(name: &str, ids: u64) {
    let clock = Steady::default();
    let until = UnixMillis(clock.now().0 + ids);
    let lease = Lease { node: NodeId::MAX, from: clock.now(), until, fence: 1 };
    let built = match name {
        PLAIN => builder().build(&clock),
        _ => builder().build_leased(&lease, &clock),
    };
    let generator = built.expect("the clock is past the epoch");
    for nth in 0..ids {
        if nth % IDS_PER_MS == 0 {
            clock.ms.fetch_add(1, Ordering::Relaxed);
        }
        black_box(generator.try_next_id()).expect("the millisecond and the grant have room");
    }
}

/// A clock that moves when it is told to. The time is its counter, too.
#[derive(Default)]
struct Steady {
    ms: AtomicU64,
}

impl Clock for Steady {
    fn now(&self) -> UnixMillis {
        UnixMillis(Epoch::Y2024.start().0 + self.counter())
    }

    fn read(&self) -> Reading {
        let holds_until = HoldsUntil { count: self.counter() + 1, counts_per_ms: 1 };
        Reading { holds_until: Some(holds_until), ..Reading::at(self.now()) }
    }

    fn counter(&self) -> u64 {
        self.ms.load(Ordering::Relaxed)
    }
}
