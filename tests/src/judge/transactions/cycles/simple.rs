//! The search for a cycle that passes each transaction at most once.

use super::effort::{Effort, Stopped};
use super::kind::{Kind, State};
use super::step::{Step, length};
use crate::judge::transactions::graph::{Edge, Graph, Vertex};

/// The maximum effort for one search.
const MAX_EFFORT: u64 = 100_000;
/// The maximum number of dependencies: the search is recursive.
const MAX_STEPS: u32 = 64;

/// The search for a cycle that passes each transaction at most once.
///
/// It runs in the rare cases in which the shortest walk passes one twice.
pub(super) struct Simple<'a> {
    graph: &'a Graph,
    kind: Kind,
    component: &'a [u32],
    origin: Vertex,
    limit: u32,
    visited: Vec<bool>,
    steps: Vec<Step>,
    best: Option<Vec<Step>>,
}

impl<'a> Simple<'a> {
    /// Creates the search for a cycle through `origin` of at most `limit` dependencies.
    pub(super) fn new(
        graph: &'a Graph,
        kind: Kind,
        component: &'a [u32],
        origin: Vertex,
        limit: u32,
    ) -> Simple<'a> {
        Simple {
            graph,
            kind,
            component,
            origin,
            limit: limit.min(MAX_STEPS),
            visited: vec![false; graph.len()],
            steps: Vec::new(),
            best: None,
        }
    }

    /// Finds the shortest cycle that begins with this edge.
    pub(super) fn shortest(
        mut self,
        first: &Edge,
        effort: &mut Effort,
    ) -> Result<Option<Vec<Step>>, Stopped> {
        self.steps.push((self.origin, *first));
        let mut share = effort.share(MAX_EFFORT);
        let walked = self.walk(first.to, self.kind.start(), &mut share);
        effort.refund(share);
        match (self.best, walked) {
            (None, Err(stopped)) => Err(stopped),
            (best, _) => Ok(best),
        }
    }

    fn walk(&mut self, vertex: Vertex, state: State, effort: &mut Effort) -> Result<(), Stopped> {
        // A walk may pass a relay again.
        self.visited[vertex as usize] = self.graph.is_transaction(vertex);
        let result = self.follow(vertex, state, effort);
        self.visited[vertex as usize] = false;
        result
    }

    fn follow(&mut self, vertex: Vertex, state: State, effort: &mut Effort) -> Result<(), Stopped> {
        let (graph, home) = (self.graph, self.component[self.origin as usize]);
        for edge in graph.edges(vertex) {
            effort.spend()?;
            if self.component[edge.to as usize] != home || self.visited[edge.to as usize] {
                continue;
            }
            let Some(next) = self.kind.step(state, edge.relation) else { continue };
            let limit = self.best.as_deref().map_or(self.limit, |best| length(best) - 1);
            self.steps.push((vertex, *edge));
            if length(&self.steps) <= limit {
                if edge.to != self.origin {
                    self.walk(edge.to, next, effort)?;
                } else if self.kind.accepts(next) {
                    self.best = Some(self.steps.clone());
                }
            }
            self.steps.pop();
        }
        Ok(())
    }
}
