//! Partitions: the links that a cut blocks, and Jepsen's four kinds of partition.

use std::collections::BTreeSet;

use crate::base::rng::Rng;

/// A set of links over which no message arrives, each from a sender to a receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut(BTreeSet<(usize, usize)>);

/// Maelstrom's kinds of partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionKind {
    /// One isolated node.
    One,
    /// A minority of less than a third of the nodes, and the others.
    MinorityThird,
    /// Two halves, one of which is the majority if the number of nodes is odd.
    Majority,
    /// Every node sees a majority, and no two nodes see the same majority.
    MajoritiesRing,
}

impl PartitionKind {
    /// All kinds, which are equally likely.
    pub const ALL: [PartitionKind; 4] = [
        PartitionKind::One,
        PartitionKind::MinorityThird,
        PartitionKind::Majority,
        PartitionKind::MajoritiesRing,
    ];

    /// Returns Jepsen's name of the kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PartitionKind::One => "one",
            PartitionKind::MinorityThird => "minority-third",
            PartitionKind::Majority => "majority",
            PartitionKind::MajoritiesRing => "majorities-ring",
        }
    }

    /// Draws a partition of this kind.
    #[must_use]
    pub fn cut(self, node_count: usize, rng: &mut Rng) -> Cut {
        let mut nodes: Vec<usize> = (0..node_count).collect();
        rng.shuffle(&mut nodes);
        let apart = match self {
            PartitionKind::One => 1,
            PartitionKind::MinorityThird => minority_third(node_count),
            PartitionKind::Majority => node_count / 2,
            PartitionKind::MajoritiesRing => return majorities_ring(&nodes, rng),
        };
        let (left, right) = nodes.split_at(apart.min(node_count));
        Cut::both_ways(&[left, right])
    }
}

/// Returns the largest number below a third of the nodes, which is 0 for 3 nodes.
fn minority_third(node_count: usize) -> usize {
    node_count.saturating_sub(1) / 3
}

fn majority(node_count: usize) -> usize {
    node_count / 2 + 1
}

/// Draws Jepsen's ring for up to five nodes, and its greedy approximation for more.
fn majorities_ring(shuffled: &[usize], rng: &mut Rng) -> Cut {
    let count = shuffled.len();
    let majority = majority(count);
    let mut sees: Vec<BTreeSet<usize>> = (0..count).map(|node| BTreeSet::from([node])).collect();
    if count <= 5 {
        for start in 0..count {
            let center = shuffled[(start + majority / 2) % count];
            sees[center] = (0..majority).map(|step| shuffled[(start + step) % count]).collect();
        }
    } else {
        // Joins the least connected node to the least connected node that it does not see, until
        // every node sees a majority.
        while let Some(node) = (0..count)
            .filter(|&node| sees[node].len() < majority)
            .min_by_key(|&node| (sees[node].len(), rng.bits()))
        {
            let peer = (0..count)
                .filter(|peer| !sees[node].contains(peer))
                .min_by_key(|&peer| (sees[peer].len(), rng.bits()));
            let Some(peer) = peer else { break };
            sees[node].insert(peer);
            sees[peer].insert(node);
        }
    }
    let all = |receiver: usize| (0..count).map(move |sender| (sender, receiver));
    Cut((0..count)
        .flat_map(all)
        .filter(|(sender, receiver)| !sees[*receiver].contains(sender))
        .collect())
}

impl Cut {
    /// Cuts every group off from every other, in both directions.
    #[must_use]
    pub fn both_ways(groups: &[&[usize]]) -> Cut {
        let mut links = BTreeSet::new();
        for (index, group) in groups.iter().enumerate() {
            for other in groups[..index].iter().chain(&groups[index + 1..]) {
                links.extend(group.iter().flat_map(|&a| other.iter().map(move |&b| (a, b))));
            }
        }
        Cut(links)
    }

    /// Blocks messages from these senders to these receivers, in this direction only.
    #[must_use]
    pub fn one_way(senders: &[usize], receivers: &[usize]) -> Cut {
        Cut(senders.iter().flat_map(|&a| receivers.iter().map(move |&b| (a, b))).collect())
    }

    /// Returns `true` if a message over this link is lost.
    #[must_use]
    pub fn blocks(&self, src: usize, dest: usize) -> bool {
        self.0.contains(&(src, dest))
    }

    /// Returns the blocked links, each as a sender and a receiver.
    pub fn links(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Stream;

    fn cuts(kind: PartitionKind, node_count: usize) -> impl Iterator<Item = Cut> {
        (0..50).map(move |seed| kind.cut(node_count, &mut Rng::new(seed, Stream::Nemesis)))
    }

    /// Returns the nodes from which a node receives messages, itself included.
    fn hears(cut: &Cut, node: usize, node_count: usize) -> BTreeSet<usize> {
        (0..node_count).filter(|&src| !cut.blocks(src, node)).collect()
    }

    #[test]
    fn partitions_have_the_group_sizes_of_their_kind() {
        for (kind, node_count, smaller) in [
            (PartitionKind::One, 5, 1),
            (PartitionKind::MinorityThird, 5, 1),
            (PartitionKind::MinorityThird, 25, 8),
            (PartitionKind::MinorityThird, 9, 2),
            (PartitionKind::Majority, 5, 2),
            (PartitionKind::Majority, 4, 2),
        ] {
            for cut in cuts(kind, node_count) {
                let sizes: BTreeSet<usize> =
                    (0..node_count).map(|node| hears(&cut, node, node_count).len()).collect();
                let expected = BTreeSet::from([smaller, node_count - smaller]);
                assert_eq!(sizes, expected, "{kind:?} of {node_count}");
            }
        }
    }

    #[test]
    fn in_a_majorities_ring_every_node_reaches_a_different_majority() {
        for node_count in [3, 5, 25] {
            for cut in cuts(PartitionKind::MajoritiesRing, node_count) {
                let views: Vec<_> =
                    (0..node_count).map(|node| hears(&cut, node, node_count)).collect();
                for (node, view) in views.iter().enumerate() {
                    assert!(view.contains(&node) && view.len() > node_count / 2, "{view:?}");
                    assert!(view.len() < node_count, "no node is disconnected from node {node}");
                }
                let distinct: BTreeSet<_> = views.iter().collect();
                assert_eq!(distinct.len(), node_count, "{views:?}");
            }
        }
    }

    #[test]
    fn a_partition_has_no_effect_on_a_single_node() {
        for kind in PartitionKind::ALL {
            assert!(cuts(kind, 1).all(|cut| cut.links().next().is_none()), "{kind:?}");
        }
    }

    #[test]
    fn a_one_way_fault_does_not_block_the_other_direction() {
        let cut = Cut::one_way(&[0], &[1]);
        assert!(cut.blocks(0, 1) && !cut.blocks(1, 0));
    }
}
