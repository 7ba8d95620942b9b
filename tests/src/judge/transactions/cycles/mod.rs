//! The search for cycles of dependencies, and their names.
//!
//! A kind of cycle is defined by its first dependency and by the dependencies that may follow. The
//! search takes each dependency of the first kind within a component, and finds the shortest path
//! back to its origin.

mod effort;
mod kind;
mod simple;
mod step;
mod walk;

pub(super) use effort::Effort;
pub(super) use kind::{KINDS, Kind};

use effort::Stopped;
use step::{Step, length};
use walk::Walker;

use super::components::{ALONE, Components};
use super::graph::{Edge, Graph, Note, Relation, Vertex};

/// A cycle of dependencies. Each step leads to the next one, and the last step to the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The dependencies, in order.
    pub steps: Vec<Dependency>,
}

/// The reason why a transaction precedes the next one of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The index of the transaction that precedes.
    pub from: usize,
    /// The kind of reason.
    pub relation: Relation,
    /// The versions, for relations of data.
    pub note: Note,
}

/// The outcome of a search for one kind of cycle.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// The shortest cycle that was found.
    Found(Cycle),
    /// No cycle exists.
    None,
    /// The effort ended before a cycle was found or excluded.
    Stopped,
}

/// The maximum effort to shorten a cycle that was found.
const SHORTENING: u64 = 1_000_000;
/// Finds a cycle of one kind within a component.
pub(super) fn search(graph: &Graph, kind: Kind, effort: &mut Effort) -> Search {
    let within = Components::find(graph, kind.relations());
    let ordered = kind.order.map(|order| contains(graph, &within, order));
    let mut walker = Walker::new(graph, kind);
    let mut best: Option<Vec<Step>> = None;
    let mut shortening: Option<Effort> = None;
    let mut stopped = false;
    'search: for origin in 0..graph.len() as Vertex {
        let component = within.of[origin as usize];
        if component == ALONE || !graph.is_transaction(origin) {
            continue;
        }
        if ordered.as_ref().is_some_and(|ordered| !ordered[component as usize]) {
            continue;
        }
        for edge in graph.edges(origin) {
            if edge.relation != kind.shape.first() || within.of[edge.to as usize] != component {
                continue;
            }
            let limit = best.as_ref().map_or(u32::MAX, |best| length(best) - 1);
            let spent = shortening.as_mut().unwrap_or(effort);
            match walker.shortest(origin, edge, &within.of, limit, spent) {
                Ok(Some(found)) => best = Some(found),
                Ok(None) => continue,
                Err(Stopped) => {
                    stopped = true;
                    break 'search;
                }
            }
            if best.as_ref().is_some_and(|best| length(best) == 2) {
                break 'search;
            }
            if shortening.is_none() {
                shortening = Some(effort.share(SHORTENING));
            }
        }
    }
    if let Some(rest) = shortening {
        effort.refund(rest);
    }
    match best {
        Some(steps) => Search::Found(cycle(graph, &steps)),
        None if stopped => Search::Stopped,
        None => Search::None,
    }
}

/// Returns, for each component, `true` if it contains an edge of this relation.
fn contains(graph: &Graph, within: &Components, relation: Relation) -> Vec<bool> {
    let mut contains = vec![false; within.count];
    for vertex in 0..graph.len() as Vertex {
        let component = within.of[vertex as usize];
        if component == ALONE {
            continue;
        }
        let inside =
            |edge: &&Edge| edge.relation == relation && within.of[edge.to as usize] == component;
        contains[component as usize] |= graph.edges(vertex).iter().any(|edge| inside(&edge));
    }
    contains
}

/// Returns the cycle of a walk. It joins the halves of dependencies that pass relays.
fn cycle(graph: &Graph, steps: &[Step]) -> Cycle {
    let mut dependencies: Vec<Dependency> = Vec::new();
    for (from, edge) in steps {
        if graph.is_transaction(*from) {
            dependencies.push(Dependency {
                from: *from as usize,
                relation: edge.relation,
                note: edge.note,
            });
        } else if let Some(last) = dependencies.last_mut() {
            last.note.to = last.note.to.max(edge.note.to);
        }
    }
    Cycle { steps: dependencies }
}
