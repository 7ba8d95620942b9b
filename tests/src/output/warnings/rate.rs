//! A warning for a test in which clients started far fewer operations than planned.

use crate::history::{EventKind, History, OpError};
use crate::plan::Plan;
use crate::runner::reply_timeout;
use crate::workload::Workload;

/// Returns a warning if clients started far fewer operations than planned.
pub(crate) fn missed_rate<W: Workload>(plan: &Plan, history: &History<W>) -> Option<String> {
    let asked = plan.rate * plan.time_limit.as_secs_f64();
    let started = history.invocations().filter(|(_, invocation)| !invocation.is_final).count();
    // By chance alone the number of operations varies by about its square root.
    let few = asked * 0.9 - 2.0 * asked.sqrt();
    if started as f64 >= few {
        return None;
    }
    let time_limit_s = plan.time_limit.as_secs_f64();
    let timeout_s = reply_timeout::<W>(plan).as_secs_f64();
    let unanswered_s = unanswered(history) as f64 * timeout_s;
    let unanswered_share = unanswered_s / (plan.concurrency as f64 * time_limit_s);
    // Missing replies are the cause if the missing operations would have fit into the time that
    // clients waited for them. They are also the cause if this wait took at least half of the
    // clients' time.
    let share_missing = 1.0 - started as f64 / asked;
    let likely = if unanswered_share >= share_missing.min(0.5) {
        format!("clients waited {timeout_s} s each for missing answers")
    } else {
        "all clients waited for answers; use more clients (--concurrency) or a lower --rate"
            .to_owned()
    };
    Some(format!(
        "warning: only {started} of about {asked:.0} operations were started\n  expected: {} per \
         second for {time_limit_s} s\n  likely: {likely}",
        plan.rate,
    ))
}

/// Returns the number of operations, except final ones, whose client timed out.
fn unanswered<W: Workload>(history: &History<W>) -> usize {
    let unanswered_ops = history.events().iter().filter(|event| match &event.kind {
        EventKind::Fail { invocation, error: OpError::Timeout, .. }
        | EventKind::Info { invocation, error: OpError::Timeout, .. } => {
            !history.invocation(*invocation).is_final
        }
        _ => false,
    });
    unanswered_ops.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::unique_ids::{Generate, UniqueId, UniqueIds};

    /// The example's clients have 30 s in total, and the plan requires 100 operations.
    #[test]
    fn missing_answers_explain_a_missed_rate_only_if_they_took_the_time() {
        let likely = |answered, unanswered| {
            let ends = [vec![(0, None); answered], vec![(1, Some(OpError::Timeout)); unanswered]];
            let warning = missed_rate(&Plan::example(), &history(&ends.concat()));
            warning.map(|warning| warning.split_once("\n  likely: ").unwrap().1.to_owned())
        };
        let silence = Some("clients waited 5 s each for missing answers".to_owned());
        let busy = likely(40, 0);
        assert!(busy.as_ref().is_some_and(|busy| busy.contains("--concurrency")), "{busy:?}");
        // A third of the time.
        assert_eq!(likely(40, 2), busy);
        assert_eq!(likely(65, 2), silence);
        // Half of it.
        assert_eq!(likely(10, 3), silence);
        assert_eq!(likely(98, 2), None);
    }

    fn history(ends: &[(usize, Option<OpError>)]) -> History<UniqueIds> {
        History::ended(ends, || Generate, || UniqueId::Int(1))
    }
}
