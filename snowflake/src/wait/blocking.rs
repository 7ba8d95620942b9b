//! The calls that sleep until they have an ID.

use core::ops::ControlFlow;
use core::time::Duration;
use std::hint;
use std::thread;
use std::time::Instant;

use super::{WAKE_LATENCY, Wait};
use crate::generator::{Batch, Block, Claim, ClaimFailure, SlotCount};
use crate::{ClaimError, Clock, Generator, Id};

impl<C: Clock> Generator<C> {
    /// Issues the next ID, and waits for it if necessary.
    ///
    /// The call sleeps while it waits, except for the last 50 µs. After a full millisecond it waits
    /// for less than 1 ms. With a [clock](Clock) of your own, which does not show when its
    /// millisecond ends, it sleeps for 1 ms. After a backward step it waits for the length of the
    /// step. [`max_ahead_ms`](crate::Builder::max_ahead_ms) shortens both waits.
    ///
    /// A waiting call reserves its ID in the millisecond before it is due. Calls that begin after
    /// that get later IDs, so waiting calls are starvation-free.
    ///
    /// # Errors
    ///
    /// - [`ClaimError::WaitTooLong`] if the wait would be longer than
    ///   [`max_wait_ms`](crate::Builder::max_wait_ms). The call returns immediately.
    /// - [`ClaimError::FrozenClock`] if the clock stands still for
    ///   [`frozen_clock_ms`](crate::Builder::frozen_clock_ms).
    /// - [`ClaimError::LeaseEnded`] if the node ID is leased and the grant has ended. The call
    ///   waits while a renewal is under way, and returns when the renewal fails.
    /// - [`ClaimError::Expired`] and [`ClaimError::Forked`] as
    ///   [`try_next_id`](Generator::try_next_id).
    ///
    /// A call that fails after it has waited may lose one ID of the next millisecond. It loses
    /// no later ID, so a failed call delays the next ID by at most that millisecond.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId};
    ///
    /// let generator = Generator::new(NodeId::new(7)?, Epoch::Y2024)?;
    /// let first = generator.next_id()?;
    /// // This is more than one millisecond holds, so some calls wait.
    /// for _ in 0..5000 {
    ///     assert!(generator.next_id()? > first);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn next_id(&self) -> Result<Id, ClaimError> {
        self.next_id_timeout(Duration::MAX)
    }

    /// Issues the next ID, and waits for it for at most `timeout`.
    ///
    /// With a timeout of zero the call never waits.
    ///
    /// # Errors
    ///
    /// As [`next_id`](Generator::next_id), with the shorter of `timeout` and
    /// [`max_wait_ms`](crate::Builder::max_wait_ms) as the limit.
    #[inline]
    pub fn next_id_timeout(&self, timeout: Duration) -> Result<Id, ClaimError> {
        match self.claim() {
            Ok(slot) => Ok(slot.id()),
            Err(failure) => self.wait_for_id(failure, timeout),
        }
    }

    /// Issues the next ID, and waits for it until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As [`next_id_timeout`](Generator::next_id_timeout), with the time that is left. A
    /// deadline in the past is a timeout of zero.
    pub fn next_id_deadline(&self, deadline: Instant) -> Result<Id, ClaimError> {
        self.next_id_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    /// Reserves `count` consecutive IDs by one claim, and waits for them if necessary.
    ///
    /// # Errors
    ///
    /// As [`next_id`](Generator::next_id), and [`ClaimError::TooMany`] as
    /// [`try_reserve`](Generator::try_reserve). A call that fails after it has waited may lose
    /// up to `count` consecutive IDs, and delays later calls by their milliseconds.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Generator, NodeId};
    ///
    /// let generator = Generator::new(NodeId::new(7)?, Epoch::Y2024)?;
    /// for id in generator.reserve(1000)? {
    ///     println!("{id}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&self, count: u32) -> Result<Batch, ClaimError> {
        let Some(wanted) = self.whole_batch(count)? else { return Ok(Batch::EMPTY) };
        Ok(Batch::new(self.claim_or_wait(wanted)?))
    }

    fn claim_or_wait(&self, wanted: SlotCount) -> Result<Claim, ClaimError> {
        self.claim_many(wanted).or_else(|_| drive(Wait::new(self, wanted, Duration::MAX)))
    }

    #[cold]
    #[inline(never)]
    fn wait_for_id(&self, failure: ClaimFailure, timeout: Duration) -> Result<Id, ClaimError> {
        Ok(drive(Wait::after(self, failure, timeout))?.first.id())
    }
}

impl<C: Clock> Block<'_, C> {
    /// Issues the next ID of this handle, and waits for it if necessary.
    ///
    /// The only limit of the wait is the generator's
    /// [`max_wait_ms`](crate::Builder::max_wait_ms). With a deadline call
    /// [`Generator::next_id_timeout`] instead.
    ///
    /// # Errors
    ///
    /// As [`Generator::next_id`]. A call that fails after it has waited may lose a block.
    #[inline]
    pub fn next_id(&mut self) -> Result<Id, ClaimError> {
        match self.next_of_block() {
            Some(id) => Ok(id),
            None => self.wait_for_block(),
        }
    }

    #[cold]
    fn wait_for_block(&mut self) -> Result<Id, ClaimError> {
        let claim = self.generator.claim_or_wait(self.wanted())?;
        Ok(self.refill(claim))
    }
}

/// Claims and sleeps until the call has its slots or fails.
fn drive<C: Clock>(mut wait: Wait<'_, C>) -> Result<Claim, ClaimError> {
    let start = Instant::now();
    loop {
        match wait.step(start.elapsed())? {
            ControlFlow::Break(claim) => return Ok(claim),
            ControlFlow::Continue(pause) => sleep(pause, wait.is_end_known),
        }
    }
}

/// Sleeps for `pause`. If its end is exact, sleeps to just before it, and then spins to it.
///
/// Otherwise sleeps for the whole pause, because a call that wakes too early has to sleep again.
fn sleep(pause: Duration, is_exact: bool) {
    if pause > WAKE_LATENCY {
        thread::sleep(if is_exact { pause - WAKE_LATENCY } else { pause });
    } else {
        let start = Instant::now();
        while start.elapsed() < pause {
            hint::spin_loop();
        }
    }
}
