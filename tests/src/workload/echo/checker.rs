//! Echo: each reply has the value of its request.

use super::Echo;
use crate::base::excerpt::excerpt;
use crate::format::edn::Edn;
use crate::format::json::Canonical;
use crate::history::{EventKind, History};
use crate::judge::{Anomaly, Valid, Verdict};
use crate::workload::Context;

/// Judges a history of echoes.
///
/// Maelstrom, `doc/workloads.md`, echo: "the response contains the same value". Maelstrom compares
/// the request with its completion, and an error contains no value.
pub(super) fn check(history: &History<Echo>, context: &Context<'_>) -> Verdict {
    let mut errors = Vec::new();
    let mut anomalies = Vec::new();
    for (index, event) in history.events().iter().enumerate() {
        let (invocation, key, received, returned) = match &event.kind {
            EventKind::Ok { invocation, output, .. } => {
                if *output == Canonical::string(&history.invocation(*invocation).op) {
                    continue;
                }
                (*invocation, "actual", output.into(), excerpt(output.as_str()))
            }
            EventKind::Fail { invocation, error, .. } => {
                (*invocation, "error", error.to_edn(), error.to_string())
            }
            EventKind::Invoke(_) | EventKind::Info { .. } | EventKind::Nemesis { .. } => continue,
        };
        let asked = history.invocation(invocation);
        let node = context.directory.node_name(asked.node);
        errors.push(Edn::map([
            ("expected", asked.op.as_str().into()),
            (key, received),
            ("node", node.into()),
        ]));
        let at = history.place(index);
        let text =
            format!("wrong echo: {node} received {:?} and returned {returned} at {at}", asked.op);
        anomalies.push(Anomaly::from(text));
    }
    Verdict::new(
        Valid::from(errors.is_empty()),
        Edn::map([("errors", Edn::Vector(errors))]),
        anomalies,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::address::Directory;
    use crate::history::OpError;
    use crate::judge::kills::{AllowedLoss, Kills};

    #[test]
    fn a_rejected_echo_is_among_the_errors_of_the_results() {
        let rejected = OpError::Rpc { code: 11, text: "busy".to_owned() };
        let echo = || "hello".to_owned();
        let ends = [(0, None), (0, Some(rejected))];
        let history = History::ended(&ends, echo, || Canonical::string("hello"));
        let directory = Directory::numbered(1);
        let kills = Kills::new(&history, &directory, AllowedLoss::Nothing);
        let verdict = check(&history, &Context { directory: &directory, kills });
        assert_eq!((verdict.valid, verdict.anomalies.len()), (Valid::False, 1));
        let results = verdict.results.to_string();
        assert!(results.contains(r#":expected "hello""#) && results.contains("busy"), "{results}");
    }
}
