//! Sets of sequence numbers that are usually one range from 0.

use std::ops::Range;

/// The sequence numbers of a stream that a node has: one range from 0, and ranges past gaps.
///
/// A gap results from a lost or reordered message and usually closes within a round trip.
/// If the stream's node crashes first, the gap is permanent. The layer still spreads the
/// items past it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// In order, with gaps between them.
    ranges: Vec<Range<u64>>,
}

impl Ranges {
    pub(crate) const NONE: Ranges = Ranges { ranges: Vec::new() };

    pub(crate) fn contains(&self, number: u64) -> bool {
        let index = self.ranges.partition_point(|have| have.end <= number);
        self.ranges.get(index).is_some_and(|have| have.contains(&number))
    }

    /// Returns the ranges in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        self.ranges.iter().cloned()
    }

    /// Adds a range. Returns `true` if any number in it is new.
    pub(crate) fn insert(&mut self, added: Range<u64>) -> bool {
        // The new range merges with all that overlap or touch it.
        let from = self.ranges.partition_point(|have| have.end < added.start);
        let to = self.ranges.partition_point(|have| have.start <= added.end);
        let joined = self.ranges.get(from..to).unwrap_or_default();
        let merged = match (joined.first(), joined.last()) {
            (Some(first), Some(last)) => added.start.min(first.start)..added.end.max(last.end),
            _ => added.clone(),
        };
        if added.is_empty() || joined == std::slice::from_ref(&merged) {
            return false;
        }
        self.ranges.splice(from..to, [merged]);
        true
    }

    /// Adds the numbers of another set. Returns `true` if any of them is new.
    pub(crate) fn extend(&mut self, other: &Ranges) -> bool {
        if let [only] = other.ranges.as_slice() {
            return self.insert(only.clone());
        }
        let news = other.missing_in(self).next().is_some();
        if news {
            // One sort instead of many inserts: a damaged message may contain a million ranges.
            let mut all = std::mem::take(&mut self.ranges);
            all.extend_from_slice(&other.ranges);
            all.sort_unstable_by_key(|range| range.start);
            for range in all {
                match self.ranges.last_mut() {
                    Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                    _ => self.ranges.push(range),
                }
            }
        }
        news
    }

    /// Returns the ranges of this set that `other` lacks.
    pub(crate) fn missing_in<'a>(
        &'a self,
        other: &'a Ranges,
    ) -> impl Iterator<Item = Range<u64>> + 'a {
        self.iter().flat_map(move |range| {
            let mut from = range.start;
            // A search, because a damaged message may contain a million ranges.
            let first = other.ranges.partition_point(|known| known.end <= range.start);
            let mut known = other.ranges[first..].iter();
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

    /// A damaged message may be delivered twice. In quadratic time, this test takes minutes.
    #[test]
    fn a_set_of_many_ranges_extends_by_an_equal_one() {
        let mut set = Ranges { ranges: (0..500_000).map(|nth| 2 * nth..2 * nth + 1).collect() };
        let equal = set.clone();
        assert!(!set.extend(&equal));
        assert_eq!(set, equal);
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
            // A set has one representation: touching ranges are merged.
            prop_assert!(one.ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
