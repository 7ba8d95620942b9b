//! What the tests share.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread;

use snowflake::{
    Builder, Clock, Epoch, Generator, HoldsUntil, Id, NodeId, Reading, SystemClock, UnixMillis,
};

pub(crate) const THREADS: usize = 8;

/// Not 0 and not the largest, so that a carry out of the timestamp or a mask would show.
pub(crate) const NODE: u16 = 7;

pub(crate) fn builder() -> Builder {
    Generator::builder(NodeId::new(NODE).unwrap(), Epoch::Y2024)
}

pub(crate) fn at(tick: u64) -> UnixMillis {
    UnixMillis(Epoch::Y2024.start().0 + tick)
}

/// Runs `work` on eight threads that start together.
pub(crate) fn together<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(thread)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

pub(crate) fn assert_unique_and_increasing(per_thread: &[Vec<Id>]) {
    let mut all: HashSet<Id> = HashSet::new();
    for ids in per_thread {
        assert!(ids.is_sorted_by(|a, b| a < b), "a thread's IDs increase");
        all.extend(ids);
    }
    assert_eq!(all.len(), per_thread.iter().map(Vec::len).sum::<usize>(), "no ID came twice");
    assert!(all.iter().all(|id| id.parts().node == NODE), "another node's ID");
}

/// The system's clock, cycle counter and uptime included, with hands that a test can turn.
#[derive(Default)]
pub(crate) struct SetClock {
    off_ms: AtomicI64,
    /// What it reads while it stands still, or 0.
    frozen_ms: AtomicU64,
}

impl SetClock {
    pub(crate) fn new() -> SetClock {
        SetClock::default()
    }

    /// Sets the clock so far from the right time.
    pub(crate) fn set_off(&self, ms: i64) {
        self.off_ms.store(ms, Ordering::SeqCst);
    }

    pub(crate) fn freeze(&self) {
        self.frozen_ms.store(self.now().0, Ordering::SeqCst);
    }

    pub(crate) fn thaw(&self) {
        self.frozen_ms.store(0, Ordering::SeqCst);
    }

    fn shown(&self, right: UnixMillis) -> UnixMillis {
        match self.frozen_ms.load(Ordering::SeqCst) {
            0 => {
                UnixMillis(right.0.checked_add_signed(self.off_ms.load(Ordering::SeqCst)).unwrap())
            }
            frozen => UnixMillis(frozen),
        }
    }
}

impl Clock for SetClock {
    fn now(&self) -> UnixMillis {
        self.shown(SystemClock.now())
    }

    fn read(&self) -> Reading {
        let right = SystemClock.read();
        Reading { now: self.shown(right.now), ..right }
    }

    fn counter(&self) -> u64 {
        SystemClock.counter()
    }
}

/// A clock that stands still with its gate open for ever, until it is moved on.
pub(crate) struct OpenClock {
    now_ms: AtomicU64,
}

impl OpenClock {
    pub(crate) fn new(now: UnixMillis) -> OpenClock {
        OpenClock { now_ms: AtomicU64::new(now.0) }
    }

    /// Lets a millisecond end.
    pub(crate) fn tick(&self) {
        self.now_ms.fetch_add(1, Ordering::SeqCst);
    }
}

/// The counter is the time: it counts one in a millisecond.
impl Clock for OpenClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.counter())
    }

    fn read(&self) -> Reading {
        let now_ms = self.counter();
        let holds_until = Some(HoldsUntil { count: now_ms + 1, counts_per_ms: 1 });
        Reading { holds_until, ..Reading::at(UnixMillis(now_ms)) }
    }

    fn counter(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }
}
