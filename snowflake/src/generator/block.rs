//! A handle for one thread, which claims IDs in blocks.

use core::fmt;
use core::num::NonZeroU16;

use super::claim::{Claim, SlotCount};
use super::reserve::Consecutive;
use crate::clock::{ProcessDeadline, Sealed};
use crate::{ClaimError, Clock, Generator, Id};

/// The IDs in a block, unless the caller sets another size.
const DEFAULT_SIZE: NonZeroU16 = NonZeroU16::new(64).expect("64 is not 0");

impl<C: Clock> Generator<C> {
    /// Returns a handle for one thread, which claims 64 IDs at a time.
    ///
    /// It saves time if several threads issue IDs at full speed, because they seldom touch
    /// the cursor. [`Block`] describes the costs.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId};
    ///
    /// let generator = Generator::new(NodeId::new(7)?, Epoch::Y2024)?;
    /// std::thread::scope(|scope| {
    ///     for _ in 0..2 {
    ///         let mut ids = generator.block();
    ///         scope.spawn(move || ids.next_id());
    ///     }
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn block(&self) -> Block<'_, C> {
        self.block_of(DEFAULT_SIZE)
    }

    /// Returns a handle for one thread, which claims `size` IDs at a time.
    pub fn block_of(&self, size: NonZeroU16) -> Block<'_, C> {
        Block { generator: self, size, ids: Consecutive::EMPTY, deadline: None }
    }
}

/// A handle on a generator for one thread, from [`Generator::block`].
///
/// Its IDs are unique among all IDs of the generator, and they increase. IDs of two handles
/// are not ordered while their blocks last: a handle may return an ID after another handle
/// has returned a greater one.
///
/// A block lasts for the millisecond in which it was claimed, or with `CoarseClock` until the
/// next kernel tick. Its IDs that are left then are lost. So each handle takes a whole block
/// out of every millisecond in which it issues an ID. With more than a few dozen handles use
/// smaller blocks.
pub struct Block<'a, C = crate::SystemClock> {
    pub(crate) generator: &'a Generator<C>,
    size: NonZeroU16,
    ids: Consecutive,
    /// The end of the block.
    deadline: Option<ProcessDeadline>,
}

impl<C> fmt::Debug for Block<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("generator", &self.generator)
            .field("size", &self.size)
            .field("left", &self.ids.left())
            .finish()
    }
}

impl<C: Clock> Block<'_, C> {
    /// Issues the next ID of this handle, without waiting.
    ///
    /// Do not retry in a tight loop: sleep for
    /// [`retry_after`](ClaimError::retry_after), or call `next_id`.
    ///
    /// # Errors
    ///
    /// As [`Generator::try_next_id`]. A call that fails consumes no ID.
    #[inline]
    pub fn try_next_id(&mut self) -> Result<Id, ClaimError> {
        match self.next_of_block() {
            Some(id) => Ok(id),
            None => {
                let claim = self.generator.claim_many(self.wanted())?;
                Ok(self.refill(claim))
            }
        }
    }

    /// Returns the next ID of the current block, while it lasts.
    #[inline]
    pub(crate) fn next_of_block(&mut self) -> Option<Id> {
        // In a forked child the deadline is past.
        let is_recent = self.deadline?.is_ahead_of(self.generator.clock.counter(Sealed));
        if is_recent { self.ids.next() } else { None }
    }

    pub(crate) fn wanted(&self) -> SlotCount {
        SlotCount { min: 1, max: u64::from(self.size.get()) }
    }

    /// Starts a new block, and returns its first ID.
    pub(crate) fn refill(&mut self, claim: Claim) -> Id {
        self.deadline = Some(claim.deadline);
        self.ids = Consecutive::new(claim);
        // A claim has at least one slot.
        self.ids.next().unwrap_or(claim.first.id())
    }
}
