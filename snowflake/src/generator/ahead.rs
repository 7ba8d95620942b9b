//! The limit of timestamps that are ahead of the clock.

use crate::UnixMillis;

/// The limit by which timestamps may be ahead of the clock.
///
/// A generator whose timeline starts further ahead than `max_ahead_ms`, as after the crash of the
/// previous holder of a lease, lets the clock catch up. From that start, timestamps advance at half
/// the pace of the clock. If the start is 3 s ahead, the clock has caught up after 6 s, at any
/// load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AheadLimit {
    pub(crate) max_ahead_ms: u64,
    /// The time of the clock when the timeline started ahead of it.
    clock: UnixMillis,
    /// The start of that timeline.
    timeline: UnixMillis,
}

impl AheadLimit {
    /// Creates the limit of a timeline that does not start ahead of the clock.
    pub(crate) const fn new(max_ahead_ms: u64) -> AheadLimit {
        AheadLimit { max_ahead_ms, clock: UnixMillis(u64::MAX), timeline: UnixMillis(0) }
    }

    /// Returns the limit of a timeline that starts at `timeline` when the clock reads `clock`.
    #[cfg(feature = "lease")]
    pub(crate) const fn starting_at(self, timeline: UnixMillis, clock: UnixMillis) -> AheadLimit {
        AheadLimit { clock, timeline, ..self }
    }

    /// Returns the latest timestamp to issue when the clock reads `now`.
    pub(crate) fn latest_at(self, now: UnixMillis) -> UnixMillis {
        let usual_ms = now.0.saturating_add(self.max_ahead_ms);
        let passed_ms = now.0.saturating_sub(self.clock.0);
        UnixMillis(usual_ms.max(self.timeline.0.saturating_add(passed_ms / 2)))
    }

    /// Returns the earliest time of the clock at which `timestamp` may be issued.
    pub(crate) fn earliest_for(self, timestamp: UnixMillis) -> UnixMillis {
        let usual_ms = timestamp.0.saturating_sub(self.max_ahead_ms);
        let ahead_ms = timestamp.0.saturating_sub(self.timeline.0);
        UnixMillis(usual_ms.min(self.clock.0.saturating_add(ahead_ms.saturating_mul(2))))
    }
}

#[cfg(all(test, feature = "lease"))]
mod tests {
    use super::*;

    #[test]
    fn the_clock_catches_up_after_twice_the_time_ahead() {
        let limit = AheadLimit::new(0).starting_at(UnixMillis(4000), UnixMillis(1000));
        assert_eq!(limit.latest_at(UnixMillis(1000)), UnixMillis(4000));
        assert_eq!(limit.latest_at(UnixMillis(3001)), UnixMillis(5000));
        assert_eq!(limit.latest_at(UnixMillis(7000)), UnixMillis(7000));
        assert_eq!(limit.latest_at(UnixMillis(500)), UnixMillis(4000), "a backward step");
    }

    #[test]
    fn a_timestamp_may_be_issued_from_its_earliest_time_on() {
        let limit = AheadLimit::new(0).starting_at(UnixMillis(4000), UnixMillis(1000));
        for timestamp in (4000..4100).map(UnixMillis) {
            let earliest = limit.earliest_for(timestamp);
            assert!(limit.latest_at(earliest) >= timestamp);
            assert!(earliest.0 == 1000 || limit.latest_at(UnixMillis(earliest.0 - 1)) < timestamp);
        }
    }
}
