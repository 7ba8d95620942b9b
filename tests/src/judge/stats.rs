//! The number of successful operations of each kind.

use std::collections::BTreeMap;

use super::{Anomaly, Valid, Verdict};
use crate::format::edn::Edn;
use crate::history::{EventKind, History, OpError, Operations};

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    ok: usize,
    fail: usize,
    info: usize,
}

impl Counts {
    fn to_edn(self, valid: Valid) -> Edn {
        Edn::map([
            ("count", (self.ok + self.fail + self.info).into()),
            ("ok-count", self.ok.into()),
            ("fail-count", self.fail.into()),
            ("info-count", self.info.into()),
            ("valid?", valid.into()),
        ])
    }
}

/// Counts the results of operations.
///
/// A kind of operation without a success makes the test invalid: it tested nothing.
///
/// As in Maelstrom, this holds too if faults or latency prevented every success. The anomaly then
/// mentions them, and the verdict is marked as unavailable. A test in which no operation was
/// started is valid, with a finding.
#[must_use]
pub fn check<W: Operations>(
    history: &History<W>,
    may_always_fail: impl Fn(&str) -> bool,
    may_be_unavailable: bool,
) -> Verdict {
    let mut by_f: BTreeMap<&'static str, Counts> = BTreeMap::new();
    let mut all = Counts::default();
    let mut errors: BTreeMap<&'static str, Vec<&OpError>> = BTreeMap::new();
    for event in history.events() {
        let (invocation, end): (usize, fn(&mut Counts) -> &mut usize) = match &event.kind {
            EventKind::Ok { invocation, .. } => (*invocation, |counts| &mut counts.ok),
            EventKind::Fail { invocation, .. } => (*invocation, |counts| &mut counts.fail),
            EventKind::Info { invocation, .. } => (*invocation, |counts| &mut counts.info),
            EventKind::Invoke(_) | EventKind::Nemesis { .. } => continue,
        };
        let f = W::f(&history.invocation(invocation).op);
        *end(by_f.entry(f).or_default()) += 1;
        *end(&mut all) += 1;
        if let EventKind::Fail { error, .. } | EventKind::Info { error, .. } = &event.kind {
            errors.entry(f).or_default().push(error);
        }
    }
    // A node that is disconnected, or that waits for others, is not at fault.
    let is_unavailable = |f: &str| {
        let mut errors = errors.get(f).into_iter().flatten();
        may_be_unavailable && errors.all(|error| error.is_unavailability())
    };
    let works = |f: &str, counts: &Counts| Valid::from(counts.ok > 0 || may_always_fail(f));
    let anomalies: Vec<Anomaly> = by_f
        .iter()
        .filter(|(f, counts)| works(f, counts) != Valid::True)
        .map(|(f, counts)| {
            let count = counts.fail + counts.info;
            let why = if is_unavailable(f) { ", which faults or latency may explain" } else { "" };
            let ended = format!("no {f} succeeded: {count} of {count} ended without success{why}");
            Anomaly::of_errors(ended, errors.get(f).into_iter().flatten().copied())
        })
        .collect();
    let verdicts = by_f.iter().map(|(f, counts)| works(f, counts));
    let valid = verdicts.min().unwrap_or(Valid::True);
    let is_empty = history.invocations().all(|(_, invocation)| invocation.is_final);
    let nothing = "nothing was tested: no operation was started within the time limit";
    let nothing = is_empty.then(|| Anomaly::from(nothing.to_owned()));
    let by_f_edn =
        by_f.iter().map(|(f, counts)| (Edn::Keyword(f), counts.to_edn(works(f, counts))));
    let mut results = all.to_edn(valid);
    if let Edn::Map(entries) = &mut results {
        // `Verdict::new` appends the judgement at the end.
        entries.pop();
    }
    results.insert("by-f", Edn::Map(by_f_edn.collect()));
    let mut failed = by_f.iter().filter(|(f, counts)| works(f, counts) != Valid::True);
    let is_unavailable = !anomalies.is_empty() && failed.all(|(f, _)| is_unavailable(f));
    Verdict { is_unavailable, ..Verdict::new(valid, results, anomalies).with_findings(nothing) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Pings;

    #[test]
    fn an_operation_that_never_succeeds_is_reported_with_its_most_frequent_error() {
        let away = || Some(OpError::Rpc { code: 11, text: "away".to_owned() });
        let ends = [(0, away()), (0, away()), (0, Some(OpError::Timeout))];
        let problem =
            &check(&History::<Pings>::ended(&ends, || (), || ()), |_| false, false).anomalies[0];
        let text = "no ping succeeded: 3 of 3 ended without success; most often: error 11: away";
        assert_eq!(problem.text, text);
    }

    #[test]
    fn an_operation_that_never_succeeds_during_faults_is_invalid_with_an_explanation() {
        let error = |code| Some(OpError::Rpc { code, text: String::new() });
        let problem = |code| {
            let history =
                History::<Pings>::ended(&[(0, error(11)), (0, error(code))], || (), || ());
            let verdict = check(&history, |_| false, true);
            assert_eq!(verdict.valid, Valid::False, "the same as Maelstrom's");
            let is_explained =
                verdict.anomalies[0].text.contains("which faults or latency may explain");
            assert_eq!(verdict.is_unavailable, is_explained);
            is_explained
        };
        assert!(problem(0));
        assert!(!problem(12), "a request that the node does not understand");
    }

    #[test]
    fn a_history_without_operations_is_valid_with_a_finding() {
        let verdict = check(&History::<Pings>::new(), |_| false, false);
        assert_eq!(verdict.valid, Valid::True);
        assert!(verdict.findings[0].text.starts_with("nothing was tested: "), "{verdict:?}");
    }
}
