//! The steps of a walk through the graph.

use crate::judge::transactions::graph::{Edge, Graph, Relation, Vertex};

/// An edge with its origin.
pub(super) type Step = (Vertex, Edge);

/// Returns the number of dependencies of a walk. The edge out of a relay does not count.
pub(super) fn length(steps: &[Step]) -> u32 {
    steps.iter().filter(|(_, edge)| edge.relation != Relation::Onward).count() as u32
}

/// Returns `true` if a walk passes each transaction once.
pub(super) fn is_simple(graph: &Graph, steps: &[Step]) -> bool {
    let mut passed: Vec<Vertex> =
        steps.iter().map(|(from, _)| *from).filter(|&from| graph.is_transaction(from)).collect();
    let before = passed.len();
    passed.sort_unstable();
    passed.dedup();
    passed.len() == before
}
