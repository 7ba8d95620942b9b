//! The settings of a generator.

use core::fmt;
use core::sync::atomic::AtomicU64;
use core::time::Duration;

use crossbeam_utils::CachePadded;

use crate::ceiling::Ceiling;
use crate::counters::Tally;
use crate::fork;
use crate::gate::Gate;
use crate::slot::Slot;
use crate::sync::const_fn;
use crate::trust::Trust;
use crate::turns::Turns;
use crate::word::Word;
use crate::{BuildError, Clock, Epoch, Generator, Id, NodeId};

/// The settings of a [`Generator`], from [`Generator::builder`].
///
/// What has no safe default, the node id and the epoch, is asked for there;
/// everything here has one.
#[derive(Clone, Copy)]
#[must_use = "a builder makes no generator until `build`"]
pub struct Builder {
    pub(crate) node: NodeId,
    pub(crate) epoch: Epoch,
    pub(crate) max_ahead_ms: u64,
    pub(crate) first: Slot,
    /// The end of the first grant, or of time.
    pub(crate) ceiling: Slot,
    pub(crate) max_wait: Duration,
    pub(crate) frozen_after: Duration,
}

impl Builder {
    pub(crate) const fn new(node: NodeId, epoch: Epoch) -> Builder {
        Builder {
            node,
            epoch,
            max_ahead_ms: 0,
            first: Slot::start_of(node, 0),
            ceiling: Slot::end(node),
            max_wait: Duration::from_secs(10),
            frozen_after: Duration::from_secs(1),
        }
    }

    /// How far an ID's timestamp may run ahead of the clock, in milliseconds.
    ///
    /// The one bound for bursts and for backward steps alike: with 2, a burst may
    /// use up three milliseconds' IDs at once, and a clock that steps back by 2 ms
    /// goes unnoticed. Beyond it, a call waits or is refused. The default is 0:
    /// wait out a full millisecond, and a backward step.
    pub const fn max_ahead_ms(mut self, ms: u64) -> Builder {
        self.max_ahead_ms = ms;
        self
    }

    /// Makes only IDs greater than `id`: the last one made before a restart, or the largest stored.
    ///
    /// Needed where the clock may have gone back across the restart, or where
    /// [`max_ahead_ms`](Builder::max_ahead_ms) is not 0. The ID may be of another
    /// node, too: the first ID is greater all the same.
    pub const fn resume_after(mut self, id: Id) -> Builder {
        self.first = Slot::after(self.node, id);
        self
    }

    /// How long [`next_id`](Generator::next_id) may wait before it is refused; the default is 10 s.
    ///
    /// Longer waits come only of a clock that was set back further than this.
    pub const fn max_wait(mut self, wait: Duration) -> Builder {
        self.max_wait = wait;
        self
    }

    /// How long a waiting call believes a clock that stands still; the default is 1 s.
    pub const fn frozen_after(mut self, patience: Duration) -> Builder {
        self.frozen_after = patience;
        self
    }

    /// The generator, with `clock` to tell it the time.
    ///
    /// # Errors
    ///
    /// - [`BuildError::EpochAhead`] if the clock is before the epoch.
    /// - [`BuildError::Expired`] if it is past the last timestamp, 69.7 years after the epoch.
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
        // A full look, so that what the first one costs is not paid by the first ID.
        let now = clock.read().now;
        let Some(tick) = now.since(self.epoch) else {
            return Err(BuildError::EpochAhead { by_ms: self.epoch.start().0 - now.0 });
        };
        if Slot::start_of(self.node, tick).max(self.first) == Slot::end(self.node) {
            return Err(BuildError::Expired);
        }
        Ok(Generator { born: fork::generation(), ..self.build_static(clock) })
    }

    /// The generator for a grant of its node id: it makes IDs with timestamps in
    /// `[lease.from, lease.until)`, and in later grants that it is [given](Generator::grant).
    ///
    /// A [`Keeper`](crate::lease::Keeper) does this; call it for a keeper of your own.
    ///
    /// # Errors
    ///
    /// As [`build`](Builder::build).
    ///
    /// # Panics
    ///
    /// If the lease is of another node id than the builder.
    #[cfg(feature = "lease")]
    pub fn build_leased<C: Clock>(
        mut self,
        lease: &crate::lease::Lease,
        clock: C,
    ) -> Result<Generator<C>, BuildError> {
        assert_eq!(lease.node, self.node, "a lease of the builder's node id");
        let slot_of =
            |ms: crate::UnixMillis| Slot::start_of(self.node, ms.since(self.epoch).unwrap_or(0));
        let first = slot_of(lease.from);
        self.first = self.first.max(first);
        self.ceiling = slot_of(lease.until);
        self.build(clock)
    }

    const_fn! {
        /// The generator, for a `static`: without a look at the clock.
        ///
        /// It is that of the process that was started, and of none that is
        /// [forked](crate::ClaimError::Forked) from it.
        ///
        /// What [`build`](Builder::build) would refuse then shows in the first call,
        /// as [`ClaimError::Ahead`](crate::ClaimError::Ahead) or
        /// [`ClaimError::Expired`](crate::ClaimError::Expired).
        ///
        /// # Examples
        ///
        /// ```
        /// use snowflake::{Epoch, Generator, NodeId, SystemClock};
        ///
        /// static ORDERS: Generator = Generator::builder(NODE, Epoch::Y2024).build_static(SystemClock);
        ///
        /// const NODE: NodeId = match NodeId::new(7) {
        ///     Ok(node) => node,
        ///     Err(_) => panic!("a node id is at most 1023"),
        /// };
        ///
        /// assert_eq!(ORDERS.next_id()?.parts().node, 7);
        /// # Ok::<(), snowflake::WaitError>(())
        /// ```
        pub const fn build_static<C: Clock>(self, clock: C) -> Generator<C> {
            Generator {
                word: CachePadded::new(Word::new(self.first)),
                gate: Gate::new(),
                turns: CachePadded::new(Turns::new()),
                ceiling: Ceiling::new(self.ceiling),
                trust: Trust::new(),
                tally: Tally::new(),
                settings: self,
                clock,
                born: fork::STARTED,
                number: AtomicU64::new(0),
            }
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("node", &self.node)
            .field("epoch", &self.epoch)
            .field("max_ahead_ms", &self.max_ahead_ms)
            .field("max_wait", &self.max_wait)
            .field("frozen_after", &self.frozen_after)
            .finish_non_exhaustive()
    }
}
