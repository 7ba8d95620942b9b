//! How long a message and its answer take, measured without comparing clocks.

use std::time::Duration;

/// What to expect of links that nothing is known of yet: a slow wide-area one. Too
/// high a guess costs messages for a moment, too low a one costs punctuality.
pub(crate) const GUESS: Duration = Duration::from_millis(200);

/// A smoothed round-trip time and its spread, as in RFC 6298, section 2, but for the
/// first measurement: what matters here is whether later ones differ from it.
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
    /// Takes in one measurement.
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

    /// The mean, if anything has been measured.
    pub(crate) fn measured(&self) -> Option<Duration> {
        self.estimate.map(|estimate| estimate.mean)
    }

    /// The mean, or a guess.
    pub(crate) fn mean(&self) -> Duration {
        self.measured().unwrap_or(GUESS)
    }

    /// How far measurements lie from the mean, on average. Nothing is held against a
    /// link that has not been measured.
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
    fn a_link_that_never_varies_is_soon_known_exactly() {
        let mut link = RoundTrip::default();
        assert_eq!(link.mean(), GUESS);
        for _ in 0..20 {
            link.sample(ms(30));
        }
        assert_eq!(link.measured(), Some(ms(30)));
        assert_eq!(link.spread(), ms(0));
    }

    #[test]
    fn a_link_that_varies_shows_it() {
        let mut link = RoundTrip::default();
        for turn in 0..20 {
            link.sample(ms(if turn % 2 == 0 { 100 } else { 300 }));
        }
        assert!(link.spread() > ms(80));
    }
}
