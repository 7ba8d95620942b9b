//! Random numbers from a seed.
//!
//! Each part of a test draws from a separate stream. One more draw in one part (a second fault,
//! another workload) therefore leaves the other parts unchanged. This module implements its few
//! distributions because the `rand` crate may change its own between versions. A seed printed today
//! has to replay tomorrow.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use rand_core::{Rng as _, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A stream of random numbers, by the part of a test that draws from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The operations, and the times at which they start.
    Generator = 1,
    /// Latencies, losses and duplicates.
    Network = 2,
    /// The starts of faults, and the nodes that they hit.
    Nemesis = 3,
    /// The states that weakly consistent services show.
    Services = 4,
    /// Incarnations of simulated nodes.
    Incarnations = 5,
    /// The settings that a swarm draws. A new number would change the meaning of all seeds.
    Swarm = 7,
}

/// A generator for one [`Stream`] of one seed.
#[derive(Clone, Debug)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// Creates a generator at the beginning of a stream.
    #[must_use]
    pub fn new(seed: u64, stream: Stream) -> Rng {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        // Each jump skips 2^128 numbers, so streams never overlap.
        (0..stream as u32).for_each(|_| rng.jump());
        Rng(rng)
    }

    /// Returns 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Returns a number from 0 to `bound - 1`, or 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The upper half of the product. Its bias is below bound / 2^64, too small for a test to
        // show.
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// Returns an index into a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// Returns a number from 0 up to, but not including, 1.
    pub fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Returns `true` with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// Returns a span that is uniformly distributed between zero and `bound`.
    pub fn span_below(&mut self, bound: Duration) -> Duration {
        bound.mul_f64(self.fraction())
    }

    /// Returns a span that is exponentially distributed with this mean.
    pub fn span_around(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.fraction()).ln())
    }

    /// Puts a slice into random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}

/// Returns a random seed, for a run whose flags name none.
#[must_use]
pub fn fresh_seed() -> u64 {
    // The standard library keys each of its hashers at random. Short seeds are easier to retype.
    std::hash::RandomState::new().build_hasher().finish() >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_fixes_every_stream_and_streams_differ() {
        let draw = |seed, stream| Rng::new(seed, stream).bits();
        assert_eq!(draw(7, Stream::Network), draw(7, Stream::Network));
        assert_ne!(draw(7, Stream::Network), draw(7, Stream::Nemesis));
        assert_ne!(draw(7, Stream::Network), draw(8, Stream::Network));
    }

    /// Seeds that people have written down remain valid only while this holds.
    #[test]
    fn the_stream_is_the_same_on_every_machine_and_in_every_version() {
        let mut rng = Rng::new(1, Stream::Network);
        let drawn: Vec<u64> = (0..4).map(|_| rng.below(1000)).collect();
        assert_eq!(drawn, [808, 53, 601, 599]);
    }

    #[test]
    fn the_exponential_distribution_has_the_requested_mean() {
        let mut rng = Rng::new(3, Stream::Network);
        let mean = Duration::from_millis(100);
        let total: Duration = (0..10_000).map(|_| rng.span_around(mean)).sum();
        let average = total / 10_000;
        assert!((97..103).contains(&average.as_millis()), "{average:?}");
    }
}
