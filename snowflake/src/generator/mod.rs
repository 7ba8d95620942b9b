//! The generator: one atomic cursor, and the calls that never wait.
#![doc = include_str!("README.md")]

mod ahead;
mod block;
mod builder;
mod claim;
mod counters;
mod gate;
mod grant;
mod reserve;
mod slot;
mod sync;
mod timeline;

#[cfg(all(test, snowflake_loom))]
mod models;
#[cfg(all(test, feature = "std", not(snowflake_loom)))]
pub(crate) mod tests;

use core::fmt;

use crossbeam_utils::CachePadded;

pub use block::Block;
pub use builder::Builder;
pub(crate) use claim::{Claim, ClaimFailure, Redemption, SlotCount};
pub use counters::Counters;
pub use reserve::Batch;
pub(crate) use slot::Slot;

#[cfg(feature = "std")]
use crate::BuildError;
use crate::clock::{ForkGeneration, StepFilter};
use crate::{ClaimError, Clock, Epoch, Id, NodeId, SystemClock};
use counters::ClaimCounters;
use gate::Gate;
use grant::GrantBounds;
use slot::Cursor;

/// Issues IDs to any number of threads through `&self`.
///
/// It is lock-free: every claim is one read-modify-write of one atomic integer. Share it by
/// reference, in an [`Arc`](std::sync::Arc) or as a `static`.
///
/// A signal handler may call [`try_next_id`](Generator::try_next_id) once the generator has
/// read its clock, which [`build`](Builder::build) does. The handler never gets the ID of the
/// call that it interrupts.
///
/// # Examples
///
/// ```
/// use snowflake::{Epoch, Generator, NodeId};
///
/// let generator = Generator::new(NodeId::new(7)?, Epoch::Y2024)?;
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| generator.next_id());
///     }
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Generator<C = SystemClock> {
    pub(crate) cursor: CachePadded<Cursor>,
    pub(crate) gate: CachePadded<Gate>,
    pub(crate) grant: CachePadded<GrantBounds>,
    pub(crate) step_filter: StepFilter,
    pub(crate) counters: CachePadded<ClaimCounters>,
    pub(crate) settings: Builder,
    /// The process that built it.
    pub(crate) fork_generation: ForkGeneration,
    pub(crate) clock: C,
}

impl Generator {
    /// Creates a generator with the system's clock and the default settings.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    #[cfg(feature = "std")]
    pub fn new(node: NodeId, epoch: Epoch) -> Result<Generator, BuildError> {
        Builder::new(node, epoch).build(SystemClock)
    }

    /// Creates the settings of a generator. The node ID and the epoch have no safe default.
    pub const fn builder(node: NodeId, epoch: Epoch) -> Builder {
        Builder::new(node, epoch)
    }
}

impl<C> Generator<C> {
    /// Returns the node ID in every ID of this generator.
    pub const fn node(&self) -> NodeId {
        self.settings.node
    }

    /// Returns the epoch that timestamps count from.
    pub const fn epoch(&self) -> Epoch {
        self.settings.epoch
    }
}

impl<C: Clock> Generator<C> {
    /// Issues the next ID, without waiting.
    ///
    /// IDs of one generator strictly increase, from any number of threads. The timestamp of
    /// an ID is the clock's, in milliseconds since the epoch. When the 4096 IDs of this
    /// millisecond are used up, or the clock has stepped back, the timestamp is that of the
    /// earliest millisecond with a free ID. It is at most
    /// [`max_ahead_ms`](Builder::max_ahead_ms) ahead of the clock.
    ///
    /// Do not retry in a tight loop: sleep for
    /// [`retry_after`](ClaimError::retry_after), or call `next_id`.
    ///
    /// # Errors
    ///
    /// - [`ClaimError::Ahead`] if that millisecond is too far ahead of the clock. Retrying
    ///   helps after `wait_ms`.
    /// - [`ClaimError::Expired`] when 2^41 ms (69.7 years) have passed since the epoch.
    ///   Retrying does not help.
    /// - [`ClaimError::LeaseEnded`] if the node ID is leased and the grant has ended. Retrying
    ///   helps, except after [`Released`](crate::LeaseEnd::Released).
    /// - [`ClaimError::Forked`] in a [forked](crate#forks) child of the process that built the
    ///   generator. Retrying does not help.
    ///
    /// A failed call consumes no ID, with one exception. Threads that race for the last ID of a
    /// millisecond may each lose one ID of the next.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId};
    ///
    /// let generator = Generator::new(NodeId::new(7)?, Epoch::TWITTER)?;
    /// assert_eq!(generator.try_next_id()?.parts().node, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # References
    ///
    /// The order and the widths of the fields are those of Twitter's Snowflake ("Solution" in
    /// the README of its tag `snowflake-2010`). Twitter's code fails after any backward step.
    /// This generator fails only if the step exceeds `max_ahead_ms`.
    #[inline]
    pub fn try_next_id(&self) -> Result<Id, ClaimError> {
        match self.claim() {
            Ok(slot) => Ok(slot.id()),
            Err(failure) => Err(failure.error),
        }
    }
}

impl<C> fmt::Debug for Generator<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator").field("settings", &self.settings).finish_non_exhaustive()
    }
}
