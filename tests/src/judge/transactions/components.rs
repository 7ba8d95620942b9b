//! Strongly connected components, found by Tarjan's algorithm without recursion.

use super::graph::{Graph, Relations, Vertex};

/// The component of a vertex that is not on a cycle.
pub(super) const ALONE: u32 = u32::MAX;

/// The strongly connected components of more than one vertex.
#[derive(Debug)]
pub(super) struct Components {
    /// The component of each vertex, or [`ALONE`].
    pub(super) of: Vec<u32>,
    /// The number of components.
    pub(super) count: usize,
}

impl Components {
    /// Finds the components of the graph that has only the edges of these relations.
    pub(super) fn find(graph: &Graph, relations: Relations) -> Components {
        const UNSEEN: u32 = u32::MAX;
        let vertices = graph.len();
        let mut number = vec![UNSEEN; vertices];
        let mut lowest = vec![0u32; vertices];
        let mut on_stack = vec![false; vertices];
        let mut of = vec![ALONE; vertices];
        let mut count = 0u32;
        let mut next = 0u32;
        let mut stack: Vec<Vertex> = Vec::new();
        // The vertices of the current path, each with the index of its next edge.
        let mut path: Vec<(Vertex, usize)> = Vec::new();
        for root in 0..vertices as Vertex {
            if number[root as usize] != UNSEEN {
                continue;
            }
            path.push((root, 0));
            while let Some(&mut (vertex, ref mut position)) = path.last_mut() {
                let here = vertex as usize;
                if *position == 0 && number[here] == UNSEEN {
                    number[here] = next;
                    lowest[here] = next;
                    next += 1;
                    stack.push(vertex);
                    on_stack[here] = true;
                }
                if let Some(edge) = graph.edges(vertex).get(*position) {
                    *position += 1;
                    if !relations.contains(edge.relation) {
                        continue;
                    }
                    let there = edge.to as usize;
                    if number[there] == UNSEEN {
                        path.push((edge.to, 0));
                    } else if on_stack[there] {
                        lowest[here] = lowest[here].min(number[there]);
                    }
                    continue;
                }
                path.pop();
                if let Some(&(parent, _)) = path.last() {
                    lowest[parent as usize] = lowest[parent as usize].min(lowest[here]);
                }
                if lowest[here] == number[here] {
                    let start = stack.iter().rposition(|&v| v == vertex).unwrap_or_default();
                    let members = stack.split_off(start);
                    let name = if members.len() > 1 {
                        count += 1;
                        count - 1
                    } else {
                        ALONE
                    };
                    for member in members {
                        on_stack[member as usize] = false;
                        of[member as usize] = name;
                    }
                }
            }
        }
        Components { of, count: count as usize }
    }

    /// Returns the vertices of each component, in ascending order.
    pub(super) fn members(&self) -> Vec<Vec<Vertex>> {
        let mut members = vec![Vec::new(); self.count];
        for (vertex, &component) in self.of.iter().enumerate() {
            if component != ALONE {
                members[component as usize].push(vertex as Vertex);
            }
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::{Builder, Note, Relation};
    use super::*;
    use crate::base::rng::{Rng, Stream};

    const ALL: Relations =
        Relations::of(&[Relation::WriteWrite, Relation::WriteRead, Relation::ReadWrite]);

    #[test]
    fn agrees_with_mutual_reachability_on_random_graphs() {
        let mut random = Rng::new(7, Stream::Generator);
        for round in 0..2_000 {
            let vertices = 1 + random.index(8);
            let mut graph = Builder::new(vertices);
            for _ in 0..random.index(2 * vertices + 1) {
                let (from, to) = (random.index(vertices), random.index(vertices));
                let relation =
                    if random.index(4) == 0 { Relation::Process } else { Relation::WriteRead };
                graph.link(from as Vertex, to as Vertex, relation, Note::default());
            }
            let graph = graph.build();
            let mut reaches = vec![vec![false; vertices]; vertices];
            for (from, row) in reaches.iter_mut().enumerate() {
                for edge in graph.edges(from as Vertex) {
                    row[edge.to as usize] |= ALL.contains(edge.relation);
                }
            }
            for middle in 0..vertices {
                for from in 0..vertices {
                    for to in 0..vertices {
                        let way = reaches[from][middle] && reaches[middle][to];
                        reaches[from][to] |= way;
                    }
                }
            }
            let found = Components::find(&graph, ALL);
            for (a, row) in reaches.iter().enumerate() {
                for b in 0..vertices {
                    let together = a != b && row[b] && reaches[b][a];
                    let same = a != b && found.of[a] != ALONE && found.of[a] == found.of[b];
                    assert_eq!(same, together, "round {round}: {a} and {b} of {graph:?}");
                }
            }
        }
    }

    #[test]
    fn handles_a_path_too_long_for_recursion() {
        let vertices = 300_000;
        let mut graph = Builder::new(vertices);
        for from in 0..vertices {
            let to = (from + 1) % vertices;
            graph.link(from as Vertex, to as Vertex, Relation::WriteWrite, Note::default());
        }
        let found = Components::find(&graph.build(), ALL);
        assert_eq!(found.members().iter().map(Vec::len).collect::<Vec<_>>(), [vertices]);
    }
}
