//! Many IDs by one claim.

use core::fmt;
use core::iter::FusedIterator;

use super::claim::{Claim, SlotCount};
use super::slot::Slot;
use crate::clock::ForkGeneration;
use crate::layout::IDS_PER_MS;
use crate::{ClaimError, Clock, Generator, Id};

impl<C: Clock> Generator<C> {
    /// Reserves `count` consecutive IDs by one claim, without waiting.
    ///
    /// The call returns all of them or an error. With
    /// [`max_ahead_ms`](crate::Builder::max_ahead_ms) 0 they must fit what is left of this
    /// millisecond's 4096. A `count` of 0 always returns an empty batch.
    ///
    /// Do not retry in a tight loop: sleep for
    /// [`retry_after`](ClaimError::retry_after), or call `reserve`.
    ///
    /// # Errors
    ///
    /// A call that fails consumes no ID.
    ///
    /// - [`ClaimError::Ahead`] if the last of them is too far ahead of the clock.
    /// - [`ClaimError::TooMany`] if `count` exceeds 4096 × (`max_ahead_ms` + 1). Retrying does not
    ///   help.
    /// - The errors of [`try_next_id`](Generator::try_next_id).
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId};
    ///
    /// let generator = Generator::new(NodeId::new(7)?, Epoch::Y2024)?;
    /// let ids: Vec<_> = generator.try_reserve(16)?.collect();
    /// assert_eq!(ids.len(), 16);
    /// assert!(generator.next_id()? > ids[15]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_reserve(&self, count: u32) -> Result<Batch, ClaimError> {
        match self.whole_batch(count)? {
            Some(wanted) => Ok(Batch::new(self.claim_many(wanted)?)),
            None => Ok(Batch::EMPTY),
        }
    }

    /// Returns the claim of `count` slots or none, or `None` for an empty batch.
    #[inline]
    pub(crate) fn whole_batch(&self, count: u32) -> Result<Option<SlotCount>, ClaimError> {
        let max = IDS_PER_MS.saturating_mul(self.settings.ahead.max_ahead_ms.saturating_add(1));
        let count = u64::from(count);
        if count > max {
            return Err(ClaimError::TooMany { max });
        }
        Ok((count > 0).then_some(SlotCount { min: count, max: count }))
    }
}

/// Consecutive IDs of one claim, from [`Generator::reserve`] or [`Generator::try_reserve`].
///
/// IDs that are left when the batch is dropped are lost. In a forked child the batch is
/// empty, because its IDs belong to the parent.
#[must_use = "the IDs of a dropped batch are lost"]
pub struct Batch {
    ids: Consecutive,
    /// The process that claimed it.
    fork_generation: ForkGeneration,
}

impl Batch {
    pub(crate) const EMPTY: Batch =
        Batch { ids: Consecutive::EMPTY, fork_generation: ForkGeneration::STARTED };

    #[inline]
    pub(crate) fn new(claim: Claim) -> Batch {
        Batch { ids: Consecutive::new(claim), fork_generation: ForkGeneration::current() }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("left", &self.len()).finish_non_exhaustive()
    }
}

impl Iterator for Batch {
    type Item = Id;

    #[inline]
    fn next(&mut self) -> Option<Id> {
        if self.fork_generation.is_forked() { None } else { self.ids.next() }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = if self.fork_generation.is_forked() { 0 } else { self.ids.left as usize };
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batch {}

impl FusedIterator for Batch {}

/// Consecutive slots that belong to this process.
#[derive(Debug)]
pub(crate) struct Consecutive {
    /// The next slot, or the one after the last.
    next: Slot,
    left: u32,
}

impl Consecutive {
    pub(crate) const EMPTY: Consecutive = Consecutive { next: Slot(0), left: 0 };

    #[inline]
    pub(crate) fn new(claim: Claim) -> Consecutive {
        // A caller asks for at most `u32::MAX` slots.
        Consecutive { next: claim.first, left: claim.count as u32 }
    }

    pub(crate) const fn left(&self) -> u32 {
        self.left
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<Id> {
        self.left = self.left.checked_sub(1)?;
        let slot = self.next;
        self.next = slot.plus(1);
        Some(slot.id())
    }
}
