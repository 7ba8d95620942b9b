//! The mistakes that most first nodes make, each tried on a node.
//!
//! [`startup`] converses with one process: how it starts, how it answers `init`, and what it
//! writes besides. [`trial`] finds mistakes in the replies to a workload's requests by two short
//! tests.

pub mod startup;
pub mod trial;

use std::fmt;

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// What a right node does.
    pub expected: &'static str,
    /// The result.
    pub result: Diagnosis,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// The node does what is expected. The words are a detail, such as a time.
    Right(String),
    /// The node has a mistake.
    Wrong(Mistake),
    /// An earlier mistake leaves nothing to try.
    NotTried,
}

/// A mistake of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What the node did.
    pub seen: String,
    /// What to change in it.
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
