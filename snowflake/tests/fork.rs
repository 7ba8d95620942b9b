//! A forked child repeats none of its parent's IDs.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

#[cfg(any(feature = "etcd", feature = "postgres"))]
mod servers;

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

#[cfg(any(feature = "etcd", feature = "postgres"))]
use snowflake::lease::{Bounds, LeaseError, LeaseStore, Problem, Request, Successor};
use snowflake::{
    ClaimError, Clock, Epoch, Generator, HoldsUntil, ManualClock, NodeId, Reading, ReserveError,
    SystemClock, UnixMillis, WaitError,
};

const EPOCH: Epoch = Epoch::Y2024;
const IDS: usize = 4000;

const NODE: NodeId = NodeId::MIN;

/// Meets its first fork before its first claim.
static UNUSED: Generator = Generator::builder(NODE, EPOCH).build_static(SystemClock);

/// A test forks alone: a thread of another one could be in the middle of what is done once
/// in a process, as finding the speed of its counter is, and in the child never get on.
static TURN: Mutex<()> = Mutex::new(());

/// Runs `child` in a forked process: what it wrote, in eights of bytes.
///
/// The child has one thread of the many here, so it must not wait for another's lock: it
/// makes IDs, which takes none, and writes them.
fn in_child(child: impl FnOnce(&mut dyn FnMut(u64))) -> Vec<u64> {
    let mut ends = [0; 2];
    // SAFETY: two descriptors are all that `pipe` writes; each becomes the only owner of
    // its end. After `fork` the child does what is said above, and ends by `_exit`, which
    // runs nothing else.
    let (mut reader, pid) = unsafe {
        assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
        let (reader, mut writer) = (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]));
        let pid = libc::fork();
        assert!(pid >= 0, "fork failed");
        if pid == 0 {
            child(&mut |word| {
                if writer.write_all(&word.to_ne_bytes()).is_err() {
                    libc::_exit(1);
                }
            });
            libc::_exit(0);
        }
        (reader, pid)
    };
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    let mut status = 0;
    // SAFETY: the child is this process's own, and nobody else waits for it.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    assert_eq!(status, 0, "the child failed");
    bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect()
}

#[test]
fn parent_and_child_make_different_ids() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let generator = Generator::builder(NODE, EPOCH).max_ahead_ms(2).build(SystemClock).unwrap();
    let mut local = generator.local();
    let mut batch = generator.reserve(100).unwrap();
    // The gate is open, the block and the batch are begun.
    let mut ids: Vec<u64> = Vec::new();
    ids.extend([local.next_id(), generator.next_id()].map(|id| id.unwrap().get()));
    ids.extend(batch.next().map(|id| id.get()));

    let made_there = in_child(|tell| {
        let refusals = [
            generator.try_next_id() == Err(ClaimError::Forked),
            generator.next_id() == Err(WaitError::Forked),
            local.try_next_id() == Err(ClaimError::Forked),
            local.next_id() == Err(WaitError::Forked),
            generator.try_reserve(16).err() == Some(ReserveError::Forked),
            batch.next().is_none() && batch.len() == 0,
            batch.clone().count() == 0,
            UNUSED.try_next_id() == Err(ClaimError::Forked),
        ];
        tell(refusals.iter().filter(|refused| **refused).count() as u64);
        // A node id of its own, and it goes on.
        let own = NodeId::new(1)
            .map(|node| Generator::builder(node, EPOCH).max_ahead_ms(2).build(SystemClock));
        if let Ok(Ok(own)) = own {
            let mut local = own.local();
            for _ in 0..IDS / 2 {
                for id in [own.next_id(), local.next_id()].into_iter().flatten() {
                    tell(id.get());
                }
            }
        }
    });
    assert_eq!(made_there[0], 8, "calls that were refused in the child");
    assert_eq!(made_there.len(), 1 + IDS);

    ids.extend(batch.map(|id| id.get()));
    while ids.len() < IDS {
        ids.extend([local.next_id(), generator.next_id()].map(|id| id.unwrap().get()));
    }
    assert_eq!(UNUSED.next_id().unwrap().parts().node, 0);
    let distinct: HashSet<u64> = ids.iter().chain(&made_there[1..]).copied().collect();
    assert_eq!(distinct.len(), ids.len() + IDS, "an ID came twice");
}

/// A worker of a worker is nobody's twin either.
#[test]
fn a_childs_generator_is_not_its_own_childs() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let told = in_child(|tell| {
        let Ok(own) = Generator::builder(NODE, EPOCH).build(SystemClock) else { return };
        tell(u64::from(own.next_id().is_ok()));
        let grandchild = in_child(|tell| {
            tell(u64::from(own.try_next_id() == Err(ClaimError::Forked)));
        });
        tell(grandchild[0]);
        tell(u64::from(own.next_id().is_ok()));
    });
    assert_eq!(told, [1, 1, 1]);
}

/// A clock that stands still, in the middle of a millisecond of its counter.
struct Still {
    counts_per_ms: u64,
    reads: AtomicU64,
}

impl Still {
    const NOW: UnixMillis = UnixMillis(EPOCH.start().0 + 5);

    fn new(counts_per_ms: u64) -> Still {
        Still { counts_per_ms, reads: AtomicU64::new(0) }
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

impl Clock for Still {
    fn now(&self) -> UnixMillis {
        Still::NOW
    }

    fn read(&self) -> Reading {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let count = self.counter() + self.counts_per_ms.div_ceil(2);
        let holds_until = Some(HoldsUntil { count, counts_per_ms: self.counts_per_ms });
        Reading { holds_until, ..Reading::at(self.now()) }
    }

    fn counter(&self) -> u64 {
        5 * self.counts_per_ms
    }
}

/// How many of a generator's ways to make IDs are closed, with a handle that has begun a block.
fn refused<C: Clock>(generator: &Generator<C>, local: &mut snowflake::Local<'_, C>) -> u64 {
    let refusals = [
        generator.try_next_id() == Err(ClaimError::Forked),
        local.try_next_id() == Err(ClaimError::Forked),
        generator.try_reserve(2).err() == Some(ReserveError::Forked),
    ];
    refusals.iter().filter(|refused| **refused).count() as u64
}

/// The millisecond goes on in the child and in its own, by the clock that all of them share.
#[test]
fn an_open_gate_is_shut_in_every_child() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let other = NodeId::new(1).unwrap();
    for (counts_per_ms, reads) in
        [(1, 2), (3_000_000, 2), ((1 << 40) - 1, 2), (1 << 40, 5), (1 << 50, 5)]
    {
        // To build a generator is one reading, and the first ID, with the gate shut, another.
        let clock = Still::new(counts_per_ms);
        let generator = Generator::builder(NODE, EPOCH).build(&clock).unwrap();
        let mut local = generator.local();
        for made in [local.try_next_id(), generator.try_next_id(), generator.try_next_id()] {
            made.unwrap();
        }
        generator.try_reserve(2).unwrap().for_each(drop);
        assert_eq!(clock.reads(), reads, "with {counts_per_ms} counts");

        let told = in_child(|tell| {
            tell(refused(&generator, &mut local));
            let clock = Still::new(counts_per_ms);
            let Ok(own) = Generator::builder(other, EPOCH).build(&clock) else { return };
            let mut own_local = own.local();
            for made in [own_local.try_next_id(), own.try_next_id(), own.try_next_id()] {
                tell(u64::from(made.is_ok()));
            }
            tell(own.try_reserve(2).map_or(0, Iterator::count) as u64);
            tell(clock.reads());
            let grandchild = in_child(|tell| {
                tell(refused(&generator, &mut local));
                tell(refused(&own, &mut own_local));
            });
            grandchild.into_iter().for_each(&mut *tell);
        });
        assert_eq!(told, [3, 1, 1, 1, 2, reads, 3, 3], "with {counts_per_ms} counts");
    }
}

/// Its blocks last as long as the clock says so, and say nothing of the process.
#[test]
fn a_block_of_a_clock_without_a_counter_is_its_parents() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let clock = ManualClock::new(Still::NOW);
    let generator = Generator::builder(NODE, EPOCH).build(clock).unwrap();
    let mut local = generator.local();
    local.try_next_id().unwrap();
    assert_eq!(in_child(|tell| tell(refused(&generator, &mut local))), [3]);
    local.try_next_id().unwrap();
}

/// It has taken its ID of the next millisecond, and sleeps, in a thread that no child has.
#[test]
fn a_call_that_waits_gets_its_id_whoever_forks_meanwhile() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let patience = Duration::from_secs(20);
    let clock = ManualClock::new(Still::NOW);
    let generator = Generator::builder(NODE, EPOCH).frozen_after(patience).max_wait(patience);
    let generator = generator.build(clock.clone()).unwrap();
    let mut ids = Vec::from_iter(std::iter::from_fn(|| generator.try_next_id().ok()));
    let full = ids.len();
    let made_there = thread::scope(|scope| {
        let waiting = scope.spawn(|| generator.next_id());
        while generator.counters().ids_made == full as u64 {
            assert!(!waiting.is_finished(), "it gave up without one");
            thread::yield_now();
        }
        let made_there = in_child(|tell| {
            tell(u64::from(generator.next_id() == Err(WaitError::Forked)));
            let own = NodeId::new(1).map(|node| Generator::builder(node, EPOCH).build(SystemClock));
            if let Ok(Ok(own)) = own {
                // It has to wait itself.
                (0..2 * full).map_while(|_| own.next_id().ok()).for_each(|id| tell(id.get()));
            }
        });
        assert!(!waiting.is_finished(), "the millisecond is not over");
        clock.advance(1);
        let waited = waiting.join().unwrap().unwrap();
        assert_eq!((waited.parts().timestamp_ms, waited.parts().sequence), (6, 0));
        ids.push(waited);
        made_there
    });
    assert_eq!((made_there[0], made_there.len()), (1, 1 + 2 * full));
    ids.extend(std::iter::from_fn(|| generator.try_next_id().ok()));
    let all = ids.iter().map(|id| id.get()).chain(made_there[1..].iter().copied());
    let distinct: HashSet<u64> = all.collect();
    assert_eq!(distinct.len(), 4 * full, "an ID came twice");
}

/// Connections are the parent's: a child that used them would garble what is said on them.
#[cfg(any(feature = "etcd", feature = "postgres"))]
fn the_store_is_its_parents(store: impl LeaseStore) {
    let request = Request {
        node: None,
        now: SystemClock.now(),
        grant_ms: 3000,
        holder: "parent".to_owned(),
        successor: Successor::RunsAhead,
    };
    let lease = store.acquire(&request).unwrap();
    let mut store = Some(store);
    let told = in_child(|tell| {
        if let Some(Err(LeaseError::Store(refused))) = store.as_ref().map(LeaseStore::records) {
            tell(u64::from(*refused.problem() == Problem::Forked));
        }
        // Nor does it say goodbye for its parent.
        store = None;
    });
    assert_eq!(told, [1]);
    let until = UnixMillis(lease.until.0 + 1);
    assert_eq!(store.unwrap().renew(&lease, SystemClock.now(), until).unwrap().until, until);
}

#[cfg(feature = "postgres")]
#[test]
fn a_childs_connection_to_postgresql_is_its_parents() {
    let Some(server) = servers::Postgres::start() else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let store = snowflake::lease::PostgresStore::connect(&server.url(), EPOCH, Bounds::default());
    the_store_is_its_parents(store.unwrap());
}

#[cfg(feature = "etcd")]
#[test]
fn a_childs_connection_to_etcd_is_its_parents() {
    let Some(server) = servers::Etcd::start() else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let store = snowflake::lease::EtcdStore::connect(&server.url(), EPOCH, Bounds::default());
    the_store_is_its_parents(store.unwrap());
}
