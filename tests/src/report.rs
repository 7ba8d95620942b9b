//! The results of a test: what is printed, stored and returned to the shell.

use crate::checker::{Valid, Verdict, availability, perf, stats};
use crate::conductor::Outcome;
use crate::edn::Edn;
use crate::workload::Workload;

/// Everything is as it should be.
pub const EXIT_VALID: u8 = 0;
/// A checker found an anomaly.
pub const EXIT_INVALID: u8 = 1;
/// No checker can tell.
pub const EXIT_UNKNOWN: u8 = 2;
/// The command line is wrong.
pub const EXIT_BAD_FLAGS: u8 = 254;
/// The test could not be carried through.
pub const EXIT_FAILED: u8 = 255;

/// How many anomalies are told one by one; the results have them all.
const MOST_PROBLEMS: usize = 10;

/// A judged test.
#[derive(Clone, Debug)]
pub struct Report {
    /// The judgement.
    pub valid: Valid,
    /// The results map, with Maelstrom's keys.
    pub results: Edn,
    /// Every anomaly, one sentence each.
    pub problems: Vec<String>,
    /// The figures people compare, on one line.
    pub summary: String,
}

impl Report {
    /// Judges what a test left behind.
    #[must_use]
    pub fn new<W: Workload>(outcome: &Outcome<W>, driver: &'static str) -> Report {
        let Outcome { plan, workload, history, network, late_answers } = outcome;
        let operations = history.invocations().count();
        let mut net = network.journal().to_edn(operations);
        if *late_answers > 0 {
            net.insert("late-answers", (*late_answers).into());
        }
        let net = Verdict { valid: Valid::True, results: net, problems: Vec::new() };
        let parts = [
            ("perf", perf::check(history)),
            ("stats", stats::check(history)),
            ("availability", availability::check(history, plan.availability)),
            ("net", net),
            ("workload", workload.check(history, &plan.directory)),
        ];
        let valid = parts.iter().map(|(_, part)| part.valid).min().unwrap_or(Valid::Unknown);
        let problems = parts.iter().flat_map(|(_, part)| part.problems.clone()).collect();
        let summary = summary(outcome, operations, &parts[4].1);
        let mut results = Edn::Map(
            parts.into_iter().map(|(key, part)| (Edn::Keyword(key), part.results)).collect(),
        );
        results.insert("driver", Edn::Keyword(driver));
        results.insert("seed", plan.seed.into());
        results.insert("valid?", valid.into());
        Report { valid, results, problems, summary }
    }

    /// The status that the shell gets.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.valid {
            Valid::True => EXIT_VALID,
            Valid::False => EXIT_INVALID,
            Valid::Unknown => EXIT_UNKNOWN,
        }
    }

    /// The anomalies, as many as a terminal can bear.
    #[must_use]
    pub fn problems_text(&self) -> String {
        let mut text: String = self
            .problems
            .iter()
            .take(MOST_PROBLEMS)
            .map(|problem| format!("{problem}\n"))
            .collect();
        if let Some(more @ 1..) = self.problems.len().checked_sub(MOST_PROBLEMS) {
            text.push_str(&format!("… and {more} more, see results.edn\n"));
        }
        text
    }
}

/// `valid · 1984 ops at 99.1/s · servers 1.13 msgs/op · stable 231/449 ms · clients 0.1/98 ms`
fn summary<W: Workload>(outcome: &Outcome<W>, operations: usize, workload: &Verdict) -> String {
    let mut parts = vec![format!("{}: {operations} operations", W::NAME)];
    if let Some(rate) = perf::rate(&outcome.history) {
        parts.push(format!("{rate:.1}/s"));
    }
    if let Some(ratio) = outcome.network.journal().servers.per_operation(operations) {
        parts.push(format!("servers {ratio:.3} msgs/op"));
    }
    if let Some(Edn::Map(quantiles)) = workload.results.get("stable-latencies") {
        let at = |index: usize| quantiles.get(index).map_or(&Edn::Nil, |(_, value)| value);
        parts.push(format!("stable latency median {} max {} ms", at(1), at(4)));
    }
    if let Some((median, p99)) = perf::median_and_p99(&outcome.history) {
        parts.push(format!("client latency median {median:.2} p99 {p99:.2} ms"));
    }
    parts.join(", ")
}
