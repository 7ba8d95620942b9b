//! The settings of a generator.

use core::fmt;

use crossbeam_utils::CachePadded;

use super::ahead::AheadLimit;
use super::counters::ClaimCounters;
use super::gate::Gate;
use super::grant::GrantBounds;
use super::slot::{Cursor, Slot};
use super::sync::const_fn;
use crate::clock::{ForkGeneration, Sealed, StepFilter};
use crate::layout::SEQUENCE_MAX;
use crate::{BuildError, Clock, Epoch, Generator, Id, NodeId};

/// The settings of a [`Generator`], from [`Generator::builder`].
///
/// The node ID and the epoch have no safe default, so `builder` requires them. Every setting
/// here has a default.
#[derive(Clone, Copy)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    pub(crate) node: NodeId,
    pub(crate) epoch: Epoch,
    pub(crate) ahead: AheadLimit,
    pub(crate) max_wait_ms: u64,
    pub(crate) frozen_clock_ms: u64,
    first_sequence_spread: u16,
    /// The first slot that may be claimed.
    pub(crate) first: Slot,
    /// The end of the first grant, or of time.
    grant_end: Slot,
}

impl Builder {
    pub(crate) const fn new(node: NodeId, epoch: Epoch) -> Builder {
        Builder {
            node,
            epoch,
            ahead: AheadLimit::new(0),
            max_wait_ms: 10_000,
            frozen_clock_ms: 1_000,
            first_sequence_spread: 0,
            first: Slot::first(node),
            grant_end: Slot::end(node),
        }
    }

    /// Sets how far a timestamp may be ahead of the clock, in milliseconds; the default is 0.
    ///
    /// This bounds bursts and backward steps alike. With 2, a burst may use the IDs of three
    /// milliseconds together, and a backward step of 2 ms has no effect. Beyond the bound a
    /// call waits or fails. With 0, a call waits for the end of a full millisecond and of a
    /// backward step.
    ///
    /// A backward step takes effect at the end of the millisecond in which the generator last read
    /// the clock, and with [`CoarseClock`](crate::CoarseClock) at the next kernel tick.
    pub const fn max_ahead_ms(mut self, ms: u64) -> Builder {
        self.ahead.max_ahead_ms = ms;
        self
    }

    /// Issues only IDs greater than `id`.
    ///
    /// Pass the last ID from before a restart, or the largest stored ID, if the clock may
    /// have stepped back since, or if [`max_ahead_ms`](Builder::max_ahead_ms) is not 0. The
    /// ID may be of any node. The largest ID of several calls applies.
    ///
    /// If the ID is ahead of the clock by more than `max_ahead_ms`, calls wait or return an error
    /// until the clock has caught up.
    pub const fn resume_after(mut self, id: Id) -> Builder {
        let first = Slot::after(self.node, id);
        if first.since(self.first) > 0 {
            self.first = first;
        }
        self
    }

    /// Sets how long a waiting call may wait, in milliseconds; the default is 10,000.
    ///
    /// A longer wait is needed only after a larger backward step, or while the clock catches
    /// up with a leased generator that started ahead of it.
    pub const fn max_wait_ms(mut self, ms: u64) -> Builder {
        self.max_wait_ms = ms;
        self
    }

    /// Sets how long a waiting call waits while the clock stands still, in milliseconds; the
    /// default is 1,000. With 0 no call waits for the clock.
    pub const fn frozen_clock_ms(mut self, ms: u64) -> Builder {
        self.frozen_clock_ms = ms;
        self
    }

    /// Varies the sequence of the first ID in a millisecond from 0 to `max`; the default is 0.
    ///
    /// At low rates nearly every ID is the first of its millisecond. Then the sequence, the
    /// lowest 12 bits, is always 0, and `id % n` puts every ID into one shard if `n` is a
    /// power of two. With a spread of `n - 1` or more the IDs reach every shard. If you can
    /// choose the shard key, use a hash of the ID.
    ///
    /// In a millisecond without a backlog, up to `max` of the 4096 IDs are skipped. A generator
    /// that runs at its limit skips none. Values above 4095 count as 4095.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, ManualClock, NodeId, UnixMillis};
    ///
    /// let clock = ManualClock::new(UnixMillis(Epoch::Y2024.start().0 + 1));
    /// let node = NodeId::new(7)?;
    /// let generator =
    ///     Generator::builder(node, Epoch::Y2024).first_sequence_spread(7).build(clock.clone())?;
    /// let mut shards = [0; 8];
    /// for _ in 0..800 {
    ///     clock.advance(1);
    ///     shards[generator.next_id()?.get() as usize % 8] += 1;
    /// }
    /// assert!(shards.iter().all(|ids| (50..150).contains(ids)), "{shards:?}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn first_sequence_spread(mut self, max: u16) -> Builder {
        self.first_sequence_spread = if max > SEQUENCE_MAX { SEQUENCE_MAX } else { max };
        self
    }

    /// Builds the generator. `clock` provides the time.
    ///
    /// # Errors
    ///
    /// - [`BuildError::EpochAhead`] if the clock is before the epoch.
    /// - [`BuildError::Expired`] if the clock is past the last timestamp, 69.7 years after the
    ///   epoch, or the ID to resume after is the last one.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{BuildError, Epoch, Generator, ManualClock, NodeId, UnixMillis};
    ///
    /// let too_early = ManualClock::new(UnixMillis(Epoch::Y2024.start().0 - 1));
    /// let built = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(too_early);
    /// assert_eq!(built.unwrap_err(), BuildError::EpochAhead { by_ms: 1 });
    /// # Ok::<(), snowflake::NodeIdError>(())
    /// ```
    pub fn build<C: Clock>(self, clock: C) -> Result<Generator<C>, BuildError> {
        // The first reading of the system's clock calibrates its counter. Here it does not
        // delay the first ID.
        let reading = clock.read(Sealed);
        let now = reading.now;
        let Some(tick) = now.since(self.epoch) else {
            return Err(BuildError::EpochAhead { by_ms: self.epoch.start().0 - now.0 });
        };
        if Slot::start_of(self.node, tick).max(self.first) >= Slot::end(self.node) {
            return Err(BuildError::Expired);
        }
        let fork_generation = ForkGeneration::current();
        let generator = Generator { fork_generation, ..self.build_static(clock) };
        generator.step_filter.apply(&reading, now, true);
        Ok(generator)
    }

    /// Returns the same settings for another node ID.
    #[cfg(feature = "lease")]
    pub(crate) const fn for_node(self, node: NodeId) -> Builder {
        Builder { node, first: Slot::first(node), grant_end: Slot::end(node), ..self }
    }

    /// Builds the generator of a lease, which issues only IDs with timestamps in
    /// `[from, until)` and in the grants that [extend](Generator::extend) it.
    ///
    /// If `from` is ahead of the clock, the generator starts there and lets the clock
    /// [catch up](AheadLimit).
    ///
    /// # Errors
    ///
    /// As [`build`](Builder::build).
    #[cfg(feature = "lease")]
    pub(crate) fn build_leased<C: Clock>(
        mut self,
        from: crate::UnixMillis,
        until: crate::UnixMillis,
        clock: C,
    ) -> Result<Generator<C>, BuildError> {
        let [start, end] = [from, until]
            .map(|time| Slot::start_of(self.node, time.since(self.epoch).unwrap_or(0)));
        self.first = self.first.max(start);
        self.grant_end = end;
        let now = clock.now();
        if from > now {
            self.ahead = self.ahead.starting_at(from, now);
        }
        self.build(clock)
    }

    const_fn! {
        /// Builds the generator for a `static`, without a reading of the clock.
        ///
        /// The first call accepts its reading of the clock, even after a forward step.
        ///
        /// The generator belongs to the process that was started, and not to processes that
        /// are [forked](crate::ClaimError::Forked) from it.
        ///
        /// For an error that [`build`](Builder::build) would return, the first call returns
        /// [`ClaimError::Ahead`](crate::ClaimError::Ahead) or
        /// [`ClaimError::Expired`](crate::ClaimError::Expired).
        ///
        /// # Examples
        ///
        /// ```
        /// use snowflake::{Epoch, Generator, SystemClock, node_id};
        ///
        /// static ORDERS: Generator =
        ///     Generator::builder(node_id!(7), Epoch::Y2024).build_static(SystemClock);
        ///
        /// assert_eq!(ORDERS.next_id()?.parts().node, 7);
        /// # Ok::<(), snowflake::ClaimError>(())
        /// ```
        pub const fn build_static<C: Clock>(self, clock: C) -> Generator<C> {
            Generator {
                cursor: CachePadded::new(Cursor::new(self.first)),
                gate: CachePadded::new(Gate::new()),
                grant: CachePadded::new(GrantBounds::new(self.grant_end)),
                step_filter: StepFilter::new(),
                counters: CachePadded::new(ClaimCounters::new()),
                settings: self,
                clock,
                fork_generation: ForkGeneration::STARTED,
            }
        }
    }

    /// Returns the sequence of the first slot to claim in `tick`.
    pub(crate) const fn first_sequence_at(&self, tick: u64) -> u64 {
        /// 2^64 divided by the golden ratio: its products spread in the upper bits (Knuth,
        /// The Art of Computer Programming, volume 3, section 6.4).
        const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
        let spread = self.first_sequence_spread as u64 + 1;
        (tick.wrapping_mul(MULTIPLIER) >> 32) % spread
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("node", &self.node)
            .field("epoch", &self.epoch)
            .field("max_ahead_ms", &self.ahead.max_ahead_ms)
            .field("max_wait_ms", &self.max_wait_ms)
            .field("frozen_clock_ms", &self.frozen_clock_ms)
            .field("first_sequence_spread", &self.first_sequence_spread)
            .finish_non_exhaustive()
    }
}
