//! Checker of logs: acknowledged messages have distinct offsets and appear in order.
//!
//! The anomalies and their names are from Jepsen's `kafka` workload. An operation here sends or
//! polls only one thing, without transactions. The only cycle is therefore *G1c-realtime*: a poll
//! shows a message before its send. *G1a* is the only aborted read. Jepsen hardly checks committed
//! offsets. This checker adds two anomalies for them: *committed-offset-back* and
//! *committed-offset-unknown*.
//!
//! The checker judges a history twice, with each [`View`]. The anomalies in Maelstrom's view decide
//! the verdict. The anomalies that only the strict view has are findings.

mod logs;
mod process;
mod realtime_lag;
mod visibility;

use std::collections::{BTreeMap, BTreeSet};

use crate::format::edn::Edn;
use crate::history::History;
use crate::judge::{Anomaly, Valid, Verdict, quantiles};
use crate::workload::Context;
use crate::workload::kafka::{Kafka, Offset};

use logs::Logs;
use realtime_lag::RealtimeLag;

/// The largest number of examples of an anomaly in the results.
const EXAMPLES: usize = 8;

/// The largest offset for which Maelstrom has a verdict.
///
/// Jepsen's checker builds vectors with an entry for each offset, several for each key. With more
/// it runs out of memory, after minutes or hours.
const MAX_JUDGED_OFFSET: Offset = 1_000_000_000;

/// The largest offset for which Jepsen's checker needs little memory.
const MAX_CHEAP_OFFSET: Offset = 10_000_000;

/// The rules by which the checker judges a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// Maelstrom's rules.
    ///
    /// A poll counts only if its commit succeeded. If the commit fails, Maelstrom's client drops
    /// the messages. After a definite error, its next poll nevertheless continues after them.
    ///
    /// A poll continues where the client's last poll of the key ended. A client's first poll of a
    /// key may start anywhere, and so may a poll after an empty list. Offsets of sends may go back
    /// after an assignment without their key.
    Maelstrom,
    /// The rules for a strict test: every message that a client received counts.
    ///
    /// A client's first poll of a key starts at offset 0. An empty list does not move a client.
    /// Offsets of its sends never go back.
    Strict,
}

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

    /// Adds the number of anomalies of each name to a map, with examples.
    fn write(&self, results: &mut Edn) {
        for (name, found) in &self.0 {
            let examples = found.iter().take(EXAMPLES).map(|anomaly| anomaly.text.as_str());
            let examples = Edn::vector(examples);
            results.insert(name, Edn::map([("count", found.len().into()), ("errs", examples)]));
        }
    }

    /// Removes the anomalies of another view.
    fn remove_all(&mut self, others: &Anomalies) {
        for (name, found) in &mut self.0 {
            let others: BTreeSet<&str> =
                others.0.get(name).into_iter().flatten().map(|other| other.text.as_str()).collect();
            found.retain(|anomaly| !others.contains(anomaly.text.as_str()));
        }
        self.0.retain(|_, found| !found.is_empty());
    }
}

/// Judges a history of sends and polls.
#[must_use]
pub(super) fn check(history: &History<Kafka>, context: &Context<'_>) -> Verdict {
    let (mut anomalies, mut strict) = (Anomalies::default(), Anomalies::default());
    let logs = Logs::new(history, &context.kills, View::Maelstrom);
    logs.check(history, context, &mut anomalies);
    process::check(history, context, &logs, View::Maelstrom, &mut anomalies);
    let received = Logs::new(history, &context.kills, View::Strict);
    received.check(history, context, &mut strict);
    let visibility = process::check(history, context, &received, View::Strict, &mut strict);
    let (too_large, large) = large_offsets(&logs);
    let is_fatal = too_large.is_some();
    let unjudged = too_large.or_else(|| unjudged(&logs, &anomalies));
    // Jepsen's checker does not look for these anomalies.
    for name in ["committed-offset-back", "committed-offset-unknown", "phantom"] {
        anomalies.0.remove(name);
    }
    strict.remove_all(&anomalies);
    let valid = match &unjudged {
        Some(_) => Valid::Unknown,
        None => Valid::from(anomalies.0.is_empty()),
    };
    if unjudged.is_some() {
        // Maelstrom reports none of them. They stay findings.
        for (name, found) in std::mem::take(&mut anomalies.0) {
            strict.0.entry(name).or_default().extend(found);
        }
    }
    let nothing = (received.polled_count() == 0)
        .then(|| Anomaly::from("nothing to judge: no message was polled".to_owned()));
    // Each of these anomalies makes the test invalid.
    let error_types = Edn::vector(anomalies.0.keys().map(|name| Edn::Keyword(name)));
    let mut results = Edn::map([
        ("send-count", received.send_count().into()),
        ("acknowledged-count", received.acknowledged_count().into()),
        ("polled-count", received.polled_count().into()),
        ("key-count", received.key_count().into()),
        ("worst-realtime-lag", RealtimeLag::to_edn(realtime_lag::worst(history).as_ref())),
        ("bad-error-types", error_types.clone()),
        ("error-types", error_types),
    ]);
    let stable_latencies_ms = visibility.stable_latencies_ms(history);
    if let Some(quantiles) = quantiles(&stable_latencies_ms, Edn::from) {
        results.insert("stable-latencies", quantiles);
    }
    anomalies.write(&mut results);
    if !strict.0.is_empty() {
        let mut findings = Edn::map([]);
        strict.write(&mut findings);
        results.insert("findings", findings);
    }
    Verdict::new(valid, results, unjudged.into_iter().chain(anomalies.0.into_values().flatten()))
        .with_findings(strict.0.into_values().flatten().chain(nothing).chain(large))
        .with_stable_latencies(stable_latencies_ms)
        .fatal(is_fatal)
}

/// Returns an anomaly if Maelstrom has no verdict on offsets as large as these, or a finding if
/// they only take much memory there.
fn large_offsets(logs: &Logs) -> (Option<Anomaly>, Option<Anomaly>) {
    let Some((key, offset)) =
        logs.largest_offset().filter(|(_, offset)| *offset > MAX_CHEAP_OFFSET)
    else {
        return (None, None);
    };
    let text = |effect: &str| {
        Anomaly::from(format!(
            "large offsets: a message of key {key} has offset {offset}; Maelstrom's checker needs \
             memory for every offset up to the largest, and {effect}"
        ))
    };
    match offset > MAX_JUDGED_OFFSET {
        true => (Some(text("fails")), None),
        false => (None, Some(text("is slow"))),
    }
}

/// Returns the reason why Maelstrom has no verdict, if there is one.
///
/// Jepsen's checker fails with an exception on such a history, whatever else the history shows.
fn unjudged(logs: &Logs, anomalies: &Anomalies) -> Option<Anomaly> {
    if let Some(phantom) = anomalies.0.get("phantom").and_then(|phantoms| phantoms.first()) {
        let text = format!("message without a send: {}", phantom.text);
        return Some(Anomaly::from(text).seen_in(phantom.events.iter().copied()));
    }
    let key = logs.always_empty()?;
    let text = format!("empty lists: polls return key {key}, but never a message of it");
    Some(Anomaly::from(text))
}
