//! Warnings about nodes that do not reply to requests, or that reply with errors.
//!
//! Neither is an anomaly, and a test in which most operations end in this way can be valid. If no
//! fault explains the behavior, however, the node has a problem that the verdict does not show.

use std::path::Path;
use std::time::Duration;

use crate::history::{EventKind, History, OpError};
use crate::judge::causes;
use crate::judge::frequent_error::most_frequent;
use crate::output::node_logs;
use crate::plan::{Nemesis, Plan};
use crate::runner::{FinishedTest, reply_timeout};
use crate::workload::Workload;

/// The outcomes of the operations on each node.
///
/// Operations that ended with the client or the node itself show nothing about replies, and are
/// excluded.
#[derive(Debug)]
pub(crate) struct Replies<'a> {
    by_node: Vec<ReplyCounts>,
    /// The errors that no fault explains, in the order of the history.
    errors: Vec<&'a OpError>,
    /// The time after which a client stops waiting for a reply.
    reply_timeout: Duration,
}

#[derive(Debug, Default)]
struct ReplyCounts {
    ended: usize,
    unanswered: usize,
    errors: usize,
}

impl ReplyCounts {
    fn is_silent(&self) -> bool {
        self.unanswered == self.ended
    }
}

impl Replies<'_> {
    /// Collects the outcomes of all operations of a test.
    #[must_use]
    pub(crate) fn new<'a, W: Workload>(history: &'a History<W>, plan: &Plan) -> Replies<'a> {
        let mut errors = Vec::new();
        let mut by_node = Vec::new();
        by_node.resize_with(plan.directory.node_count(), ReplyCounts::default);
        for event in history.events() {
            let (invocation, error) = match &event.kind {
                EventKind::Ok { invocation, .. } => (*invocation, None),
                EventKind::Fail { invocation, error, .. }
                | EventKind::Info { invocation, error, .. } => (*invocation, Some(error)),
                EventKind::Invoke(_) | EventKind::Nemesis { .. } => continue,
            };
            let counts: &mut ReplyCounts = &mut by_node[history.invocation(invocation).node];
            match error {
                Some(OpError::Crash | OpError::Killed) => continue,
                Some(OpError::Timeout) => counts.unanswered += 1,
                Some(error @ OpError::Rpc { code, .. }) if is_unexplained::<W>(*code, plan) => {
                    counts.errors += 1;
                    errors.push(error);
                }
                Some(OpError::Rpc { .. } | OpError::WithoutCode(_) | OpError::Malformed(_))
                | None => {}
            }
            counts.ended += 1;
        }
        Replies { by_node, errors, reply_timeout: reply_timeout::<W>(plan) }
    }

    /// Excludes requests that other warnings explain: those to which a node replied too late, and
    /// the unanswered ones of muted nodes.
    pub(crate) fn exclude_explained<W: Workload>(&mut self, test: &FinishedTest<W>) {
        for (node, counts) in self.by_node.iter_mut().enumerate() {
            let late = test.protocol_warnings.late_answers(node);
            let late = if test.muted.contains(node) { u64::MAX } else { late };
            let late = usize::try_from(late).unwrap_or(usize::MAX).min(counts.unanswered);
            counts.unanswered -= late;
            counts.ended -= late;
        }
    }

    /// Returns a warning if nodes did not reply to requests and no fault explains it.
    ///
    /// Network faults do not affect clients. `logs` is the directory of the nodes' standard error.
    #[must_use]
    pub(crate) fn silence(&self, plan: &Plan, logs: Option<&Path>) -> Option<String> {
        let goes_down = plan.nemesis.iter().any(|n| matches!(n, Nemesis::Kill | Nemesis::Pause));
        let is_odd =
            |counts: &ReplyCounts| plan.nemesis.is_empty() || (counts.is_silent() && !goes_down);
        let mut silent: Vec<(usize, &ReplyCounts)> =
            self.nodes().filter(|(_, counts)| counts.unanswered > 0 && is_odd(counts)).collect();
        // The warning describes the first node. A node that never replies shows the problem best.
        silent.sort_by_key(|(_, counts)| !counts.is_silent());
        let (first, counts) = silent.first()?;
        let shown = |(node, counts): &(usize, &ReplyCounts)| {
            let ReplyCounts { ended, unanswered, .. } = counts;
            let name = plan.directory.node_name(*node);
            match counts.is_silent() {
                true => format!("{name} answered none of {ended} requests"),
                false => format!("{name} left {unanswered} of {ended} requests without an answer"),
            }
        };
        let likely = match (counts.is_silent(), plan.nemesis.is_empty()) {
            (true, true) => "it hangs, or does not flush its standard output",
            (true, false) => {
                "it hangs, does not flush its standard output, or waits for nodes that a fault \
                 disconnects, as a minority must"
            }
            (false, _) => "it hangs at times, is too slow, or waits for nodes that do not respond",
        };
        let round_trips = plan.latency.mean * 4;
        let latency = if round_trips < self.reply_timeout {
            String::new()
        } else {
            format!(
                "; two round trips to another node take {} s at this --latency",
                round_trips.as_secs_f64()
            )
        };
        let name = plan.directory.node_name(*first);
        let look = match logs {
            Some(logs) => {
                format!(
                    "see its standard error in {}",
                    logs.join(node_logs::file_name(name)).display()
                )
            }
            None => "--log-net-recv shows its requests".to_owned(),
        };
        Some(format!(
            "warning: node {}\n  expected: an answer to each within {} s\n  likely: \
             {likely}{latency}; {look}",
            silent.iter().map(shown).collect::<Vec<_>>().join("; "),
            self.reply_timeout.as_secs_f64(),
        ))
    }

    /// Returns a warning if nodes replied with errors that no fault explains.
    #[must_use]
    pub(crate) fn errors(&self, plan: &Plan) -> Option<String> {
        let usual = most_frequent(self.errors.iter().copied())?;
        let count = self.errors.len();
        let ended: usize = self.by_node.iter().map(|counts| counts.ended).sum();
        let by_node: Vec<String> = self
            .nodes()
            .filter(|(_, counts)| counts.errors > 0)
            .map(|(node, counts)| {
                let name = plan.directory.node_name(node);
                format!("{name} {} of {}", counts.errors, counts.ended)
            })
            .collect();
        Some(format!(
            "warning: {count} of {ended} requests were answered with an error that no fault explains, \
             most often: {usual}\n  by node: {}\n  likely: {}",
            by_node.join(", "),
            causes::of_error(usual)
        ))
    }

    fn nodes(&self) -> impl Iterator<Item = (usize, &ReplyCounts)> {
        self.by_node.iter().enumerate()
    }
}

/// Returns `true` if faults do not explain the error.
///
/// Faults explain most errors, but not that a node does not support or understand a request.
fn is_unexplained<W: Workload>(code: i64, plan: &Plan) -> bool {
    if plan.nemesis.is_empty() {
        !W::USUAL_ERRORS.contains(&code)
    } else {
        [10, 12].contains(&code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::latency::Latency;
    use crate::workload::lin_kv::{self, LinKv};
    use crate::workload::unique_ids::{Generate, UniqueId, UniqueIds};

    const SILENCE: Option<OpError> = Some(OpError::Timeout);

    fn silence(ends: &[(usize, Option<OpError>)], plan: &Plan) -> String {
        let history = History::<UniqueIds>::ended(ends, || Generate, || UniqueId::Int(1));
        Replies::new(&history, plan).silence(plan, Some(Path::new("logs"))).unwrap_or_default()
    }

    #[test]
    fn the_warning_describes_a_silent_node_before_others() {
        let ends = [(0, None), (0, SILENCE), (1, SILENCE), (2, None)];
        assert_eq!(
            silence(&ends, &Plan::example()),
            "warning: node n1 answered none of 1 requests; n0 left 1 of 2 requests without an \
             answer\n  expected: an answer to each within 5 s\n  likely: it hangs, or does not \
             flush its standard output; see its standard error in logs/n1.log"
        );
        assert_eq!(silence(&[(0, None)], &Plan::example()), "");
    }

    #[test]
    fn the_time_that_a_client_waits_depends_on_the_workload() {
        let read = || lin_kv::Op::Read { key: 0 };
        let ends = [(0, SILENCE)];
        let history = History::<LinKv>::ended(&ends, read, || lin_kv::Output::Replaced);
        let warning = Replies::new(&history, &Plan::example()).silence(&Plan::example(), None);
        let warning = warning.unwrap_or_default();
        assert!(warning.contains("\n  expected: an answer to each within 1 s\n"), "{warning}");
    }

    #[test]
    fn the_warning_for_a_silent_node_under_faults_mentions_disconnected_nodes() {
        let plan = Plan { nemesis: vec![Nemesis::Partition], ..Plan::example() };
        let warning = silence(&[(0, SILENCE), (1, None), (1, SILENCE)], &plan);
        assert!(warning.starts_with("warning: node n0 answered none of 1 requests\n"), "{warning}");
        assert!(warning.contains("or waits for nodes that a fault disconnects"), "{warning}");
    }

    #[test]
    fn the_warning_names_a_latency_that_exceeds_the_client_timeout() {
        let warning = |millis| {
            let latency = Latency::constant(Duration::from_millis(millis));
            silence(&[(0, SILENCE)], &Plan { latency, ..Plan::example() })
        };
        let named = "; two round trips to another node take 5 s at this --latency; ";
        assert!(warning(1250).contains(named), "{}", warning(1250));
        assert!(!warning(1249).contains("--latency"), "{}", warning(1249));
    }

    /// An error that a fault explains does not count. The warning shows one of the others.
    #[test]
    fn only_errors_that_no_fault_explains_are_counted() {
        let error = |code, text: &str| Some(OpError::Rpc { code, text: text.to_owned() });
        let ends =
            [(1, error(11, "away")), (1, error(10, "what?")), (0, error(10, "no")), (0, None)];
        let plan = Plan { nemesis: vec![Nemesis::Loss], ..Plan::example() };
        let history = History::<UniqueIds>::ended(&ends, || Generate, || UniqueId::Int(1));
        let warning = Replies::new(&history, &plan).errors(&plan).unwrap_or_default();
        let expected = "warning: 2 of 4 requests were answered with an error that no fault explains, \
                    most often: error 10: what?\n  by node: n0 1 of 2, n1 1 of 2\n";
        assert!(warning.starts_with(expected), "{warning}");
    }
}
