//! The slower pace of a generator that starts ahead of the clock, until the clock has caught up.

use crate::UnixMillis;

/// The start of a timeline that was ahead of the clock, as after the crash of the previous
/// holder of a lease.
///
/// From that start, timestamps advance at half the pace of the clock until the clock has
/// caught up. If the start is 3 s ahead, the clock has caught up after 6 s, at any load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CatchUp {
    clock: UnixMillis,
    timeline: UnixMillis,
}

impl CatchUp {
    /// A timeline that was not ahead of the clock.
    pub(crate) const NONE: CatchUp =
        CatchUp { clock: UnixMillis(u64::MAX), timeline: UnixMillis(0) };

    /// Creates the catch-up of a timeline that starts at `timeline` when the clock reads `clock`.
    #[cfg(feature = "lease")]
    pub(crate) const fn new(clock: UnixMillis, timeline: UnixMillis) -> CatchUp {
        CatchUp { clock, timeline }
    }

    /// Returns the latest timestamp to issue when the clock reads `now`.
    pub(crate) const fn latest_at(self, now: UnixMillis) -> UnixMillis {
        UnixMillis(self.timeline.0.saturating_add(now.0.saturating_sub(self.clock.0) / 2))
    }

    /// Returns the earliest time of the clock at which `timestamp` may be issued.
    pub(crate) const fn earliest_for(self, timestamp: UnixMillis) -> UnixMillis {
        let ahead_ms = timestamp.0.saturating_sub(self.timeline.0);
        UnixMillis(self.clock.0.saturating_add(ahead_ms.saturating_mul(2)))
    }
}

#[cfg(all(test, feature = "lease"))]
mod tests {
    use super::*;

    #[test]
    fn the_clock_catches_up_after_twice_the_time_ahead() {
        let catch_up = CatchUp::new(UnixMillis(1000), UnixMillis(4000));
        assert_eq!(catch_up.latest_at(UnixMillis(1000)), UnixMillis(4000));
        assert_eq!(catch_up.latest_at(UnixMillis(3001)), UnixMillis(5000));
        assert_eq!(catch_up.latest_at(UnixMillis(7000)), UnixMillis(7000));
        assert_eq!(catch_up.latest_at(UnixMillis(500)), UnixMillis(4000), "a backward step");
    }

    #[test]
    fn a_timestamp_may_be_issued_from_its_earliest_time_on() {
        let catch_up = CatchUp::new(UnixMillis(1000), UnixMillis(4000));
        for timestamp in (4000..4100).map(UnixMillis) {
            let earliest = catch_up.earliest_for(timestamp);
            assert!(catch_up.latest_at(earliest) >= timestamp);
            assert!(
                earliest.0 == 1000 || catch_up.latest_at(UnixMillis(earliest.0 - 1)) < timestamp
            );
        }
    }
}
