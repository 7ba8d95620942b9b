//! Echo: each reply has the value of its request.

use super::Echo;
use crate::base::excerpt::excerpt;
use crate::format::edn::Edn;
use crate::format::json::Canonical;
use crate::history::{EventKind, History};
use crate::judge::{Valid, Verdict};
use crate::workload::Context;

/// Judges a history of echoes.
///
/// Maelstrom, `doc/workloads.md`, echo: "the response contains the same value".
pub(super) fn check(history: &History<Echo>, context: &Context<'_>) -> Verdict {
    let wrong: Vec<_> = history
        .completed()
        .filter(|done| *done.output != Canonical::string(&done.invocation.op))
        .collect();
    let errors = wrong.iter().map(|done| {
        Edn::map([
            ("expected", done.invocation.op.as_str().into()),
            ("actual", done.output.into()),
            ("node", context.directory.node_name(done.invocation.node).into()),
        ])
    });
    let anomalies = wrong.iter().map(|done| {
        let node = context.directory.node_name(done.invocation.node);
        let (op, output) = (&done.invocation.op, done.output);
        let at = history.place(done.completed);
        let output = excerpt(output.as_str());
        format!("wrong echo: {node} received {op:?} and returned {output} at {at}")
    });
    // Maelstrom compares the request with the reply, and an error contains no value.
    let rejected: Vec<_> = history
        .events()
        .iter()
        .enumerate()
        .filter_map(|(index, event)| match &event.kind {
            EventKind::Fail { invocation, error, .. } => Some((index, *invocation, error)),
            _ => None,
        })
        .collect();
    let rejections = rejected.iter().map(|(index, invocation, error)| {
        let asked = history.invocation(*invocation);
        let node = context.directory.node_name(asked.node);
        let at = history.place(*index);
        format!("wrong echo: {node} received {:?} and returned {error} at {at}", asked.op)
    });
    Verdict::new(
        Valid::from(wrong.is_empty() && rejected.is_empty()),
        Edn::map([("errors", Edn::vector(errors))]),
        anomalies.chain(rejections),
    )
}
