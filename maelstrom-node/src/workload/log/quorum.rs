//! Quorums: whose digests count, and how many nodes have a record.

use super::incarnations::Incarnations;
use super::record::Source;
use crate::dissemination::{Origin, View};

/// Returns the indices of the other nodes whose digests count: Q1 to Q3 of the protocol.
pub(super) fn counted(view: &View<'_>, incarnations: &Incarnations) -> Vec<usize> {
    view.others().filter(|index| counts(view, incarnations, *index)).collect()
}

fn counts(view: &View<'_>, incarnations: &Incarnations, index: usize) -> bool {
    let Some(incarnation) = view.present(index) else { return false };
    if incarnations.is_over(incarnation) || !is_recovered(view, incarnations, index, incarnation) {
        return false;
    }
    view.has(index).iter().all(|(origin, has)| {
        let have = view.have().of(origin);
        if usize::from(origin.node) == index {
            // Q2: the streams of a node have the messages that it appended below some offset.
            has.missing_in(have).next().is_none()
        } else {
            // Q3: the records up to *recovered* show which incarnations are over.
            let recovered =
                incarnations.recovered(origin).map_or(u64::MAX, |record| record.sequence);
            has.missing_in(have).all(|missing| missing.start > recovered)
        }
    })
}

/// Returns `true` if an incarnation had recovered when it sent its last digest.
pub(super) fn is_recovered(
    view: &View<'_>,
    incarnations: &Incarnations,
    index: usize,
    incarnation: Origin,
) -> bool {
    let has = view.has(index).of(incarnation);
    incarnations.recovered(incarnation).is_some_and(|record| has.contains(record.sequence))
}

/// Returns how many nodes have a record, including this one.
pub(super) fn holders(view: &View<'_>, counted: &[usize], source: Source) -> usize {
    let has = |index: &&usize| view.has(**index).of(source.origin).contains(source.sequence);
    1 + counted.iter().filter(has).count()
}
