//! Judging histories.

pub mod availability;
pub mod causes;
pub mod errors;
pub mod kills;
pub mod linearizability;
pub mod perf;
mod quantiles;
pub mod stats;
pub mod transactions;

use crate::format::edn::Edn;
use crate::history::OpError;

pub use quantiles::{quantile, quantiles};

/// Whether something is as it should be. The worst of several is the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Valid {
    /// It is not.
    False,
    /// Nobody can tell.
    Unknown,
    /// It is.
    True,
}

impl From<bool> for Valid {
    fn from(valid: bool) -> Valid {
        if valid { Valid::True } else { Valid::False }
    }
}

impl From<Valid> for Edn {
    fn from(valid: Valid) -> Edn {
        match valid {
            Valid::True => Edn::Bool(true),
            Valid::False => Edn::Bool(false),
            Valid::Unknown => Edn::Keyword("unknown"),
        }
    }
}

/// An anomaly, as people are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// A sentence that begins with its name and says which node did what.
    pub text: String,
    /// What usually causes it, where that is known.
    pub cause: Option<&'static str>,
    /// The indices of events that show it: any event of an operation stands for the operation.
    pub events: Vec<usize>,
}

impl From<String> for Anomaly {
    fn from(text: String) -> Anomaly {
        Anomaly { text, cause: None, events: Vec::new() }
    }
}

impl Anomaly {
    /// An anomaly that consists in errors: the most frequent is told, and its cause.
    #[must_use]
    pub fn of_errors<'a>(text: String, errors: impl Iterator<Item = &'a OpError>) -> Anomaly {
        match errors::most_frequent(errors) {
            Some(usual) => Anomaly {
                text: format!("{text}; most often: {usual}"),
                cause: Some(causes::of_error(usual)),
                events: Vec::new(),
            },
            None => text.into(),
        }
    }

    /// Adds events that show the anomaly.
    #[must_use]
    pub fn seen_in(mut self, events: impl IntoIterator<Item = usize>) -> Anomaly {
        self.events.extend(events);
        self
    }
}

/// What a checker found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Its judgement.
    pub valid: Valid,
    /// Its part of the results.
    pub results: Edn,
    /// Each anomaly.
    pub anomalies: Vec<Anomaly>,
    /// What Maelstrom's checker accepts and a right node does not do. It counts with `--strict`.
    pub findings: Vec<Anomaly>,
    /// The stable latencies, if the workload has any.
    pub stable_latencies_ms: Vec<u64>,
}

impl Verdict {
    /// A verdict whose judgement stands in its results, too.
    #[must_use]
    pub fn new(
        valid: Valid,
        mut results: Edn,
        anomalies: impl IntoIterator<Item = impl Into<Anomaly>>,
    ) -> Verdict {
        results.insert("valid?", valid.into());
        Verdict {
            valid,
            results,
            anomalies: anomalies.into_iter().map(Into::into).collect(),
            findings: Vec::new(),
            stable_latencies_ms: Vec::new(),
        }
    }

    /// Adds the stable latencies, of which the results hold the quantiles.
    #[must_use]
    pub fn with_stable_latencies(mut self, latencies_ms: Vec<u64>) -> Verdict {
        self.stable_latencies_ms = latencies_ms;
        self
    }

    /// Adds what is wrong and goes unnoticed by Maelstrom.
    #[must_use]
    pub fn with_findings(
        mut self,
        findings: impl IntoIterator<Item = impl Into<Anomaly>>,
    ) -> Verdict {
        self.findings.extend(findings.into_iter().map(Into::into));
        self
    }

    /// Adds the likely cause to each anomaly and finding whose sentence begins with a name in
    /// this list.
    #[must_use]
    pub fn with_causes(mut self, causes: &[(&str, &'static str)]) -> Verdict {
        for anomaly in self.anomalies.iter_mut().chain(&mut self.findings) {
            let name = anomaly.text.split(':').next();
            let found = causes.iter().find(|(cause, _)| Some(*cause) == name);
            anomaly.cause = anomaly.cause.or(found.map(|(_, cause)| *cause));
        }
        self
    }
}
