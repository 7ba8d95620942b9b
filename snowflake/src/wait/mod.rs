//! Waiting for an ID: claim, pause, claim again.
//!
//! [`Wait`] decides how long to pause and when to fail. It performs no I/O: it never sleeps,
//! and the caller passes the time that has elapsed. The blocking calls and the async calls
//! both drive it by [`step`](Wait::step).

#[cfg(feature = "std")]
mod blocking;
mod future;
mod reservation;

#[cfg(all(test, feature = "std", not(snowflake_loom)))]
mod tests;

use core::ops::ControlFlow;
use core::time::Duration;

use reservation::Reservation;

use crate::clock::{Clock, Sealed};
use crate::generator::{Claim, ClaimFailure, Generator, Redemption, SlotCount};
use crate::{ClaimError, LeaseEnd, UnixMillis};

const MS: Duration = Duration::from_millis(1);

/// The latency of waking a thread. Linux delays a timer by up to 50 µs: the default timer slack of
/// `prctl(2)`. If the clock shows the end of its millisecond, sleeps end this much early, and the
/// thread spins for the rest.
const WAKE_LATENCY: Duration = Duration::from_micros(50);

/// The longest single sleep. After a step of the clock, a waiting call reads the new time at most
/// this much later.
const MAX_SLEEP: Duration = Duration::from_millis(10);

/// One call that waits for consecutive slots.
pub(crate) struct Wait<'g, C: Clock> {
    generator: &'g Generator<C>,
    wanted: SlotCount,
    reservation: Option<Reservation<'g, C>>,
    /// The limit for the whole wait.
    limit: Duration,
    /// The clock's last time, and the elapsed time when the call first read it.
    reading: Option<(UnixMillis, Duration)>,
    /// The time that has elapsed, or `None` before the first pause.
    waited: Option<Duration>,
    /// `true` if the clock's counter is finer than the time, and so shows the end of a millisecond.
    is_end_known: bool,
}

impl<'g, C: Clock> Wait<'g, C> {
    /// Creates a wait of at most `timeout`, or less if `max_wait_ms` is shorter.
    pub(crate) fn new(
        generator: &'g Generator<C>,
        wanted: SlotCount,
        timeout: Duration,
    ) -> Wait<'g, C> {
        let limit = timeout.min(Duration::from_millis(generator.settings.max_wait_ms));
        Wait {
            generator,
            wanted,
            reservation: None,
            limit,
            reading: None,
            waited: None,
            is_end_known: false,
        }
    }

    /// Creates the wait of a claim that failed. It keeps the claim's reservation, if there is one.
    pub(crate) fn after(
        generator: &'g Generator<C>,
        failure: ClaimFailure,
        timeout: Duration,
    ) -> Wait<'g, C> {
        let mut wait = Wait::new(generator, SlotCount::ONE, timeout);
        let slot = failure.reservation;
        wait.reservation = slot.map(|slot| Reservation::from_slot(generator, slot));
        wait
    }

    /// Claims the slots, or returns how long to pause before the next step. `elapsed` is the
    /// time since the wait began.
    pub(crate) fn step(
        &mut self,
        elapsed: Duration,
    ) -> Result<ControlFlow<Claim, Duration>, ClaimError> {
        self.waited = self.waited.map(|_| elapsed);
        match self.claim() {
            Ok(claim) => Ok(ControlFlow::Break(claim)),
            Err(error) => {
                let pause = self.pause(error, elapsed)?;
                if !pause.is_zero() {
                    self.waited = Some(elapsed);
                }
                Ok(ControlFlow::Continue(pause))
            }
        }
    }

    /// Claims the slots, by the reservation if there is one: steps R3 and R4.
    pub(crate) fn claim(&mut self) -> Result<Claim, ClaimError> {
        if let Some(reservation) = self.reservation.take() {
            match reservation.redeem() {
                Redemption::Issue(deadline) => return Ok(reservation.into_claim(deadline)),
                Redemption::Wait(error) => {
                    self.reservation = Some(reservation);
                    return Err(error);
                }
                // The reservation is dropped, and its slots stay counted as a gap.
                Redemption::Void => {}
            }
        }
        self.generator.claim_many(self.wanted)
    }

    /// Returns how long to pause after a claim failed with `error`, or the error of the call.
    /// Reserves the slots if the first one is in the next millisecond: R1 and R2.
    pub(crate) fn pause(
        &mut self,
        error: ClaimError,
        elapsed: Duration,
    ) -> Result<Duration, ClaimError> {
        match error {
            ClaimError::Ahead { .. } => self.pause_for_clock(elapsed),
            // A renewal is under way. It ends with a later grant or with another reason.
            ClaimError::LeaseEnded { reason: LeaseEnd::NotRenewed, .. }
                if elapsed.saturating_add(MS) <= self.limit =>
            {
                Ok(MS)
            }
            other => Err(other),
        }
    }

    fn pause_for_clock(&mut self, elapsed: Duration) -> Result<Duration, ClaimError> {
        let generator = self.generator;
        let seen = generator.cursor.get();
        let (now, reading) = generator.read_clock(seen, None);
        let end = match &self.reservation {
            Some(reservation) => reservation.end(),
            None => generator.first_at(seen, now, self.wanted).plus(self.wanted.min),
        };
        let grant_end = generator.grant.end();
        // The slots have become free since the claim. The next claim does not wait, so it is not
        // subject to the limit.
        if end <= generator.limit_at(now).min(grant_end) {
            return Ok(Duration::ZERO);
        }
        let error = generator.no_slot_before(end, grant_end, now);
        let ClaimError::Ahead { wait_ms } = error else {
            return self.pause(error, elapsed);
        };

        self.is_end_known = reading.deadline.counts_per_ms > 1;
        let rest_of_ms = reading.deadline.left_at(generator.clock.counter(Sealed));
        let time = Duration::from_millis(wait_ms - 1).saturating_add(rest_of_ms);
        // The limit is strict for the first pause only. A wait that has begun does not fail because
        // a thread woke a few microseconds late.
        let tolerance = if self.reading.is_some() { WAKE_LATENCY } else { Duration::ZERO };
        if elapsed.saturating_add(time) > self.limit.saturating_add(tolerance) {
            let limit_ms = u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX);
            return Err(ClaimError::WaitTooLong { wait_ms, limit_ms });
        }
        let since = match self.reading {
            Some((last, since)) if last == reading.now => since,
            _ => elapsed,
        };
        self.reading = Some((reading.now, since));
        if elapsed - since >= Duration::from_millis(generator.settings.frozen_clock_ms) {
            return Err(ClaimError::FrozenClock { wait_ms });
        }

        if self.reservation.is_none() {
            self.reservation = Reservation::take(generator, self.wanted);
        }
        // If the slots are later than the next millisecond, the call wakes one millisecond before
        // they are due, and reserves them before other callers claim them.
        let is_early = self.reservation.is_none() && wait_ms > 1;
        let time = if is_early { time - MS } else { time };
        Ok(time.min(MAX_SLEEP))
    }
}

impl<C: Clock> Drop for Wait<'_, C> {
    fn drop(&mut self) {
        if let Some(waited) = self.waited {
            self.generator.counters.record_wait(waited);
        }
    }
}
