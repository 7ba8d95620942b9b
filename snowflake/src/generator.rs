//! The claim.

use core::fmt;

use crate::slot::Slot;
use crate::sync::{AtomicU64, Ordering};
use crate::{Builder, ClaimError, Clock, Epoch, Id, NodeId, SystemClock};
use crossbeam_utils::CachePadded;

/// Makes IDs, from any number of threads through `&self`.
///
/// Lock-free: the whole claim is one atomic word. Share it by reference, in an
/// [`Arc`](std::sync::Arc) or as a `static`.
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
    /// The next free slot. It only grows.
    next: CachePadded<AtomicU64>,
    pub(crate) settings: Builder,
    pub(crate) clock: C,
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

    pub(crate) fn from_builder(settings: Builder, clock: C) -> Generator<C> {
        let next = CachePadded::new(AtomicU64::new(settings.first.to_word()));
        Generator { next, settings, clock }
    }
}

impl<C: Clock> Generator<C> {
    /// Makes the next ID, without blocking.
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
    pub fn try_next_id(&self) -> Result<Id, ClaimError> {
        self.claim().map(Slot::id)
    }

    /// Takes the next free slot.
    fn claim(&self) -> Result<Slot, ClaimError> {
        let Builder { node, epoch, max_ahead_ms, .. } = self.settings;
        let end = Slot::end(node);
        // ORDERING: Relaxed throughout. The word is the whole of the shared
        // state and an ID publishes no other memory, so there is nothing for an
        // acquire to pair with. Uniqueness needs only that each successful
        // exchange reads the value the one before it wrote, which holds for
        // read-modify-writes of a single atomic at any ordering. An ID handed
        // to another thread still comes before that thread's next one: the
        // hand-off orders our exchange before its load, and a load cannot
        // return a value older than a write that happens before it.
        // Interleavings are checked by `tests/loom_claim.rs`.
        let mut seen = Slot::from_word(self.next.load(Ordering::Relaxed));
        loop {
            // The clock is read after the word, never before. A reading taken
            // first could be older than the tick another thread has since
            // stored, and would look like a clock that stepped back.
            let now = self.clock.now();
            let Some(tick) = now.since(epoch) else {
                return Err(ClaimError::Ahead { wait_ms: epoch.start().0 - now.0 });
            };
            let slot = seen.max(Slot::start_of(node, tick));
            if slot >= end {
                return Err(ClaimError::Expired);
            }
            let ahead_ms = slot.tick().saturating_sub(tick);
            if ahead_ms > max_ahead_ms {
                return Err(ClaimError::Ahead { wait_ms: ahead_ms - max_ahead_ms });
            }
            match self.next.compare_exchange_weak(
                seen.to_word(),
                slot.plus(1).to_word(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(slot),
                Err(newer) => seen = Slot::from_word(newer),
            }
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
