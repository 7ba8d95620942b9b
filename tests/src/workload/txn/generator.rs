//! The generator of transactions, with the distributions of Maelstrom's.

use std::collections::BTreeMap;

use super::Step;
use crate::base::rng::Rng;

/// The limits on transactions and keys.
#[derive(Clone, Copy, Debug)]
pub struct TxnLimits {
    /// The number of keys in use at a time.
    pub key_count: usize,
    /// The largest number of reads and writes in a transaction.
    pub max_txn_length: usize,
    /// The number of writes to a key before another key takes its place.
    pub max_writes_per_key: usize,
}

/// The keys in use, and the writes to each.
#[derive(Debug)]
pub(super) struct Generator {
    limits: TxnLimits,
    keys: Vec<i64>,
    /// The largest key so far.
    newest: i64,
    written: BTreeMap<i64, i64>,
}

impl Generator {
    pub(super) fn new(limits: TxnLimits) -> Generator {
        let keys: Vec<i64> = (0..limits.key_count.max(1) as i64).collect();
        let newest = keys.len() as i64 - 1;
        Generator { limits, keys, newest, written: BTreeMap::new() }
    }

    /// Draws one transaction.
    pub(super) fn next(&mut self, rng: &mut Rng) -> Vec<Step> {
        let length = 1 + rng.index(self.limits.max_txn_length.max(1));
        let mut steps = Vec::with_capacity(length);
        while steps.len() < length {
            let place = self.place(rng);
            let Some(&key) = self.keys.get(place) else { continue };
            if rng.chance(0.5) {
                steps.push(Step::Read(key));
                continue;
            }
            let written = self.written.entry(key).or_default();
            if *written < self.limits.max_writes_per_key.max(1) as i64 {
                *written += 1;
                steps.push(Step::Write(key, *written));
            } else {
                self.written.remove(&key);
                self.newest += 1;
                self.keys[place] = self.newest;
            }
        }
        steps
    }

    /// Draws the index of a key. Each key is twice as likely as the key before it.
    fn place(&self, rng: &mut Rng) -> usize {
        loop {
            // The distance from the end is geometric. A draw past the beginning is repeated.
            let back = rng.bits().trailing_zeros() as usize;
            if back < self.keys.len() {
                return self.keys.len() - 1 - back;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::rng::Stream;

    #[test]
    fn no_value_is_written_twice_to_a_key_and_keys_are_replaced_when_full() {
        let mut rng = Rng::new(1, Stream::Generator);
        let limits = TxnLimits { key_count: 3, max_txn_length: 4, max_writes_per_key: 5 };
        let mut generator = Generator::new(limits);
        let mut written = BTreeSet::new();
        let mut lengths = BTreeSet::new();
        for _ in 0..1_000 {
            let steps = generator.next(&mut rng);
            lengths.insert(steps.len());
            for step in steps {
                if let Step::Write(key, value) = step {
                    assert!((1..=5).contains(&value));
                    assert!(written.insert((key, value)), "{key} {value}");
                }
            }
        }
        assert_eq!(lengths, (1..=4).collect());
        assert!(written.len() > 900, "{}", written.len());
        let keys: BTreeSet<i64> = written.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, (0..keys.len() as i64).collect(), "no key is left out");
    }

    #[test]
    fn a_key_is_drawn_twice_as_often_as_the_one_before_it() {
        let mut rng = Rng::new(1, Stream::Generator);
        let limits = TxnLimits { key_count: 3, max_txn_length: 1, max_writes_per_key: 1 };
        let generator = Generator::new(limits);
        let mut counts = [0usize; 3];
        for _ in 0..7_000 {
            counts[generator.place(&mut rng)] += 1;
        }
        for (count, expected) in counts.into_iter().zip([1_000usize, 2_000, 4_000]) {
            assert!(count.abs_diff(expected) < 150, "{counts:?}");
        }
    }
}
