//! Checker of transactions: the anomalies of the history, and the models that they refute.

mod record;
mod results;
mod sentences;

use std::collections::BTreeMap;

use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::history::{EventKind, History};
use crate::judge::transactions::{Boundary, Model, ModelJudgement, Obstacle};
use crate::judge::{Anomaly, Valid, Verdict};
use crate::workload::Context;
use crate::workload::txn::{Data, Done, Step, Txn};

use record::TxnRecord;
use sentences::Sentences;

/// The likely cause of each anomaly.
pub(super) const CAUSES: &[(&str, &str)] = &[
    ("G0", "the node applies the writes of two transactions key by key, in different orders"),
    ("G0-process", "a later transaction of one client is ordered before an earlier one"),
    ("G0-realtime", "a write is ordered before one that was complete before it began"),
    ("G1a", "a write is applied before its transaction is certain to commit"),
    ("G1b", "a write is visible before its transaction has committed"),
    ("G1c", "transactions see each other's writes before either has committed"),
    ("G1c-process", "a client sees a state that its own later transaction made"),
    ("G1c-realtime", "a transaction read a value before the write of it had begun"),
    ("G-single-item", "a transaction sees one write of another and misses a second one"),
    (
        "G-single-item-process",
        "a client's request reached a node without the state that the client \
                               has seen",
    ),
    ("G-single-item-realtime", "a read is stale: it misses a write that was complete before"),
    ("G-nonadjacent-item", "nodes show writes in different orders"),
    ("G-nonadjacent-item-process", "nodes show writes in different orders"),
    ("G-nonadjacent-item-realtime", "nodes show writes in different orders, some of them late"),
    ("G2-item", "transactions read what others overwrite, and no lock or check prevents it"),
    ("G2-item-process", "transactions read what others overwrite, across a client's requests"),
    ("G2-item-realtime", "transactions read states that are out of date"),
    ("lost-update", "a read and the write that follows it are not one atomic step"),
    ("dirty-update", "a transaction builds on a write that was rolled back"),
    ("internal", "a transaction does not read its own writes, or its reads are not repeatable"),
    ("future-read", "the writes of a transaction are applied before its reads"),
    ("duplicate-elements", "an append was retried, or arrived twice, and was applied twice"),
    ("incompatible-order", "appends were lost, or nodes apply them in different orders"),
    ("cyclic-versions", "two transactions overwrote what the other had read: one was lost"),
    ("phantom value", "the value was made up, converted, or taken from another key"),
    ("no verdict", "the element was made up, converted, or taken from another key"),
    ("appends out of order", "the writes of a transaction are applied in another order"),
    ("unrepeatable read", "the reads of a transaction do not come from one snapshot"),
    ("future read", "the writes of a transaction are applied before its reads"),
    ("changed transaction", "the reply does not have the steps of the request, in their order"),
    ("written twice", "a reply contains a write that the client did not request"),
    ("keys of several types", "the node converts keys to strings"),
];

/// The number of cases of an anomaly or a finding that have a sentence.
const MAX_SENTENCES: usize = 3;

/// Judges a history of transactions against these models.
#[must_use]
pub(super) fn check<D: Data>(
    history: &History<Txn<D>>,
    context: &Context<'_>,
    models: &[Model],
) -> Verdict {
    let record = TxnRecord::<D>::of(history);
    let anomalies = D::check(&record.transactions, models);
    let judgement = D::adjust(anomalies.judge(models));
    let sentences = Sentences { history, context, record: &record };

    let mut described: Vec<Anomaly> = Vec::new();
    let mut shown: Vec<(Edn, Edn)> = Vec::new();
    let mut counts: Vec<(Edn, Edn)> = Vec::new();
    for &kind in &judgement.reported {
        let examples = anomalies.examples(kind);
        let texts = examples.iter().map(|evidence| sentences.anomaly(kind, evidence));
        let texts = limited(texts.collect(), anomalies.count(kind));
        described.extend(
            texts
                .into_iter()
                .zip(examples)
                .map(|(text, evidence)| Anomaly::from(text).seen_in(sentences.events(evidence))),
        );
        let cases = examples.iter().map(|evidence| sentences.evidence(kind, evidence)).collect();
        shown.push((Edn::Keyword(kind.name()), Edn::Vector(cases)));
        counts.push((Edn::Keyword(kind.name()), anomalies.count(kind).into()));
    }

    let mut findings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let changed = changed::<D>(history, &record).into_iter().map(|t| sentences.changed(t));
    let unjudged = anomalies.unjudged.iter().map(|wrong| sentences.unjudged(wrong));
    for text in changed.chain(unjudged) {
        let name = text.split(':').next().unwrap_or_default().to_owned();
        findings.entry(name).or_default().push(text);
    }
    let findings = findings.into_values().flat_map(|texts| {
        let count = texts.len();
        limited(texts, count)
    });
    let findings: Vec<String> = findings.collect();

    let mut valid = judgement.valid;
    let mut error = anomalies.obstacle.as_ref().map(|obstacle| sentences.obstacle(obstacle));
    let has_mixed_keys = results::has_mixed_keys(&record);
    if has_mixed_keys {
        error = Some(mixed_keys(&record));
    }
    // These are failed assertions in Elle. The other obstacle is an exception.
    let is_never_appended = matches!(anomalies.obstacle, Some(Obstacle::NeverAppended { .. }));
    let is_fatal = has_mixed_keys || is_never_appended;
    let mut results = results(&judgement, shown, counts);
    if let Some(error) = error {
        // Maelstrom's checker fails in this case, whatever it has found before.
        valid = Valid::Unknown;
        results.insert("error", Edn::Str(error.clone()));
        described.insert(0, error.into());
    }
    Verdict::new(valid, results, described).with_findings(findings).fatal(is_fatal)
}

/// Returns the part of the results with Elle's keys.
fn results(judgement: &ModelJudgement, shown: Vec<(Edn, Edn)>, counts: Vec<(Edn, Edn)>) -> Edn {
    if judgement.reported.is_empty() {
        return Edn::Map(Vec::new());
    }
    let Boundary { not, also_not } = &judgement.boundary;
    let models = |models: &std::collections::BTreeSet<Model>| {
        let mut names: Vec<&'static str> = models.iter().map(|model| model.name()).collect();
        names.sort_unstable();
        Edn::Set(names.into_iter().map(Edn::Keyword).collect())
    };
    let kinds = judgement.reported.iter().map(|kind| Edn::Keyword(kind.name()));
    Edn::map([
        ("anomaly-types", Edn::Vector(kinds.collect())),
        ("anomalies", Edn::Map(shown)),
        ("anomaly-counts", Edn::Map(counts)),
        ("not", models(not)),
        ("also-not", models(also_not)),
    ])
}

/// Returns the first sentences. The last of them contains the number of further cases.
fn limited(mut texts: Vec<String>, count: usize) -> Vec<String> {
    texts.truncate(MAX_SENTENCES);
    let more = count.saturating_sub(texts.len());
    if let Some(last) = texts.last_mut()
        && more > 0
    {
        last.push_str(&format!("; and {more} more"));
    }
    texts
}

/// Returns the transactions that nodes returned with steps other than the requested steps.
fn changed<D: Data>(history: &History<Txn<D>>, record: &TxnRecord<D>) -> Vec<usize> {
    let is_changed = |(index, transaction): (usize, &_)| -> Option<usize> {
        let transaction: &crate::judge::transactions::Transaction<D::JudgedTest> = transaction;
        let event = history.events().get(transaction.completed)?;
        let EventKind::Ok { output, .. } = &event.kind else { return None };
        let asked = &history.invocation(transaction.invoked).op;
        let same = |(step, done): (&Step, &Done<D::Read>)| match (step, done) {
            (Step::Read(key), Done::Read(returned, _)) => *returned == Element::Int(*key),
            (Step::Write(key, value), Done::Write(returned, written)) => {
                *returned == Element::Int(*key) && *written == Element::Int(*value)
            }
            _ => false,
        };
        let unchanged = asked.len() == output.len() && asked.iter().zip(output).all(same);
        (!unchanged).then_some(index)
    };
    record.transactions.iter().enumerate().filter_map(is_changed).collect()
}

/// Describes why Maelstrom's checker fails on returned keys that are not integers.
fn mixed_keys<D: Data>(record: &TxnRecord<D>) -> String {
    let other = record.names.keys().iter().find(|key| matches!(key, Element::Other(_)));
    let other = other.map(|key| format!(", such as {key}")).unwrap_or_default();
    format!(
        "keys of several types: replies contain keys that are not integers{other}, on which \
         Maelstrom's checker fails"
    )
}
