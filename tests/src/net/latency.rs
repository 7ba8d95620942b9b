//! Latency distributions of messages between servers.

use std::time::Duration;

use crate::base::rng::Rng;

/// A distribution of latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The mean.
    pub mean: Duration,
    /// The shape.
    pub distribution: Distribution,
}

/// Values of Maelstrom's `--latency-dist`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distribution {
    /// The mean for every message.
    #[default]
    Constant,
    /// A uniform distribution from zero to twice the mean.
    Uniform,
    /// An exponential distribution: mostly short, sometimes very long.
    Exponential,
}

impl Latency {
    /// Creates the same latency for every message.
    #[must_use]
    pub fn constant(mean: Duration) -> Latency {
        Latency { mean, distribution: Distribution::Constant }
    }

    /// Returns a latency that few messages exceed.
    #[must_use]
    pub fn typical_max(&self) -> Duration {
        match self.distribution {
            Distribution::Constant => self.mean,
            Distribution::Uniform => self.mean * 2,
            Distribution::Exponential => self.mean * 3,
        }
    }

    /// Draws the latency of one message.
    pub fn draw(&self, rng: &mut Rng) -> Duration {
        match self.distribution {
            Distribution::Constant => self.mean,
            Distribution::Uniform => rng.span_below(self.mean * 2),
            Distribution::Exponential => rng.span_around(self.mean),
        }
    }

    /// Draws the latency of one message in whole milliseconds, rounded down, as Maelstrom does.
    ///
    /// A constant latency is not drawn, and not rounded.
    pub fn draw_millis(&self, rng: &mut Rng) -> Duration {
        let drawn = self.draw(rng);
        match self.distribution {
            Distribution::Constant => drawn,
            Distribution::Uniform | Distribution::Exponential => {
                Duration::from_millis(drawn.as_millis().try_into().unwrap_or(u64::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Stream;

    /// Rounding takes half a millisecond away. The mean of the rounded exponential distribution is
    /// 1/(e - 1).
    #[test]
    fn drawn_latencies_are_whole_milliseconds() {
        for (distribution, mean_us) in [
            (Distribution::Constant, 1000),
            (Distribution::Uniform, 500),
            (Distribution::Exponential, 582),
        ] {
            let latency = Latency { mean: Duration::from_millis(1), distribution };
            let mut rng = Rng::new(3, Stream::Network);
            let drawn: Vec<Duration> = (0..10_000).map(|_| latency.draw_millis(&mut rng)).collect();
            assert!(drawn.iter().all(|latency| latency.subsec_micros().is_multiple_of(1000)));
            let mean = drawn.iter().sum::<Duration>() / 10_000;
            assert!(mean.as_micros().abs_diff(mean_us) < 30, "{distribution:?}: {mean:?}");
        }
    }
}
