//! Tests of the generator as a whole, and what they share.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod calls;
mod clocks;
mod failures;
#[cfg(feature = "lease")]
mod grants;
mod oracle;
mod set_clock;
mod threads;

use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread;

use crate::clock::{Reading, Sealed};
use crate::{Builder, Clock, Epoch, Generator, Id, NodeId, SystemClock, UnixMillis};

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
        assert!(ids.is_sorted_by(|a, b| a < b), "the IDs of a thread increase");
        all.extend(ids);
    }
    assert_eq!(all.len(), per_thread.iter().map(Vec::len).sum::<usize>(), "a duplicate ID");
    assert!(all.iter().all(|id| id.parts().node == NODE), "an ID of another node");
}

/// The system's clock with its counter and its monotonic clock, and an offset that a test sets.
#[derive(Default)]
pub(crate) struct SetClock {
    offset_ms: AtomicI64,
    /// The time at which it stands still, or 0.
    frozen_ms: AtomicU64,
}

impl SetClock {
    pub(crate) fn new() -> SetClock {
        SetClock::default()
    }

    /// Sets the clock this far from the right time.
    pub(crate) fn set_offset(&self, ms: i64) {
        self.offset_ms.store(ms, Ordering::SeqCst);
    }

    pub(crate) fn freeze(&self) {
        self.frozen_ms.store(self.now().0, Ordering::SeqCst);
    }

    pub(crate) fn thaw(&self) {
        self.frozen_ms.store(0, Ordering::SeqCst);
    }

    fn wrong(&self, right: UnixMillis) -> UnixMillis {
        match self.frozen_ms.load(Ordering::SeqCst) {
            0 => {
                let offset_ms = self.offset_ms.load(Ordering::SeqCst);
                UnixMillis(right.0.checked_add_signed(offset_ms).unwrap())
            }
            frozen_ms => UnixMillis(frozen_ms),
        }
    }
}

impl Clock for SetClock {
    fn now(&self) -> UnixMillis {
        self.wrong(SystemClock.now())
    }

    fn read(&self, internal: Sealed) -> Reading {
        let right = SystemClock.read(internal);
        Reading { now: self.wrong(right.now), ..right }
    }

    fn counter(&self, internal: Sealed) -> u64 {
        SystemClock.counter(internal)
    }
}
