//! Checker of counters: each final read returns the sum of all additions.

use std::collections::BTreeSet;

use super::{Counter, Op, Output, reads};
use crate::base::time::Time;
use crate::format::edn::Edn;
use crate::history::{Completed, EventKind, History, Operations};
use crate::judge::{Anomaly, Valid, Verdict, quantiles};
use crate::workload::Context;

/// Judges a history of additions and reads.
///
/// Maelstrom, `doc/workloads.md`, g-counter: "the final read on each node has a value which
/// is the sum of all known (or possible) increments".
pub(super) fn check<const SHRINKS: bool>(
    history: &History<Counter<SHRINKS>>,
    context: &Context<'_>,
) -> Verdict {
    // Maelstrom's client treats every error of an addition as an unknown outcome.
    let possible = Possible::new(history, context, true);
    let certain = Possible::new(history, context, false);
    let wrong: Vec<_> = history
        .completed()
        .filter(|done| done.invocation.is_final)
        .filter_map(|done| match done.output {
            Output::Sum(sum) if !possible.sums.contain(*sum) => Some((done, *sum)),
            _ => None,
        })
        .collect();
    let anomalies = wrong.iter().map(|(done, sum)| {
        let anomaly_text = possible.anomaly_text(history, context, done, *sum);
        Anomaly::from(anomaly_text).seen_in([done.completed])
    });
    let mut findings: Vec<Anomaly> = history
        .completed()
        .filter(|done| done.invocation.is_final)
        .filter_map(|done| match done.output {
            Output::Sum(sum) if possible.sums.contain(*sum) && !certain.sums.contain(*sum) => {
                let node = context.directory.node_name(done.invocation.node);
                let at = history.place(done.completed);
                let rejected = Anomaly::from(format!(
                    "rejected addition: {node} shows {sum} at {at}, in a final read; the sum \
                     includes an addition that was answered with an error"
                ));
                Some(rejected.seen_in([done.completed]))
            }
            _ => None,
        })
        .collect();
    let read = reads::findings(history, context);
    findings.extend(read.into_iter().map(Anomaly::from));
    if !history.completed().any(|done| done.invocation.is_final) {
        let nothing = "nothing to judge: no final read succeeded";
        findings.push(nothing.to_owned().into());
    }
    let errors = wrong.iter().map(|(done, sum)| {
        Edn::map([
            ("node", context.directory.node_name(done.invocation.node).into()),
            ("value", Edn::Int(*sum)),
        ])
    });
    let finals = history.completed().filter(|done| done.invocation.is_final);
    let shown = finals.filter_map(|done| match done.output {
        Output::Sum(sum) => Some(Edn::Int(*sum)),
        Output::Accepted => None,
    });
    let ranges = possible.sums.0.iter();
    let acceptable = ranges.map(|&(low, high)| Edn::vector([low, high].map(Edn::Int)));
    let mut results = Edn::map([
        ("errors", Edn::vector(errors)),
        ("final-reads", Edn::vector(shown)),
        ("acceptable", Edn::vector(acceptable)),
        ("uncertain-count", possible.uncertain.into()),
        ("allowed-loss-count", possible.allowed_loss.into()),
    ]);
    if !SHRINKS && let Some(quantiles) = quantiles(&read_lags_ms(history), Edn::from) {
        results.insert("read-lag-ms", quantiles);
    }
    Verdict::new(Valid::from(wrong.is_empty()), results, anomalies).with_findings(findings)
}

/// Returns the lag of each read of a counter that only grows, in milliseconds, sorted.
///
/// The lag is the time since the acknowledgement of the oldest addition that the sum cannot
/// include. A sum does not show its addends, so the lag is a lower bound: later additions may
/// replace a missing one in the sum.
fn read_lags_ms<const SHRINKS: bool>(history: &History<Counter<SHRINKS>>) -> Vec<u64> {
    let mut total = 0;
    // The sum after each acknowledged addition, and the time of the acknowledgement.
    let mut totals: Vec<(i128, Time)> = Vec::new();
    let mut lags = Vec::new();
    for done in history.completed() {
        match (done.invocation.op, done.output) {
            (Op::Add(delta), _) => {
                total += i128::from(delta);
                totals.push((total, history.time(done.completed)));
            }
            (Op::Read, Output::Sum(sum)) => {
                let started = history.time(done.invoked);
                let missing = totals.partition_point(|(total, _)| total <= sum);
                let since = totals.get(missing).map_or(started, |(_, since)| *since);
                lags.push(u64::try_from((started - since).as_millis()).unwrap_or(u64::MAX));
            }
            (Op::Read, Output::Accepted) => {}
        }
    }
    lags.sort_unstable();
    lags
}

/// The sums that a correct counter may show.
struct Possible {
    /// The sums of all acknowledged additions and any subset of the uncertain ones.
    sums: Sums,
    uncertain: usize,
    allowed_loss: usize,
    /// The sum of all requested negative additions, and the sum of all requested positive ones.
    reach: (i128, i128),
}

impl Possible {
    fn new<const SHRINKS: bool>(
        history: &History<Counter<SHRINKS>>,
        context: &Context<'_>,
        rejected_may_count: bool,
    ) -> Possible {
        let mut certain = 0;
        let mut uncertain = Vec::new();
        let mut allowed_loss = 0;
        let mut settled = BTreeSet::new();
        for (index, event) in history.events().iter().enumerate() {
            let invocation = match &event.kind {
                EventKind::Ok { invocation, .. } => invocation,
                EventKind::Fail { invocation, error, .. }
                | EventKind::Info { invocation, error, .. }
                    if error.is_definite() && !rejected_may_count =>
                {
                    invocation
                }
                _ => continue,
            };
            settled.insert(*invocation);
            let start = history.invocation(*invocation);
            if let (Op::Add(delta), EventKind::Ok { .. }) = (start.op, &event.kind) {
                let (delta, known) = (i128::from(delta), history.time(index));
                if context.kills.lost_at(known, &[(start.node, known)]).is_some() {
                    allowed_loss += 1;
                    uncertain.push(delta);
                } else {
                    certain += delta;
                }
            }
        }
        let mut reach = (0, 0);
        for (index, invocation) in history.invocations() {
            if let Op::Add(delta) = invocation.op {
                let delta = i128::from(delta);
                reach = (reach.0 + delta.min(0), reach.1 + delta.max(0));
                if !settled.contains(&index) {
                    uncertain.push(delta);
                }
            }
        }
        // Small additions first close the gaps between the sums of large ones.
        uncertain.sort_unstable_by_key(|delta: &i128| delta.abs());
        let mut sums = Sums(vec![(certain, certain)]);
        uncertain.iter().for_each(|&delta| sums.extend(delta));
        Possible { sums, uncertain: uncertain.len(), allowed_loss, reach }
    }

    fn anomaly_text<W: Operations>(
        &self,
        history: &History<W>,
        context: &Context<'_>,
        done: &Completed<'_, W>,
        sum: i128,
    ) -> String {
        let node = context.directory.node_name(done.invocation.node);
        let at = history.place(done.completed);
        let least = self.sums.0.first().map(|(low, _)| *low).unwrap_or_default();
        let most = self.sums.0.last().map(|(_, high)| *high).unwrap_or_default();
        let right =
            if least == most { least.to_string() } else { format!("a sum from {least} to {most}") };
        if (self.reach.0..=self.reach.1).contains(&sum) {
            format!(
                "stale counter: {node} shows {sum} at {at}, in a final read; the additions give \
                 {right}"
            )
        } else {
            format!(
                "phantom addition: {node} shows {sum} at {at}, in a final read; all requested \
                 additions give a sum from {} to {}",
                self.reach.0, self.reach.1
            )
        }
    }
}

/// Sums as ranges that include both ends, in order and with gaps between them.
///
/// Maelstrom also stores ranges: thousands of uncertain additions give few ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sums(Vec<(i128, i128)>);

impl Sums {
    fn contain(&self, sum: i128) -> bool {
        let after = self.0.partition_point(|(low, _)| *low <= sum);
        self.0[..after].last().is_some_and(|(_, high)| sum <= *high)
    }

    /// Adds the sums that an addition gives if it happened.
    fn extend(&mut self, delta: i128) {
        let both = |&(low, high): &(i128, i128)| [(low, high), (low + delta, high + delta)];
        let mut ranges: Vec<(i128, i128)> = self.0.iter().flat_map(both).collect();
        ranges.sort_unstable();
        ranges.dedup_by(|(low, high), (_, end)| {
            let touches = *low <= *end + 1;
            if touches {
                *end = (*end).max(*high);
            }
            touches
        });
        self.0 = ranges;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GCounter, PnCounter};
    use super::*;
    use crate::base::address::Directory;
    use crate::base::rng::{Rng, Stream};
    use crate::history::{Invocation, OpError};
    use crate::judge::kills::{AllowedLoss, Kills};

    /// Two additions are acknowledged at 10 ms and 20 ms. The sum of a read at 100 ms shows
    /// which of them the read certainly lacks.
    #[test]
    fn the_lag_of_a_read_is_the_age_of_its_oldest_missing_addition() {
        for (sum, lag_ms) in [(0, 90), (2, 90), (3, 80), (4, 80), (7, 0), (9, 0)] {
            let mut history: History<GCounter> = History::new();
            let mut done = |start_ms: u64, op, output| {
                let invocation = Invocation { process: 0, node: 0, op, is_final: false };
                let invocation = history.push(Time(start_ms * 1000), EventKind::Invoke(invocation));
                history.push(
                    Time((start_ms + 5) * 1000),
                    EventKind::Ok { invocation, output, line: 0 },
                );
            };
            done(5, Op::Add(3), Output::Accepted);
            done(15, Op::Add(4), Output::Accepted);
            done(100, Op::Read, Output::Sum(sum));
            assert_eq!(read_lags_ms(&history), [lag_ms], "of a read that shows {sum}");
        }
    }

    #[test]
    fn the_possible_sums_are_the_sums_of_all_subsets() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed, Stream::Generator);
            let deltas: Vec<i128> = (0..8).map(|_| i128::from(rng.below(40)) - 20).collect();
            let mut sums = Sums(vec![(3, 3)]);
            deltas.iter().for_each(|&delta| sums.extend(delta));
            let chosen = |subset: u32| {
                let chosen = deltas.iter().enumerate().filter(|(bit, _)| subset >> bit & 1 == 1);
                3 + chosen.map(|(_, delta)| *delta).sum::<i128>()
            };
            let expected: BTreeSet<i128> = (0..1 << 8).map(chosen).collect();
            let contained = (-200..200).filter(|&sum| sums.contain(sum)).collect();
            assert_eq!(expected, contained, "seed {seed}");
            assert!(sums.0.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "{sums:?}");
        }
    }

    /// An addition that a node answers with an error has an unknown outcome, as in Maelstrom.
    #[test]
    fn the_results_list_the_sums_that_a_final_read_may_show() {
        let mut history: History<PnCounter> = History::new();
        for (op, error) in [(Op::Add(4), None), (Op::Add(-2), Some(11)), (Op::Add(10), Some(0))] {
            let invocation = Invocation { process: 0, node: 0, op, is_final: false };
            let invocation = history.push(Time(0), EventKind::Invoke(invocation));
            let rpc = |code| OpError::Rpc { code, text: String::new() };
            let end = match error.map(rpc) {
                None => EventKind::Ok { invocation, output: Output::Accepted, line: 0 },
                Some(error) => EventKind::Info { invocation, error, partial: None },
            };
            history.push(Time(0), end);
        }
        let directory = Directory::numbered(1);
        let kills = Kills::new(&history, &directory, AllowedLoss::Nothing);
        let verdict = check(&history, &Context { directory: &directory, kills });
        let results = verdict.results.to_string();
        assert!(results.contains(":acceptable [[2 2] [4 4] [12 12] [14 14]]"), "{results}");
        assert!(results.contains(":uncertain-count 2"), "{results}");
    }

    /// Their sums are 2^63 numbers, and one range.
    #[test]
    fn uncertain_additions_of_powers_of_two_have_a_verdict() {
        let mut history: History<PnCounter> = History::new();
        let mut invoke = |op, output: Result<Output, OpError>, is_final| {
            let invocation = Invocation { process: 0, node: 0, op, is_final };
            let invocation = history.push(Time(0), EventKind::Invoke(invocation));
            history.push(
                Time(0),
                match output {
                    Ok(output) => EventKind::Ok { invocation, output, line: 0 },
                    Err(error) => EventKind::Info { invocation, error, partial: None },
                },
            );
        };
        for bit in (0..63).rev() {
            invoke(Op::Add(1 << bit), Err(OpError::Timeout), false);
        }
        invoke(Op::Add(i64::MAX), Ok(Output::Accepted), false);
        invoke(Op::Read, Ok(Output::Sum(i128::from(i64::MAX))), true);
        invoke(Op::Read, Ok(Output::Sum(7)), true);
        let directory = Directory::numbered(1);
        let kills = Kills::new(&history, &directory, AllowedLoss::Nothing);
        let verdict = check(&history, &Context { directory: &directory, kills });
        assert_eq!((verdict.valid, verdict.anomalies.len()), (Valid::False, 1));
        let results = verdict.results.to_string();
        assert!(results.contains(":final-reads [9223372036854775807 7]"), "{results}");
        let text = &verdict.anomalies[0].text;
        assert!(text.starts_with("stale counter: n0 shows 7 "), "{text}");
        assert!(text.ends_with(" from 9223372036854775807 to 18446744073709551614"), "{text}");
    }
}
