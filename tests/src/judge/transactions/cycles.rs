//! The search for cycles of dependencies, and their names.
//!
//! A kind of cycle is described by the dependency it begins with and by what may follow. The
//! search takes each dependency of the first kind that lies within a component, and finds the
//! shortest way back to its origin.

use std::collections::VecDeque;

use super::anomaly::AnomalyKind;
use super::components::{ALONE, Components};
use super::graph::{Edge, Graph, Note, Relation, Relations, Vertex};

/// A cycle of dependencies: each step leads to the next one, the last to the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The dependencies, in order.
    pub steps: Vec<Dependency>,
}

/// Why a transaction precedes the next one of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The transaction that precedes, by its index.
    pub from: usize,
    /// The kind of reason.
    pub relation: Relation,
    /// The versions, for relations of data.
    pub note: Note,
}

/// How many edges a search may follow. Counting, unlike a clock, gives the same result for the
/// same history every time.
#[derive(Debug)]
pub(super) struct Effort {
    left: u64,
}

impl Effort {
    /// The effort for this many edges.
    pub(super) fn new(edges: u64) -> Effort {
        Effort { left: edges }
    }

    /// Takes one edge from what is left; `false` if nothing is.
    fn spend(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// Takes up to this much away for a part of the search.
    pub(super) fn share(&mut self, edges: u64) -> Effort {
        let left = self.left.min(edges);
        self.left -= left;
        Effort { left }
    }

    /// Gives back what a part of the search did not need.
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
    /// The order, besides data, of which the cycle contains a step.
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
    /// The dependency that each cycle of this shape has, and with which the search begins.
    fn first(self) -> Relation {
        match self {
            Shape::Writes => Relation::WriteWrite,
            Shape::Flow => Relation::WriteRead,
            Shape::Single | Shape::Nonadjacent | Shape::Adjacent => Relation::ReadWrite,
        }
    }

    /// The dependencies that cycles of this shape consist of.
    fn relations(self) -> Relations {
        let relations = Relations::of(&[Relation::WriteWrite]);
        match self {
            Shape::Writes => relations,
            Shape::Flow => relations.with(Relation::WriteRead),
            _ => relations.with(Relation::WriteRead).with(Relation::ReadWrite),
        }
    }
}

/// What a walk remembers, as a set of bits.
type State = u8;
/// The walk has a step of the order that the kind asks for.
const ORDERED: State = 1;
/// The last step is a read-write dependency.
const AT_READ_WRITE: State = 2;
/// The walk has a read-write dependency after the first step.
const SECOND: State = 4;
const STATES: usize = 8;

impl Kind {
    /// The dependencies that cycles of this kind consist of.
    fn relations(self) -> Relations {
        match self.order {
            Some(order) => self.shape.relations().with(order),
            None => self.shape.relations(),
        }
    }

    /// The state of a walk after its first step.
    fn start(self) -> State {
        match self.shape {
            Shape::Nonadjacent | Shape::Adjacent => AT_READ_WRITE,
            _ => 0,
        }
    }

    /// The state of a walk after one more step, if the kind allows that step.
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

    /// Whether a walk that is back at its origin in this state is a cycle of this kind.
    fn accepts(self, state: State) -> bool {
        let shape = match self.shape {
            Shape::Nonadjacent => state & (SECOND | AT_READ_WRITE) == SECOND,
            Shape::Adjacent => state & SECOND != 0,
            _ => true,
        };
        shape && (self.order.is_none() || state & ORDERED != 0)
    }
}

/// What a search for one kind of cycle came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// This is the shortest cycle that was found.
    Found(Cycle),
    /// There is none.
    None,
    /// The effort was spent before a cycle was found or excluded.
    Stopped,
}

/// How much of the effort goes into shortening a cycle once there is one.
const SHORTENING: u64 = 1_000_000;
/// How much of the effort goes into one walk that may not pass a transaction twice.
const SIMPLE_WALK: u64 = 100_000;
/// How many dependencies such a walk may have: the search for it is recursive.
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

/// Whether each component contains an edge of this relation.
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

/// The effort is spent.
#[derive(Debug)]
struct Stopped;

/// An edge with its origin.
type Step = (Vertex, Edge);

/// How many dependencies a walk has: a relay is not one of its own.
fn length(steps: &[Step]) -> u32 {
    steps.iter().filter(|(_, edge)| edge.relation != Relation::Onward).count() as u32
}

/// Joins the halves of dependencies that pass relays.
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

/// The search for ways back, with what it keeps from one origin to the next.
struct Walker<'a> {
    graph: &'a Graph,
    kind: Kind,
    /// How each vertex was reached in each state.
    reached: Vec<Reached>,
    searches: u32,
    queue: VecDeque<(Vertex, State, u32)>,
}

/// How a walk came to a vertex.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    /// The search in which it did.
    search: u32,
    /// The length of the walk.
    steps: u32,
    /// Where the last edge begins.
    from: Vertex,
    /// Which one it is there.
    edge: u32,
    /// The state before it.
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
        // Seldom: the shortest walk passes a vertex twice, so it is not a cycle of this kind,
        // but the sum of two. A longer one may be.
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
        // Between two adjacent read-write dependencies there is a transaction of its own.
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
                // A relay is on the way of one dependency: it is as near as where it is entered.
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

    /// The steps of the walk that was found, the first edge included.
    fn steps_to(&self, origin: Vertex, first: &Edge, end: State) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut reached = self.reached[slot(origin, end)];
        // The first edge has no index, and none is out of range.
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

/// Whether a walk passes every transaction once.
fn is_simple(graph: &Graph, steps: &[Step]) -> bool {
    let mut passed: Vec<Vertex> =
        steps.iter().map(|(from, _)| *from).filter(|&from| graph.is_transaction(from)).collect();
    let before = passed.len();
    passed.sort_unstable();
    passed.dedup();
    passed.len() == before
}

/// The search for a cycle that passes no transaction twice, for the few cases in which the
/// shortest walk does.
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
        // Relays may be passed again; they are on no cycle of their own.
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
