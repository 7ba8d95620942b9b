//! Sets of sequence numbers that are mostly one run from 0.

use std::ops::Range;

/// Which items of a stream somebody has: those of one run from 0 and, where messages were
/// lost or came out of order, of some ranges past it.
///
/// A gap is usually closed within a round trip. If the stream's node dies first it is
/// there for good, and what lies past it must travel all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// In order, with gaps between them.
    ranges: Vec<Range<u64>>,
}

impl Ranges {
    pub(crate) const NONE: Ranges = Ranges { ranges: Vec::new() };

    pub(crate) fn contains(&self, number: u64) -> bool {
        let place = self.ranges.partition_point(|have| have.end <= number);
        self.ranges.get(place).is_some_and(|have| have.contains(&number))
    }

    /// The ranges, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        self.ranges.iter().cloned()
    }

    /// Adds a range. Says whether anything of it was missing.
    pub(crate) fn insert(&mut self, added: Range<u64>) -> bool {
        // Those that overlap it or touch it become one with it.
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

    /// Adds everything another set has. Says whether anything of it was missing.
    pub(crate) fn extend(&mut self, other: &Ranges) -> bool {
        if let [only] = other.ranges.as_slice() {
            return self.insert(only.clone());
        }
        let news = other.missing_in(self).next().is_some();
        if news {
            // Not one by one: a damaged message may bring a million of them.
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
            prop_assert!(one.ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
