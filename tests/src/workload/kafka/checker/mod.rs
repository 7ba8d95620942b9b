//! Logs: every acknowledged message has its own offset, and whoever polls sees all of them, in
//! order.
//!
//! The anomalies are those of Jepsen's `kafka`, under its names, as far as operations that send
//! or poll one thing can show them: there are no transactions here, so none of their cycles,
//! aborted or precommitted reads beyond *G1a*. Committed offsets, which Jepsen hardly looks at,
//! have two anomalies of their own: *committed-offset-back* and *committed-offset-unknown*.

mod logs;
mod process;
mod visibility;

use std::collections::BTreeMap;

use crate::format::edn::Edn;
use crate::history::History;
use crate::judge::{Valid, Verdict, quantiles};
use crate::workload::Context;
use crate::workload::kafka::Kafka;

use logs::Logs;

/// How many examples of an anomaly the results hold.
const EXAMPLES: usize = 8;

/// Anomalies found, by name: each a sentence.
#[derive(Debug, Default)]
struct Anomalies(BTreeMap<&'static str, Vec<String>>);

impl Anomalies {
    fn add(&mut self, name: &'static str, sentence: String) {
        self.0.entry(name).or_default().push(sentence);
    }
}

/// Judges a history of sends and polls.
#[must_use]
pub(super) fn check(history: &History<Kafka>, context: &Context<'_>) -> Verdict {
    let mut anomalies = Anomalies::default();
    let logs = Logs::new(history);
    logs.check(history, context, &mut anomalies);
    let visibility = process::check(history, context, &logs, &mut anomalies);

    let found =
        |beyond: bool| anomalies.0.iter().filter(move |(name, _)| is_beyond(name) == beyond);
    let valid = match (found(false).next().is_none(), logs.polled_count()) {
        (false, _) => Valid::False,
        (true, 0) => Valid::Unknown,
        (true, _) => Valid::True,
    };
    let nothing =
        (valid == Valid::Unknown).then(|| "nothing to judge: no message was polled".to_owned());
    let mut results = Edn::map([
        ("send-count", logs.send_count().into()),
        ("acknowledged-count", logs.acknowledged_count().into()),
        ("polled-count", logs.polled_count().into()),
        ("key-count", logs.key_count().into()),
        ("error-types", Edn::Vector(anomalies.0.keys().map(|name| Edn::Keyword(name)).collect())),
    ]);
    if let Some(quantiles) = quantiles(&visibility.stable_latencies_ms(history), Edn::from) {
        results.insert("stable-latencies", quantiles);
    }
    for (name, sentences) in &anomalies.0 {
        let examples = Edn::vector(sentences.iter().take(EXAMPLES).cloned());
        results.insert(name, Edn::map([("count", sentences.len().into()), ("errs", examples)]));
    }
    let (beyond, anomalies): (Vec<_>, Vec<_>) =
        anomalies.0.into_iter().partition(|(name, _)| is_beyond(name));
    let sentences =
        |found: Vec<(&'static str, Vec<String>)>| found.into_iter().flat_map(|(_, found)| found);
    Verdict::new(valid, results, sentences(anomalies).chain(nothing))
        .with_findings(sentences(beyond))
}

/// Returns `true` for anomalies that Jepsen's checker does not look for.
fn is_beyond(name: &str) -> bool {
    ["committed-offset-back", "committed-offset-unknown", "phantom"].contains(&name)
}
