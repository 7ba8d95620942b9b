//! Reads during a test: a node shows at least what it has acknowledged itself.
//!
//! Maelstrom judges the final reads alone. Before them, a node may show an old sum, but some order
//! of the additions must explain the sum. A node's own additions count from their acknowledgement.
//! The additions of other nodes may count from their request.

use std::collections::{BTreeMap, BTreeSet};

use super::{Counter, Op, Output};
use crate::base::time::Time;
use crate::history::{Completed, EventKind, History};
use crate::workload::Context;

/// The largest and the smallest sum that additions can make.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    low: i128,
    high: i128,
}

impl Range {
    fn add(&mut self, delta: i64) {
        self.low += i128::from(delta.min(0));
        self.high += i128::from(delta.max(0));
    }
}

/// The knowledge of one node.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// The sum of the additions that the node has acknowledged since its last start.
    own: i128,
    /// The smallest and the largest sum that these additions can make.
    acknowledged: Range,
    /// The highest sum that the node has shown, and the event of that read.
    shown: Option<(i128, usize)>,
    /// The time up to which this knowledge takes kills into account.
    known_since: Time,
}

/// Returns a sentence for each impossible sum, and one if the final reads differ.
pub(super) fn findings<const SHRINKS: bool>(
    history: &History<Counter<SHRINKS>>,
    context: &Context<'_>,
) -> Vec<String> {
    let mut findings = during(history, context);
    findings.extend(final_reads_differ(history, context));
    findings
}

fn during<const SHRINKS: bool>(
    history: &History<Counter<SHRINKS>>,
    context: &Context<'_>,
) -> Vec<String> {
    let mut findings = Vec::new();
    let mut requested = Range::default();
    let mut nodes: BTreeMap<usize, Node> = BTreeMap::new();
    // For each pending read, the knowledge of its node at the start of the read.
    let mut reading: BTreeMap<usize, Node> = BTreeMap::new();
    for (index, event) in history.events().iter().enumerate() {
        match &event.kind {
            EventKind::Invoke(invocation) => {
                let node = nodes.entry(invocation.node).or_default();
                node.forget_if_killed(invocation.node, event.time, context);
                match invocation.op {
                    Op::Add(delta) => requested.add(delta),
                    Op::Read => {
                        reading.insert(index, *node);
                    }
                }
            }
            EventKind::Ok { invocation, output, .. } => {
                let start = history.invocation(*invocation);
                let node = nodes.entry(start.node).or_default();
                let was_killed = node.forget_if_killed(start.node, event.time, context);
                match (start.op, output) {
                    (Op::Add(delta), _) => {
                        let killed = context.kills.next(start.node, history.time(*invocation));
                        if killed.is_none_or(|kill| kill > event.time) {
                            node.own += i128::from(delta);
                            node.acknowledged.add(delta);
                        }
                    }
                    (Op::Read, Output::Sum(sum)) => {
                        let Some(Node { own, acknowledged, shown, .. }) =
                            reading.remove(invocation)
                        else {
                            continue;
                        };
                        if was_killed || start.is_final {
                            continue;
                        }
                        let low = own + requested.low - acknowledged.low;
                        let high = own + requested.high - acknowledged.high;
                        let name = context.directory.node_name(start.node);
                        let at = history.place(index);
                        if !(low..=high).contains(sum) {
                            findings.push(format!(
                                "impossible sum: {name} shows {sum} at {at}; it has acknowledged \
                                 {own} itself, and all additions give a sum from {low} to {high}"
                            ));
                        } else if let Some((before, since)) = shown
                            && !SHRINKS
                            && *sum < before
                        {
                            findings.push(format!(
                                "counter going back: {name} shows {sum} at {at}, after {before} \
                                 at {}",
                                history.place(since)
                            ));
                        }
                        if node.shown.is_none_or(|(before, _)| before < *sum) {
                            node.shown = Some((*sum, index));
                        }
                    }
                    (Op::Read, Output::Accepted) => {}
                }
            }
            EventKind::Fail { .. } | EventKind::Info { .. } | EventKind::Nemesis { .. } => {}
        }
    }
    findings
}

impl Node {
    /// Forgets everything if the node was killed since the last call.
    fn forget_if_killed(&mut self, node: usize, now: Time, context: &Context<'_>) -> bool {
        let killed = context.kills.next(node, self.known_since).is_some_and(|kill| kill <= now);
        if killed {
            *self = Node::default();
        }
        self.known_since = now;
        killed
    }
}

/// Returns a sentence if the final reads show different sums.
///
/// After the quiet time, all nodes have the same additions.
fn final_reads_differ<const SHRINKS: bool>(
    history: &History<Counter<SHRINKS>>,
    context: &Context<'_>,
) -> Option<String> {
    let finals = history.completed().filter(|done| done.invocation.is_final);
    let finals: Vec<(i128, Completed<'_, _>)> = finals
        .filter_map(|done| match done.output {
            Output::Sum(sum) => Some((*sum, done)),
            Output::Accepted => None,
        })
        .collect();
    let sums: BTreeSet<i128> = finals.iter().map(|(sum, _)| *sum).collect();
    if sums.len() < 2 {
        return None;
    }
    let firsts = sums.iter().filter_map(|sum| finals.iter().find(|(shown, _)| shown == sum));
    let shown: Vec<String> = firsts
        .map(|(sum, done)| {
            let node = context.directory.node_name(done.invocation.node);
            format!("{node} shows {sum} at {}", history.place(done.completed))
        })
        .collect();
    Some(format!("final reads differ: {}", shown.join(", ")))
}
