//! The results map and the anomalies.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::value::{AdditionOutcome, Value};
use crate::base::address::Directory;
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::history::{EventKind, History};
use crate::judge::{Anomaly, Valid, Verdict, quantiles};
use crate::workload::Workload;

/// Returns the verdict on the values, whose visibility has been judged.
pub(super) fn summarize<W: Workload>(
    history: &History<W>,
    directory: &Directory,
    values: &[Value],
    phantoms: &BTreeSet<Element>,
    duplicated: &BTreeSet<Element>,
    mut findings: Vec<Anomaly>,
) -> Verdict {
    let with = |outcome| values.iter().filter(move |value| value.outcome() == outcome);
    let elements = |values: &[&Value]| Edn::vector(values.iter().map(|value| value.element));
    let lost: Vec<&Value> = with(AdditionOutcome::Lost).collect();
    let never_read: Vec<&Value> = with(AdditionOutcome::NeverRead).collect();
    let allowed_loss: Vec<&Value> = with(AdditionOutcome::AllowedLoss).collect();
    let mut latencies: Vec<(u64, &Value)> = with(AdditionOutcome::Stable)
        .map(|value| (stable_latency_ms(history, value), value))
        .collect();
    latencies.sort_by_key(|(latency, value)| (*latency, value.element));
    let millis: Vec<u64> = latencies.iter().map(|(latency, _)| *latency).collect();
    let mut stale: Vec<&Value> =
        latencies.iter().filter(|(latency, _)| *latency > 0).map(|(_, value)| *value).collect();
    stale.sort_by_key(|value| value.element);
    let mut lost_millis: Vec<u64> =
        lost.iter().map(|value| lost_latency_ms(history, value)).collect();
    lost_millis.sort_unstable();

    let ends: BTreeMap<usize, usize> =
        history.completed().map(|done| (done.invoked, done.completed)).collect();
    let lost_value = |value: &&Value| {
        let (read, node) = value.last_absent_final.or(value.last_absent).unwrap_or_default();
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
        .filter(|value| value.outcome() != AdditionOutcome::Lost)
        .collect();
    findings.extend(missing.iter().map(lost_value));
    let valid = if !lost.is_empty() {
        Valid::False
    } else if millis.is_empty() {
        anomalies
            .push(nothing_stable(history, &allowed_loss, acknowledged(history, values)).into());
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
        ("stale", elements(&stale)),
        ("duplicated-count", duplicated.len().into()),
        ("duplicated", Edn::vector(duplicated)),
        ("phantom-count", phantoms.len().into()),
        ("phantom", Edn::vector(phantoms)),
        ("worst-stale", worst_stale(&latencies, directory)),
    ]);
    if let Some(quantiles) = quantiles(&millis, Edn::from) {
        results.insert("stable-latencies", quantiles);
    }
    if let Some(quantiles) = quantiles(&lost_millis, Edn::from) {
        results.insert("lost-latencies", quantiles);
    }
    Verdict::new(valid, results, anomalies).with_findings(findings).with_stable_latencies(millis)
}

/// Explains why no value became stable although none was lost without permission.
fn nothing_stable<W: Workload>(
    history: &History<W>,
    allowed_loss: &[&Value],
    acknowledged_count: usize,
) -> String {
    let lost = acknowledged(history, allowed_loss.iter().copied());
    let how_many = match lost {
        0 => return "nothing to judge: no value became stable, and none was lost".to_owned(),
        lost if lost == acknowledged_count => format!("all {lost}"),
        lost => format!("{lost} of {acknowledged_count}"),
    };
    format!(
        "nothing to judge: {how_many} acknowledged values were lost, which the kills allow \
         (--allowed-loss-window, --nemesis-targets)"
    )
}

/// Returns the stable latency of a value.
///
/// This is the time from when the value was known to the start of the last read that misses it.
fn stable_latency_ms<W: Workload>(history: &History<W>, value: &Value) -> u64 {
    let (Some(known), Some((absent, _))) = (value.known, value.last_absent) else { return 0 };
    let latency: Duration = history.time(absent) - history.time(known);
    u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the lost latency of a value.
///
/// This is the time from when the value was known to the start of the last read that shows it.
fn lost_latency_ms<W: Workload>(history: &History<W>, value: &Value) -> u64 {
    let (Some(known), Some(present)) = (value.known, value.last_present) else { return 0 };
    let latency: Duration = history.time(present) - history.time(known);
    u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the number of additions that were acknowledged.
fn acknowledged<'a, W: Workload>(
    history: &History<W>,
    values: impl IntoIterator<Item = &'a Value>,
) -> usize {
    let additions: BTreeSet<usize> = values.into_iter().map(|value| value.added).collect();
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
