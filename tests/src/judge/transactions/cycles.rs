//! The search for cycles of dependencies, and their names.
//!
//! A kind of cycle is defined by its first dependency and by the dependencies that may follow. The
//! search takes each dependency of the first kind within a component, and finds the shortest path
//! back to its origin.

use std::collections::VecDeque;

use super::anomaly::AnomalyKind;
use super::components::{ALONE, Components};
use super::graph::{Edge, Graph, Note, Relation, Relations, Vertex};

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

/// The number of edges that a search may follow.
///
/// Unlike a clock, it gives the same result for the same history every time.
#[derive(Debug)]
pub(super) struct Effort {
    left: u64,
}

impl Effort {
    /// Creates the effort for this number of edges.
    pub(super) fn new(edges: u64) -> Effort {
        Effort { left: edges }
    }

    /// Takes one edge from the rest. Returns `false` if the rest is empty.
    fn spend(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// Takes up to this number of edges for a part of the search.
    pub(super) fn share(&mut self, edges: u64) -> Effort {
        let left = self.left.min(edges);
        self.left -= left;
        Effort { left }
    }

    /// Returns the unused effort of a part of the search.
    pub(super) fn refund(&mut self, rest: Effort) {
        self.left += rest.left;
    }
}

/// A kind of cycle without the orders of processes and of real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Write-write dependencies only.
    Writes,
    /// At least one write-read dependency, and no read-write one.
    Flow,
    /// One read-write dependency.
    Single,
    /// Two read-write dependencies or more, and no two of them adjacent.
    Nonadjacent,
    /// Two adjacent read-write dependencies.
    Adjacent,
}

/// A kind of cycle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) anomaly: AnomalyKind,
    shape: Shape,
    /// The order, besides data, that the cycle contains at least once.
    order: Option<Relation>,
}

/// The kinds of cycles, the most severe first.
pub(super) const KINDS: [Kind; 15] = {
    const fn kind(anomaly: AnomalyKind, shape: Shape, order: Option<Relation>) -> Kind {
        Kind { anomaly, shape, order }
    }
    const PROCESS: Option<Relation> = Some(Relation::Process);
    const REALTIME: Option<Relation> = Some(Relation::Realtime);
    [
        kind(AnomalyKind::G0, Shape::Writes, None),
        kind(AnomalyKind::G1c, Shape::Flow, None),
        kind(AnomalyKind::GSingleItem, Shape::Single, None),
        kind(AnomalyKind::GNonadjacentItem, Shape::Nonadjacent, None),
        kind(AnomalyKind::G2Item, Shape::Adjacent, None),
        kind(AnomalyKind::G0Process, Shape::Writes, PROCESS),
        kind(AnomalyKind::G1cProcess, Shape::Flow, PROCESS),
        kind(AnomalyKind::GSingleItemProcess, Shape::Single, PROCESS),
        kind(AnomalyKind::GNonadjacentItemProcess, Shape::Nonadjacent, PROCESS),
        kind(AnomalyKind::G2ItemProcess, Shape::Adjacent, PROCESS),
        kind(AnomalyKind::G0Realtime, Shape::Writes, REALTIME),
        kind(AnomalyKind::G1cRealtime, Shape::Flow, REALTIME),
        kind(AnomalyKind::GSingleItemRealtime, Shape::Single, REALTIME),
        kind(AnomalyKind::GNonadjacentItemRealtime, Shape::Nonadjacent, REALTIME),
        kind(AnomalyKind::G2ItemRealtime, Shape::Adjacent, REALTIME),
    ]
};

impl Shape {
    /// Returns the dependency that each cycle of this shape contains, where the search begins.
    fn first(self) -> Relation {
        match self {
            Shape::Writes => Relation::WriteWrite,
            Shape::Flow => Relation::WriteRead,
            Shape::Single | Shape::Nonadjacent | Shape::Adjacent => Relation::ReadWrite,
        }
    }

    /// Returns the dependencies that may occur in cycles of this shape.
    fn relations(self) -> Relations {
        let relations = Relations::of(&[Relation::WriteWrite]);
        match self {
            Shape::Writes => relations,
            Shape::Flow => relations.with(Relation::WriteRead),
            _ => relations.with(Relation::WriteRead).with(Relation::ReadWrite),
        }
    }
}

/// The state of a walk, as a set of bits.
type State = u8;
/// The walk has a step of the order that the kind requires.
const ORDERED: State = 1;
/// The last step is a read-write dependency.
const AT_READ_WRITE: State = 2;
/// The walk has a read-write dependency after the first step.
const SECOND: State = 4;
const STATES: usize = 8;

impl Kind {
    /// Returns the dependencies that may occur in cycles of this kind.
    fn relations(self) -> Relations {
        match self.order {
            Some(order) => self.shape.relations().with(order),
            None => self.shape.relations(),
        }
    }

    /// Returns the state of a walk after its first step.
    fn start(self) -> State {
        match self.shape {
            Shape::Nonadjacent | Shape::Adjacent => AT_READ_WRITE,
            _ => 0,
        }
    }

    /// Returns the state of a walk after one more step, if the kind allows that step.
    fn step(self, state: State, relation: Relation) -> Option<State> {
        if relation == Relation::Onward {
            return Some(state);
        }
        if Some(relation) == self.order {
            return match self.shape {
                Shape::Adjacent if state & SECOND == 0 => None,
                _ => Some((state | ORDERED) & !AT_READ_WRITE),
            };
        }
        match (self.shape, relation) {
            (Shape::Adjacent, Relation::ReadWrite) => Some((state | SECOND) & !AT_READ_WRITE),
            (Shape::Adjacent, Relation::WriteWrite | Relation::WriteRead) => {
                (state & SECOND != 0).then_some(state)
            }
            (Shape::Nonadjacent, Relation::ReadWrite) => {
                (state & AT_READ_WRITE == 0).then_some(state | SECOND | AT_READ_WRITE)
            }
            (_, Relation::WriteWrite) => Some(state & !AT_READ_WRITE),
            (Shape::Flow | Shape::Single | Shape::Nonadjacent, Relation::WriteRead) => {
                Some(state & !AT_READ_WRITE)
            }
            _ => None,
        }
    }

    /// Returns `true` if a walk that ends at its origin in this state is a cycle of this kind.
    fn accepts(self, state: State) -> bool {
        let shape = match self.shape {
            Shape::Nonadjacent => state & (SECOND | AT_READ_WRITE) == SECOND,
            Shape::Adjacent => state & SECOND != 0,
            _ => true,
        };
        shape && (self.order.is_none() || state & ORDERED != 0)
    }
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
/// The maximum effort for one walk that passes each transaction at most once.
const SIMPLE_WALK: u64 = 100_000;
/// The maximum number of dependencies of such a walk: the search for it is recursive.
const MAX_SIMPLE_WALK: u32 = 64;

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

/// The search has used all its effort.
#[derive(Debug)]
struct Stopped;

/// An edge with its origin.
type Step = (Vertex, Edge);

/// Returns the number of dependencies of a walk. The edge out of a relay does not count.
fn length(steps: &[Step]) -> u32 {
    steps.iter().filter(|(_, edge)| edge.relation != Relation::Onward).count() as u32
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

/// The search for paths back to an origin, with the data that it reuses between origins.
struct Walker<'a> {
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
    fn new(graph: &'a Graph, kind: Kind) -> Walker<'a> {
        let reached = vec![Reached::default(); graph.len() * STATES];
        Walker { graph, kind, reached, searches: 0, queue: VecDeque::new() }
    }

    /// Finds the shortest cycle, of at most `limit` dependencies, that begins with this edge.
    fn shortest(
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
        let mut simple = Simple {
            graph: self.graph,
            kind: self.kind,
            component,
            origin,
            limit: limit.min(MAX_SIMPLE_WALK),
            visited: vec![false; self.graph.len()],
            steps: vec![(origin, *first)],
            best: None,
        };
        let mut share = effort.share(SIMPLE_WALK);
        let walked = simple.walk(first.to, self.kind.start(), &mut share);
        let best = simple.best.take();
        effort.refund(share);
        match (best, walked) {
            (None, Err(stopped)) => Err(stopped),
            (best, _) => Ok(best),
        }
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
                if !effort.spend() {
                    return Err(Stopped);
                }
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

/// Returns `true` if a walk passes each transaction once.
fn is_simple(graph: &Graph, steps: &[Step]) -> bool {
    let mut passed: Vec<Vertex> =
        steps.iter().map(|(from, _)| *from).filter(|&from| graph.is_transaction(from)).collect();
    let before = passed.len();
    passed.sort_unstable();
    passed.dedup();
    passed.len() == before
}

/// The search for a cycle that passes each transaction at most once.
///
/// It runs in the rare cases in which the shortest walk passes one twice.
struct Simple<'a> {
    graph: &'a Graph,
    kind: Kind,
    component: &'a [u32],
    origin: Vertex,
    limit: u32,
    visited: Vec<bool>,
    steps: Vec<Step>,
    best: Option<Vec<Step>>,
}

impl Simple<'_> {
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
            if !effort.spend() {
                return Err(Stopped);
            }
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
