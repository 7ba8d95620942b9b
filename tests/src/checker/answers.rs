//! Which nodes leave requests without an answer, or answer them with errors.
//!
//! Neither is an anomaly, and a test in which most operations end so can be valid. But where no
//! fault explains it, something is wrong with the node, and the verdict does not tell.

use std::path::Path;

use super::causes;
use super::errors::most_frequent;
use crate::history::{History, OpError, What};
use crate::nemesis::Nemesis;
use crate::plan::Plan;
use crate::store;
use crate::workload::Workload;

/// How the operations on each node ended. Those that ended with the client or with the node
/// itself tell nothing, and are left out.
#[derive(Debug)]
pub struct Answers {
    by_node: Vec<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    ended: usize,
    unanswered: usize,
    errors: Vec<OpError>,
}

impl Answers {
    /// The answers of all nodes of a test.
    #[must_use]
    pub fn new<W: Workload>(history: &History<W>, plan: &Plan) -> Answers {
        let mut by_node = Vec::new();
        by_node.resize_with(plan.directory.node_count(), Tally::default);
        for event in history.events() {
            let (invocation, error) = match &event.what {
                What::Ok { invocation, .. } => (*invocation, None),
                What::Fail { invocation, error } | What::Info { invocation, error } => {
                    (*invocation, Some(error))
                }
                What::Invoke(_) | What::Nemesis { .. } => continue,
            };
            let tally: &mut Tally = &mut by_node[history.invocation(invocation).node];
            match error {
                Some(OpError::Crash | OpError::Killed) => continue,
                Some(OpError::Timeout) => tally.unanswered += 1,
                Some(error @ OpError::Rpc { code, .. }) if is_worth_a_word::<W>(*code, plan) => {
                    tally.errors.push(error.clone());
                }
                Some(OpError::Rpc { .. }) | None => {}
            }
            tally.ended += 1;
        }
        Answers { by_node }
    }

    /// Whether clients waited in vain.
    #[must_use]
    pub fn any_missing(&self) -> bool {
        self.by_node.iter().any(|tally| tally.unanswered > 0)
    }

    /// A warning if requests were left without an answer, and no fault explains it: no client is
    /// ever cut off from its node. `logs` is the folder with what nodes wrote to standard error.
    #[must_use]
    pub fn silence(&self, plan: &Plan, logs: Option<&Path>) -> Option<String> {
        let is_mute = |tally: &Tally| tally.unanswered == tally.ended;
        let goes_down = plan.nemesis.iter().any(|n| matches!(n, Nemesis::Kill | Nemesis::Pause));
        let is_odd = |tally: &Tally| plan.nemesis.is_empty() || (is_mute(tally) && !goes_down);
        let silent: Vec<(usize, &Tally)> =
            self.nodes().filter(|(_, tally)| tally.unanswered > 0 && is_odd(tally)).collect();
        let (first, tally) = silent.first()?;
        let shown = |(node, tally): &(usize, &Tally)| {
            let Tally { ended, unanswered, .. } = tally;
            let name = plan.directory.node_name(*node);
            match is_mute(tally) {
                true => format!("{name} answered none of {ended} requests"),
                false => format!("{name} left {unanswered} of {ended} requests without an answer"),
            }
        };
        let likely = match is_mute(tally) {
            true => "it hangs, or does not flush its standard output",
            false => "it hangs at times, is too slow, or waits for others that are away",
        };
        let name = plan.directory.node_name(*first);
        let look = match logs {
            Some(logs) => {
                format!("{} has what it said", logs.join(store::log_name(name)).display())
            }
            None => "--log-net-recv shows what it was asked".to_owned(),
        };
        Some(format!(
            "warning: node {}\n  expected: an answer to each within 5 s\n  likely: {likely}; {look}",
            silent.iter().map(shown).collect::<Vec<_>>().join("; "),
        ))
    }

    /// A warning if nodes answered with errors, and no fault explains it.
    #[must_use]
    pub fn errors(&self, plan: &Plan) -> Option<String> {
        let usual = most_frequent(self.by_node.iter().flat_map(|tally| &tally.errors))?;
        let count: usize = self.by_node.iter().map(|tally| tally.errors.len()).sum();
        let ended: usize = self.by_node.iter().map(|tally| tally.ended).sum();
        let by_node: Vec<String> = self
            .nodes()
            .filter(|(_, tally)| !tally.errors.is_empty())
            .map(|(node, tally)| {
                let name = plan.directory.node_name(node);
                format!("{name} {} of {}", tally.errors.len(), tally.ended)
            })
            .collect();
        Some(format!(
            "warning: {count} of {ended} requests were answered with an error, most often: \
             {usual}\n  by node: {}\n  likely: {}",
            by_node.join(", "),
            causes::of_error(usual)
        ))
    }

    fn nodes(&self) -> impl Iterator<Item = (usize, &Tally)> {
        self.by_node.iter().enumerate()
    }
}

/// Faults explain most errors, but not that a node does not know or understand a request.
fn is_worth_a_word<W: Workload>(code: i64, plan: &Plan) -> bool {
    if plan.nemesis.is_empty() {
        !W::USUAL_ERRORS.contains(&code)
    } else {
        [10, 12].contains(&code)
    }
}
