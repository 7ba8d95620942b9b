//! Judging histories.

pub mod answers;
pub mod availability;
pub mod causes;
pub mod errors;
pub mod kafka;
pub mod kills;
pub mod perf;
pub mod set_full;
pub mod set_read;
pub mod stats;

use crate::edn::Edn;
use crate::history::OpError;

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
pub struct Problem {
    /// A sentence that begins with its name and says which node did what.
    pub text: String,
    /// What usually causes it, where that is known.
    pub cause: Option<&'static str>,
}

impl From<String> for Problem {
    fn from(text: String) -> Problem {
        Problem { cause: causes::likely(&text), text }
    }
}

impl Problem {
    /// An anomaly that consists in errors: the most frequent is told, and its cause.
    #[must_use]
    pub fn of_errors<'a>(text: String, errors: impl Iterator<Item = &'a OpError>) -> Problem {
        match errors::most_frequent(errors) {
            Some(usual) => Problem {
                text: format!("{text}; most often: {usual}"),
                cause: Some(causes::of_error(usual)),
            },
            None => text.into(),
        }
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
    pub problems: Vec<Problem>,
    /// What Maelstrom's checker accepts and a right node does not do. It counts with `--strict`.
    pub findings: Vec<Problem>,
}

impl Verdict {
    /// A verdict whose judgement stands in its results, too.
    #[must_use]
    pub fn new(
        valid: Valid,
        mut results: Edn,
        problems: impl IntoIterator<Item = impl Into<Problem>>,
    ) -> Verdict {
        results.insert("valid?", valid.into());
        Verdict {
            valid,
            results,
            problems: problems.into_iter().map(Into::into).collect(),
            findings: Vec::new(),
        }
    }

    /// Adds what is wrong and goes unnoticed by Maelstrom.
    #[must_use]
    pub fn with_findings(
        mut self,
        findings: impl IntoIterator<Item = impl Into<Problem>>,
    ) -> Verdict {
        self.findings.extend(findings.into_iter().map(Into::into));
        self
    }
}

/// The points at which distributions are shown, and their names.
const POINTS: [f64; 5] = [0.0, 0.5, 0.95, 0.99, 1.0];

/// Jepsen's quantiles: `{0 a, 0.5 b, 0.95 c, 0.99 d, 1 e}`; nothing of nothing.
#[must_use]
pub fn quantiles<T: Copy + PartialOrd>(sorted: &[T], show: impl Fn(T) -> Edn) -> Option<Edn> {
    let entries = POINTS.iter().map(|&point| {
        let key = if point.fract() == 0.0 { Edn::Int(point as i128) } else { Edn::Float(point) };
        Some((key, show(quantile(sorted, point)?)))
    });
    entries.collect::<Option<Vec<_>>>().map(Edn::Map)
}

/// One quantile of a sorted slice, taken as Jepsen takes it.
#[must_use]
pub fn quantile<T: Copy>(sorted: &[T], point: f64) -> Option<T> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(((sorted.len() as f64 * point) as usize).min(last)).copied()
}
