//! What checkers of registers and transactions put into the results: a prefix, a cycle.

use super::data::{Cycle, CycleStep, Entry, ReportData};
use crate::format::edn::Edn;

/// The most cycles that a page draws.
const MAX_CYCLES: usize = 8;

/// Takes over what the results have of these; workloads without them have none of the keys.
pub(super) fn read(results: &Edn, data: &mut ReportData) {
    let Some(workload) = results.get("workload") else { return };
    for (key, name) in
        [("linearizable-prefix", "Operations in the prefix"), ("unplaceable", "No place for")]
    {
        if let Some(value) = workload.get(key) {
            data.linearization.push(Entry::new(name, value.pretty(80)));
        }
    }
    if let Some(Edn::Vector(cycles)) = workload.get("cycles") {
        data.cycles = cycles.iter().take(MAX_CYCLES).filter_map(cycle).collect();
    }
}

/// Reads `{:type "G1c" :steps [{:op … :index … :edge :ww} …]}`.
fn cycle(found: &Edn) -> Option<Cycle> {
    let Edn::Vector(steps) = found.get("steps")? else { return None };
    let plain = |value: &Edn| match value {
        Edn::Str(text) => text.clone(),
        other => other.to_string().trim_start_matches(':').to_owned(),
    };
    let step = |step: &Edn| {
        let operation = match step.get("index") {
            Some(Edn::Int(index)) => u64::try_from(*index).ok(),
            _ => None,
        };
        let (transaction, edge) = (plain(step.get("op")?), plain(step.get("edge")?));
        Some(CycleStep { transaction, operation, edge })
    };
    let name = found.get("type").map_or_else(|| "cycle".to_owned(), plain);
    Some(Cycle { name, steps: steps.iter().filter_map(step).collect() })
}
