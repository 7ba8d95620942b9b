//! The step filter, between the clock's readings and the generator.

// These atomics are not from `sync`, so the models do not explore them: no slot is unique because of
// them. They only decide how far ahead of the clock a slot may be.
use core::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use super::Reading;
use crate::UnixMillis;

/// A reading is a forward step if it is further ahead of the monotonic clock than this.
const STEP_THRESHOLD_MS: u64 = 1000;

/// The filter accepts a forward step if a reading shows it again after this time.
const CONFIRMATION_TIME_MS: u64 = 1000;

/// Decides which readings of a clock to accept.
///
/// The cursor never goes back. So one wrong reading in the future would move the timeline there
/// permanently. The filter compares each reading with a monotonic clock. It does not accept a
/// forward step until a second reading, at least a second later, confirms it. Until then its time
/// follows the monotonic clock. A backward step needs no confirmation, because it does not move the
/// cursor.
///
/// ntpd has the same two parameters, a step threshold and a stepout time (`tinker step` and
/// `tinker stepout` in its manual).
///
/// One thread at a time updates the filter, and other threads read it. Each field is correct by
/// itself. With a mixture of old and new fields, the filter accepts or rejects a step one reading
/// later. Only `stepped_ms` has an order: a thread that accepts a reading by a new offset also sees
/// the step in it.
#[derive(Debug)]
pub(crate) struct StepFilter {
    /// The clock minus the monotonic clock, in wrapping milliseconds, or [`UNKNOWN`].
    offset_ms: AtomicU64,
    /// The same offset after a step that is not confirmed, or [`UNKNOWN`].
    step_offset_ms: AtomicU64,
    /// The time of the monotonic clock when that step was first read.
    step_read_ms: AtomicU64,
    last_now_ms: AtomicU64,
    /// The sum of the forward steps that were accepted.
    stepped_ms: AtomicU64,
    pub(crate) backward_steps: AtomicU64,
    pub(crate) forward_steps: AtomicU64,
}

/// No offset. No real clock has an offset of `1 << 63` ms.
const UNKNOWN: u64 = 1 << 63;

impl StepFilter {
    pub(crate) const fn new() -> StepFilter {
        StepFilter {
            offset_ms: AtomicU64::new(UNKNOWN),
            step_offset_ms: AtomicU64::new(UNKNOWN),
            step_read_ms: AtomicU64::new(0),
            last_now_ms: AtomicU64::new(0),
            stepped_ms: AtomicU64::new(0),
            backward_steps: AtomicU64::new(0),
            forward_steps: AtomicU64::new(0),
        }
    }

    /// Returns the sum of the forward steps that were accepted.
    pub(crate) fn stepped_ms(&self) -> u64 {
        self.stepped_ms.load(Relaxed)
    }

    /// Returns the time to use for `reading`. `timeline` is the time of the next free slot.
    ///
    /// Updates the filter if `may_update` is `true`. Only one thread at a time may pass `true`.
    pub(crate) fn apply(
        &self,
        reading: &Reading,
        timeline: UnixMillis,
        may_update: bool,
    ) -> UnixMillis {
        if may_update {
            self.count_backward_step(reading.now);
        }
        let Some(monotonic_ms) = reading.monotonic_ms else {
            return reading.now;
        };
        let offset_ms = reading.now.0.wrapping_sub(monotonic_ms);
        let known_ms = self.offset_ms.load(Acquire);
        let expected_ms = known_ms.wrapping_add(monotonic_ms);
        let stepped =
            known_ms != UNKNOWN && reading.now.0 > expected_ms.saturating_add(STEP_THRESHOLD_MS);
        if stepped {
            let step_ms = reading.now.0 - expected_ms;
            let confirmed = may_update && self.confirm(offset_ms, step_ms, monotonic_ms);
            return if confirmed { reading.now } else { UnixMillis(expected_ms) };
        }
        if may_update {
            self.step_offset_ms.store(UNKNOWN, Relaxed);
            // While the clock is behind the timeline, the offset does not change. So the end of a
            // backward step is not a forward step.
            if known_ms == UNKNOWN || reading.now >= timeline {
                self.offset_ms.store(offset_ms, Relaxed);
            }
        }
        reading.now
    }

    /// Returns `true` if readings have shown the step for the confirmation time.
    fn confirm(&self, offset_ms: u64, step_ms: u64, monotonic_ms: u64) -> bool {
        let is_same = self.step_offset_ms.load(Relaxed).abs_diff(offset_ms) <= STEP_THRESHOLD_MS;
        if !is_same {
            self.step_offset_ms.store(offset_ms, Relaxed);
            self.step_read_ms.store(monotonic_ms, Relaxed);
            return false;
        }
        let waited_ms = monotonic_ms.saturating_sub(self.step_read_ms.load(Relaxed));
        if waited_ms < CONFIRMATION_TIME_MS {
            return false;
        }
        self.step_offset_ms.store(UNKNOWN, Relaxed);
        self.stepped_ms.fetch_add(step_ms, Relaxed);
        self.offset_ms.store(offset_ms, Release);
        self.forward_steps.fetch_add(1, Relaxed);
        true
    }

    fn count_backward_step(&self, now: UnixMillis) {
        let last_ms = self.last_now_ms.swap(now.0, Relaxed);
        if now.0 < last_ms {
            self.backward_steps.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_MS: u64 = 1_704_067_200_000;
    const YEAR_MS: i64 = 365 * 86_400_000;

    /// A filter, and a monotonic clock that a test advances.
    struct Subject {
        filter: StepFilter,
        monotonic_ms: u64,
    }

    impl Subject {
        fn new() -> Subject {
            let mut subject = Subject { filter: StepFilter::new(), monotonic_ms: 0 };
            assert_eq!(subject.after(0, 0), NOON_MS);
            subject
        }

        /// Returns the filtered time of a clock that is `off_ms` wrong after `passed_ms`. The
        /// timeline is at that time too, as if an ID had been issued.
        fn after(&mut self, passed_ms: u64, off_ms: i64) -> u64 {
            self.after_behind(passed_ms, off_ms, 0)
        }

        fn after_behind(&mut self, passed_ms: u64, off_ms: i64, behind_ms: u64) -> u64 {
            self.monotonic_ms += passed_ms;
            let now = UnixMillis((NOON_MS + self.monotonic_ms).wrapping_add_signed(off_ms));
            let reading = Reading { monotonic_ms: Some(self.monotonic_ms), ..Reading::at(now) };
            self.filter.apply(&reading, UnixMillis(now.0 + behind_ms), true).0
        }

        fn right_time(&self) -> u64 {
            NOON_MS + self.monotonic_ms
        }
    }

    #[test]
    fn a_single_bogus_reading_is_never_accepted() {
        let mut subject = Subject::new();
        assert_eq!(subject.after(5, YEAR_MS), subject.right_time());
        assert_eq!(subject.after(5, 0), subject.right_time());
        // A second bogus reading is a new step, because the reading in between was right.
        assert_eq!(subject.after(1000, YEAR_MS), subject.right_time());
        assert_eq!(subject.filter.forward_steps.load(Relaxed), 0);
    }

    #[test]
    fn a_step_that_grows_is_a_new_step() {
        let mut subject = Subject::new();
        for years in 1..10 {
            assert_eq!(subject.after(600, years * YEAR_MS), subject.right_time());
        }
    }

    #[test]
    fn the_return_from_a_backward_step_is_not_a_step() {
        let mut subject = Subject::new();
        let behind = subject.after_behind(5, -YEAR_MS, YEAR_MS as u64);
        assert_eq!(behind, subject.right_time() - YEAR_MS as u64);
        assert_eq!(subject.after(5000, 0), subject.right_time());
        let counts = (
            subject.filter.backward_steps.load(Relaxed),
            subject.filter.forward_steps.load(Relaxed),
        );
        assert_eq!(counts, (1, 0));
    }

    #[test]
    fn a_thread_that_may_not_update_changes_nothing() {
        let subject = Subject::new();
        let off = Reading { monotonic_ms: Some(5), ..Reading::at(UnixMillis(NOON_MS * 2)) };
        for _ in 0..2 {
            assert_eq!(subject.filter.apply(&off, UnixMillis(0), false).0, NOON_MS + 5);
        }
        assert_eq!(subject.filter.step_offset_ms.load(Relaxed), UNKNOWN);
    }
}
