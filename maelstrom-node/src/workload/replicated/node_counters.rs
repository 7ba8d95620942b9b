//! A counter CRDT (Shapiro et al. 2011): one total per incarnation of a node.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::dissemination::{Origin, State};

/// What each life of each node has added so far.
///
/// An item is the whole total of its stream's node, and so supersedes those before it:
/// however much is added, a life costs one slot and a message one integer for each. A
/// node that restarts has forgotten its total and begins a new one beside it.
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
    /// The largest total of one life, and with the sign turned the smallest: 2^95. The
    /// sum of as many totals as will ever meet, 2^32, still fits.
    pub(crate) const LARGEST: i128 = 1 << 95;

    /// What all lives together have added, as far as it is known here.
    pub(crate) fn sum(&self) -> i128 {
        self.sum
    }
}

impl State for NodeCounters {
    /// Whose total it is.
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
    fn the_sum_is_that_of_the_last_totals_of_all_lives() {
        let mut totals = NodeCounters::default();
        let lives = [(0, 1), (0, 2), (1, 1)];
        let [first, reborn, other] = lives.map(|(node, incarnation)| Origin { node, incarnation });
        for (origin, text) in [(first, "5"), (first, "7"), (reborn, "-3"), (other, "100")] {
            let item = totals.take(origin, 0, raw(text)).unwrap();
            assert_eq!(totals.show(item).get(), text);
        }
        assert_eq!(totals.sum(), 104);
    }

    #[test]
    fn what_is_no_total_changes_nothing() {
        let mut totals = NodeCounters::default();
        let origin = Origin { node: 0, incarnation: 1 };
        let too_large = (NodeCounters::LARGEST + 1).to_string();
        for text in ["1.5", "\"1\"", "null", "1e3", &too_large, &"9".repeat(100)] {
            assert!(totals.take(origin, 0, raw(text)).is_none(), "{text}");
        }
        assert_eq!(totals.sum(), 0);
    }
}
