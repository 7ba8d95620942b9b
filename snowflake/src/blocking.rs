//! The calls that sleep until there is an ID.

use core::cell::Cell;
use core::time::Duration;
use std::hint;
use std::thread;
use std::time::Instant;

use crate::claim::Refusal;
use crate::slot::Slot;
use crate::waiting::Waiting;
use crate::{Clock, Generator, Id, WaitError};

/// How late a sleeping thread wakes: 75 µs on a Linux machine that is not busy.
/// What is left of a wait within this is spun.
const WAKES_LATE: Duration = Duration::from_micros(80);

/// The longest sleep in one piece. A clock that is set right again meanwhile is noticed this late.
const LONGEST_SLEEP: Duration = Duration::from_millis(10);

impl<C: Clock> Generator<C> {
    /// Makes the next ID, waiting for a free millisecond if it must.
    ///
    /// Sleeps while it waits, but for the last 80 µs. A full millisecond takes
    /// less than one to wait out, a backward step as long as it was, each less
    /// [`max_ahead_ms`](crate::Builder::max_ahead_ms).
    ///
    /// However many threads ask, a call is not overtaken for ever: one that waits out a
    /// millisecond has taken its ID of the next, and those that ask later get later ones.
    ///
    /// # Errors
    ///
    /// - [`WaitError::Ahead`] at once if the wait would be longer than
    ///   [`max_wait`](crate::Builder::max_wait) (10 s unless set).
    /// - [`WaitError::Frozen`] if the clock has stood still for
    ///   [`frozen_after`](crate::Builder::frozen_after) (1 s unless set).
    /// - [`WaitError::Expired`] as [`try_next_id`](Generator::try_next_id).
    ///
    /// No ID was used up, but for the one that a call had taken if it failed later than at
    /// once: because the clock stopped or stepped back meanwhile, or the lease ended.
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
    /// As [`next_id`](Generator::next_id), and [`WaitError::Ahead`] at once if the
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
    /// As [`next_id_timeout`](Generator::next_id_timeout).
    pub fn next_id_deadline(&self, deadline: Instant) -> Result<Id, WaitError> {
        self.next_id_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    /// Waits with a [ticket](crate::ticket), as soon as one is to be had.
    #[cold]
    #[inline(never)]
    fn wait_in_line(&self, refusal: Refusal, most: Duration) -> Result<Slot, WaitError> {
        let held = Cell::new(None);
        let take = || held.set(held.get().or_else(|| self.take_ticket()));
        let slot = self.wait(refusal, most, take, || {
            if let Some(ticket) = held.get() {
                if let Some(redeemed) = self.redeem(ticket) {
                    return redeemed;
                }
                held.set(None);
                self.tally.skip(1);
            }
            self.claim_one()
        });
        if slot.is_err() && held.get().is_some() {
            self.tally.skip(1);
        }
        slot
    }

    /// Claims again and again after a first `refusal`, and calls `pausing` before each pause.
    #[cold]
    pub(crate) fn wait<T>(
        &self,
        mut refusal: Refusal,
        most: Duration,
        pausing: impl Fn(),
        mut claim: impl FnMut() -> Result<T, Refusal>,
    ) -> Result<T, WaitError> {
        let begun = Instant::now();
        let mut waiting = Waiting::new(&self.settings, most);
        let result = loop {
            match waiting.pause(refusal, &self.clock, begun.elapsed()) {
                Ok(pause) => {
                    pausing();
                    self.sleep(pause, refusal);
                }
                Err(error) => break Err(error),
            }
            match claim() {
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
