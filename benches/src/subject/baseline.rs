//! The floor and the baseline of the comparison.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

use super::{Entry, Questions, Role, Subject};

pub(super) fn entries() -> Vec<Entry> {
    vec![
        Entry::new::<MutexBaseline>("mutex + system clock", Role::Baseline),
        Entry::new::<Floor>("floor: cycle counter + fetch_add", Role::Floor)
            .with_questions(Questions { burst: false, saturated: false, ..Questions::ALL }),
    ]
}

/// The operations that every shared generator with a cycle counter needs for each ID.
///
/// The cursor has a separate cache line. Otherwise each addition would evict the clock from the
/// other thread's cache, and the contended floor would be too high.
struct Floor {
    clock: quanta::Clock,
    cursor: CachePadded<AtomicU64>,
}

impl Default for Floor {
    fn default() -> Floor {
        Floor { clock: quanta::Clock::new(), cursor: CachePadded::new(AtomicU64::new(0)) }
    }
}

impl Subject for Floor {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        Some(self.next())
    }

    #[inline]
    fn next(&self) -> u64 {
        black_box(self.clock.raw());
        self.cursor.fetch_add(1, Ordering::Relaxed)
    }
}

/// The number of IDs in a millisecond.
const IDS_PER_MS: u64 = 4096;

/// A parking_lot mutex around a simple generator.
#[derive(Default)]
struct MutexBaseline {
    /// The next free slot: timestamp and sequence.
    cursor: Mutex<u64>,
}

impl Subject for MutexBaseline {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        let mut cursor = self.cursor.lock();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis() as u64;
        let slot = (*cursor).max(now * IDS_PER_MS);
        if slot >= (now + 1) * IDS_PER_MS {
            return None;
        }
        *cursor = slot + 1;
        Some(slot)
    }

    #[inline]
    fn next(&self) -> u64 {
        loop {
            if let Some(id) = self.try_next() {
                return id;
            }
            thread::yield_now();
        }
    }
}
