//! The judgement of a history that was read from a file.
//!
//! It excludes findings that need the messages or the logs of the nodes.

use crate::format::edn::Edn;
use crate::history::History;
use crate::judge::kills::{AllowedLoss, Kills};
use crate::judge::{Anomaly, Judgement, availability, perf, stats};
use crate::output::report::{Figures, MAX_EXAMPLES, Report, faults};
use crate::plan::Plan;
use crate::workload::{Context, Workload};

/// Judges a history. Only the nodes and the rules of the plan matter.
#[must_use]
pub fn judge<W: Workload>(workload: &W, history: &History<W>, plan: &Plan) -> Report {
    let allowed = plan.allowed_loss_window.map_or(W::ALLOWED_LOSS, AllowedLoss::window);
    let kills = Kills::new(history, &plan.directory, allowed);
    let context = Context { directory: &plan.directory, kills };
    let parts = [
        ("perf", perf::check(history)),
        ("stats", stats::check(history, W::may_always_fail, !faults(history).is_empty())),
        ("availability", availability::check(history, &plan.directory, plan.availability)),
        ("workload", workload.check(history, &context).with_causes(W::CAUSES)),
    ];
    let clients = perf::median_and_p99(history);
    let figures = Figures {
        operations: history.invocations().count(),
        rate: perf::rate(history),
        client_median_ms: clients.map(|(median, _)| median),
        client_p99_ms: clients.map(|(_, p99)| p99),
        faults: faults(history),
        ..Figures::default()
    };
    let collect = |of: fn(&crate::judge::Verdict) -> &Vec<Anomaly>| -> Vec<Anomaly> {
        parts.iter().flat_map(|(_, part)| of(part)).cloned().collect()
    };
    let stable_latencies_ms = parts[3].1.stable_latencies_ms.clone();
    let (anomalies, findings) = (collect(|part| &part.anomalies), collect(|part| &part.findings));
    let fails_strict = plan.strict && !findings.is_empty();
    let Judgement { valid, is_unavailable } =
        Judgement::new(parts.iter().map(|(_, part)| part), fails_strict);
    let mut results =
        Edn::Map(parts.into_iter().map(|(key, part)| (Edn::Keyword(key), part.results)).collect());
    if !findings.is_empty() {
        let examples = findings.iter().take(MAX_EXAMPLES).map(|finding| finding.text.as_str());
        let count = findings.len().into();
        let examples = Edn::vector(examples);
        results.insert("findings", Edn::map([("count", count), ("examples", examples)]));
    }
    results.insert("valid?", valid.into());
    let warnings = Vec::new();
    Report {
        valid,
        is_unavailable,
        results,
        anomalies,
        findings,
        figures,
        warnings,
        stable_latencies_ms,
    }
}
