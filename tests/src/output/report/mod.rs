//! The results of a test: the printed text, the stored files and the exit status.
//!
//! `report.html` and its plots show the same results, with the history and the messages.

pub mod assemble;
mod beyond;
pub mod chart;
pub mod column;
pub mod cycle;
pub mod data;
pub mod lamport;
pub mod page;
pub mod perfetto;
pub mod plots;
pub mod svg;
pub mod timeline;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use crate::format::edn::Edn;
use crate::history::{EventKind, History};
use crate::judge::kills::{AllowedLoss, Kills};
use crate::judge::{Anomaly, Judgement, Valid, Verdict, availability, perf, stats};
use crate::output::exit::{EXIT_INVALID, EXIT_UNKNOWN, EXIT_VALID};
use crate::output::limits;
use crate::output::warnings::{self, Replies};
use crate::runner::{CLIENT_TIMEOUT, FinishedTest};
use crate::workload::{Context, Workload};

/// The maximum number of anomalies that are printed.
///
/// The results contain all anomalies.
pub(super) const MAX_EXAMPLES: usize = 10;

/// A judged test.
#[derive(Clone, Debug)]
pub struct Report {
    /// The judgement.
    pub valid: Valid,
    /// `true` if it is invalid only because faults or latency left no success to an operation.
    pub is_unavailable: bool,
    /// The results map, with Maelstrom's keys.
    pub results: Edn,
    /// Every anomaly.
    pub anomalies: Vec<Anomaly>,
    /// Problems that Maelstrom does not detect. They fail the test with `--strict` only.
    pub findings: Vec<Anomaly>,
    /// The figures for a comparison of tests.
    pub figures: Figures,
    /// Observations that are not anomalies.
    pub warnings: Vec<String>,
    /// The times until each value was stable, if the workload has values.
    pub stable_latencies_ms: Vec<u64>,
}

/// The figures for a comparison of tests.
///
/// A figure that a test does not have is `None`.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// The number of client operations, final reads included.
    pub operations: usize,
    /// The number of operations started per second of the main phase.
    pub rate: Option<f64>,
    /// The number of distinct messages among servers per operation.
    pub server_messages_per_op: Option<f64>,
    /// The median stable latency of values.
    pub stable_median_ms: Option<f64>,
    /// The maximum stable latency of values.
    pub stable_max_ms: Option<f64>,
    /// The median latency of clients' operations.
    pub client_median_ms: Option<f64>,
    /// The 99th percentile of the latency of clients' operations.
    pub client_p99_ms: Option<f64>,
    /// The number of faults of each kind that began.
    pub faults: BTreeMap<&'static str, usize>,
}

impl Report {
    /// Judges a finished test.
    ///
    /// `logs` is the directory of the nodes' standard error, if there is one.
    #[must_use]
    pub fn new<W: Workload>(
        outcome: &FinishedTest<W>,
        driver: &'static str,
        logs: Option<&Path>,
    ) -> Report {
        let FinishedTest { plan, workload, history, network, protocol_warnings, .. } = outcome;
        let operations = history.invocations().count();
        let allowed = plan.allowed_loss_window.map_or(W::ALLOWED_LOSS, AllowedLoss::window);
        let kills = Kills::new(history, &plan.directory, allowed);
        let context = Context { directory: &plan.directory, kills };
        let mut net = network.journal().to_edn(operations);
        for (kind, count) in protocol_warnings.counts() {
            net.insert(kind, count);
        }
        let net = Verdict {
            valid: Valid::True,
            results: net,
            anomalies: Vec::new(),
            findings: Vec::new(),
            stable_latencies_ms: Vec::new(),
            is_unavailable: false,
            is_fatal: false,
        };
        let may_be_unavailable =
            !plan.nemesis.is_empty() || plan.latency.typical_max() * 4 >= CLIENT_TIMEOUT;
        let mut parts = vec![
            ("perf", perf::check(history)),
            ("stats", stats::check(history, W::may_always_fail, may_be_unavailable)),
            ("availability", availability::check(history, &plan.directory, plan.availability)),
            ("net", net),
            ("workload", workload.check(history, &context).with_causes(W::CAUSES)),
        ];
        let workload = parts.iter().find(|(key, _)| *key == "workload").map(|(_, part)| part);
        let figures = Figures::new(outcome, workload);
        parts.extend(limits::check(&figures, &plan.limits).map(|verdict| ("limits", verdict)));
        let anomalies: Vec<Anomaly> =
            parts.iter().flat_map(|(_, part)| part.anomalies.clone()).collect();
        let mut findings: Vec<Anomaly> = outcome.muted.findings(&plan.directory).collect();
        findings.extend(outcome.malformed.findings(&plan.directory));
        findings.extend(parts.iter().flat_map(|(_, part)| part.findings.clone()));
        let fails_strict = plan.strict && !findings.is_empty();
        let Judgement { valid, is_unavailable } =
            Judgement::new(parts.iter().map(|(_, part)| part), fails_strict);
        let stable_latencies_ms = parts[4].1.stable_latencies_ms.clone();
        let mut results = Edn::Map(
            parts.into_iter().map(|(key, part)| (Edn::Keyword(key), part.results)).collect(),
        );
        if !findings.is_empty() {
            let examples = findings.iter().take(MAX_EXAMPLES).map(|finding| finding.text.as_str());
            results.insert(
                "findings",
                Edn::map([
                    ("count", findings.len().into()),
                    ("malformed-line-count", outcome.malformed.count().into()),
                    ("muted-node-count", outcome.muted.count().into()),
                    ("examples", Edn::vector(examples)),
                ]),
            );
        }
        results.insert("driver", Edn::Keyword(driver));
        results.insert("plan", plan.to_edn());
        results.insert("seed", plan.seed.into());
        results.insert("valid?", valid.into());
        let mut warnings: Vec<String> = outcome.muted.warnings(&plan.directory).collect();
        warnings.extend(protocol_warnings.warnings(&plan.directory));
        let mut replies = Replies::new(history, plan);
        replies.without_explained(outcome);
        warnings.extend(replies.silence(plan, logs));
        // Anomalies explain such errors.
        warnings.extend(replies.errors(plan).filter(|_| anomalies.is_empty()));
        warnings.extend(warnings::missed_rate(plan, history).filter(|_| outcome.is_complete));
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

    /// Returns `true` if there are no anomalies and enough operations for a verdict.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.valid == Valid::True
    }

    /// Returns the exit status.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.valid {
            Valid::True => EXIT_VALID,
            Valid::False => EXIT_INVALID,
            Valid::Unknown => EXIT_UNKNOWN,
        }
    }

    /// Returns the first anomaly or finding.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.anomalies.iter().chain(&self.findings).next().map(|problem| problem.text.clone())
    }

    /// Returns the anomalies and findings as text, at most `MAX_EXAMPLES` of each.
    #[must_use]
    pub fn anomalies_text(&self) -> String {
        let mut text = list(&self.anomalies, "");
        text.push_str(&list(&self.findings, "finding: "));
        text
    }
}

/// The anomalies, findings, warnings and figures, as the message of a failed assertion.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.valid {
            Valid::True => "valid",
            Valid::False => "invalid",
            Valid::Unknown => "unknown",
        };
        write!(f, "{verdict}\n{}", self.anomalies_text())?;
        for warning in &self.warnings {
            writeln!(f, "{warning}")?;
        }
        write!(f, "{}", self.figures)
    }
}

/// Lists anomalies with their causes, and each cause only once.
fn list(anomalies: &[Anomaly], begin: &str) -> String {
    let mut text = String::new();
    let mut explained = BTreeSet::new();
    for problem in anomalies.iter().take(MAX_EXAMPLES) {
        text.push_str(&format!("{begin}{}\n", problem.text));
        if let Some(cause) = problem.cause.filter(|cause| explained.insert(*cause)) {
            text.push_str(&format!("  likely: {cause}\n"));
        }
    }
    if let Some(more @ 1..) = anomalies.len().checked_sub(MAX_EXAMPLES) {
        text.push_str(&format!("… and {more} more, see results.edn\n"));
    }
    text
}

impl Figures {
    fn new<W: Workload>(outcome: &FinishedTest<W>, workload: Option<&Verdict>) -> Figures {
        let operations = outcome.history.invocations().count();
        let stable = |index: usize| match workload?.results.get("stable-latencies")? {
            Edn::Map(quantiles) => match quantiles.get(index)?.1 {
                Edn::Int(millis) => Some(millis as f64),
                _ => None,
            },
            _ => None,
        };
        let clients = perf::median_and_p99(&outcome.history);
        Figures {
            operations,
            rate: perf::rate(&outcome.history),
            server_messages_per_op: outcome.network.journal().servers.per_operation(operations),
            stable_median_ms: stable(1),
            stable_max_ms: stable(4),
            client_median_ms: clients.map(|(median, _)| median),
            client_p99_ms: clients.map(|(_, p99)| p99),
            faults: faults(&outcome.history),
        }
    }
}

/// Returns the number of faults of each kind that began, by the nemesis's names.
pub(super) fn faults<W: Workload>(history: &History<W>) -> BTreeMap<&'static str, usize> {
    let mut faults = BTreeMap::new();
    for event in history.events() {
        let EventKind::Nemesis { f, .. } = event.kind else { continue };
        let begun = match f {
            "kill" | "pause" => f,
            "bump-clock" => "clock",
            _ => match f.strip_prefix("start-") {
                Some(begun) => begun,
                None => continue,
            },
        };
        *faults.entry(begun).or_default() += 1;
    }
    faults
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} operations", self.operations)?;
        if let Some(rate) = self.rate {
            write!(f, ", {rate:.1}/s")?;
        }
        if let Some(ratio) = self.server_messages_per_op {
            write!(f, ", servers {ratio:.3} msgs/op")?;
        }
        if let (Some(median), Some(max)) = (self.stable_median_ms, self.stable_max_ms) {
            write!(f, ", stable latency median {median} max {max} ms")?;
        }
        if let (Some(median), Some(p99)) = (self.client_median_ms, self.client_p99_ms) {
            write!(f, ", client latency median {median:.2} p99 {p99:.2} ms")?;
        }
        for (index, (fault, count)) in self.faults.iter().enumerate() {
            write!(f, "{}{fault} {count}", if index == 0 { ", faults: " } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::OpError;

    #[test]
    fn a_nodes_text_is_escaped_and_clipped_in_the_report() {
        let error = |text: &str| OpError::Rpc { code: 13, text: text.to_owned() };
        let shown = |text: &str| {
            let problem = Anomaly::of_errors("it failed".to_owned(), [&error(text)].into_iter());
            Report {
                valid: Valid::False,
                is_unavailable: false,
                results: Edn::map([]),
                anomalies: vec![problem],
                findings: Vec::new(),
                figures: Figures::default(),
                warnings: Vec::new(),
                stable_latencies_ms: Vec::new(),
            }
            .anomalies_text()
        };
        let cause = "\n  likely: the node has an internal error; see the text of the error and the \
                     node's log\n";
        assert_eq!(
            shown("a\n  likely: b\u{1b}[2J"),
            format!("it failed; most often: error 13: a\\n  likely: b\\u{{1b}}[2J{cause}")
        );
        let long = shown(&"x".repeat(1_000_000));
        assert!(long.ends_with(&format!("x… (1000000 bytes in all){cause}")), "{long:.400}");
        assert!(long.len() < 400, "{}", long.len());
    }
}
