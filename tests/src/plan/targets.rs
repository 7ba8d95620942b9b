//! The nodes that a kill or a pause affects.

use crate::base::rng::Rng;

/// A way to choose the nodes of a kill or a pause: Jepsen's node specifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Targets {
    /// Any number of nodes, from one to all.
    Subset,
    /// One node.
    One,
    /// Fewer than a third of the nodes: none of up to three.
    MinorityThird,
    /// The largest minority: none of one or two nodes.
    Minority,
    /// The smallest majority.
    Majority,
    /// All nodes.
    All,
}

impl Targets {
    /// All ways. By default each is equally likely, as in Jepsen.
    pub const ALL: [Targets; 6] = [
        Targets::Subset,
        Targets::One,
        Targets::MinorityThird,
        Targets::Minority,
        Targets::Majority,
        Targets::All,
    ];

    /// Returns the name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Targets::Subset => "subset",
            Targets::One => "one",
            Targets::MinorityThird => "minority-third",
            Targets::Minority => "minority",
            Targets::Majority => "majority",
            Targets::All => "all",
        }
    }

    /// Returns the description for the help.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Targets::Subset => "Any number of nodes, from one to all",
            Targets::One => "One node",
            Targets::MinorityThird => "Fewer than a third of the nodes",
            Targets::Minority => "The largest minority of the nodes",
            Targets::Majority => "The smallest majority of the nodes",
            Targets::All => "All nodes",
        }
    }

    /// Draws the nodes, in order. The result may be empty.
    #[must_use]
    pub fn draw(self, node_count: usize, rng: &mut Rng) -> Vec<usize> {
        let majority = node_count / 2 + 1;
        let count = match self {
            Targets::Subset => 1 + rng.index(node_count),
            Targets::One => 1,
            Targets::MinorityThird => node_count.saturating_sub(1) / 3,
            Targets::Minority => majority - 1,
            Targets::Majority => majority,
            Targets::All => node_count,
        };
        let mut nodes: Vec<usize> = (0..node_count).collect();
        rng.shuffle(&mut nodes);
        nodes.truncate(count);
        nodes.sort_unstable();
        nodes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::rng::Stream;

    #[test]
    fn each_way_draws_jepsens_number_of_nodes() {
        let counts = |targets: Targets, node_count| {
            let seeds = (0..100).map(|seed| Rng::new(seed, Stream::Nemesis));
            let counts = seeds.map(|mut rng| targets.draw(node_count, &mut rng).len());
            counts.collect::<BTreeSet<usize>>().into_iter().collect::<Vec<_>>()
        };
        for (targets, of_one, of_three, of_five) in [
            (Targets::One, 1, 1, 1),
            (Targets::MinorityThird, 0, 0, 1),
            (Targets::Minority, 0, 1, 2),
            (Targets::Majority, 1, 2, 3),
            (Targets::All, 1, 3, 5),
        ] {
            let drawn = [1, 3, 5].map(|node_count| counts(targets, node_count));
            assert_eq!(drawn, [vec![of_one], vec![of_three], vec![of_five]], "{targets:?}");
        }
        assert_eq!(counts(Targets::Subset, 5), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn every_node_is_drawn_and_none_twice() {
        let mut drawn = BTreeSet::new();
        for seed in 0..100 {
            let nodes = Targets::Minority.draw(5, &mut Rng::new(seed, Stream::Nemesis));
            assert!(nodes.is_sorted_by(|one, next| one < next), "{nodes:?}");
            drawn.extend(nodes);
        }
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
}
