//! Whose word counts on what is where.

use super::records::{Records, Source};
use crate::dissemination::{Origin, View};

/// The other nodes, by place, whose digests count: their lives have caught up and are not
/// over, as far as anybody knew who has a say in it.
pub(super) fn counted(view: &View<'_>, records: &Records) -> Vec<usize> {
    view.others().filter(|place| counts(view, records, *place)).collect()
}

fn counts(view: &View<'_>, records: &Records, place: usize) -> bool {
    let Some(life) = view.present(place) else { return false };
    if records.is_over(life) || !is_ready(view, records, place, life) {
        return false;
    }
    view.has(place).iter().all(|(origin, has)| {
        let have = view.have().of(origin);
        if usize::from(origin.node) == place {
            // All that it says of its own streams must be here. What it gave out below
            // some offset stands there.
            has.missing_in(have).next().is_none()
        } else {
            // What it knows of the beginning of any life must be known here: that is what
            // tells which lives are over.
            let beginning = records.ready(origin).map_or(u64::MAX, |ready| ready.sequence);
            has.missing_in(have).all(|missing| missing.start > beginning)
        }
    })
}

/// Whether a life had caught up when it sent its last digest.
pub(super) fn is_ready(view: &View<'_>, records: &Records, place: usize, life: Origin) -> bool {
    records.ready(life).is_some_and(|ready| view.has(place).of(life).contains(ready.sequence))
}

/// How many nodes have a record, this one included.
pub(super) fn holders(view: &View<'_>, counted: &[usize], source: Source) -> usize {
    let has = |place: &&usize| view.has(**place).of(source.origin).contains(source.sequence);
    1 + counted.iter().filter(has).count()
}
