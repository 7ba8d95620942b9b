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
mod results;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::history::{Completed, EventKind, History};
use crate::judge::{Anomaly, Verdict};
use crate::workload::Context;
use crate::workload::growing_set::read::SetRead;
use crate::workload::growing_set::{GrowingSet, Op, Output, Protocol};

use reads::Reads;
use results::summarize;
use value::{AdditionOutcome, Value, is_allowed_loss, judge_visibility};

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
    let is_gone = |value: &&mut Value| {
        value.outcome() == AdditionOutcome::Lost || value.is_missing_somewhere()
    };
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::address::Directory;
    use crate::base::time::Time;
    use crate::history::{Invocation, OpError};
    use crate::judge::Valid;
    use crate::judge::kills::{AllowedLoss, Kills};
    use crate::workload::g_set::GSet;

    /// The event that makes the value 7 known.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Known {
        Acknowledged,
        Shown,
        Both,
    }

    /// Judges a history of the value 7.
    ///
    /// A client adds the value at n1 at 10 s, and n1 acknowledges it immediately or never. n2
    /// may show it at 11 s. `killed` lists the kills: the second and the node. The final reads
    /// of both nodes, at 30 s, are empty.
    fn verdict(known: Known, killed: &[(u64, &'static str)]) -> Verdict {
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
        check(&history, &Context { directory: &directory, kills })
    }

    /// Returns the number of lost values in the same history.
    fn lost_count(known: Known, killed: &[(u64, &'static str)]) -> String {
        verdict(known, killed).results.get("lost-count").unwrap().to_string()
    }

    /// The value is known at 10 s, and the last read that shows it begins at 11 s.
    #[test]
    fn the_results_have_the_times_until_values_were_lost() {
        let latencies = |known| {
            let results = verdict(known, &[]).results;
            results.get("lost-latencies").unwrap().to_string()
        };
        assert!(latencies(Known::Both).starts_with("{0 1000, "));
        assert!(latencies(Known::Acknowledged).starts_with("{0 0, "));
    }

    #[test]
    fn the_results_list_the_values_that_a_read_missed_before_they_were_stable() {
        let mut history: History<GSet> = History::new();
        let mut carry_out = |at_s: u64, op, output| {
            let invocation = Invocation { process: 0, node: 0, op, is_final: false };
            let at = Time(at_s * 1_000_000);
            let invocation = history.push(at, EventKind::Invoke(invocation));
            history.push(at, EventKind::Ok { invocation, output, line: 0 });
        };
        let shows = |values: &[i64]| {
            let added: Vec<Element> = values.iter().map(|&value| Element::Int(value)).collect();
            Output::Read(SetRead { size: added.len(), added, ..SetRead::default() })
        };
        for value in [9, 7, 8] {
            carry_out(1, Op::Add(value), Output::Accepted);
        }
        carry_out(2, Op::Read, shows(&[8]));
        carry_out(3, Op::Read, shows(&[7]));
        carry_out(4, Op::Read, shows(&[9]));
        let directory = Directory::numbered(1);
        let kills = Kills::new(&history, &directory, AllowedLoss::Nothing);
        let results = check(&history, &Context { directory: &directory, kills }).results;
        assert_eq!(results.get("stale").unwrap().to_string(), "[7 9]");
    }

    #[test]
    fn a_test_whose_values_were_all_lost_with_killed_nodes_says_so() {
        let verdict = verdict(Known::Acknowledged, &[(12, "n1")]);
        assert_eq!(verdict.valid, Valid::Unknown);
        assert_eq!(
            verdict.anomalies[0].text,
            "nothing to judge: all 1 acknowledged values were lost, which the kills allow \
             (--allowed-loss-window, --nemesis-targets)"
        );
    }

    #[test]
    fn a_value_known_only_to_a_killed_node_is_an_allowed_loss() {
        let lost = |killed| lost_count(Known::Acknowledged, killed);
        assert_eq!(lost(&[(12, "n1")]), "0");
        assert_eq!(lost(&[(14, "n1")]), "1", "it had enough time to send the value");
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
