//! The dependency graph of transactions.

use super::{Key, Value};

/// A vertex: the index of a transaction, or a relay.
///
/// A relay replaces many edges of one relation. Each edge into the relay, followed by an edge out
/// of it, is one dependency.
///
/// For example, every transaction that read a version precedes every transaction that overwrote it.
/// With a relay the number of edges is the sum of the transactions, not their product.
pub(super) type Vertex = u32;

/// A reason why one transaction precedes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The second transaction overwrites a version that the first one wrote.
    WriteWrite,
    /// The second transaction reads a version that the first one wrote.
    WriteRead,
    /// The second transaction overwrites a version that the first one read.
    ReadWrite,
    /// One process ran the first transaction, then the second.
    Process,
    /// The first transaction completed before the invocation of the second.
    Realtime,
    /// The edge out of a relay: the second half of another relation.
    Onward,
}

impl Relation {
    /// Returns the name in results, or the empty string for [`Relation::Onward`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Relation::WriteWrite => "ww",
            Relation::WriteRead => "wr",
            Relation::ReadWrite => "rw",
            Relation::Process => "process",
            Relation::Realtime => "realtime",
            Relation::Onward => "",
        }
    }
}

/// A set of relations. It always contains [`Relation::Onward`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relations(u8);

impl Relations {
    /// Returns the set of these relations.
    pub(super) const fn of(relations: &[Relation]) -> Relations {
        let mut bits = 1 << Relation::Onward as u8;
        let mut index = 0;
        while index < relations.len() {
            bits |= 1 << relations[index] as u8;
            index += 1;
        }
        Relations(bits)
    }

    /// Returns the set with one more relation.
    pub(super) const fn with(self, relation: Relation) -> Relations {
        Relations(self.0 | 1 << relation as u8)
    }

    /// Returns `true` if the set contains the relation.
    pub(super) const fn contains(self, relation: Relation) -> bool {
        self.0 & (1 << relation as u8) != 0
    }
}

/// The versions that make one transaction precede another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Note {
    /// The key, for relations of data.
    pub key: Key,
    /// The value that the first transaction wrote or read.
    pub from: Value,
    /// The value that the second transaction wrote, for write-write and read-write dependencies.
    pub to: Value,
}

/// An edge, without its origin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) to: Vertex,
    pub(super) relation: Relation,
    pub(super) note: Note,
}

/// A graph in compressed sparse rows.
#[derive(Debug)]
pub(super) struct Graph {
    /// The number of transactions, which are the first vertices.
    transactions: usize,
    /// The index of each vertex's first edge, and the number of edges at the end.
    rows: Vec<u32>,
    edges: Vec<Edge>,
}

impl Graph {
    /// Returns the number of vertices.
    pub(super) fn len(&self) -> usize {
        self.rows.len() - 1
    }

    /// Returns `true` if the graph has no edge.
    pub(super) fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// Returns `true` if the vertex is a transaction.
    pub(super) fn is_transaction(&self, vertex: Vertex) -> bool {
        (vertex as usize) < self.transactions
    }

    /// Returns the edges out of a vertex.
    pub(super) fn edges(&self, vertex: Vertex) -> &[Edge] {
        let vertex = vertex as usize;
        &self.edges[self.rows[vertex] as usize..self.rows[vertex + 1] as usize]
    }

    /// Returns the graph of these vertices, renumbered. They must be in ascending order.
    pub(super) fn induced(&self, vertices: &[Vertex]) -> Graph {
        let local = |vertex: Vertex| vertices.binary_search(&vertex).ok();
        let mut graph = Builder::new(vertices.partition_point(|&v| self.is_transaction(v)));
        graph.relays = vertices.len() - graph.transactions;
        for (from, &vertex) in vertices.iter().enumerate() {
            for edge in self.edges(vertex) {
                if let Some(to) = local(edge.to) {
                    graph.edges.push((from as Vertex, Edge { to: to as Vertex, ..*edge }));
                }
            }
        }
        graph.build()
    }

    /// Returns a graph without adjacent read-write dependencies.
    ///
    /// Its cycles are the closed walks of this graph in which no two read-write dependencies are
    /// adjacent.
    ///
    /// Vertex `v + len` represents `v` after a read-write dependency.
    pub(super) fn without_adjacent_read_writes(&self) -> Graph {
        let len = self.len();
        // From here on the vertices are only counted, so none of them needs to be a transaction.
        let mut graph = Builder::new(0);
        graph.relays = 2 * len;
        for vertex in 0..len as Vertex {
            for edge in self.edges(vertex) {
                let after = |offset: usize| Edge { to: edge.to + offset as Vertex, ..*edge };
                let shifted = vertex + len as Vertex;
                match edge.relation {
                    Relation::ReadWrite => graph.edges.push((vertex, after(len))),
                    Relation::Onward => {
                        graph.edges.push((vertex, after(0)));
                        graph.edges.push((shifted, after(len)));
                    }
                    _ => {
                        graph.edges.push((vertex, after(0)));
                        graph.edges.push((shifted, after(0)));
                    }
                }
            }
        }
        graph.build()
    }
}

/// A graph under construction.
#[derive(Debug)]
pub(super) struct Builder {
    transactions: usize,
    relays: usize,
    edges: Vec<(Vertex, Edge)>,
}

/// The maximum number of direct edges between readers and writers. Above it, relays replace them.
const MAX_DIRECT_EDGES: usize = 32;

impl Builder {
    /// Creates a graph of transactions without edges.
    pub(super) fn new(transactions: usize) -> Builder {
        Builder { transactions, relays: 0, edges: Vec::new() }
    }

    /// Adds a vertex that is not a transaction.
    pub(super) fn relay(&mut self) -> Vertex {
        self.relays += 1;
        (self.transactions + self.relays - 1) as Vertex
    }

    /// Adds an edge, unless both its ends are the same vertex.
    pub(super) fn link(&mut self, from: Vertex, to: Vertex, relation: Relation, note: Note) {
        if from != to {
            self.edges.push((from, Edge { to, relation, note }));
        }
    }

    /// Makes every reader of a version precede every other transaction that wrote a next version.
    ///
    /// `writers` lists transactions, each with the value that it wrote.
    pub(super) fn anti_dependencies(
        &mut self,
        key: Key,
        version: Value,
        readers: &[Vertex],
        writers: &[(Vertex, Value)],
    ) {
        if readers.len() * writers.len() <= MAX_DIRECT_EDGES {
            for &reader in readers {
                for &(writer, to) in writers {
                    let note = Note { key, from: version, to };
                    self.link(reader, writer, Relation::ReadWrite, note);
                }
            }
            return;
        }
        let mut writers = writers.to_vec();
        writers.sort_unstable();
        // Relay `before[i]` leads to the writers before and at `i`, relay `after[i]` to the writers
        // at and after `i`. Together they lead a reader to all writers except itself.
        let before = self.chain(key, &mut writers.iter());
        let mut after = self.chain(key, &mut writers.iter().rev());
        after.reverse();
        for &reader in readers {
            let first = writers.partition_point(|&(writer, _)| writer < reader);
            let behind = writers.partition_point(|&(writer, _)| writer <= reader);
            let note = Note { key, from: version, to: 0 };
            if let Some(&relay) = first.checked_sub(1).and_then(|last| before.get(last)) {
                self.link(reader, relay, Relation::ReadWrite, note);
            }
            if let Some(&relay) = after.get(behind) {
                self.link(reader, relay, Relation::ReadWrite, note);
            }
        }
    }

    /// Adds relays, each of which leads to one writer and to the relay before it.
    fn chain(
        &mut self,
        key: Key,
        writers: &mut dyn Iterator<Item = &(Vertex, Value)>,
    ) -> Vec<Vertex> {
        let mut relays: Vec<Vertex> = Vec::new();
        for &(writer, to) in writers {
            let relay = self.relay();
            self.link(relay, writer, Relation::Onward, Note { key, from: 0, to });
            if let Some(&previous) = relays.last() {
                self.link(relay, previous, Relation::Onward, Note::default());
            }
            relays.push(relay);
        }
        relays
    }

    /// Returns the finished graph, which contains each edge once.
    pub(super) fn build(mut self) -> Graph {
        // Edges with the same ends and relation count as one. The first one and its versions are
        // kept.
        self.edges.sort_by_key(|(from, edge)| (*from, edge.to, edge.relation));
        self.edges.dedup_by_key(|(from, edge)| (*from, edge.to, edge.relation));
        let vertices = self.transactions + self.relays;
        let mut rows = vec![0u32; vertices + 1];
        for (from, _) in &self.edges {
            rows[*from as usize + 1] += 1;
        }
        for vertex in 0..vertices {
            rows[vertex + 1] += rows[vertex];
        }
        let edges = self.edges.into_iter().map(|(_, edge)| edge).collect();
        Graph { transactions: self.transactions, rows, edges }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns all pairs that a walk of one read-write dependency connects.
    fn pairs(graph: &Graph) -> Vec<(Vertex, Vertex)> {
        let mut pairs = Vec::new();
        for from in 0..graph.len() as Vertex {
            let mut pending: Vec<Vertex> = graph
                .edges(from)
                .iter()
                .filter(|edge| edge.relation == Relation::ReadWrite)
                .map(|edge| edge.to)
                .collect();
            while let Some(vertex) = pending.pop() {
                if graph.is_transaction(vertex) {
                    pairs.push((from, vertex));
                } else {
                    pending.extend(graph.edges(vertex).iter().map(|edge| edge.to));
                }
            }
        }
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn relays_connect_every_reader_with_every_other_writer() {
        let mut graph = Builder::new(20);
        let readers: Vec<Vertex> = (0..12).collect();
        let writers: Vec<(Vertex, Value)> = (6..20).map(|v| (v, 100 + v)).collect();
        graph.anti_dependencies(1, 0, &readers, &writers);
        let graph = graph.build();
        assert!(graph.len() > 20, "no relay was used");
        let mut expected = Vec::new();
        for &reader in &readers {
            for &(writer, _) in &writers {
                if reader != writer {
                    expected.push((reader, writer));
                }
            }
        }
        assert_eq!(pairs(&graph), expected);
    }

    #[test]
    fn an_induced_graph_keeps_the_edges_between_its_vertices_only() {
        let mut graph = Builder::new(4);
        for (from, to) in [(0, 1), (1, 2), (2, 0), (2, 3)] {
            graph.link(from, to, Relation::WriteWrite, Note::default());
        }
        let graph = graph.build().induced(&[0, 2, 3]);
        assert_eq!(graph.len(), 3);
        let targets = |v| graph.edges(v).iter().map(|edge| edge.to).collect::<Vec<_>>();
        assert_eq!((targets(0), targets(1), targets(2)), (vec![], vec![0, 2], vec![]));
    }
}
