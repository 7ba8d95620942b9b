//! Round-trip times, measured without comparing clocks.
//!
//! One estimator for each link answers two questions.
//!
//! - *How long does a round trip take on an idle network?* The **base** is the smallest
//!   measurement of the last 10 to 20 s. Queues and busy processors only add to the propagation
//!   delay, so the minimum comes closest to it. BBR filters round trips in this way (Cardwell
//!   et al. 2016). TCP Vegas calls the minimum the base (Brakmo and Peterson 1995). The strategy
//!   depends on the base: a node that sent more when the network is slow would slow it further.
//! - *How long does a round trip take at present?* The smoothed **mean** of RFC 6298 determines the
//!   timeouts. The **lateness** of the last round trip is what it took beyond the base. It
//!   determines how long a hub waits for late reports, and how much earlier than planned nodes
//!   send.

use std::time::Duration;

use crate::base::Time;

/// The assumed round-trip time of an unmeasured link, typical of a slow wide-area link.
///
/// A guess that is too high costs a few messages. A guess that is too low misses the bound.
pub(crate) const GUESS: Duration = Duration::from_millis(200);

/// The number of measurements that may replace [`GUESS`] by a longer time.
const MIN_SAMPLES: u32 = 4;

/// Half of the window of the minimum.
///
/// The base falls immediately and rises only at the end of a half window. This is the
/// hysteresis between strategies: a node changes to another one and back at most once in 10 s.
const HALF_WINDOW: Duration = Duration::from_secs(10);

/// The longest time between a message and its echo that gives a measurement.
///
/// Over a longer time, the drift between two clocks matters: 100 ppm of a minute are 6 ms.
const MAX_HELD: Duration = Duration::from_secs(60);

/// The round-trip time of one link.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RoundTrip {
    samples: u32,
    last: Duration,
    mean: Duration,
    /// The start of the present half window.
    half_since: Time,
    /// The minimum of the half window before the present one.
    least_before: Option<Duration>,
    /// The minimum of the present half window.
    least: Option<Duration>,
}

impl RoundTrip {
    /// Adds a measurement.
    ///
    /// `away` is the time from a message to its echo, and `held` is the part of that time for
    /// which the peer held the echo.
    pub(crate) fn sample(&mut self, now: Time, away: Duration, held: Duration) {
        if held > MAX_HELD {
            return;
        }
        let measured = away.saturating_sub(held);
        self.last = measured;
        if self.samples == 0 {
            self.mean = measured;
            self.half_since = now;
        } else {
            self.mean = (self.mean * 7 + measured) / 8;
        }
        self.samples = self.samples.saturating_add(1);
        if now.since(self.half_since) >= HALF_WINDOW {
            self.half_since = now;
            self.least_before = self.least.take();
        }
        self.least = Some(self.least.map_or(measured, |least| least.min(measured)));
    }

    /// Returns `true` if there is a measurement.
    pub(crate) fn is_measured(&self) -> bool {
        self.samples > 0
    }

    /// Returns the round-trip time of an idle network, or [`GUESS`] without enough measurements.
    ///
    /// In the first half window, a minimum between the guess and its double does not replace the
    /// guess. All nodes start together then, and their processors are busy with that.
    pub(crate) fn base(&self) -> Duration {
        let least = self.least_before.into_iter().chain(self.least).min();
        let is_certain = |least: &Duration| {
            self.least_before.is_some()
                || *least < GUESS
                || *least > 2 * GUESS && self.samples >= MIN_SAMPLES
        };
        least.filter(is_certain).unwrap_or(GUESS)
    }

    /// Returns the mean, or [`GUESS`] without a measurement.
    pub(crate) fn mean(&self) -> Duration {
        if self.samples == 0 { GUESS } else { self.mean }
    }

    /// Returns how much longer than the base the last round trip took.
    pub(crate) fn lateness(&self) -> Duration {
        self.last.saturating_sub(self.base())
    }

    /// Returns the longest time for which the last message may have been under way.
    ///
    /// The round trip includes the way to the peer, which took at least half of the base.
    pub(crate) fn longest_way(&self) -> Duration {
        self.last.saturating_sub(self.base() / 2)
    }

    /// Returns how much longer than on an idle network a message probably takes one way.
    pub(crate) fn one_way_lateness(&self) -> Duration {
        self.lateness() / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Measures a link every 100 ms.
    fn measure(link: &mut RoundTrip, from_ms: u64, measured_ms: &[u64]) {
        for (nth, measured) in (0..).zip(measured_ms) {
            link.sample(Time((from_ms + nth * 100) * 1000), ms(*measured), ms(0));
        }
    }

    #[test]
    fn an_unmeasured_link_has_the_guess() {
        let mut link = RoundTrip::default();
        assert_eq!((link.base(), link.mean()), (GUESS, GUESS));
        measure(&mut link, 0, &[500, 500, 500]);
        assert_eq!(link.base(), GUESS);
        measure(&mut link, 300, &[30]);
        assert_eq!(link.base(), ms(30));
    }

    #[test]
    fn a_constant_link_has_its_round_trip_as_base_and_mean_and_is_never_late() {
        let mut link = RoundTrip::default();
        measure(&mut link, 0, &[30; 20]);
        assert_eq!((link.base(), link.mean(), link.lateness()), (ms(30), ms(30), ms(0)));
    }

    #[test]
    fn slow_first_seconds_do_not_replace_the_guess() {
        let mut link = RoundTrip::default();
        measure(&mut link, 0, &[380; 90]);
        assert_eq!((link.base(), link.lateness()), (GUESS, ms(180)));
        measure(&mut link, 9000, &[210; 30]);
        assert_eq!(link.base(), ms(210));
    }

    #[test]
    fn a_much_slower_link_replaces_the_guess_soon() {
        let mut link = RoundTrip::default();
        measure(&mut link, 0, &[600; 4]);
        assert_eq!(link.base(), ms(600));
    }

    #[test]
    fn ten_seconds_of_queueing_do_not_raise_the_base() {
        let mut link = RoundTrip::default();
        measure(&mut link, 0, &[200; 150]);
        measure(&mut link, 15_000, &[600; 100]);
        assert_eq!(link.base(), ms(200));
        assert!(link.mean() > ms(590));
    }

    #[test]
    fn a_longer_path_raises_the_base_after_two_half_windows() {
        let mut link = RoundTrip::default();
        measure(&mut link, 0, &[200; 150]);
        measure(&mut link, 15_000, &[600; 200]);
        assert_eq!(link.base(), ms(600));
    }

    #[test]
    fn a_shorter_path_lowers_the_base_immediately() {
        let mut link = RoundTrip::default();
        measure(&mut link, 0, &[600; 150]);
        measure(&mut link, 15_000, &[200]);
        assert_eq!(link.base(), ms(200));
    }

    #[test]
    fn the_base_of_an_alternating_link_rises_at_most_once_in_ten_seconds() {
        let mut link = RoundTrip::default();
        let mut rises = 0;
        for step in 0..600 {
            let before = link.base();
            // 5 s near 250 ms, 5 s near 300 ms, with some noise.
            let slow = if step / 50 % 2 == 0 { 250 } else { 300 };
            measure(&mut link, step * 100, &[slow + step * 7 % 13]);
            rises += u32::from(link.base() > before);
        }
        assert!(rises <= 6, "{rises} rises in 60 s");
    }

    #[test]
    fn an_echo_that_was_held_for_long_is_no_measurement() {
        let mut link = RoundTrip::default();
        measure(&mut link, 0, &[30; 20]);
        // An hour, by a clock that is 50 ppm fast.
        let held = Duration::from_secs(3600);
        link.sample(Time(3_700_000_000), held + ms(30) - ms(180), held);
        assert_eq!((link.base(), link.mean()), (ms(30), ms(30)));
    }

    #[test]
    fn the_lateness_is_that_of_the_last_round_trip() {
        let mut link = RoundTrip::default();
        measure(&mut link, 0, &[100, 300].repeat(10));
        assert_eq!((link.base(), link.lateness()), (ms(100), ms(200)));
        measure(&mut link, 2000, &[110]);
        assert_eq!((link.lateness(), link.one_way_lateness()), (ms(10), ms(5)));
    }

    #[test]
    fn a_message_took_the_round_trip_less_the_shortest_way_at_the_longest() {
        let mut link = RoundTrip::default();
        assert_eq!(link.longest_way(), ms(0), "nothing is known yet");
        measure(&mut link, 0, &[100; 20]);
        assert_eq!(link.longest_way(), ms(50));
        measure(&mut link, 2000, &[1100]);
        assert_eq!(link.longest_way(), ms(1050));
    }
}
