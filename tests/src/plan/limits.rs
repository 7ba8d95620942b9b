//! Limits on the figures of a test.

/// The figures that a test must stay below; none unless they are set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FigureLimits {
    /// Distinct messages among servers for each operation.
    pub msgs_per_op: Option<f64>,
    /// The median stable latency, in milliseconds.
    pub stable_median_ms: Option<f64>,
    /// The largest stable latency, in milliseconds.
    pub stable_max_ms: Option<f64>,
}
