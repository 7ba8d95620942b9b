//! Walks through the graph that lead back to their origin.

use std::collections::VecDeque;

use super::effort::{Effort, Stopped};
use super::kind::{Kind, STATES, Shape, State};
use super::simple::Simple;
use super::step::{Step, is_simple};
use crate::judge::transactions::graph::{Edge, Graph, Relation, Vertex};

/// The search for paths back to an origin, with the data that it reuses between origins.
pub(super) struct Walker<'a> {
    graph: &'a Graph,
    kind: Kind,
    /// The first walk that reached each vertex in each state.
    reached: Vec<Reached>,
    searches: u32,
    queue: VecDeque<(Vertex, State, u32)>,
}

/// The last step of the walk that reached a vertex.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    /// The number of the search.
    search: u32,
    /// The length of the walk.
    steps: u32,
    /// The origin of the last edge.
    from: Vertex,
    /// The index of that edge among the edges of its origin.
    edge: u32,
    /// The state before that edge.
    state: State,
}

impl<'a> Walker<'a> {
    pub(super) fn new(graph: &'a Graph, kind: Kind) -> Walker<'a> {
        let reached = vec![Reached::default(); graph.len() * STATES];
        Walker { graph, kind, reached, searches: 0, queue: VecDeque::new() }
    }

    /// Finds the shortest cycle, of at most `limit` dependencies, that begins with this edge.
    pub(super) fn shortest(
        &mut self,
        origin: Vertex,
        first: &Edge,
        component: &[u32],
        limit: u32,
        effort: &mut Effort,
    ) -> Result<Option<Vec<Step>>, Stopped> {
        let Some(end) = self.breadth_first(origin, first, component, limit, effort)? else {
            return Ok(None);
        };
        let steps = self.steps_to(origin, first, end);
        if is_simple(self.graph, &steps) {
            return Ok(Some(steps));
        }
        // This is rare. The shortest walk passes a vertex twice, so it is not a cycle, but the sum
        // of two cycles. A longer walk may be a cycle.
        let simple = Simple::new(self.graph, self.kind, component, origin, limit);
        simple.shortest(first, effort)
    }

    fn breadth_first(
        &mut self,
        origin: Vertex,
        first: &Edge,
        component: &[u32],
        limit: u32,
        effort: &mut Effort,
    ) -> Result<Option<State>, Stopped> {
        let (graph, kind) = (self.graph, self.kind);
        self.searches += 1;
        let search = self.searches;
        let home = component[origin as usize];
        // The transaction between two adjacent read-write dependencies must not occur again.
        let between =
            (kind.shape == Shape::Adjacent && graph.is_transaction(first.to)).then_some(first.to);
        let mut limit = limit;
        let mut found = None;
        self.queue.clear();
        self.queue.push_back((first.to, kind.start(), 1));
        self.reached[slot(first.to, kind.start())] =
            Reached { search, steps: 1, from: origin, edge: u32::MAX, state: 0 };
        while let Some((vertex, state, steps)) = self.queue.pop_front() {
            if steps > limit {
                break;
            }
            for (index, edge) in graph.edges(vertex).iter().enumerate() {
                effort.spend()?;
                if component[edge.to as usize] != home || between == Some(edge.to) {
                    continue;
                }
                let Some(next) = kind.step(state, edge.relation) else { continue };
                // The edge out of a relay does not add to the distance.
                let onward = edge.relation == Relation::Onward;
                let steps = if onward { steps } else { steps + 1 };
                let back = edge.to == origin;
                if steps > limit || (back && !kind.accepts(next)) {
                    continue;
                }
                let reached = &mut self.reached[slot(edge.to, next)];
                if reached.search == search && reached.steps <= steps {
                    continue;
                }
                *reached = Reached { search, steps, from: vertex, edge: index as u32, state };
                if back {
                    found = Some(next);
                    limit = steps.saturating_sub(1);
                } else if onward {
                    self.queue.push_front((edge.to, next, steps));
                } else {
                    self.queue.push_back((edge.to, next, steps));
                }
            }
        }
        Ok(found)
    }

    /// Returns the steps of the walk that was found, including the first edge.
    fn steps_to(&self, origin: Vertex, first: &Edge, end: State) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut reached = self.reached[slot(origin, end)];
        // The index of the first edge is out of range, which ends the loop.
        while let Some(edge) = self.graph.edges(reached.from).get(reached.edge as usize) {
            steps.push((reached.from, *edge));
            reached = self.reached[slot(reached.from, reached.state)];
        }
        steps.push((origin, *first));
        steps.reverse();
        steps
    }
}

fn slot(vertex: Vertex, state: State) -> usize {
    vertex as usize * STATES + state as usize
}
