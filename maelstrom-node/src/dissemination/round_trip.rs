//! Round-trip times, measured without comparing clocks.

use std::time::Duration;

/// The assumed round-trip time of an unmeasured link: that of a slow wide-area link.
///
/// A guess that is too high costs a few messages, one that is too low misses the bound.
pub(crate) const GUESS: Duration = Duration::from_millis(200);

/// A smoothed round-trip time and its spread, as in RFC 6298, section 2.
///
/// Unlike in the RFC, the spread is zero after the first measurement. It grows only if later
/// measurements differ.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RoundTrip {
    estimate: Option<Estimate>,
}

#[derive(Clone, Copy, Debug)]
struct Estimate {
    mean: Duration,
    spread: Duration,
}

impl RoundTrip {
    /// Adds a measurement.
    pub(crate) fn sample(&mut self, measured: Duration) {
        let estimate = match self.estimate {
            None => Estimate { mean: measured, spread: Duration::ZERO },
            Some(Estimate { mean, spread }) => Estimate {
                mean: (mean * 7 + measured) / 8,
                spread: (spread * 3 + mean.abs_diff(measured)) / 4,
            },
        };
        self.estimate = Some(estimate);
    }

    /// Returns the mean, or `None` without a measurement.
    pub(crate) fn measured(&self) -> Option<Duration> {
        self.estimate.map(|estimate| estimate.mean)
    }

    /// Returns the mean, or [`GUESS`] without a measurement.
    pub(crate) fn mean(&self) -> Duration {
        self.measured().unwrap_or(GUESS)
    }

    /// Returns the mean deviation of the measurements, or zero without a measurement.
    pub(crate) fn spread(&self) -> Duration {
        self.estimate.map_or(Duration::ZERO, |estimate| estimate.spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_mean_of_a_constant_link_converges() {
        let mut link = RoundTrip::default();
        assert_eq!(link.mean(), GUESS);
        for _ in 0..20 {
            link.sample(ms(30));
        }
        assert_eq!(link.measured(), Some(ms(30)));
        assert_eq!(link.spread(), ms(0));
    }

    #[test]
    fn a_varying_link_has_a_spread() {
        let mut link = RoundTrip::default();
        for turn in 0..20 {
            link.sample(ms(if turn % 2 == 0 { 100 } else { 300 }));
        }
        assert!(link.spread() > ms(80));
    }
}
