//! The verdict on limits: figures that a test must stay below.

use super::report::Figures;
use crate::format::edn::Edn;
use crate::judge::{Anomaly, Valid, Verdict};
use crate::plan::FigureLimits;

/// Compares the figures of a test with its limits. Returns `None` if there are no limits.
pub(super) fn check(figures: &Figures, limits: &FigureLimits) -> Option<Verdict> {
    if *limits == FigureLimits::default() {
        return None;
    }
    let pairs = [
        ("msgs-per-op", "servers msgs/op", figures.server_messages_per_op, limits.msgs_per_op),
        (
            "stable-median-ms",
            "ms of median stable latency",
            figures.stable_median_ms,
            limits.stable_median_ms,
        ),
        (
            "stable-max-ms",
            "ms of largest stable latency",
            figures.stable_max_ms,
            limits.stable_max_ms,
        ),
    ];
    let mut valid = Valid::True;
    let mut anomalies: Vec<Anomaly> = Vec::new();
    let mut results = Edn::map([]);
    for (key, name, figure, limit) in pairs {
        let Some(limit) = limit else { continue };
        let (verdict, text) = match figure {
            Some(figure) if figure < limit => (Valid::True, None),
            Some(figure) => (
                Valid::False,
                Some(format!(
                    "limit exceeded: {} {name} (limit: less than {limit})",
                    rounded(figure, limit)
                )),
            ),
            None => (
                Valid::Unknown,
                Some(format!(
                    "limit not checked: the test has no {name} (limit: less than {limit})"
                )),
            ),
        };
        valid = valid.min(verdict);
        let figure = figure.map_or(Edn::Nil, Edn::Float);
        results.insert(key, Edn::map([("figure", figure), ("limit", Edn::Float(limit))]));
        let cause = match verdict {
            Valid::Unknown => "this workload has no such figure, or too few operations succeeded",
            _ => "the node sends more or waits longer than the limit allows; see its settings",
        };
        anomalies.extend(text.map(|text| Anomaly { cause: Some(cause), ..Anomaly::from(text) }));
    }
    Some(Verdict::new(valid, results, anomalies))
}

/// Returns the figure with at most two decimal places, or whole if rounding moved it below the
/// limit.
fn rounded(figure: f64, limit: f64) -> f64 {
    let rounded = (figure * 100.0).round() / 100.0;
    if rounded < limit { figure } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_must_be_below_its_limit() {
        let limits = FigureLimits { msgs_per_op: Some(20.0), ..FigureLimits::default() };
        let verdict = |figure| {
            let figures = Figures { server_messages_per_op: figure, ..Figures::default() };
            check(&figures, &limits).unwrap()
        };
        assert_eq!(verdict(Some(19.9)).valid, Valid::True);
        assert_eq!(verdict(None).valid, Valid::Unknown);
        let exceeded = verdict(Some(20.0));
        assert_eq!(exceeded.valid, Valid::False);
        let text = "limit exceeded: 20 servers msgs/op (limit: less than 20)";
        assert_eq!(exceeded.anomalies[0].text, text);
        let text = "limit exceeded: 21.16 servers msgs/op (limit: less than 20)";
        assert_eq!(verdict(Some(21.160_555)).anomalies[0].text, text);
        assert_eq!(rounded(1.003, 1.002), 1.003, "1 is below the limit");
        assert!(check(&Figures::default(), &FigureLimits::default()).is_none());
    }
}
