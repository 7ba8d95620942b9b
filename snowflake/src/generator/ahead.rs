//! The limit of timestamps that are ahead of the clock.

use crate::UnixMillis;

/// The limit by which timestamps may be ahead of the clock.
///
/// A generator whose timeline starts further ahead than `max_ahead_ms`, as after the crash of the
/// previous holder of a lease, lets the clock catch up. From that start, timestamps advance at half
/// the pace of the clock. If the start is 3 s ahead, the clock has caught up after 6 s, at any
/// load.
///
/// A forward step is not time that has passed. A process that starts while its clock is 30 s slow
/// starts 30 s ahead of it. When the clock is corrected, timestamps must not advance by half of that
/// step. So the methods take the sum of the steps that the step filter has accepted, `stepped_ms`.
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
    pub(crate) fn latest_at(self, now: UnixMillis, stepped_ms: u64) -> UnixMillis {
        let usual_ms = now.0.saturating_add(self.max_ahead_ms);
        let passed_ms = now.0.saturating_sub(self.clock.0).saturating_sub(stepped_ms);
        UnixMillis(usual_ms.max(self.timeline.0.saturating_add(passed_ms / 2)))
    }

    /// Returns the earliest time of the clock at which `timestamp` may be issued.
    pub(crate) fn earliest_for(self, timestamp: UnixMillis, stepped_ms: u64) -> UnixMillis {
        let usual_ms = timestamp.0.saturating_sub(self.max_ahead_ms);
        let ahead_ms = timestamp.0.saturating_sub(self.timeline.0);
        let needed_ms = ahead_ms.saturating_mul(2).saturating_add(stepped_ms);
        UnixMillis(usual_ms.min(self.clock.0.saturating_add(needed_ms)))
    }
}

#[cfg(all(test, feature = "lease"))]
mod tests {
    use super::*;

    #[test]
    fn the_clock_catches_up_after_twice_the_time_ahead() {
        let limit = AheadLimit::new(0).starting_at(UnixMillis(4000), UnixMillis(1000));
        let latest_at = |now| limit.latest_at(UnixMillis(now), 0);
        assert_eq!(latest_at(1000), UnixMillis(4000));
        assert_eq!(latest_at(3001), UnixMillis(5000));
        assert_eq!(latest_at(7000), UnixMillis(7000));
        assert_eq!(latest_at(500), UnixMillis(4000), "a backward step");
        assert_eq!(limit.latest_at(UnixMillis(3000), 1500), UnixMillis(4250), "a forward step");
    }

    #[test]
    fn a_timestamp_may_be_issued_from_its_earliest_time_on() {
        let limit = AheadLimit::new(0).starting_at(UnixMillis(4000), UnixMillis(1000));
        for (timestamp, stepped_ms) in (4000..4100).map(UnixMillis).zip([0, 70].repeat(50)) {
            let earliest = limit.earliest_for(timestamp, stepped_ms);
            assert!(limit.latest_at(earliest, stepped_ms) >= timestamp);
            let before = limit.latest_at(UnixMillis(earliest.0 - 1), stepped_ms);
            assert!(before < timestamp || timestamp.0 == 4000);
        }
    }
}
