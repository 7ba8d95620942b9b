//! A handle for one thread, which takes blocks of IDs.

use core::fmt;
use core::num::NonZeroU16;

use crate::batch::Row;
use crate::claim::{Holds, Refusal, Want};
use crate::{ClaimError, Clock, Generator, Id};

/// How many IDs a handle takes at once, unless told otherwise.
const BLOCK: NonZeroU16 = NonZeroU16::new(64).expect("64 is not 0");

impl<C: Clock> Generator<C> {
    /// A handle for one thread, which claims IDs by the block and so rarely meets other threads.
    ///
    /// Worth it where several threads make IDs at full speed. [`Local`] says what it costs.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId, SystemClock};
    ///
    /// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(SystemClock)?;
    /// std::thread::scope(|scope| {
    ///     for _ in 0..2 {
    ///         let mut ids = generator.local();
    ///         scope.spawn(move || ids.next_id());
    ///     }
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn local(&self) -> Local<'_, C> {
        self.local_with_block(BLOCK)
    }

    /// As [`local`](Generator::local), with `block` IDs at once instead of 64.
    pub fn local_with_block(&self, block: NonZeroU16) -> Local<'_, C> {
        Local { generator: self, block, ids: Row::EMPTY, holds: None }
    }
}

/// A handle on a generator for one thread, from [`Generator::local`].
///
/// Its IDs are unique among all of the generator's, and increase. Between two
/// handles there is no order while their blocks are good: a handle may return an ID after
/// another has returned a greater one.
///
/// A block is good for the millisecond it was claimed in, or with
/// `CoarseClock` until the kernel's next tick, and what is left of it
/// then is lost. So every handle that made an ID in a millisecond takes a block of
/// its 4096: for more than a few dozen handles choose smaller blocks.
pub struct Local<'a, C> {
    generator: &'a Generator<C>,
    block: NonZeroU16,
    ids: Row,
    /// How long the block is good for.
    holds: Option<Holds>,
}

impl<C> fmt::Debug for Local<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("generator", &self.generator)
            .field("block", &self.block)
            .field("left_of_block", &self.ids.left())
            .finish()
    }
}

impl<C: Clock> Local<'_, C> {
    /// Makes the next ID of this handle, without blocking.
    ///
    /// Who is refused and tries again at once, in a loop, spends a core on it: sleep for
    /// `wait_ms`, or call [`next_id`](Local::next_id).
    ///
    /// # Errors
    ///
    /// As [`Generator::try_next_id`]. No ID was used up.
    #[inline]
    pub fn try_next_id(&mut self) -> Result<Id, ClaimError> {
        match self.take_fresh() {
            Some(id) => Ok(id),
            None => Ok(self.next_block()?),
        }
    }

    /// Makes the next ID of this handle, waiting for a free millisecond if it must, and
    /// for another if that is full when it wakes. There is no timeout but the generator's
    /// [`max_wait`](crate::Builder::max_wait); who has a deadline asks
    /// [`Generator::next_id_timeout`] instead, whose IDs need no handle.
    ///
    /// # Errors
    ///
    /// As [`Generator::next_id`]. No ID was used up.
    #[cfg(feature = "std")]
    #[inline]
    pub fn next_id(&mut self) -> Result<Id, crate::WaitError> {
        if let Some(id) = self.take_fresh() {
            return Ok(id);
        }
        match self.next_block() {
            Ok(id) => Ok(id),
            Err(refusal) => {
                let generator = self.generator;
                generator.wait(refusal, core::time::Duration::MAX, || self.next_block())
            }
        }
    }

    #[inline]
    fn take_fresh(&mut self) -> Option<Id> {
        let fresh = match self.holds? {
            // In a forked child it never does.
            Holds::Until(until) => until.get().holds_at(self.generator.clock.counter()),
            Holds::While(now) => self.generator.clock.now() == now && !self.generator.is_forked(),
        };
        if fresh { self.ids.next() } else { None }
    }

    /// Takes a new block, and the first ID of it.
    fn next_block(&mut self) -> Result<Id, Refusal> {
        let want = Want { least: 1, most: u64::from(self.block.get()) };
        let claim = self.generator.claim(want)?;
        self.holds = Some(claim.holds);
        self.ids = Row::of(claim);
        self.ids.next().ok_or(Refusal::Expired)
    }
}
