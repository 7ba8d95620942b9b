//! Many IDs by one claim.

use core::iter::FusedIterator;

use crate::claim::{Claim, Want};
use crate::fork;
use crate::layout::{IDS_PER_MS, SEQUENCE_MAX, TIMESTAMP_SHIFT};
use crate::{Clock, Generator, Id, ReserveError};

impl<C: Clock> Generator<C> {
    /// Reserves `count` IDs by one claim, without blocking.
    ///
    /// They follow one another without a gap in the generator's order. All of them
    /// or none: with [`max_ahead_ms`](crate::Builder::max_ahead_ms) 0 they must fit
    /// what is left of this millisecond's 4096.
    ///
    /// # Errors
    ///
    /// - [`ReserveError::Ahead`] if the last of them is out of reach. No ID was used up.
    /// - [`ReserveError::TooMany`] if it always will be: more than 4096 for this
    ///   millisecond and for each that IDs may run ahead.
    /// - [`ReserveError::Expired`] as [`try_next_id`](Generator::try_next_id).
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, ManualClock, NodeId, UnixMillis};
    ///
    /// let clock = ManualClock::new(UnixMillis(Epoch::Y2024.start().0 + 5));
    /// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(clock)?;
    /// let ids: Vec<_> = generator.try_reserve(16)?.collect();
    /// assert_eq!(ids.len(), 16);
    /// assert!(generator.try_next_id()? > ids[15]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_reserve(&self, count: u32) -> Result<Batch, ReserveError> {
        let Some(want) = self.whole_batch(count)? else { return Ok(Batch::EMPTY) };
        match self.claim(want) {
            Ok(claim) => Ok(Batch::of(claim)),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Reserves `count` IDs by one claim, waiting until all of them can be had.
    ///
    /// As [`try_reserve`](Generator::try_reserve), but it waits as
    /// [`next_id`](Generator::next_id) does. A batch that nearly fills a millisecond
    /// may find every one begun by another thread, and is then refused in the end.
    ///
    /// # Errors
    ///
    /// As [`next_id`](Generator::next_id), and [`ReserveError::TooMany`] as
    /// [`try_reserve`](Generator::try_reserve). No ID was used up.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId, SystemClock};
    ///
    /// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(SystemClock)?;
    /// for id in generator.reserve(1000)? {
    ///     println!("{id}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn reserve(&self, count: u32) -> Result<Batch, ReserveError> {
        let Some(want) = self.whole_batch(count)? else { return Ok(Batch::EMPTY) };
        match self.claim(want) {
            Ok(claim) => Ok(Batch::of(claim)),
            Err(refusal) => {
                let waited = self.wait(refusal, core::time::Duration::MAX, || self.claim(want));
                Ok(Batch::of(waited?))
            }
        }
    }

    /// A claim of `count` slots or none, if there is something to claim.
    #[inline]
    fn whole_batch(&self, count: u32) -> Result<Option<Want>, ReserveError> {
        let most = IDS_PER_MS.saturating_mul(self.settings.max_ahead_ms.saturating_add(1));
        let count = u64::from(count);
        if count > most {
            return Err(ReserveError::TooMany { most });
        }
        Ok((count > 0).then_some(Want { least: count, most: count }))
    }
}

/// IDs in a row that belong to the caller, from [`Generator::try_reserve`] or
/// [`Generator::reserve`].
///
/// Those not taken are lost when it is dropped. In a forked child it is empty: what
/// its parent reserved is its parent's.
#[derive(Clone, Debug)]
#[must_use = "the IDs of a batch that is dropped are lost"]
pub struct Batch {
    /// The next ID as a number, or the one after the last.
    next: u64,
    left: u32,
    /// The [generation](fork::generation) of the process that claimed it.
    born: u32,
}

impl Batch {
    pub(crate) const EMPTY: Batch = Batch { next: 0, left: 0, born: fork::STARTED };

    #[inline]
    pub(crate) fn of(claim: Claim) -> Batch {
        // Asked for as a u32, and never more than that.
        let left = claim.count as u32;
        Batch { next: claim.first.id().get(), left, born: fork::generation() }
    }

    /// None in a forked child: its parent goes on with what it reserved.
    #[inline]
    fn left(&self) -> u32 {
        if self.born == fork::generation() { self.left } else { 0 }
    }
}

impl Iterator for Batch {
    type Item = Id;

    #[inline]
    fn next(&mut self) -> Option<Id> {
        self.left = self.left().checked_sub(1)?;
        let raw = self.next;
        self.next = after(raw);
        Some(Id::from_clear(raw))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.left() as usize;
        (left, Some(left))
    }

    /// By the millisecond: within one the IDs are plain numbers in a row.
    #[inline]
    fn fold<B, F: FnMut(B, Id) -> B>(mut self, init: B, mut fold: F) -> B {
        let mut folded = init;
        while self.left > 0 {
            let until_full = SEQUENCE_FULL - (self.next & SEQUENCE_FULL);
            let last = self.next + until_full.min(u64::from(self.left) - 1);
            folded =
                (self.next..=last).fold(folded, |folded, raw| fold(folded, Id::from_clear(raw)));
            self.left -= (last - self.next) as u32 + 1;
            self.next = after(last);
        }
        folded
    }
}

const SEQUENCE_FULL: u64 = SEQUENCE_MAX as u64;

/// The number of the ID after `raw` of the same node: the next one, but where a full
/// sequence carries over the node id into the timestamp.
#[inline]
const fn after(raw: u64) -> u64 {
    if raw & SEQUENCE_FULL == SEQUENCE_FULL {
        raw - SEQUENCE_FULL + (1 << TIMESTAMP_SHIFT)
    } else {
        raw + 1
    }
}

impl ExactSizeIterator for Batch {}

impl FusedIterator for Batch {}
