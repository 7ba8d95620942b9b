//! Checks of a node for the mistakes that most first nodes make.
//!
//! [`startup`] converses with one process. It examines the start, the answer to `init`, and all
//! other output of the process. [`trial`] runs two short tests and finds mistakes in the replies to
//! a workload's requests.

pub mod startup;
pub mod trial;

use std::fmt;

/// One check of a node, and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The behavior of a correct node.
    pub expected: &'static str,
    /// The result.
    pub result: Diagnosis,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// The node behaves as expected. The text is a detail, such as a time.
    Right(String),
    /// The node has a mistake.
    Wrong(Mistake),
    /// The check did not run because of an earlier mistake.
    NotTried,
}

/// A mistake of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The observed behavior of the node.
    pub seen: String,
    /// The change that corrects the node.
    pub change: String,
}

impl Mistake {
    /// Creates a mistake.
    #[must_use]
    pub fn new(seen: impl Into<String>, change: impl Into<String>) -> Mistake {
        Mistake { seen: seen.into(), change: change.into() }
    }
}

impl Examined {
    /// Returns `true` if the node has this mistake.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        matches!(self.result, Diagnosis::Wrong(_))
    }
}

impl fmt::Display for Examined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = self.expected;
        match &self.result {
            Diagnosis::Right(detail) if detail.is_empty() => write!(f, "right      {expected}"),
            Diagnosis::Right(detail) => write!(f, "right      {expected} ({detail})"),
            Diagnosis::NotTried => write!(f, "not tried  {expected}"),
            Diagnosis::Wrong(Mistake { seen, change }) => {
                let seen = seen.trim_end().replace('\n', "\n  ");
                write!(f, "WRONG      {expected}\n  seen: {seen}\n  change: {change}")
            }
        }
    }
}
