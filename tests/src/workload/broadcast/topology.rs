//! The neighbors that the bench assigns to each node. A node may ignore them.

/// Maelstrom's `--topology`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// A roughly square grid.
    #[default]
    Grid,
    /// A line: each node is next to the previous node and the next node.
    Line,
    /// A tree in which each node has up to this many children.
    Tree(usize),
    /// A complete graph: each node is next to every other node.
    Total,
}

impl Topology {
    /// Returns the neighbors of one of `count` nodes.
    #[must_use]
    pub fn neighbors(self, node: usize, count: usize) -> Vec<usize> {
        let near: Vec<Option<usize>> = match self {
            Topology::Total => return (0..count).filter(|&other| other != node).collect(),
            Topology::Line => vec![node.checked_sub(1), Some(node + 1)],
            Topology::Tree(degree) => {
                let parent = node.checked_sub(1).map(|n| n / degree);
                let children = (1..=degree).map(|child| Some(node * degree + child));
                std::iter::once(parent).chain(children).collect()
            }
            Topology::Grid => {
                let side = (1..).find(|side| side * side >= count).unwrap_or(count);
                let left = (!node.is_multiple_of(side)).then(|| node - 1);
                let right = (!(node + 1).is_multiple_of(side)).then_some(node + 1);
                vec![Some(node + side), node.checked_sub(side), right, left]
            }
        };
        near.into_iter().flatten().filter(|&other| other < count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbors_are_symmetric_and_every_topology_is_connected() {
        let all = [Topology::Grid, Topology::Line, Topology::Tree(2), Topology::Tree(4)];
        for topology in all.into_iter().chain([Topology::Total]) {
            for count in [1, 2, 5, 25, 26] {
                let mut reached = vec![0];
                let mut next = 0;
                while let Some(&node) = reached.get(next) {
                    for other in topology.neighbors(node, count) {
                        let back = topology.neighbors(other, count);
                        assert!(
                            back.contains(&node),
                            "{topology:?}: {node} and {other} of {count}"
                        );
                        if !reached.contains(&other) {
                            reached.push(other);
                        }
                    }
                    next += 1;
                }
                assert_eq!(reached.len(), count, "{topology:?}");
            }
        }
    }

    #[test]
    fn a_grid_of_five_is_three_wide() {
        assert_eq!(Topology::Grid.neighbors(0, 5), [3, 1]);
        assert_eq!(Topology::Grid.neighbors(2, 5), [1]);
        assert_eq!(Topology::Grid.neighbors(4, 5), [1, 3]);
    }
}
