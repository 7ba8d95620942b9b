//! What a service can export about its generator.

// Not the facade's: no claim rests on these, so that a model checker need not try them.
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use crossbeam_utils::CachePadded;

use crate::{Clock, Generator};

/// What a generator has done so far, from [`Generator::counters`].
///
/// All of them only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// IDs made. Exact where no call was under way at a reading; else it may lag
    /// behind, or be ahead by one for each call. IDs of a [`Batch`](crate::Batch) or a
    /// [`Local`](crate::Local)'s block count when the slots are claimed.
    pub ids_made: u64,
    /// Calls that had to wait, whatever came of it.
    pub waits: u64,
    /// How long those calls waited, all together.
    pub waited: Duration,
    /// How often the clock was found to have gone back.
    pub backward_steps: u64,
    /// How often the clock jumped forward, unseen by its uptime, and was believed.
    pub forward_jumps: u64,
    /// The furthest an ID's timestamp ran ahead of the clock, in milliseconds.
    pub largest_lead_ms: u64,
}

impl<C: Clock> Generator<C> {
    /// What this generator has done so far. Costs the claims nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId, SystemClock};
    ///
    /// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(SystemClock)?;
    /// for _ in 0..3 {
    ///     generator.next_id()?;
    /// }
    /// assert_eq!(generator.counters().ids_made, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn counters(&self) -> Counters {
        let opened_at_tick = self.tally.opened_at_tick();
        let word = self.word.get_with_gaps();
        let lead_ms = self.lead_since_opening(word);
        if opened_at_tick == self.tally.opened_at_tick() {
            self.tally.lead(lead_ms);
        }
        let left = self.word.taken.left();
        // A run that was given back meanwhile is left no more, and the word is lower for it.
        let slots = word.min(self.word.get()).to_word() - self.settings.first.to_word();
        Counters {
            ids_made: self.tally.made(slots, left),
            waits: self.tally.waits.load(Ordering::Relaxed),
            waited: Duration::from_nanos(self.tally.waited_ns.load(Ordering::Relaxed)),
            backward_steps: self.trust.backward_steps(),
            forward_jumps: self.trust.forward_jumps(),
            largest_lead_ms: self.tally.largest_lead_ms.load(Ordering::Relaxed),
        }
    }
}

/// What is counted beside the claims, on a cache line that no claim touches.
#[derive(Debug)]
pub(crate) struct Tally(CachePadded<Lines>);

#[derive(Debug)]
pub(crate) struct Lines {
    /// Slots that were passed over: time in which nobody asked, and claims given up.
    skipped: AtomicU64,
    /// The most IDs that a reader has been told of.
    told: AtomicU64,
    opened_at_tick: AtomicU64,
    largest_lead_ms: AtomicU64,
    waits: AtomicU64,
    waited_ns: AtomicU64,
}

impl core::ops::Deref for Tally {
    type Target = Lines;

    fn deref(&self) -> &Lines {
        &self.0
    }
}

impl Tally {
    pub(crate) const fn new() -> Tally {
        Tally(CachePadded::new(Lines {
            skipped: AtomicU64::new(0),
            told: AtomicU64::new(0),
            opened_at_tick: AtomicU64::new(0),
            largest_lead_ms: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            waited_ns: AtomicU64::new(0),
        }))
    }

    pub(crate) fn skip(&self, slots: u64) {
        self.skipped.fetch_add(slots, Ordering::Relaxed);
    }

    /// Takes back a [`skip`](Tally::skip) that came to nothing.
    pub(crate) fn unskip(&self, slots: u64) {
        self.skipped.fetch_sub(slots, Ordering::Relaxed);
    }

    pub(crate) fn lead(&self, lead_ms: u64) {
        if lead_ms > 0 {
            self.largest_lead_ms.fetch_max(lead_ms, Ordering::Relaxed);
        }
    }

    pub(crate) fn opened(&self, tick: u64) {
        self.opened_at_tick.store(tick, Ordering::Relaxed);
    }

    pub(crate) fn opened_at_tick(&self) -> u64 {
        self.opened_at_tick.load(Ordering::Relaxed)
    }

    pub(crate) fn waited(&self, time: Duration) {
        self.waits.fetch_add(1, Ordering::Relaxed);
        self.waited_ns.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    /// The IDs among so many slots. A gap that is about to be made is counted
    /// already, so a reader in between would see fewer than the one before it.
    fn made(&self, slots: u64, left: u64) -> u64 {
        let skipped = self.skipped.load(Ordering::Relaxed);
        let made = slots.saturating_sub(skipped.saturating_add(left));
        self.told.fetch_max(made, Ordering::Relaxed).max(made)
    }
}
