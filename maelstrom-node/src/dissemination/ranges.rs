//! Sets of sequence numbers that are mostly one run from 0.

use std::ops::Range;

/// Which items of a stream somebody has: every one below `next` and, where messages
/// were lost or came out of order, some ranges past it.
///
/// A gap is usually closed within a round trip. If the stream's node dies first it is
/// there for good, and what lies past it must travel all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    next: u64,
    /// In order, with gaps before and between them.
    ahead: Vec<Range<u64>>,
}

impl Ranges {
    pub(crate) const NONE: Ranges = Ranges { next: 0, ahead: Vec::new() };

    pub(crate) fn contains(&self, number: u64) -> bool {
        self.iter().any(|range| range.contains(&number))
    }

    /// The ranges, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        let run = Some(0..self.next).filter(|run| !run.is_empty());
        run.into_iter().chain(self.ahead.iter().cloned())
    }

    /// Adds a range. Says whether anything of it was missing.
    pub(crate) fn insert(&mut self, added: Range<u64>) -> bool {
        if added.is_empty()
            || self.iter().any(|have| have.start <= added.start && added.end <= have.end)
        {
            return false;
        }
        let mut merged = added;
        self.ahead.retain(|have| {
            let apart = have.end < merged.start || merged.end < have.start;
            if !apart {
                merged = have.start.min(merged.start)..have.end.max(merged.end);
            }
            apart
        });
        if merged.start <= self.next {
            self.next = self.next.max(merged.end);
        } else {
            let place = self.ahead.partition_point(|have| have.end < merged.start);
            self.ahead.insert(place, merged);
        }
        true
    }

    /// Adds everything another set has. Says whether anything of it was missing.
    pub(crate) fn extend(&mut self, other: &Ranges) -> bool {
        let mut news = false;
        for range in other.iter() {
            news |= self.insert(range);
        }
        news
    }

    /// The ranges that are here and not in `other`.
    pub(crate) fn missing_in<'a>(
        &'a self,
        other: &'a Ranges,
    ) -> impl Iterator<Item = Range<u64>> + 'a {
        self.iter().flat_map(move |range| {
            let mut from = range.start;
            let mut known = other.iter().skip_while(move |known| known.end <= range.start);
            std::iter::from_fn(move || {
                while from < range.end {
                    let gap = match known.next() {
                        Some(known) => {
                            let gap = from..known.start.min(range.end);
                            from = from.max(known.end);
                            gap
                        }
                        None => std::mem::replace(&mut from, range.end)..range.end,
                    };
                    if !gap.is_empty() {
                        return Some(gap);
                    }
                }
                None
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(ranges: &[Range<u64>]) -> (Ranges, BTreeSet<u64>) {
        let mut set = Ranges::default();
        let mut model = BTreeSet::new();
        for range in ranges {
            let news = range.clone().any(|number| !model.contains(&number));
            model.extend(range.clone());
            assert_eq!(set.insert(range.clone()), news);
        }
        (set, model)
    }

    fn ranges() -> impl Strategy<Value = Vec<Range<u64>>> {
        prop::collection::vec((0..40u64, 0..8u64).prop_map(|(from, len)| from..from + len), 0..12)
    }

    proptest! {
        #[test]
        fn ranges_are_a_set_of_numbers(one in ranges(), other in ranges()) {
            let (mut one, mut one_model) = set(&one);
            let (other, other_model) = set(&other);
            let numbers = |set: &Ranges| set.iter().flatten().collect::<Vec<_>>();
            prop_assert_eq!(numbers(&one), Vec::from_iter(one_model.clone()));
            for number in 0..50 {
                prop_assert_eq!(one.contains(number), one_model.contains(&number));
            }
            let missing: Vec<_> = one.missing_in(&other).flatten().collect();
            prop_assert_eq!(missing, Vec::from_iter(one_model.difference(&other_model).copied()));
            prop_assert_eq!(one.extend(&other), !other_model.is_subset(&one_model));
            one_model.extend(other_model);
            prop_assert_eq!(numbers(&one), Vec::from_iter(one_model));
            // One way to write a set: touching ranges are one.
            let apart = one.ahead.windows(2).all(|pair| pair[0].end < pair[1].start);
            prop_assert!(apart && one.ahead.first().is_none_or(|range| range.start > one.next));
        }
    }
}
