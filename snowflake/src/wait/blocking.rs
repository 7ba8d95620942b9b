//! The calls that sleep until there is an ID.

use core::time::Duration;
use std::hint;
use std::thread;
use std::time::Instant;

use crate::claim::Refusal;
use crate::slot::Slot;
use crate::ticket::InLine;
use crate::waiting::{LONGEST_SLEEP, WAKES_LATE, Waiting};
use crate::{Clock, Generator, Id, WaitError};

/// What is waited for.
pub(crate) trait Waiter {
    type Claimed;

    /// Called once a pause is allowed. Returns whether to make it, before the next claim.
    fn is_to_pause(&mut self) -> bool {
        true
    }

    fn claim(&mut self) -> Result<Self::Claimed, Refusal>;
}

impl<T, F: FnMut() -> Result<T, Refusal>> Waiter for F {
    type Claimed = T;

    fn claim(&mut self) -> Result<T, Refusal> {
        self()
    }
}

impl<C: Clock> Waiter for InLine<'_, C> {
    type Claimed = Slot;

    fn is_to_pause(&mut self) -> bool {
        self.take_ticket()
    }

    fn claim(&mut self) -> Result<Slot, Refusal> {
        self.claim()
    }
}

impl<C: Clock> Generator<C> {
    /// Makes the next ID, waiting for a free millisecond if it must.
    ///
    /// Sleeps while it waits, but for the last 80 µs. A full millisecond takes
    /// less than one to wait out, a backward step as long as it was, each less
    /// [`max_ahead_ms`](crate::Builder::max_ahead_ms).
    ///
    /// A call that waits out a millisecond is not overtaken, unless 4096 wait before it: it has
    /// taken its ID of the next millisecond, and those that ask later get later ones.
    ///
    /// # Errors
    ///
    /// - [`WaitError::Ahead`] at once if the wait would be longer than
    ///   [`max_wait`](crate::Builder::max_wait) (10 s unless set).
    /// - [`WaitError::Frozen`] if the clock has stood still for
    ///   [`frozen_after`](crate::Builder::frozen_after) (1 s unless set).
    /// - [`WaitError::Expired`] as [`try_next_id`](Generator::try_next_id).
    /// - [`WaitError::LeaseEnded`], with a node id from a lease, if the grant has ended: there is
    ///   no wait for the next one. Trying again helps unless `why` says otherwise.
    /// - [`WaitError::Forked`] in a child of the process that built the generator, always.
    ///
    /// A call that is refused at once leaves no trace. One that fails after it has waited,
    /// because the clock stopped or stepped back meanwhile or the lease ended, may lose
    /// the ID that it held: one of the millisecond after the clock's, so that later ones are
    /// never delayed, however often that happens.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId, SystemClock};
    ///
    /// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(SystemClock)?;
    /// let first = generator.next_id()?;
    /// // More than a millisecond holds.
    /// for _ in 0..5000 {
    ///     assert!(generator.next_id()? > first);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn next_id(&self) -> Result<Id, WaitError> {
        self.next_id_timeout(Duration::MAX)
    }

    /// Makes the next ID, waiting for at most `timeout`.
    ///
    /// [`next_id`](Generator::next_id) says what it waits for. A timeout of zero
    /// never waits.
    ///
    /// # Errors
    ///
    /// All that [`next_id`](Generator::next_id) has, and [`WaitError::Ahead`] at once if the
    /// wait would be longer than `timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use snowflake::{Epoch, Generator, NodeId, SystemClock};
    ///
    /// let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(SystemClock)?;
    /// let id = generator.next_id_timeout(Duration::from_millis(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn next_id_timeout(&self, timeout: Duration) -> Result<Id, WaitError> {
        match self.claim_one() {
            Ok(slot) => Ok(slot.id()),
            Err(refusal) => self.wait_in_line(refusal, timeout).map(Slot::id),
        }
    }

    /// Makes the next ID, waiting until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As [`next_id_timeout`](Generator::next_id_timeout), with the time that is left. A
    /// deadline that has passed is a timeout of zero.
    pub fn next_id_deadline(&self, deadline: Instant) -> Result<Id, WaitError> {
        self.next_id_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    #[cold]
    #[inline(never)]
    fn wait_in_line(&self, refusal: Refusal, most: Duration) -> Result<Slot, WaitError> {
        self.wait(refusal, most, InLine::new(self))
    }

    /// Claims again and again, with pauses, after a first `refusal`.
    #[cold]
    pub(crate) fn wait<W: Waiter>(
        &self,
        mut refusal: Refusal,
        most: Duration,
        mut waiter: W,
    ) -> Result<W::Claimed, WaitError> {
        let begun = Instant::now();
        let mut waiting = Waiting::new(&self.settings, most);
        let result = loop {
            match waiting.pause(refusal, &self.clock, begun.elapsed()) {
                Ok(pause) if waiter.is_to_pause() => self.sleep(pause, refusal),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
            match waiter.claim() {
                Ok(claimed) => break Ok(claimed),
                Err(again) => refusal = again,
            }
        };
        self.tally.waited(begun.elapsed());
        result
    }

    /// Sleeps, so as to wake just before the end of `pause`, or spins that long.
    fn sleep(&self, pause: Duration, refusal: Refusal) {
        let Refusal::Ahead { reading, .. } = refusal else { return };
        let has_counter = reading.holds_until.is_some();
        if has_counter && pause <= WAKES_LATE {
            // By the system's counter: the clock's may be too coarse to see the end by.
            let begun = Instant::now();
            while begun.elapsed() < pause {
                hint::spin_loop();
            }
            return;
        }
        let early = if has_counter { WAKES_LATE } else { Duration::ZERO };
        thread::sleep((pause - early).min(LONGEST_SLEEP));
    }
}
