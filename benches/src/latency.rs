//! Latencies of calls.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The quantiles of a report, with their names. The last one is the maximum.
pub const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999), ("max", 1.0)];

/// Nanoseconds at each of [`QUANTILES`]. An older report may lack some of them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Latency(pub [Option<u64>; QUANTILES.len()]);

impl Latency {
    /// Reads the quantiles of a histogram.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Latency {
        Latency(QUANTILES.map(|(_, quantile)| Some(histogram.value_at_quantile(quantile))))
    }

    /// Returns the figure at p99.9.
    #[must_use]
    pub fn p999(&self) -> Option<u64> {
        self.0[2]
    }
}

/// Creates a histogram for up to ten seconds, so that no call resizes it.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("three digits are allowed")
}
