//! The latencies of clients.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Anomaly, Valid, Verdict, quantile, quantiles};
use crate::base::time::as_millis;
use crate::format::edn::Edn;
use crate::history::{History, Operations};

/// Returns the latencies of all successful operations, sorted.
#[must_use]
pub fn latencies<W: Operations>(history: &History<W>) -> Vec<Duration> {
    let wait = |invoked, completed| history.time(completed) - history.time(invoked);
    let mut waits: Vec<_> =
        history.completed().map(|done| wait(done.invoked, done.completed)).collect();
    waits.sort_unstable();
    waits
}

/// Reports quantiles of latencies in milliseconds and the rate of operations.
///
/// The quantiles are over all operations and for each kind. The verdict is always valid.
#[must_use]
pub fn check<W: Operations>(history: &History<W>) -> Verdict {
    let mut by_f: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    for done in history.completed() {
        let wait = history.time(done.completed) - history.time(done.invoked);
        by_f.entry(W::f(&done.invocation.op)).or_default().push(wait);
    }
    let millis = |span: Duration| Edn::Float((as_millis(span) * 1000.0).round() / 1000.0);
    let by_f = by_f.into_iter().filter_map(|(f, mut waits)| {
        waits.sort_unstable();
        Some((Edn::Keyword(f), quantiles(&waits, millis)?))
    });
    let waits = latencies(history);
    // Maelstrom's results always have these two, for its plots.
    let plot = Edn::map([("valid?", Edn::Bool(true))]);
    let results = Edn::map([
        ("latency-graph", plot.clone()),
        ("rate-graph", plot),
        ("latencies-ms", quantiles(&waits, millis).unwrap_or(Edn::Nil)),
        ("latencies-ms-by-f", Edn::Map(by_f.collect())),
        ("rate", rate(history).map_or(Edn::Nil, |rate| Edn::Float((rate * 10.0).round() / 10.0))),
    ]);
    Verdict::new(Valid::True, results, None::<Anomaly>)
}

/// Returns the number of operations per second of the main phase.
#[must_use]
pub fn rate<W: Operations>(history: &History<W>) -> Option<f64> {
    let mut main = history.invocations().filter(|(_, invocation)| !invocation.is_final);
    let (first, _) = main.next()?;
    let (count, last) = main.fold((0, first), |(count, _), (index, _)| (count + 1, index));
    let span = history.time(last) - history.time(first);
    (count > 0 && !span.is_zero()).then(|| f64::from(count) / span.as_secs_f64())
}

/// Returns the median and the 99th percentile of all latencies, in milliseconds.
#[must_use]
pub fn median_and_p99<W: Operations>(history: &History<W>) -> Option<(f64, f64)> {
    let waits = latencies(history);
    Some((as_millis(quantile(&waits, 0.5)?), as_millis(quantile(&waits, 0.99)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Pings;

    #[test]
    fn the_results_have_the_keys_of_maelstroms_plots() {
        let results = check(&History::<Pings>::new()).results;
        for key in ["latency-graph", "rate-graph"] {
            let plot = results.get(key).map(ToString::to_string);
            assert_eq!(plot.as_deref(), Some("{:valid? true}"), "{key}");
        }
    }
}
