//! Checker of logs: acknowledged messages have distinct offsets and appear in order.
//!
//! The anomalies and their names are from Jepsen's `kafka` workload. An operation here sends or
//! polls only one thing, without transactions. The checker therefore finds no cycles, and no
//! aborted or precommitted reads except *G1a*. Jepsen hardly checks committed offsets. This checker
//! adds two anomalies for them: *committed-offset-back* and *committed-offset-unknown*.

mod logs;
mod process;
mod visibility;

use std::collections::BTreeMap;

use crate::format::edn::Edn;
use crate::history::History;
use crate::judge::{Anomaly, Valid, Verdict, quantiles};
use crate::workload::Context;
use crate::workload::kafka::Kafka;

use logs::Logs;

/// The largest number of examples of an anomaly in the results.
const EXAMPLES: usize = 8;

/// The anomalies that the checker found, by name.
#[derive(Debug, Default)]
struct Anomalies(BTreeMap<&'static str, Vec<Anomaly>>);

impl Anomalies {
    /// Adds an anomaly that these events show.
    fn add(
        &mut self,
        name: &'static str,
        events: impl IntoIterator<Item = usize>,
        sentence: String,
    ) {
        self.0.entry(name).or_default().push(Anomaly::from(sentence).seen_in(events));
    }
}

/// Judges a history of sends and polls.
#[must_use]
pub(super) fn check(history: &History<Kafka>, context: &Context<'_>) -> Verdict {
    let mut anomalies = Anomalies::default();
    let logs = Logs::new(history, &context.kills);
    logs.check(history, context, &mut anomalies);
    let visibility = process::check(history, context, &logs, &mut anomalies);

    let found =
        |beyond: bool| anomalies.0.iter().filter(move |(name, _)| is_beyond(name) == beyond);
    let valid = match (found(false).next().is_none(), logs.polled_count()) {
        (false, _) => Valid::False,
        (true, 0) => Valid::Unknown,
        (true, _) => Valid::True,
    };
    let nothing = (valid == Valid::Unknown)
        .then(|| "nothing to judge: no message was polled".to_owned().into());
    let mut results = Edn::map([
        ("send-count", logs.send_count().into()),
        ("acknowledged-count", logs.acknowledged_count().into()),
        ("polled-count", logs.polled_count().into()),
        ("key-count", logs.key_count().into()),
        ("error-types", Edn::Vector(anomalies.0.keys().map(|name| Edn::Keyword(name)).collect())),
    ]);
    let stable_latencies_ms = visibility.stable_latencies_ms(history);
    if let Some(quantiles) = quantiles(&stable_latencies_ms, Edn::from) {
        results.insert("stable-latencies", quantiles);
    }
    for (name, found) in &anomalies.0 {
        let examples = found.iter().take(EXAMPLES).map(|anomaly| anomaly.text.as_str());
        let examples = Edn::vector(examples);
        results.insert(name, Edn::map([("count", found.len().into()), ("errs", examples)]));
    }
    let (beyond, anomalies): (Vec<_>, Vec<_>) =
        anomalies.0.into_iter().partition(|(name, _)| is_beyond(name));
    let all =
        |found: Vec<(&'static str, Vec<Anomaly>)>| found.into_iter().flat_map(|(_, found)| found);
    Verdict::new(valid, results, all(anomalies).chain(nothing))
        .with_findings(all(beyond))
        .with_stable_latencies(stable_latencies_ms)
}

/// Returns `true` for anomalies that Jepsen's checker does not look for.
fn is_beyond(name: &str) -> bool {
    ["committed-offset-back", "committed-offset-unknown", "phantom"].contains(&name)
}
