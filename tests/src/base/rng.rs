//! Randomness that a seed fixes.
//!
//! Every part of a test draws from a stream of its own, so that one more draw in one part (a
//! second fault, another workload) leaves the others as they were. The few distributions stand
//! here because the ones of the `rand` crate may change between its versions, and a seed
//! printed today has to replay tomorrow.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use rand_core::{Rng as _, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What a stream of random numbers is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// When operations start and which ones.
    Generator = 1,
    /// Latencies, losses and duplicates.
    Network = 2,
    /// When faults start and whom they hit.
    Nemesis = 3,
    /// Which state a weakly consistent service shows.
    Services = 4,
    /// Incarnations of simulated nodes.
    Incarnations = 5,
    /// Clock faults of simulated nodes.
    Clocks = 6,
    /// The settings that a swarm draws.
    Swarm = 7,
}

/// A generator for one [`Stream`] of one seed.
#[derive(Clone, Debug)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// The beginning of a stream.
    #[must_use]
    pub fn new(seed: u64, stream: Stream) -> Rng {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        // Each jump skips 2^128 numbers: no stream ever runs into the next.
        (0..stream as u32).for_each(|_| rng.jump());
        Rng(rng)
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `bound - 1`; 0 if the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The product's upper half. Its bias is below bound / 2^64, nothing a test could see.
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// An index into something of this length.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// A number from 0 up to, and without, 1.
    pub fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// A span uniform between zero and `bound`.
    pub fn span_below(&mut self, bound: Duration) -> Duration {
        bound.mul_f64(self.fraction())
    }

    /// A span exponentially distributed around `mean`.
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

/// A seed that nobody chose, for runs that name none.
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

    /// The seeds people have written down stay good only while this holds.
    #[test]
    fn the_stream_is_the_same_on_every_machine_and_in_every_version() {
        let mut rng = Rng::new(1, Stream::Network);
        let drawn: Vec<u64> = (0..4).map(|_| rng.below(1000)).collect();
        assert_eq!(drawn, [808, 53, 601, 599]);
    }

    #[test]
    fn the_exponential_distribution_has_the_mean_it_is_asked_for() {
        let mut rng = Rng::new(3, Stream::Network);
        let mean = Duration::from_millis(100);
        let total: Duration = (0..10_000).map(|_| rng.span_around(mean)).sum();
        let average = total / 10_000;
        assert!((97..103).contains(&average.as_millis()), "{average:?}");
    }
}
