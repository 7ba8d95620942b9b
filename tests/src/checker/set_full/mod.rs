//! Sets to which values are added: every value that is known must stay visible everywhere.
//!
//! The rules are those of Jepsen's `set-full`, in Jepsen's words, with three holes closed. It
//! never notices a value that a read shows twice, nor one that nobody added; here the first is
//! a *duplicate within a read*, the second a *phantom*. And it takes a value that one node
//! shows in the last reads of all for stable even if another, asked just before, does not;
//! here a value that any last read misses is *lost*.

mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use super::set_read::Element;
use super::{Valid, Verdict, quantiles};
use crate::address::Directory;
use crate::edn::Edn;
use crate::history::{History, What};
use crate::workload::growing_set::{Answer, GrowingSet, Op, Protocol};
use crate::workload::{Context, Workload};

use reads::Reads;

/// One value's way through a test. All numbers are indices of events.
#[derive(Debug, Default)]
struct Value {
    element: i64,
    /// The start of its addition.
    added: usize,
    /// The node that was asked to add it.
    node: usize,
    /// The end of its addition, if it succeeded, or of the first read that shows it.
    known: Option<usize>,
    /// The latest start of a read that shows it.
    last_present: Option<usize>,
    /// The latest start of a read that does not, and the node that was read.
    last_absent: Option<(usize, usize)>,
    /// The same among the reads after the quiet time.
    missing: Option<(usize, usize)>,
    /// The end of the first read at another node that shows it.
    seen_elsewhere: Option<usize>,
    /// Whether it may have been lost with a node that was killed.
    excused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Every read from some point on shows it.
    Stable,
    /// It is known, and reads after that do not show it.
    Lost,
    /// No read says anything about it.
    NeverRead,
    /// It was lost with a node that was killed before it could tell anybody.
    Excused,
}

impl Value {
    fn outcome(&self) -> Outcome {
        let lost = if self.excused { Outcome::Excused } else { Outcome::Lost };
        if self.known.is_some() && self.missing.map(|(read, _)| read) > self.known {
            return lost;
        }
        let absent = self.last_absent.map(|(read, _)| read);
        if self.last_present.is_some() && absent < self.last_present {
            return Outcome::Stable;
        }
        // A read that began before the value was known may have come first: it says nothing.
        if self.known.is_some() && absent > self.known {
            return lost;
        }
        Outcome::NeverRead
    }
}

/// Judges a history of additions and reads.
#[must_use]
pub fn check<P: Protocol>(history: &History<GrowingSet<P>>, context: &Context<'_>) -> Verdict {
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

    let mut problems = Vec::new();
    let mut phantoms: BTreeSet<Element> = BTreeSet::new();
    let mut duplicated: BTreeSet<Element> = BTreeSet::new();
    let mut reads: BTreeMap<usize, Reads> = BTreeMap::new();
    for done in history.completed() {
        let node = done.invocation.node;
        let (name, at) = (directory.node_name(node), history.time(done.completed));
        match (done.invocation.op, done.answer) {
            (Op::Add(element), _) => {
                if let Some(&index) = place.get(&element) {
                    values[index].known.get_or_insert(done.completed);
                }
            }
            (Op::Read, Answer::Read(read)) => {
                for element in &read.added {
                    let value = match element {
                        Element::Int(value) => place.get(value).map(|&index| &mut values[index]),
                        Element::Other(_) => None,
                    };
                    match value.filter(|value| value.added < done.completed) {
                        Some(value) => {
                            value.known.get_or_insert(done.completed);
                            if value.node != node {
                                value.seen_elsewhere.get_or_insert(done.completed);
                            }
                        }
                        None if phantoms.insert(element.clone()) => problems.push(format!(
                            "phantom value: {name} shows {} at {at}, which nobody had added",
                            Edn::from(element)
                        )),
                        None => {}
                    }
                }
                for element in &read.repeated {
                    if duplicated.insert(element.clone()) {
                        problems.push(format!(
                            "duplicate within a read: {name} shows {} more than once at {at}",
                            Edn::from(element)
                        ));
                    }
                }
                reads.entry(node).or_default().push(&done, read);
            }
            (Op::Read, Answer::Accepted) => {}
        }
    }
    reads.values_mut().for_each(Reads::finish);
    for value in &mut values {
        for (&node, reads) in &reads {
            judge_visibility(value, node, reads);
        }
    }
    excuse(history, context, &mut values);
    summarise(history, directory, &values, &phantoms, &duplicated, problems)
}

/// Finds the latest reads of one node that show a value, and that do not.
fn judge_visibility(value: &mut Value, node: usize, reads: &Reads) {
    let none = Vec::new();
    let shown = reads.shown.get(&value.element).unwrap_or(&none);
    // Reads that ended before the value was added have no say.
    let mut next = reads.ended.partition_point(|&ended| ended < value.added);
    for range in shown {
        value.last_present = value.last_present.max(reads.latest(range.clone()));
        absent(value, node, reads, next..range.start.max(next));
        next = next.max(range.end);
    }
    absent(value, node, reads, next..reads.started.len());
}

/// Finds the values that a killed node may have taken with it: acknowledged shortly before the
/// kill, and shown by no other node until then.
fn excuse<W: Workload>(history: &History<W>, context: &Context<'_>, values: &mut [Value]) {
    for value in values {
        let Some(known) = value.known.map(|known| history.time(known)) else { continue };
        let kill = context.kills.next(value.node, known);
        let told = |kill| value.seen_elsewhere.is_some_and(|seen| history.time(seen) <= kill);
        value.excused = context.kills.excuse(value.node, known) && !kill.is_some_and(told);
    }
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

fn summarise<W: Workload>(
    history: &History<W>,
    directory: &Directory,
    values: &[Value],
    phantoms: &BTreeSet<Element>,
    duplicated: &BTreeSet<Element>,
    mut problems: Vec<String>,
) -> Verdict {
    let with = |outcome| values.iter().filter(move |value| value.outcome() == outcome);
    let elements = |values: &[&Value]| Edn::vector(values.iter().map(|value| value.element));
    let lost: Vec<&Value> = with(Outcome::Lost).collect();
    let never_read: Vec<&Value> = with(Outcome::NeverRead).collect();
    let excused: Vec<&Value> = with(Outcome::Excused).collect();
    let mut latencies: Vec<(u64, &Value)> =
        with(Outcome::Stable).map(|value| (stable_latency_ms(history, value), value)).collect();
    latencies.sort_by_key(|(latency, value)| (*latency, value.element));
    let millis: Vec<u64> = latencies.iter().map(|(latency, _)| *latency).collect();
    let stale: Vec<&Value> =
        latencies.iter().filter(|(latency, _)| *latency > 0).map(|(_, value)| *value).collect();

    problems.extend(lost.iter().map(|value| {
        let (read, node) = value.missing.or(value.last_absent).unwrap_or_default();
        format!(
            "lost value: {}, handed to {} at {}, is missing from what {} shows at {}",
            value.element,
            directory.node_name(value.node),
            history.time(value.added),
            directory.node_name(node),
            history.time(read),
        )
    }));
    let valid = if !lost.is_empty() || !phantoms.is_empty() || !duplicated.is_empty() {
        Valid::False
    } else if millis.is_empty() {
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
        ("excused-count", excused.len().into()),
        ("excused", elements(&excused)),
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
    Verdict::new(valid, results, problems)
}

/// From the moment a value was known to the start of the last read that misses it.
fn stable_latency_ms<W: Workload>(history: &History<W>, value: &Value) -> u64 {
    let (Some(known), Some((absent, _))) = (value.known, value.last_absent) else { return 0 };
    let latency: Duration = history.time(absent) - history.time(known);
    u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)
}

fn acknowledged<W: Workload>(history: &History<W>, values: &[Value]) -> usize {
    let additions: BTreeSet<usize> = values.iter().map(|value| value.added).collect();
    let ends = history.events().iter().filter(
        |event| matches!(event.what, What::Ok { invocation, .. } if additions.contains(&invocation)),
    );
    ends.count()
}

/// The eight values that took longest, and which node lacked them last.
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
