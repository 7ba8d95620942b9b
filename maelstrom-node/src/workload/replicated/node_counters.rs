//! Per-node counters: the counter CRDT of Shapiro et al. (2011), with a total per incarnation.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::dissemination::{Origin, State};

/// The total of each incarnation of each node.
///
/// An item is the whole total of its stream, so it supersedes all earlier items. An incarnation
/// costs one entry and one integer per message, however often clients add. A node that
/// restarts has lost its total, and begins a new one beside the old one.
#[derive(Debug, Default)]
pub(crate) struct NodeCounters {
    slots: BTreeMap<Origin, Slot>,
    sum: i128,
}

#[derive(Debug)]
struct Slot {
    total: i128,
    text: Box<RawValue>,
}

impl NodeCounters {
    /// The largest absolute total of one incarnation. The sum of 2^32 such totals fits.
    pub(crate) const LARGEST: i128 = 1 << 95;

    /// Returns the sum of the known totals.
    pub(crate) fn sum(&self) -> i128 {
        self.sum
    }
}

impl State for NodeCounters {
    /// The stream of the total.
    type Item = Origin;

    const SUPERSEDING: bool = true;

    fn take(&mut self, origin: Origin, _sequence: u64, text: &RawValue) -> Option<Origin> {
        let total: i128 = text.get().parse().ok()?;
        if !(-NodeCounters::LARGEST..=NodeCounters::LARGEST).contains(&total) {
            return None;
        }
        let before = self.slots.insert(origin, Slot { total, text: text.to_owned() });
        self.sum = self.sum.saturating_add(total - before.map_or(0, |slot| slot.total));
        Some(origin)
    }

    fn show(&self, origin: Origin) -> &RawValue {
        self.slots.get(&origin).map_or(RawValue::NULL, |slot| &slot.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_sum_has_the_last_total_of_each_incarnation() {
        let mut totals = NodeCounters::default();
        let streams = [(0, 1), (0, 2), (1, 1)];
        let [first, later, other] = streams.map(|(node, incarnation)| Origin { node, incarnation });
        for (origin, text) in [(first, "5"), (first, "7"), (later, "-3"), (other, "100")] {
            let item = totals.take(origin, 0, raw(text)).unwrap();
            assert_eq!(totals.show(item).get(), text);
        }
        assert_eq!(totals.sum(), 104);
    }

    #[test]
    fn rejects_an_item_that_is_not_a_total() {
        let mut totals = NodeCounters::default();
        let origin = Origin { node: 0, incarnation: 1 };
        let too_large = (NodeCounters::LARGEST + 1).to_string();
        for text in ["1.5", "\"1\"", "null", "1e3", &too_large, &"9".repeat(100)] {
            assert!(totals.take(origin, 0, raw(text)).is_none(), "{text}");
        }
        assert_eq!(totals.sum(), 0);
    }
}
