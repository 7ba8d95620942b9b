//! How many operations of each kind succeeded.

use std::collections::BTreeMap;

use super::{Valid, Verdict, causes};
use crate::edn::Edn;
use crate::history::{History, What};
use crate::workload::Workload;

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    ok: usize,
    fail: usize,
    info: usize,
}

impl Counts {
    fn to_edn(self, valid: bool) -> Edn {
        Edn::map([
            ("count", (self.ok + self.fail + self.info).into()),
            ("ok-count", self.ok.into()),
            ("fail-count", self.fail.into()),
            ("info-count", self.info.into()),
            ("valid?", Edn::Bool(valid)),
        ])
    }
}

/// Counts the ends of operations. A kind of which none succeeded makes the test invalid: it
/// tested nothing. Where none was started, nobody can tell.
#[must_use]
pub fn check<W: Workload>(history: &History<W>) -> Verdict {
    let mut by_f: BTreeMap<&'static str, Counts> = BTreeMap::new();
    let mut all = Counts::default();
    let mut last_error = BTreeMap::new();
    for event in history.events() {
        let (invocation, end): (usize, fn(&mut Counts) -> &mut usize) = match &event.what {
            What::Ok { invocation, .. } => (*invocation, |counts| &mut counts.ok),
            What::Fail { invocation, .. } => (*invocation, |counts| &mut counts.fail),
            What::Info { invocation, .. } => (*invocation, |counts| &mut counts.info),
            What::Invoke(_) | What::Nemesis { .. } => continue,
        };
        let f = W::f(&history.invocation(invocation).op);
        *end(by_f.entry(f).or_default()) += 1;
        *end(&mut all) += 1;
        if let What::Fail { error, .. } | What::Info { error, .. } = &event.what {
            last_error.insert(f, error);
        }
    }
    let works = |f: &str, counts: &Counts| counts.ok > 0 || W::may_always_fail(f);
    let mut problems: Vec<String> = by_f
        .iter()
        .filter(|(f, counts)| !works(f, counts))
        .map(|(f, counts)| {
            let count = counts.fail + counts.info;
            let ended = format!("no {f} succeeded: {count} of {count} ended without success");
            match last_error.get(f) {
                Some(last) => causes::blame(&format!("{ended}, the last with: "), last),
                None => ended,
            }
        })
        .collect();
    let mut valid = Valid::from(problems.is_empty());
    if valid == Valid::True && history.invocations().all(|(_, invocation)| invocation.last) {
        valid = Valid::Unknown;
        problems.push("nothing was tested: no operation was started within the time limit".into());
    }
    let by_f_edn =
        by_f.iter().map(|(f, counts)| (Edn::Keyword(f), counts.to_edn(works(f, counts))));
    let mut results = all.to_edn(valid == Valid::True);
    if let Edn::Map(entries) = &mut results {
        // The judgement goes last, where `Verdict::new` puts it.
        entries.pop();
    }
    results.insert("by-f", Edn::Map(by_f_edn.collect()));
    Verdict::new(valid, results, problems)
}
