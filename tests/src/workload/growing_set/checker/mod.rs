//! Checker of growing sets: every known value must stay visible on all nodes.
//!
//! The rules and the terms are from Jepsen's `set-full`. This checker also finds three anomalies
//! that `set-full` does not find:
//!
//! - A value that one read shows twice is a *duplicate within a read*.
//! - A value that no client added is a *phantom*.
//! - A value that any final read misses is *lost*. In `set-full` the value is stable if the last
//!   of all reads shows it, even if an earlier final read of another node misses it.

mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use crate::base::address::Directory;
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::history::{Completed, EventKind, History};
use crate::judge::kills::Kills;
use crate::judge::{Anomaly, Valid, Verdict, quantiles};
use crate::workload::growing_set::read::SetRead;
use crate::workload::growing_set::{GrowingSet, Op, Output, Protocol};
use crate::workload::{Context, Workload};

use reads::Reads;

/// The events of one value during a test. All numbers are indices of events.
#[derive(Debug, Default)]
struct Value {
    element: i64,
    /// The start of its addition.
    added: usize,
    /// The node that received the request to add it.
    node: usize,
    /// The end of its addition, if it succeeded.
    acknowledged: Option<usize>,
    /// The acknowledgement or the end of the first read that shows the value, whichever is first.
    known: Option<usize>,
    /// The latest start of a read that shows it.
    last_present: Option<usize>,
    /// The latest start of a read that misses the value, and the node that was read.
    last_absent: Option<(usize, usize)>,
    /// The same among the final reads, after the quiet time.
    missing: Option<(usize, usize)>,
    /// `true` if kills of nodes may have caused the loss of the value.
    allowed_loss: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Every read from some point on shows the value.
    Stable,
    /// The value is known, and later reads do not show it.
    Lost,
    /// No read shows whether the value is present.
    NeverRead,
    /// Every node that had the value was killed before it could send the value to another node.
    AllowedLoss,
}

impl Value {
    /// Returns `true` if a final read misses a known value.
    fn is_missing_somewhere(&self) -> bool {
        self.known.is_some() && self.missing.map(|(read, _)| read) > self.known
    }

    fn outcome(&self) -> Outcome {
        let lost = if self.allowed_loss { Outcome::AllowedLoss } else { Outcome::Lost };
        let absent = self.last_absent.map(|(read, _)| read);
        if self.last_present.is_some() && absent < self.last_present {
            return Outcome::Stable;
        }
        // A read that began before the value was known may precede it, so that read does not count.
        if self.known.is_some() && absent > self.known {
            return lost;
        }
        Outcome::NeverRead
    }
}

/// Judges a history of additions and reads.
#[must_use]
pub(super) fn check<P: Protocol>(
    history: &History<GrowingSet<P>>,
    context: &Context<'_>,
) -> Verdict {
    let directory = context.directory;
    let mut values: Vec<Value> = Vec::new();
    let mut place: BTreeMap<i64, usize> = BTreeMap::new();
    for (added, invocation) in history.invocations() {
        if let Op::Add(element) = invocation.op {
            place.insert(element, values.len());
            let node = invocation.node;
            values.push(Value { element, added, node, ..Value::default() });
        }
    }

    let mut findings: Vec<Anomaly> = Vec::new();
    let mut phantoms: BTreeSet<Element> = BTreeSet::new();
    let mut duplicated: BTreeSet<Element> = BTreeSet::new();
    let mut reads: BTreeMap<usize, Reads> = BTreeMap::new();
    for done in history.completed() {
        let node = done.invocation.node;
        let (name, at) = (directory.node_name(node), history.place(done.completed));
        match (done.invocation.op, done.output) {
            (Op::Add(element), _) => {
                if let Some(&index) = place.get(&element) {
                    values[index].acknowledged = Some(done.completed);
                    values[index].known.get_or_insert(done.completed);
                }
            }
            (Op::Read, Output::Read(read)) => {
                for element in &read.added {
                    let value = match element {
                        Element::Int(value) => place.get(value).map(|&index| &mut values[index]),
                        Element::Other(_) => None,
                    };
                    match value.filter(|value| value.added < done.completed) {
                        Some(value) => {
                            value.known.get_or_insert(done.completed);
                        }
                        None if phantoms.insert(element.clone()) => {
                            let phantom = Anomaly::from(format!(
                                "phantom value: {name} shows {} at {at}, before any client added \
                                 it",
                                Edn::from(element)
                            ));
                            findings.push(phantom.seen_in([done.completed]));
                        }
                        None => {}
                    }
                }
                for element in &read.repeated {
                    if duplicated.insert(element.clone()) {
                        let duplicate = Anomaly::from(format!(
                            "duplicate within a read: {name} shows {} more than once at {at}",
                            Edn::from(element)
                        ));
                        findings.push(duplicate.seen_in([done.completed]));
                    }
                }
                let reads = reads.entry(node).or_default();
                if let Some(finding) = value_gone(history, context, reads, &done, read) {
                    findings.push(Anomaly::from(finding).seen_in([done.completed]));
                }
                reads.push(&done, read);
            }
            (Op::Read, Output::Accepted) => {}
        }
    }
    reads.values_mut().for_each(Reads::finish);
    findings.extend(rejected_and_stored(history, context, &reads).into_iter().map(Anomaly::from));
    for value in &mut values {
        for (&node, reads) in &reads {
            judge_visibility(value, node, reads);
        }
    }
    let is_gone =
        |value: &&mut Value| value.outcome() == Outcome::Lost || value.is_missing_somewhere();
    for value in values.iter_mut().filter(is_gone) {
        value.allowed_loss = is_allowed_loss(value, &reads, history, &context.kills);
    }
    summarize(history, directory, &values, &phantoms, &duplicated, findings)
}

/// Returns a sentence if a read misses a value that an earlier read of the same node showed.
///
/// The earlier read ended before this read began, and the node was not killed in between.
fn value_gone<P: Protocol>(
    history: &History<GrowingSet<P>>,
    context: &Context<'_>,
    reads: &Reads,
    done: &Completed<'_, GrowingSet<P>>,
    read: &SetRead,
) -> Option<String> {
    let (gone, before) = (read.removed.first()?, *reads.ended.last()?);
    let node = done.invocation.node;
    let killed = context.kills.next(node, history.time(before));
    if before > done.invoked || killed.is_some_and(|kill| kill <= history.time(done.completed)) {
        return None;
    }
    let more = match read.removed.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "value gone: {} shows {}{more} at {}, and not at {}",
        context.directory.node_name(node),
        Edn::from(gone),
        history.place(before),
        history.place(done.completed),
    ))
}

/// Returns a sentence for each visible value whose addition was answered with a definite error.
fn rejected_and_stored<P: Protocol>(
    history: &History<GrowingSet<P>>,
    context: &Context<'_>,
    reads: &BTreeMap<usize, Reads>,
) -> Vec<String> {
    let rejected = history.events().iter().filter_map(|event| match &event.kind {
        EventKind::Fail { invocation, error, .. } | EventKind::Info { invocation, error, .. }
            if error.is_definite() =>
        {
            let start = history.invocation(*invocation);
            match start.op {
                Op::Add(element) => Some((element, start.node, error)),
                Op::Read => None,
            }
        }
        _ => None,
    });
    let kept = rejected.filter_map(|(element, node, error)| {
        let shows =
            |(shower, reads): (&usize, &Reads)| Some((*shower, reads.first_that_shows(element)?));
        let (shower, read) = reads.iter().find_map(shows)?;
        Some(format!(
            "rejected value: {} shows {element} at {}, although {} answered its {} with {error}",
            context.directory.node_name(shower),
            history.place(read),
            context.directory.node_name(node),
            P::ADD,
        ))
    });
    kept.collect()
}

/// Finds the latest read of one node that shows a value, and the latest that misses it.
fn judge_visibility(value: &mut Value, node: usize, reads: &Reads) {
    let none = Vec::new();
    let shown = reads.shown.get(&value.element).unwrap_or(&none);
    // Reads that ended before the addition of the value do not count.
    let mut next = reads.ended.partition_point(|&ended| ended < value.added);
    for range in shown {
        value.last_present = value.last_present.max(reads.latest(range.clone()));
        absent(value, node, reads, next..range.start.max(next));
        next = next.max(range.end);
    }
    absent(value, node, reads, next..reads.started.len());
}

/// Returns `true` if no live node is certain to have a value.
///
/// The node that received the addition had the value, with or without an acknowledgement. Each
/// node that showed the value also had it.
fn is_allowed_loss<W: Workload>(
    value: &Value,
    reads: &BTreeMap<usize, Reads>,
    history: &History<W>,
    kills: &Kills,
) -> bool {
    let Some(known) = value.known.map(|known| history.time(known)) else { return false };
    let handed = (value.node, history.time(value.acknowledged.unwrap_or(value.added)));
    let showed = reads.iter().filter_map(|(&node, reads)| {
        Some((node, history.time(reads.last_that_shows(value.element)?)))
    });
    let holders: Vec<_> = std::iter::once(handed).chain(showed).collect();
    kills.lost_at(known, &holders).is_some()
}

fn absent(value: &mut Value, node: usize, reads: &Reads, range: Range<usize>) {
    if range.is_empty() {
        return;
    }
    let latest = |range| reads.latest(range).map(|read| (read, node));
    value.last_absent = value.last_absent.max(latest(range.clone()));
    let last_reads = range.start.max(reads.before_quiet)..range.end;
    if !last_reads.is_empty() {
        value.missing = value.missing.max(latest(last_reads));
    }
}

fn summarize<W: Workload>(
    history: &History<W>,
    directory: &Directory,
    values: &[Value],
    phantoms: &BTreeSet<Element>,
    duplicated: &BTreeSet<Element>,
    mut findings: Vec<Anomaly>,
) -> Verdict {
    let with = |outcome| values.iter().filter(move |value| value.outcome() == outcome);
    let elements = |values: &[&Value]| Edn::vector(values.iter().map(|value| value.element));
    let lost: Vec<&Value> = with(Outcome::Lost).collect();
    let never_read: Vec<&Value> = with(Outcome::NeverRead).collect();
    let allowed_loss: Vec<&Value> = with(Outcome::AllowedLoss).collect();
    let mut latencies: Vec<(u64, &Value)> =
        with(Outcome::Stable).map(|value| (stable_latency_ms(history, value), value)).collect();
    latencies.sort_by_key(|(latency, value)| (*latency, value.element));
    let millis: Vec<u64> = latencies.iter().map(|(latency, _)| *latency).collect();
    let stale: Vec<&Value> =
        latencies.iter().filter(|(latency, _)| *latency > 0).map(|(_, value)| *value).collect();

    let ends: BTreeMap<usize, usize> =
        history.completed().map(|done| (done.invoked, done.completed)).collect();
    let lost_value = |value: &&Value| {
        let (read, node) = value.missing.or(value.last_absent).unwrap_or_default();
        let read = ends.get(&read).copied().unwrap_or(read);
        let text = format!(
            "lost value: {}, sent to {} at {}, is missing from the read of {} at {}",
            value.element,
            directory.node_name(value.node),
            history.time(value.added),
            directory.node_name(node),
            history.place(read),
        );
        Anomaly::from(text).seen_in([value.added, read].into_iter().chain(value.last_present))
    };
    let mut anomalies: Vec<Anomaly> = lost.iter().map(lost_value).collect();
    let missing: Vec<&Value> = values
        .iter()
        .filter(|value| value.is_missing_somewhere() && !value.allowed_loss)
        .filter(|value| value.outcome() != Outcome::Lost)
        .collect();
    findings.extend(missing.iter().map(lost_value));
    let valid = if !lost.is_empty() {
        Valid::False
    } else if millis.is_empty() {
        let nothing = "nothing to judge: no value became stable, and none was lost";
        anomalies.push(nothing.to_owned().into());
        Valid::Unknown
    } else {
        Valid::True
    };
    let mut results = Edn::map([
        ("attempt-count", values.len().into()),
        ("acknowledged-count", acknowledged(history, values).into()),
        ("stable-count", millis.len().into()),
        ("lost-count", lost.len().into()),
        ("lost", elements(&lost)),
        ("missing-count", missing.len().into()),
        ("allowed-loss-count", allowed_loss.len().into()),
        ("allowed-loss", elements(&allowed_loss)),
        ("never-read-count", never_read.len().into()),
        ("never-read", elements(&never_read)),
        ("stale-count", stale.len().into()),
        ("duplicated-count", duplicated.len().into()),
        ("duplicated", Edn::vector(duplicated)),
        ("phantom-count", phantoms.len().into()),
        ("phantom", Edn::vector(phantoms)),
        ("worst-stale", worst_stale(&latencies, directory)),
    ]);
    if let Some(quantiles) = quantiles(&millis, Edn::from) {
        results.insert("stable-latencies", quantiles);
    }
    Verdict::new(valid, results, anomalies).with_findings(findings).with_stable_latencies(millis)
}

/// Returns the stable latency of a value.
///
/// This is the time from when the value was known to the start of the last read that misses it.
fn stable_latency_ms<W: Workload>(history: &History<W>, value: &Value) -> u64 {
    let (Some(known), Some((absent, _))) = (value.known, value.last_absent) else { return 0 };
    let latency: Duration = history.time(absent) - history.time(known);
    u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)
}

fn acknowledged<W: Workload>(history: &History<W>, values: &[Value]) -> usize {
    let additions: BTreeSet<usize> = values.iter().map(|value| value.added).collect();
    let ends = history.events().iter().filter(
        |event| matches!(event.kind, EventKind::Ok { invocation, .. } if additions.contains(&invocation)),
    );
    ends.count()
}

/// Returns the eight values with the longest latencies.
///
/// Each value has the node that last missed it.
fn worst_stale(latencies: &[(u64, &Value)], directory: &Directory) -> Edn {
    let worst = latencies.iter().rev().take(8).filter(|(latency, _)| *latency > 0);
    Edn::vector(worst.map(|(latency, value)| {
        let (read, node) = value.last_absent.unwrap_or_default();
        Edn::map([
            ("element", value.element.into()),
            ("stable-latency", (*latency).into()),
            ("last-absent", read.into()),
            ("node", directory.node_name(node).into()),
        ])
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Time;
    use crate::history::{Invocation, OpError};
    use crate::judge::kills::AllowedLoss;
    use crate::workload::g_set::GSet;
    use crate::workload::growing_set::read::SetRead;

    /// The event that makes the value 7 known.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Known {
        Acknowledged,
        Shown,
        Both,
    }

    /// Returns the number of lost values in a history of the value 7.
    ///
    /// A client adds the value at n1 at 10 s, and n1 acknowledges it immediately or never. n2
    /// may show it at 11 s. `killed` lists the kills: the second and the node. The final reads
    /// of both nodes, at 30 s, are empty.
    fn lost_count(known: Known, killed: &[(u64, &'static str)]) -> String {
        let mut history: History<GSet> = History::new();
        let at = |at_s: u64| Time(at_s * 1_000_000);
        let mut carry_out = |at_s, node, op, output| {
            let invocation = Invocation { process: 0, node, op, is_final: at_s == 30 };
            let invocation = history.push(at(at_s), EventKind::Invoke(invocation));
            let end = match output {
                Some(output) => EventKind::Ok { invocation, output, line: 0 },
                None => EventKind::Info { invocation, error: OpError::Timeout, partial: None },
            };
            history.push(at(at_s), end);
        };
        let acknowledgement = (known != Known::Shown).then_some(Output::Accepted);
        carry_out(10, 0, Op::Add(7), acknowledgement);
        let shown = if known == Known::Acknowledged { vec![] } else { vec![Element::Int(7)] };
        let read = SetRead { size: shown.len(), added: shown.clone(), ..SetRead::default() };
        carry_out(11, 1, Op::Read, Some(Output::Read(read)));
        carry_out(30, 0, Op::Read, Some(Output::Read(SetRead::default())));
        let read = SetRead { removed: shown, ..SetRead::default() };
        carry_out(30, 1, Op::Read, Some(Output::Read(read)));
        for (at_s, node) in killed {
            for f in ["kill", "start"] {
                history.push(at(*at_s), EventKind::Nemesis { f, value: Edn::vector([*node]) });
            }
        }
        let directory = Directory::new(vec!["n1".into(), "n2".into()]).unwrap();
        let kills = Kills::new(&history, &directory, AllowedLoss::Window(Duration::from_secs(4)));
        let verdict = check(&history, &Context { directory: &directory, kills });
        verdict.results.get("lost-count").unwrap().to_string()
    }

    #[test]
    fn a_value_known_only_to_a_killed_node_is_an_allowed_loss() {
        let lost = |killed| lost_count(Known::Acknowledged, killed);
        assert_eq!(lost(&[(12, "n1")]), "0");
        assert_eq!(lost(&[(14, "n1")]), "1", "it had time enough to tell");
        assert_eq!(lost(&[(12, "n2")]), "1", "it was not killed");
    }

    #[test]
    fn a_value_read_from_another_node_is_an_allowed_loss_after_its_kill() {
        let lost = |killed| lost_count(Known::Both, killed);
        assert_eq!(lost(&[(12, "n1")]), "1");
        assert_eq!(lost(&[(12, "n1"), (13, "n2")]), "0");
        assert_eq!(lost(&[(12, "n2"), (13, "n1")]), "0");
        assert_eq!(lost(&[(12, "n1"), (15, "n2")]), "0", "n1 was empty, and had three seconds");
        assert_eq!(lost(&[(12, "n1"), (16, "n2")]), "1", "n1 had four seconds");
        assert_eq!(lost(&[(10, "n2"), (12, "n1")]), "1", "it showed it afterwards");
    }

    #[test]
    fn a_node_has_a_value_that_it_received_without_an_acknowledgement() {
        let lost = |killed| lost_count(Known::Shown, killed);
        assert_eq!(lost(&[(12, "n2")]), "1", "n1 had it, and was not killed");
        assert_eq!(lost(&[(12, "n1")]), "1", "n2 showed it, and was not killed");
        assert_eq!(lost(&[(11, "n1"), (12, "n2")]), "0");
    }
}
