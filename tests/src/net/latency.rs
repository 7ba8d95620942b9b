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
}
