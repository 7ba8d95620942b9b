//! The results of checkers: the longest linearizable prefix, and cycles.
//!
//! Registers have linearizable prefixes, and transactions have cycles.
//!
//! The results have the form of Knossos's and Elle's results. A report can therefore also show a
//! history that another tool judged. Workloads without these keys have neither section.

use super::data::{Cycle, CycleStep, Linearization, OperationLink, ReportData};
use crate::base::excerpt::beginning;
use crate::format::edn::Edn;

/// The maximum number of cycles, and of keys that are not linearizable, on a page.
const MAX_SHOWN: usize = 8;

/// The maximum number of cycles of one kind, so that a frequent kind leaves space for the others.
const MAX_CYCLES_OF_A_KIND: usize = 2;

/// The maximum length of an operation's text.
const MAX_TEXT: usize = 200;

/// Copies linearizations and cycles from the results of the workload.
pub(super) fn read(results: &Edn, data: &mut ReportData) {
    let Some(workload) = results.get("workload") else { return };
    if let Some(Edn::Map(keys)) = workload.get("results") {
        let of_key = |(key, result): &(Edn, Edn)| linearization(key, result.get("linearizable")?);
        data.linearizations = keys.iter().filter_map(of_key).take(MAX_SHOWN).collect();
    }
    if let Some(Edn::Map(anomalies)) = workload.get("anomalies") {
        let cases = anomalies.iter().filter_map(|(kind, cases)| match cases {
            Edn::Vector(cases) => {
                let cycles = cases.iter().filter_map(move |case| cycle(kind, case));
                Some(cycles.take(MAX_CYCLES_OF_A_KIND))
            }
            _ => None,
        });
        data.cycles = cases.flatten().take(MAX_SHOWN).collect();
    }
}

/// Reads `{:op … :prefix-count n :prefix […] :values […] :pending […]}`.
fn linearization(key: &Edn, result: &Edn) -> Option<Linearization> {
    let links = |name: &str| match result.get(name) {
        Some(Edn::Vector(operations)) => operations.iter().map(link).collect(),
        _ => Vec::new(),
    };
    Some(Linearization {
        key: beginning(&key.to_string(), MAX_TEXT),
        unplaceable: link(result.get("op")?),
        prefix_count: plain(result.get("prefix-count")?),
        prefix: links("prefix"),
        values: result.get("values").map(plain).unwrap_or_default(),
        pending: links("pending"),
    })
}

/// Reads `{:cycle [op … op] :steps [{:type :wr :because "…"} …]}`. The first transaction is
/// repeated at the end.
fn cycle(kind: &Edn, found: &Edn) -> Option<Cycle> {
    let (Edn::Vector(operations), Edn::Vector(steps)) = (found.get("cycle")?, found.get("steps")?)
    else {
        return None;
    };
    let step = |(operation, step): (&Edn, &Edn)| CycleStep {
        transaction: link(operation),
        edge: step.get("type").map(plain).unwrap_or_default(),
        because: step.get("because").map(plain).unwrap_or_default(),
    };
    let steps: Vec<CycleStep> = operations.iter().zip(steps).map(step).collect();
    (!steps.is_empty()).then(|| Cycle { name: plain(kind), steps })
}

/// Returns a link to an operation: its value, its process and its start.
fn link(operation: &Edn) -> OperationLink {
    let part = |name: &str| operation.get(name).map(plain).unwrap_or_default();
    let index = |name: &str| match operation.get(name) {
        Some(Edn::Int(index)) => u64::try_from(*index).ok(),
        _ => None,
    };
    let text =
        format!("{} {} {}, process {}", part("f"), part("value"), part("type"), part("process"));
    OperationLink { text, index: index("invoked") }
}

/// Returns a value without the quotes of a string or the colon of a keyword.
fn plain(value: &Edn) -> String {
    let text = match value {
        Edn::Str(text) => text.clone(),
        Edn::Keyword(word) => (*word).to_owned(),
        other => other.to_string(),
    };
    beginning(&text, MAX_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(invoked: u64, value: &str) -> Edn {
        Edn::map([
            ("f", Edn::Keyword("txn")),
            ("value", value.into()),
            ("type", Edn::Keyword("ok")),
            ("process", 3u64.into()),
            ("invoked", invoked.into()),
        ])
    }

    #[test]
    fn a_cycle_links_each_transaction_to_the_next() {
        let step = |edge| Edn::map([("type", Edn::Keyword(edge)), ("because", "T1 first".into())]);
        let (a, b) = (operation(4, "a"), operation(6, "b"));
        let case = Edn::map([
            ("cycle", Edn::Vector(vec![a.clone(), b, a])),
            ("steps", Edn::Vector(vec![step("wr"), step("rw")])),
        ]);
        let g0 = (Edn::Keyword("G0"), Edn::Vector(vec![case.clone(); 20]));
        let g1c = (Edn::Keyword("G1c"), Edn::Vector(vec![case, Edn::Nil]));
        let anomalies = Edn::Map(vec![g0, g1c]);
        let results = Edn::map([("workload", Edn::map([("anomalies", anomalies)]))]);
        let mut data = ReportData::default();
        read(&results, &mut data);
        let [_, _, cycle] = data.cycles.as_slice() else { panic!("{:?}", data.cycles) };
        let steps: Vec<_> =
            cycle.steps.iter().map(|s| (s.transaction.index, s.edge.as_str())).collect();
        assert_eq!((cycle.name.as_str(), steps), ("G1c", vec![(Some(4), "wr"), (Some(6), "rw")]));
        assert_eq!(cycle.steps[0].transaction.text, "txn a ok, process 3");
    }

    #[test]
    fn a_register_without_an_order_is_shown_with_its_prefix() {
        let violation = Edn::map([
            ("op", operation(9, "5")),
            ("prefix-count", 2u64.into()),
            ("prefix", Edn::Vector(vec![operation(1, "4"), operation(3, "4")])),
            ("values", Edn::Vector(vec![4i64.into()])),
            ("pending", Edn::Vector(Vec::new())),
        ]);
        let right = Edn::map([("linearizable", Edn::map([("valid?", Edn::Bool(true))]))]);
        let wrong = Edn::map([("linearizable", violation)]);
        let keys = Edn::Map(vec![(0i64.into(), right), (7i64.into(), wrong)]);
        let results = Edn::map([("workload", Edn::map([("results", keys)]))]);
        let mut data = ReportData::default();
        read(&results, &mut data);
        let [found] = data.linearizations.as_slice() else { panic!("{:?}", data.linearizations) };
        assert_eq!((found.key.as_str(), found.prefix_count.as_str()), ("7", "2"));
        assert_eq!((found.unplaceable.index, found.prefix.len()), (Some(9), 2));
        assert_eq!(found.values, "[4]");
    }
}
