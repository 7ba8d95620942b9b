//! How long a message between servers takes.

use std::time::Duration;

use crate::base::rng::Rng;

/// A distribution of latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Its mean.
    pub mean: Duration,
    /// Its shape.
    pub distribution: Distribution,
}

/// Maelstrom's `--latency-dist`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distribution {
    /// Always the mean.
    #[default]
    Constant,
    /// Anything from zero to twice the mean, all alike.
    Uniform,
    /// Mostly short, now and then very long.
    Exponential,
}

impl Latency {
    /// The same latency for every message.
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

    /// The latency of one message.
    pub fn draw(&self, rng: &mut Rng) -> Duration {
        match self.distribution {
            Distribution::Constant => self.mean,
            Distribution::Uniform => rng.span_below(self.mean * 2),
            Distribution::Exponential => rng.span_around(self.mean),
        }
    }
}
