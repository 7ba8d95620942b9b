//! The share of operations that succeeded.

use super::{Valid, Verdict};
use crate::edn::Edn;
use crate::history::History;
use crate::workload::Workload;

/// Maelstrom's `--availability`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Availability {
    /// Every operation has to succeed.
    Total,
    /// At least this share, from 0 to 1.
    AtLeast(f64),
}

/// Holds a history against what was asked for.
#[must_use]
pub fn check<W: Workload>(history: &History<W>, goal: Option<Availability>) -> Verdict {
    let invoked = history.invocations().count();
    let ok = history.completed().count();
    let fraction = if invoked == 0 { 1.0 } else { ok as f64 / invoked as f64 };
    let valid = match goal {
        None => true,
        Some(Availability::Total) => ok == invoked,
        Some(Availability::AtLeast(share)) => fraction >= share,
    };
    let problem = format!(
        "too little availability: {} of {invoked} operations did not succeed",
        invoked - ok
    );
    Verdict::new(
        Valid::from(valid),
        Edn::map([("ok-fraction", Edn::Float(fraction))]),
        (!valid).then_some(problem),
    )
}
