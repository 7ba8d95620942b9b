//! Quantiles, computed as Jepsen computes them.

use crate::format::edn::Edn;

/// The points at which distributions are shown.
pub const QUANTILES: [f64; 5] = [0.0, 0.5, 0.95, 0.99, 1.0];

/// Returns Jepsen's quantiles `{0 a, 0.5 b, 0.95 c, 0.99 d, 1 e}`, or `None` for an empty slice.
#[must_use]
pub fn quantiles<T: Copy + PartialOrd>(sorted: &[T], show: impl Fn(T) -> Edn) -> Option<Edn> {
    let entries = QUANTILES.iter().map(|&point| {
        let key = if point.fract() == 0.0 { Edn::Int(point as i128) } else { Edn::Float(point) };
        Some((key, show(quantile(sorted, point)?)))
    });
    entries.collect::<Option<Vec<_>>>().map(Edn::Map)
}

/// Returns one quantile of a sorted slice, computed as Jepsen computes it.
#[must_use]
pub fn quantile<T: Copy>(sorted: &[T], point: f64) -> Option<T> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(((sorted.len() as f64 * point) as usize).min(last)).copied()
}
