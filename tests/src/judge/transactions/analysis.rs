//! The analysis of a dependency graph: its anomalies.

use std::collections::BTreeSet;

use super::anomaly::{self, AnomalyKind};
use super::components::Components;
use super::cycles::{self, Cycle, Effort, KINDS, Search};
use super::graph::{Graph, Relation, Relations, Vertex};
use super::model::{self, Model};

/// The results of the search for cycles in a graph.
#[derive(Debug, Default)]
pub(super) struct Cycles {
    /// The kinds of cycles in each component, each with an example.
    pub(super) found: Vec<(AnomalyKind, Cycle)>,
    /// Models that a component refutes, even if no example was found.
    pub(super) refuted: Vec<Refuted>,
    /// Searches that ended without an answer.
    pub(super) stopped: Vec<Stopped>,
}

/// A model that some cycle within a component refutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuted {
    /// The weakest model that is refuted.
    pub model: Model,
    /// The transactions of the component, by index.
    pub members: Vec<usize>,
}

/// A search that ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The kind of cycle that the search was for.
    pub kind: AnomalyKind,
    /// The number of transactions in the component.
    pub size: usize,
}

/// The maximum number of edges for all searches together, which take seconds.
const TOTAL_EFFORT: u64 = 100_000_000;
/// The maximum number of edges for one search.
const EFFORT_PER_SEARCH: u64 = 10_000_000;

const WW: Relations = Relations::of(&[Relation::WriteWrite]);
const INFORMATION: Relations = WW.with(Relation::WriteRead);
const DATA: Relations = INFORMATION.with(Relation::ReadWrite);

/// A model that holds only if a subgraph has no cycle.
struct Acyclic {
    model: Model,
    anomaly: AnomalyKind,
    relations: Relations,
    /// `true` if only closed walks without adjacent read-write dependencies count.
    nonadjacent: bool,
}

/// The models that a component can refute without a search.
const LEVELS: [Acyclic; 13] = {
    const fn level(model: Model, anomaly: AnomalyKind, relations: Relations) -> Acyclic {
        Acyclic { model, anomaly, relations, nonadjacent: false }
    }
    const fn snapshot(model: Model, anomaly: AnomalyKind, relations: Relations) -> Acyclic {
        Acyclic { model, anomaly, relations, nonadjacent: true }
    }
    const P: Relation = Relation::Process;
    const R: Relation = Relation::Realtime;
    [
        level(Model::ReadUncommitted, AnomalyKind::Pl1CycleExists, WW),
        level(Model::ReadCommitted, AnomalyKind::Pl2CycleExists, INFORMATION),
        snapshot(Model::SnapshotIsolation, AnomalyKind::PlSiCycleExists, DATA),
        level(Model::RepeatableRead, AnomalyKind::Pl299CycleExists, DATA),
        level(Model::Serializable, AnomalyKind::Pl3CycleExists, DATA),
        level(
            Model::StrongSessionReadUncommitted,
            AnomalyKind::StrongSessionPl1CycleExists,
            WW.with(P),
        ),
        level(
            Model::StrongSessionReadCommitted,
            AnomalyKind::StrongSessionPl2CycleExists,
            INFORMATION.with(P),
        ),
        snapshot(
            Model::StrongSessionSnapshotIsolation,
            AnomalyKind::StrongSessionSiCycleExists,
            DATA.with(P),
        ),
        level(
            Model::StrongSessionSerializable,
            AnomalyKind::StrongSessionSerializableCycleExists,
            DATA.with(P),
        ),
        level(Model::StrongReadUncommitted, AnomalyKind::StrongPl1CycleExists, WW.with(R)),
        level(Model::StrongReadCommitted, AnomalyKind::StrongPl2CycleExists, INFORMATION.with(R)),
        snapshot(Model::StrongSnapshotIsolation, AnomalyKind::StrongSiCycleExists, DATA.with(R)),
        level(Model::StrictSerializable, AnomalyKind::PlSsCycleExists, DATA.with(R)),
    ]
};

impl Refuted {
    /// Returns the anomaly that reports the refuted model.
    #[must_use]
    pub fn anomaly(&self) -> AnomalyKind {
        let level = LEVELS.iter().find(|level| level.model == self.model);
        level.map_or(AnomalyKind::PlSsCycleExists, |level| level.anomaly)
    }
}

/// Returns `true` if a component can refute the model without a search.
#[cfg(test)]
pub(super) fn is_level(model: Model) -> bool {
    LEVELS.iter().any(|level| level.model == model)
}

/// Finds the cycles of a graph.
pub(super) fn analyze(graph: &Graph) -> Cycles {
    let everything = DATA.with(Relation::Process).with(Relation::Realtime);
    let mut cycles = Cycles::default();
    let mut effort = Effort::new(TOTAL_EFFORT);
    for members in Components::find(graph, everything).members() {
        analyze_component(&graph.induced(&members), &members, &mut cycles, &mut effort);
    }
    cycles
}

/// Finds the cycles of one strongly connected component. `names` maps its vertices to transactions.
fn analyze_component(graph: &Graph, names: &[Vertex], cycles: &mut Cycles, effort: &mut Effort) {
    let mut refuted: BTreeSet<Model> = BTreeSet::new();
    let mut layered = None;
    for level in &LEVELS {
        if refuted.contains(&level.model) {
            continue;
        }
        let examined = if level.nonadjacent {
            layered.get_or_insert_with(|| graph.without_adjacent_read_writes())
        } else {
            graph
        };
        let components = Components::find(examined, level.relations).members();
        let Some(smallest) = components.iter().min_by_key(|members| members.len()) else {
            continue;
        };
        let mut members: Vec<usize> = smallest
            .iter()
            .map(|&vertex| vertex % graph.len() as Vertex)
            .filter(|&vertex| graph.is_transaction(vertex))
            .map(|vertex| names[vertex as usize] as usize)
            .collect();
        members.sort_unstable();
        members.dedup();
        cycles.refuted.push(Refuted { model: level.model, members });
        refuted.extend(model::refuted_with([level.model]));
    }
    // The anomalies that the remaining models forbid cannot occur.
    let possible: Vec<Model> =
        LEVELS.iter().map(|level| level.model).filter(|model| !refuted.contains(model)).collect();
    let mut skip = model::forbidden_by(&possible);
    for kind in KINDS {
        if skip.contains(&kind.anomaly) {
            continue;
        }
        let mut share = effort.share(EFFORT_PER_SEARCH);
        match cycles::search(graph, kind, &mut share) {
            Search::Found(mut cycle) => {
                for step in &mut cycle.steps {
                    step.from = names[step.from] as usize;
                }
                cycles.found.push((kind.anomaly, cycle));
                skip.extend(anomaly::implied_by([kind.anomaly]));
            }
            Search::None => {}
            Search::Stopped => {
                let size = (0..graph.len()).filter(|&v| graph.is_transaction(v as Vertex)).count();
                cycles.stopped.push(Stopped { kind: kind.anomaly, size });
            }
        }
        effort.refund(share);
    }
}
