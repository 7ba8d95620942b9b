//! Counters of a generator, for a service to export.

// These atomics are not from `sync`: no claim depends on them, so the models need not explore them.
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;

use super::slot::Slot;
use crate::{Clock, Generator};

/// The counters of a generator, from [`Generator::counters`].
///
/// They only grow, except `ahead_ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// IDs issued. Exact while no call is under way; otherwise it may differ by what those calls
    /// claim. A value that was read during a failing call may be one too high. It stays until later
    /// IDs have made up for it. The IDs of a [`Batch`](crate::Batch) or a [`Block`](crate::Block)
    /// count when they are claimed.
    pub ids_issued: u64,
    /// Calls that waited, with or without success. A future that was dropped counts too.
    pub waits: u64,
    /// The total time that those calls waited, except the last pause of a future that was dropped.
    pub waited: Duration,
    /// Readings of the clock that were earlier than the one before.
    pub backward_steps: u64,
    /// Forward steps of the clock that a second reading confirmed.
    pub forward_steps: u64,
    /// The time by which the timestamp of the last ID is ahead of the clock now, in milliseconds.
    /// IDs that waiting calls have reserved count. 0 if the generator has issued no ID or is
    /// released.
    pub ahead_ms: u64,
}

impl<C: Clock> Generator<C> {
    /// Returns the counters of this generator. They cost the claims nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId};
    ///
    /// let generator = Generator::new(NodeId::new(7)?, Epoch::Y2024)?;
    /// for _ in 0..3 {
    ///     generator.next_id()?;
    /// }
    /// assert_eq!(generator.counters().ids_issued, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn counters(&self) -> Counters {
        let next = self.cursor.get_with_gaps();
        let has_last = next > self.settings.first && next < Slot::end(self.settings.node);
        let last_tick = if has_last { next.last_tick() } else { 0 };
        Counters {
            ids_issued: self.counters.issued(next.since(self.settings.first)),
            waits: self.counters.waits.load(Relaxed),
            waited: Duration::from_nanos(self.counters.waited_ns.load(Relaxed)),
            backward_steps: self.step_filter.backward_steps.load(Relaxed),
            forward_steps: self.step_filter.forward_steps.load(Relaxed),
            ahead_ms: last_tick.saturating_sub(self.tick_of(self.clock.now())),
        }
    }
}

/// The counters of claims, which the fast path does not touch.
#[derive(Debug)]
pub(crate) struct ClaimCounters {
    /// Slots below the cursor that no caller has: time without calls, and lost claims.
    skipped: AtomicU64,
    /// The last reported value of `ids_issued`.
    last_reported: AtomicU64,
    waits: AtomicU64,
    waited_ns: AtomicU64,
}

impl ClaimCounters {
    pub(crate) const fn new() -> ClaimCounters {
        ClaimCounters {
            skipped: AtomicU64::new(0),
            last_reported: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            waited_ns: AtomicU64::new(0),
        }
    }

    pub(crate) fn skip(&self, slots: u64) {
        self.skipped.fetch_add(slots, Relaxed);
    }

    /// Undoes a [`skip`](ClaimCounters::skip) whose claim failed.
    pub(crate) fn unskip(&self, slots: u64) {
        self.skipped.fetch_sub(slots, Relaxed);
    }

    pub(crate) fn record_wait(&self, waited: Duration) {
        self.waits.fetch_add(1, Relaxed);
        self.waited_ns.fetch_add(waited.as_nanos() as u64, Relaxed);
    }

    /// Returns how many of `slots` are issued, and never less than before.
    ///
    /// A gap is counted before the cursor shows it, so a reader in between computes too few.
    fn issued(&self, slots: u64) -> u64 {
        let issued = slots.saturating_sub(self.skipped.load(Relaxed));
        self.last_reported.fetch_max(issued, Relaxed).max(issued)
    }
}
