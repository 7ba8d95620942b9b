//! The generator, and its call that never waits.

use core::fmt;
use core::sync::atomic::AtomicU64;

use crossbeam_utils::CachePadded;

use crate::ceiling::Ceiling;
use crate::counters::Tally;
use crate::gate::Gate;
use crate::trust::Trust;
use crate::turns::Turns;
use crate::word::Word;
use crate::{Builder, ClaimError, Clock, Epoch, Id, NodeId, SystemClock};

/// Makes IDs, from any number of threads through `&self`.
///
/// Lock-free: the whole claim is one atomic word. Share it by reference, in an
/// [`Arc`](std::sync::Arc) or as a `static`.
///
/// Threads that ask without a pause, faster than the layout lets them go on, take turns of
/// 8 µs: on many servers an ID then costs them a quarter of what it does
/// while cores fight for a cache line. A call may spin for its turn, with [`SystemClock`] for
/// some 16 µs at most.
///
/// A thread that has had the generator to itself for some IDs takes its next ones ahead, 255 at
/// most, and hands them out as long as no other thread asks. When one does, those that are left
/// are lost: of threads at full speed about one ID in a hundred. A thread alone loses none, but
/// for one that asks more than five generators by turns.
///
/// # Examples
///
/// ```
/// use snowflake::{Epoch, Generator, NodeId, SystemClock};
///
/// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(SystemClock)?;
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| generator.next_id());
///     }
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Generator<C = SystemClock> {
    pub(crate) word: CachePadded<Word>,
    pub(crate) gate: Gate,
    pub(crate) turns: CachePadded<Turns>,
    pub(crate) ceiling: Ceiling,
    pub(crate) trust: Trust,
    pub(crate) tally: Tally,
    pub(crate) settings: Builder,
    pub(crate) clock: C,
    /// The [generation](crate::fork::generation) of the process that built it.
    pub(crate) born: u32,
    /// Which generator it is, from its first [run](crate::runs) on; 0 before.
    pub(crate) number: AtomicU64,
}

impl Generator {
    /// Starts the settings of a generator. Node and epoch have no safe default.
    pub const fn builder(node: NodeId, epoch: Epoch) -> Builder {
        Builder::new(node, epoch)
    }
}

impl<C> Generator<C> {
    /// The node id in every ID made here.
    pub const fn node(&self) -> NodeId {
        self.settings.node
    }

    /// The epoch that timestamps count from.
    pub const fn epoch(&self) -> Epoch {
        self.settings.epoch
    }
}

impl<C: Clock> Generator<C> {
    /// Makes the next ID, without waiting for one: but for the [turn](Generator) of a thread
    /// among others at full speed.
    ///
    /// IDs from one generator strictly increase, whichever threads ask for
    /// them. An ID's timestamp is the clock's, in milliseconds since the epoch.
    /// When this millisecond's 4096 IDs are used up, or the clock has stepped
    /// back, it is the earliest millisecond with an ID to spare instead, at
    /// most [`max_ahead_ms`](Builder::max_ahead_ms) beyond the clock.
    ///
    /// # Errors
    ///
    /// - [`ClaimError::Ahead`] if that millisecond is out of reach. No ID was
    ///   used up, and `wait_ms` is at least 1.
    /// - [`ClaimError::Expired`] once 2^41 ms (69.7 years) have passed since
    ///   the epoch. Trying again does not help.
    /// - [`ClaimError::LeaseEnded`], with a node id from a lease, if the grant has ended. No ID
    ///   was used up, and trying again helps unless `why` says otherwise.
    /// - [`ClaimError::Forked`] in a [forked](crate#forks) child of the process that built the
    ///   generator, always.
    ///
    /// Who is refused and tries again at once, in a loop, spends a core on it: sleep for
    /// `wait_ms`, or call `next_id`.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId, SystemClock};
    ///
    /// let generator = Generator::builder(NodeId::new(7)?, Epoch::TWITTER).build(SystemClock)?;
    ///
    /// let first = generator.try_next_id()?;
    /// assert_eq!(first.parts().node, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # References
    ///
    /// The field order and widths are those of Twitter's Snowflake, as set out
    /// under "Solution" in the README of its `snowflake-2010` tag. That code
    /// refuses to make IDs after any backward step; this one does so only past
    /// `max_ahead_ms`.
    #[inline]
    pub fn try_next_id(&self) -> Result<Id, ClaimError> {
        match self.claim_one() {
            Ok(slot) => Ok(slot.id()),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

impl<C> fmt::Debug for Generator<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator").field("settings", &self.settings).finish_non_exhaustive()
    }
}

// A generator is shared by reference among threads: that is what it is for.
const _: () = {
    const fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Generator<SystemClock>>();
};
