//! The checkers of histories.

pub mod availability;
pub mod causes;
pub mod frequent_error;
pub mod kills;
pub mod linearizability;
pub mod perf;
mod quantiles;
pub mod stats;
pub mod transactions;

use crate::format::edn::Edn;
use crate::history::OpError;

pub use quantiles::{QUANTILES, quantile, quantiles};

/// A judgement. The worst of several judgements is the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Valid {
    /// The property does not hold.
    False,
    /// The checker cannot decide.
    Unknown,
    /// The property holds.
    True,
}

impl Valid {
    /// Returns the judgement as a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Valid::True => "valid",
            Valid::False => "invalid",
            Valid::Unknown => "unknown",
        }
    }
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

/// An anomaly, as reports describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// A sentence that begins with the anomaly's name and names the nodes and their actions.
    pub text: String,
    /// The usual cause, if it is known.
    pub cause: Option<&'static str>,
    /// The indices of events that show the anomaly. Any event of an operation represents the
    /// operation.
    pub events: Vec<usize>,
}

impl From<String> for Anomaly {
    fn from(text: String) -> Anomaly {
        Anomaly { text, cause: None, events: Vec::new() }
    }
}

impl Anomaly {
    /// Creates an anomaly of errors. The text and the cause describe the most frequent error.
    #[must_use]
    pub fn of_errors<'a>(text: String, errors: impl Iterator<Item = &'a OpError>) -> Anomaly {
        match frequent_error::most_frequent(errors) {
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

/// The result of a checker.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The judgement.
    pub valid: Valid,
    /// The checker's part of the results.
    pub results: Edn,
    /// The anomalies.
    pub anomalies: Vec<Anomaly>,
    /// Anomalies that Maelstrom's checker accepts. They count with `--strict`.
    pub findings: Vec<Anomaly>,
    /// The stable latencies, if the workload has any.
    pub stable_latencies_ms: Vec<u64>,
    /// `true` if faults or latency may explain every anomaly: no node is known to be at fault.
    pub is_unavailable: bool,
    /// `true` if Maelstrom loses the verdicts of its other checkers, too.
    ///
    /// An exception in a checker makes only the verdict of that checker unknown. Jepsen does not
    /// catch a failed assertion or a lack of memory there, so the whole result is unknown.
    pub is_fatal: bool,
}

/// The judgement of a whole test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The result of the test.
    pub valid: Valid,
    /// `true` if the test is invalid, and faults or latency may explain each anomaly.
    pub is_unavailable: bool,
}

impl Judgement {
    /// Judges a test by its verdicts. If it `fails_strict`, its findings make it invalid.
    #[must_use]
    pub fn new<'a>(
        verdicts: impl Iterator<Item = &'a Verdict> + Clone,
        fails_strict: bool,
    ) -> Judgement {
        if fails_strict {
            return Judgement { valid: Valid::False, is_unavailable: false };
        }
        if verdicts.clone().any(|verdict| verdict.is_fatal) {
            return Judgement { valid: Valid::Unknown, is_unavailable: false };
        }
        let valid = verdicts.clone().map(|verdict| verdict.valid).min().unwrap_or(Valid::Unknown);
        let mut invalid = verdicts.filter(|verdict| verdict.valid == Valid::False);
        let is_unavailable = valid == Valid::False && invalid.all(|verdict| verdict.is_unavailable);
        Judgement { valid, is_unavailable }
    }
}

impl Verdict {
    /// Creates a verdict, and adds its judgement to its results.
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
            is_unavailable: false,
            is_fatal: false,
        }
    }

    /// Sets whether Maelstrom loses the verdicts of its other checkers, too.
    #[must_use]
    pub fn fatal(mut self, is_fatal: bool) -> Verdict {
        self.is_fatal = is_fatal;
        self
    }

    /// Adds the stable latencies. The results contain their quantiles.
    #[must_use]
    pub fn with_stable_latencies(mut self, latencies_ms: Vec<u64>) -> Verdict {
        self.stable_latencies_ms = latencies_ms;
        self
    }

    /// Adds the anomalies that Maelstrom's checker accepts.
    #[must_use]
    pub fn with_findings(
        mut self,
        findings: impl IntoIterator<Item = impl Into<Anomaly>>,
    ) -> Verdict {
        self.findings.extend(findings.into_iter().map(Into::into));
        self
    }

    /// Adds the likely cause to each anomaly and finding whose sentence begins with a name in
    /// `causes`.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(valid: Valid, is_unavailable: bool) -> Verdict {
        Verdict { is_unavailable, ..Verdict::new(valid, Edn::map([]), Vec::<String>::new()) }
    }

    /// A checker of Maelstrom that throws an exception does not hide the others, and one that fails
    /// an assertion does.
    #[test]
    fn the_worst_verdict_counts_unless_a_checker_takes_the_others_with_it() {
        let judged = |unknown| {
            let invalid = verdict(Valid::False, false);
            Judgement::new([invalid, unknown].iter(), false).valid
        };
        assert_eq!(judged(verdict(Valid::Unknown, false)), Valid::False);
        assert_eq!(judged(verdict(Valid::Unknown, false).fatal(true)), Valid::Unknown);
    }

    #[test]
    fn a_test_is_unavailable_only_if_nothing_else_makes_it_invalid() {
        let [fine, unavailable, faulty] =
            [(Valid::True, false), (Valid::False, true), (Valid::False, false)]
                .map(|(valid, is_unavailable)| verdict(valid, is_unavailable));
        let fatal = verdict(Valid::Unknown, false).fatal(true);
        for (verdicts, fails_strict, valid, is_unavailable) in [
            (vec![&fine], false, Valid::True, false),
            (vec![&fine, &unavailable], false, Valid::False, true),
            (vec![&unavailable, &faulty], false, Valid::False, false),
            (vec![&unavailable], true, Valid::False, false),
            (vec![&unavailable, &fatal], false, Valid::Unknown, false),
        ] {
            let judgement = Judgement::new(verdicts.iter().copied(), fails_strict);
            assert_eq!(judgement, Judgement { valid, is_unavailable }, "{verdicts:?}");
        }
    }
}
