//! The results of a test: the printed text, the stored files and the exit status.
//!
//! `report.html` and its plots show the same results, with the history and the messages.

pub mod assemble;
pub mod chart;
pub mod column;
mod counterexamples;
pub mod cycle;
pub mod data;
mod figures;
mod judgement;
pub mod lamport;
pub mod page;
pub mod perfetto;
pub mod plots;
pub mod script;
pub mod svg;
mod text;
pub mod timeline;

use std::collections::BTreeSet;
use std::fmt;

use crate::format::edn::Edn;
use crate::judge::{Anomaly, Valid};
use crate::output::exit::{EXIT_INVALID, EXIT_UNKNOWN, EXIT_VALID};

pub use figures::Figures;

/// The maximum number of anomalies that are printed.
///
/// The results contain all anomalies.
const MAX_EXAMPLES: usize = 10;

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

impl Report {
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
        write!(f, "{}\n{}", self.valid.name(), self.anomalies_text())?;
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
