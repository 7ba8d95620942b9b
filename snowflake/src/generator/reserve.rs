//! Many IDs by one claim.

use core::fmt;
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
    /// what is left of this millisecond's 4096. None at all, with a `count` of 0, can always be
    /// had: the batch is empty, even where there are no IDs.
    ///
    /// Who is refused and tries again at once, in a loop, spends a core on it: sleep for
    /// `wait_ms`, or call [`reserve`](Generator::reserve).
    ///
    /// # Errors
    ///
    /// - [`ReserveError::Ahead`] if the last of them is out of reach. No ID was used up.
    /// - [`ReserveError::TooMany`] if it always will be: more than 4096 for this
    ///   millisecond and for each that IDs may run ahead.
    /// - [`ReserveError::Expired`] as [`try_next_id`](Generator::try_next_id).
    /// - [`ReserveError::LeaseEnded`], with a node id from a lease, if the grant has ended. No
    ///   ID was used up, and trying again helps unless `why` says otherwise.
    /// - [`ReserveError::Forked`] in a child of the process that built the generator, always.
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
    /// [`next_id`](Generator::next_id) does, and may be overtaken. A batch that nearly fills a
    /// millisecond may find every one begun by another thread, and is then refused in the end.
    ///
    /// # Errors
    ///
    /// All that [`next_id`](Generator::next_id) has, the end of a lease and a fork among them,
    /// and [`ReserveError::TooMany`] as [`try_reserve`](Generator::try_reserve). No ID was used up.
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
/// its parent reserved is its parent's. [`for_each`](Iterator::for_each) and its like look
/// for a fork once in 4096 IDs: do not fork inside them.
#[derive(Clone)]
#[must_use = "the IDs of a batch that is dropped are lost"]
pub struct Batch {
    ids: Row,
    /// The [generation](fork::generation) of the process that claimed it. There is no end
    /// of a millisecond to tell a child by.
    born: u32,
}

impl Batch {
    const EMPTY: Batch = Batch { ids: Row::EMPTY, born: fork::STARTED };

    #[inline]
    fn of(claim: Claim) -> Batch {
        Batch { ids: Row::of(claim), born: fork::generation() }
    }

    #[inline]
    fn is_forked(&self) -> bool {
        self.born != fork::generation()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("next", &self.clone().next())
            .field("left", &self.len())
            .finish()
    }
}

impl Iterator for Batch {
    type Item = Id;

    #[inline]
    fn next(&mut self) -> Option<Id> {
        if self.is_forked() { None } else { self.ids.next() }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = if self.is_forked() { 0 } else { self.ids.left as usize };
        (left, Some(left))
    }

    /// By the millisecond: within one the IDs are plain numbers in a row.
    #[inline]
    fn fold<B, F: FnMut(B, Id) -> B>(mut self, init: B, mut fold: F) -> B {
        let mut folded = init;
        while !self.is_forked() && self.ids.left > 0 {
            let Row { next, left } = self.ids;
            let until_full = SEQUENCE_FULL - (next & SEQUENCE_FULL);
            let last = next + until_full.min(u64::from(left) - 1);
            folded = (next..=last).fold(folded, |folded, raw| fold(folded, Id::from_clear(raw)));
            self.ids = Row { next: after(last), left: left - (last - next) as u32 - 1 };
        }
        folded
    }
}

/// IDs in a row of the process that claimed them.
#[derive(Clone)]
pub(crate) struct Row {
    /// The next ID as a number, or the one after the last.
    next: u64,
    left: u32,
}

impl Row {
    pub(crate) const EMPTY: Row = Row { next: 0, left: 0 };

    #[inline]
    pub(crate) fn of(claim: Claim) -> Row {
        // Asked for as a u32, and never more than that.
        Row { next: claim.first.id().get(), left: claim.count as u32 }
    }

    pub(crate) const fn left(&self) -> u32 {
        self.left
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<Id> {
        self.left = self.left.checked_sub(1)?;
        let raw = self.next;
        self.next = after(raw);
        Some(Id::from_clear(raw))
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
