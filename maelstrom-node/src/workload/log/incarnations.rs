//! Which incarnations are over, and which of their items count.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::record::Source;
use crate::base::Ranges;
use crate::dissemination::Origin;
use crate::message::DigestEntry;

/// The incarnations of all nodes, as the records *recovering* and *recovered* describe them.
#[derive(Debug, Default)]
pub(super) struct Incarnations {
    /// The incarnations that a later one of their node has declared over.
    over: BTreeSet<Origin>,
    /// By incarnation, its declaration which items of the earlier ones of its node count.
    declarations: BTreeMap<Origin, Ends>,
    /// The items that count of each incarnation, by the declarations that stand.
    counting: BTreeMap<Origin, Ranges>,
    /// The incarnations that have recovered, each with its first record *recovered*.
    recovered: BTreeMap<Origin, Recovered>,
    /// The incarnations of the bootstrap majority, on a first start.
    bootstrap: BTreeSet<u64>,
    /// This node has recovered. So it takes no items of an incarnation that is over until
    /// a record declares which of them count.
    guards: bool,
}

/// By incarnation of one node, the items that count.
type Ends = BTreeMap<u64, Ranges>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Recovered {
    /// The sequence number of the record.
    pub(super) sequence: u64,
    /// The incarnation recovered with a bootstrap majority.
    pub(super) by_bootstrap: bool,
}

impl Incarnations {
    /// Takes no items of incarnations that are over from now on, unless they count.
    pub(super) fn guard(&mut self) {
        self.guards = true;
    }

    /// Returns `true` if this node takes no items of an incarnation of another node: step R2.
    pub(super) fn rejects(&self, origin: Origin) -> bool {
        self.guards && self.is_undecided(origin)
    }

    pub(super) fn is_over(&self, origin: Origin) -> bool {
        self.over.contains(&origin)
    }

    pub(super) fn recovered(&self, origin: Origin) -> Option<Recovered> {
        self.recovered.get(&origin).copied()
    }

    /// Returns the items of an earlier incarnation that count, if a record declares them.
    pub(super) fn counting(&self, origin: Origin) -> Option<&Ranges> {
        self.counting.get(&origin)
    }

    /// Returns `true` if an incarnation is over, and no record declares which of its items count.
    pub(super) fn is_undecided(&self, origin: Origin) -> bool {
        self.is_over(origin) && self.counting(origin).is_none()
    }

    /// Returns the undecided incarnations of the node of this incarnation, except this one.
    pub(super) fn undecided(&self, mine: Origin) -> impl Iterator<Item = Origin> {
        let over = self.over.range(of_node(mine)).copied();
        over.filter(move |origin| *origin != mine && self.is_undecided(*origin))
    }

    /// Returns `true` if an incarnation is in a bootstrap majority.
    pub(super) fn is_in_bootstrap(&self, origin: Origin) -> bool {
        self.bootstrap.contains(&origin.incarnation)
    }

    pub(super) fn is_void(&self, source: Source) -> bool {
        self.counting(source.origin).is_some_and(|items| !items.contains(source.sequence))
    }

    /// Stores a record *recovering*: the earlier incarnations of the node are over.
    pub(super) fn end_earlier(&mut self, by: Origin, earlier: Vec<u64>) {
        let earlier = earlier.into_iter().filter(|earlier| *earlier != by.incarnation);
        self.over.extend(earlier.map(|earlier| by.of_incarnation(earlier)));
    }

    /// Stores a record *recovered*, which has this sequence number.
    pub(super) fn recover(
        &mut self,
        by: Origin,
        sequence: u64,
        ends: Vec<DigestEntry>,
        bootstrap: Vec<u64>,
    ) {
        let by_bootstrap = !bootstrap.is_empty();
        // A later record of the incarnation (step D1) may arrive first.
        let new = Recovered { sequence, by_bootstrap };
        let first = self.recovered.entry(by).or_insert(new);
        if new.sequence < first.sequence {
            *first = new;
        }
        self.bootstrap.extend(bootstrap);
        let is_earlier =
            |end: &DigestEntry| end.node == by.node && end.incarnation != by.incarnation;
        let ends = ends.into_iter().filter(is_earlier);
        let ends: Ends = ends.map(|end| (end.incarnation, end.have)).collect();
        self.over.extend(ends.keys().map(|earlier| by.of_incarnation(*earlier)));
        self.declare(by, ends);
    }

    /// Stores the declaration of an incarnation about the earlier ones of its node: step D2.
    ///
    /// It replaces the declarations of the incarnations that it lists. Two incarnations that did
    /// not know of each other leave two declarations that stand. Then an item counts if it counts
    /// by one of them. So the result does not depend on the order in which they arrive.
    fn declare(&mut self, by: Origin, ends: Ends) {
        let declared = self.declarations.entry(by).or_default();
        for (incarnation, have) in ends {
            declared.entry(incarnation).or_default().extend(&have);
        }
        self.counting.retain(|origin, _| origin.node != by.node);
        for (by, ends) in self.declarations.range(of_node(by)) {
            let mut others = self.declarations.range(of_node(*by)).map(|(_, ends)| ends);
            if others.any(|ends| ends.contains_key(&by.incarnation)) {
                continue;
            }
            for (incarnation, have) in ends {
                self.counting.entry(by.of_incarnation(*incarnation)).or_default().extend(have);
            }
        }
    }
}

/// Returns the range of all incarnations of one node.
fn of_node(one: Origin) -> RangeInclusive<Origin> {
    one.of_incarnation(0)..=one.of_incarnation(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    const FIRST: Origin = Origin { node: 0, incarnation: 20 };

    /// Adds a record *recovered* with this declaration.
    fn recover(incarnations: &mut Incarnations, by: Origin, ends: &[(u64, Range<u64>)]) {
        let ends = ends.iter().map(|(incarnation, range)| {
            let mut have = Ranges::default();
            have.insert(range.clone());
            DigestEntry { node: by.node, incarnation: *incarnation, have }
        });
        incarnations.recover(by, 1, ends.collect(), Vec::new());
    }

    #[test]
    fn an_incarnation_has_recovered_with_its_first_record_in_any_order() {
        for records in [[(2, vec![7]), (9, vec![])], [(9, vec![]), (2, vec![7])]] {
            let mut incarnations = Incarnations::default();
            for (sequence, bootstrap) in records {
                incarnations.recover(FIRST, sequence, Vec::new(), bootstrap);
            }
            let recovered = incarnations.recovered(FIRST).unwrap();
            assert_eq!((recovered.sequence, recovered.by_bootstrap), (2, true));
        }
    }

    #[test]
    fn declarations_of_incarnations_that_did_not_know_of_each_other_add_up_in_any_order() {
        let [first, second, third] = [21, 22, 23].map(|later| FIRST.of_incarnation(later));
        type Declaration = (Origin, &'static [(u64, Range<u64>)]);
        let counts = |declarations: &[Declaration]| {
            let mut incarnations = Incarnations::default();
            for (by, ends) in declarations {
                recover(&mut incarnations, *by, ends);
            }
            incarnations.counting(FIRST).map(|items| items.iter().collect::<Vec<_>>())
        };
        let apart: [Declaration; 2] = [(first, &[(20, 0..3)]), (second, &[(20, 2..5)])];
        let alone: [Declaration; 2] = [(second, &[]), (first, &[(20, 0..3)])];
        let last: Declaration = (third, &[(20, 0..2), (21, 0..1), (22, 0..1)]);
        for (declarations, expected) in
            [(&apart[..], 0..5), (&alone, 0..3), (&[apart[0], last], 0..2), (&[last], 0..2)]
        {
            assert_eq!(counts(declarations), Some(vec![expected.clone()]));
            let reversed: Vec<_> = declarations.iter().rev().copied().collect();
            assert_eq!(counts(&reversed), Some(vec![expected]));
        }
    }
}
