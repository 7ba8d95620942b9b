//! How long to wait, and when to give up.

use core::time::Duration;

use crate::claim::Refusal;
use crate::{Builder, Clock, UnixMillis, WaitError};

const MS: Duration = Duration::from_millis(1);

/// How late a sleeping thread wakes: 75 µs on a Linux machine that is not busy. So sleeps
/// end this early, and what is left is spun.
pub(crate) const WAKES_LATE: Duration = Duration::from_micros(80);

/// The longest sleep in one piece. A clock that is set right again meanwhile is noticed this late.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_millis(10);

/// One call's wait. Knows no clock but the one it is told of, and never sleeps itself.
#[derive(Debug)]
pub(crate) struct Waiting {
    most: Duration,
    frozen_after: Duration,
    /// The last reading of the generator's clock, and how long into the wait it was new.
    reading: Option<(UnixMillis, Duration)>,
}

impl Waiting {
    /// A wait of at most `most`, if that is tighter than the settings'.
    pub(crate) fn new(settings: &Builder, most: Duration) -> Waiting {
        let most = most.min(settings.max_wait);
        Waiting { most, frozen_after: settings.frozen_after, reading: None }
    }

    /// How long to pause, having waited for `elapsed`, before a claim that was refused is tried again.
    ///
    /// The pause ends with the clock's millisecond, or is a bound where the clock has no counter.
    pub(crate) fn pause<C: Clock>(
        &mut self,
        refusal: Refusal,
        clock: &C,
        elapsed: Duration,
    ) -> Result<Duration, WaitError> {
        let (wait_ms, reading) = match refusal {
            Refusal::Ahead { wait_ms, reading } => (wait_ms, reading),
            Refusal::Expired => return Err(WaitError::Expired),
            Refusal::Ended { until, why } => return Err(WaitError::LeaseEnded { until, why }),
            Refusal::Forked => return Err(WaitError::Forked),
        };
        let this_ms = reading.holds_until.map_or(MS, |until| until.left_at(clock.counter()));
        let pause = Duration::from_millis(wait_ms - 1).saturating_add(this_ms);
        // Whether to wait is decided at first. It must not fail by the last few microseconds.
        let spare = if self.reading.is_some() { WAKES_LATE } else { Duration::ZERO };
        if elapsed.saturating_add(pause) > self.most.saturating_add(spare) {
            return Err(WaitError::Ahead { wait_ms });
        }
        let since = match self.reading {
            Some((now, since)) if now == reading.now => since,
            _ => elapsed,
        };
        self.reading = Some((reading.now, since));
        if elapsed - since >= self.frozen_after {
            return Err(WaitError::Frozen { wait_ms });
        }
        Ok(pause)
    }
}

#[cfg(all(test, feature = "std", not(loom)))]
mod tests {
    use super::*;
    use crate::clock::{HoldsUntil, Reading};
    use crate::{Epoch, Generator, ManualClock, NodeId};

    const SECOND: Duration = Duration::from_secs(1);

    fn waiting(most: Duration) -> Waiting {
        Waiting::new(&Generator::builder(NodeId::MIN, Epoch::Y2024), most)
    }

    fn ahead(wait_ms: u64, now_ms: u64) -> Refusal {
        Refusal::Ahead { wait_ms, reading: Reading::at(UnixMillis(now_ms)) }
    }

    fn no_counter() -> ManualClock {
        ManualClock::new(UnixMillis(0))
    }

    #[test]
    fn a_pause_ends_with_the_clocks_millisecond() {
        struct Halfway;
        impl Clock for Halfway {
            fn now(&self) -> UnixMillis {
                UnixMillis(5)
            }
            fn counter(&self) -> u64 {
                2500
            }
        }
        let holds_until = Some(HoldsUntil { count: 3000, counts_per_ms: 1000 });
        let reading = Reading { holds_until, ..Reading::at(UnixMillis(5)) };
        let refusal = Refusal::Ahead { wait_ms: 3, reading };
        let pause = waiting(SECOND).pause(refusal, &Halfway, Duration::ZERO);
        assert_eq!(pause, Ok(Duration::from_micros(2500)));
    }

    #[test]
    fn a_clock_that_moves_is_waited_for_and_one_that_stands_still_is_given_up() {
        let mut waiting = waiting(10 * SECOND);
        for ms in 0..5000 {
            let elapsed = Duration::from_millis(ms);
            assert!(waiting.pause(ahead(3, ms / 900), &no_counter(), elapsed).is_ok());
        }
        // It read 5 first at 4500 ms.
        let pause = |waiting: &mut Waiting, ms| {
            waiting.pause(ahead(3, 5), &no_counter(), Duration::from_millis(ms))
        };
        assert!(pause(&mut waiting, 5499).is_ok());
        assert_eq!(pause(&mut waiting, 5500), Err(WaitError::Frozen { wait_ms: 3 }));
    }

    #[test]
    fn a_wait_that_was_begun_does_not_fail_by_waking_a_little_late() {
        let mut waiting = waiting(MS);
        assert_eq!(waiting.pause(ahead(1, 5), &no_counter(), Duration::ZERO), Ok(MS));
        assert!(waiting.pause(ahead(1, 5), &no_counter(), WAKES_LATE).is_ok());
        let late = WAKES_LATE + Duration::from_nanos(1);
        let refused = Err(WaitError::Ahead { wait_ms: 1 });
        assert_eq!(waiting.pause(ahead(1, 5), &no_counter(), late), refused);
    }

    #[test]
    fn a_wait_that_would_be_too_long_is_not_begun() {
        let refused = Err(WaitError::Ahead { wait_ms: 1001 });
        assert_eq!(waiting(SECOND).pause(ahead(1001, 5), &no_counter(), Duration::ZERO), refused);
        let year = ahead(365 * 86_400_000, 5);
        assert!(waiting(Duration::MAX).pause(year, &no_counter(), Duration::ZERO).is_err());
    }
}
