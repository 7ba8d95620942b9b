//! A grow-only set (a state-based CRDT, Shapiro et al. 2011) of JSON values.
//!
//! The values are kept in order of arrival, as the text of one JSON list.

use std::hash::Hasher;

use hashbrown::HashTable;
use serde_json::value::RawValue;

use crate::dissemination::{Origin, State};
use crate::message::raw;

/// Distinct values, byte for byte as their clients wrote them.
///
/// Two values are equal if their texts are: `1` and `1.0` are two values. A list of
/// them all is ready at any time: a `read` costs one copy of it.
///
/// A value costs its text, a comma and 14 to 28 bytes of index, as the index doubles
/// when it is full. The text's buffer doubles as well, so it may be half empty.
#[derive(Debug)]
pub(crate) struct GrowOnlySet {
    /// `[` and the values, separated by commas; the closing bracket is added to read.
    list: String,
    /// The end of the text of each value in the list.
    ends: Vec<usize>,
    /// The index of a value by its text. It is never iterated, so its order has no effect.
    by_text: HashTable<u32>,
    /// The key of the hash, so that clients cannot choose values that collide.
    key: u64,
}

impl GrowOnlySet {
    /// Creates an empty set. `key` must be unknown to clients.
    pub(crate) fn new(key: u64) -> GrowOnlySet {
        GrowOnlySet { list: "[".to_owned(), ends: Vec::new(), by_text: HashTable::new(), key }
    }

    /// Calls `read` with the JSON list of all values, in order of arrival.
    pub(crate) fn with_list<T>(&mut self, read: impl FnOnce(&str) -> T) -> T {
        self.list.push(']');
        let answer = read(&self.list);
        self.list.pop();
        answer
    }

    fn text(&self, position: u32) -> &str {
        text_at(&self.list, &self.ends, position)
    }
}

impl State for GrowOnlySet {
    /// The index of the value in order of arrival.
    type Item = u32;

    fn take(&mut self, _origin: Origin, _sequence: u64, value: &RawValue) -> Option<u32> {
        let GrowOnlySet { list, ends, by_text, key } = self;
        let text = value.get();
        let found =
            by_text.find(hash(*key, text), |position| text_at(list, ends, *position) == text);
        if let Some(position) = found {
            return Some(*position);
        }
        let position = u32::try_from(ends.len()).ok()?;
        if position > 0 {
            list.push(',');
        }
        list.push_str(text);
        ends.push(list.len());
        by_text.insert_unique(hash(*key, text), position, |position| {
            hash(*key, text_at(list, ends, *position))
        });
        Some(position)
    }

    fn show(&self, position: u32) -> &RawValue {
        raw(self.text(position))
    }
}

fn text_at<'a>(list: &'a str, ends: &[usize], position: u32) -> &'a str {
    let position = position as usize;
    // One byte precedes each value: the bracket or a comma.
    let start = if position == 0 { 1 } else { ends[position - 1] + 1 };
    &list[start..ends[position]]
}

fn hash(key: u64, text: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write_u64(key);
    hasher.write(text.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin { node: 0, incarnation: 1 };

    /// The end of a value takes 8 bytes, and a vector is at least half full. A bucket of the table
    /// takes 5 bytes, and between 7/16 and 7/8 of the buckets are in use.
    #[test]
    fn a_million_values_cost_their_text_and_28_bytes_each_at_the_most() {
        const VALUES: usize = 1_000_000;
        let mut values = GrowOnlySet::new(1);
        for number in 0..VALUES {
            values.take(ORIGIN, 0, raw(&number.to_string()));
            let GrowOnlySet { list, ends, by_text, .. } = &values;
            let index = ends.capacity() * size_of::<usize>() + by_text.allocation_size();
            // A table of any size has a few bytes to spare.
            assert!(index <= 28 * ends.len() + 100, "{index} bytes for {} values", ends.len());
            assert!(list.capacity() <= 2 * list.len() + 100, "{} bytes of text", list.capacity());
        }
        values.with_list(|list| {
            assert_eq!(list.split(',').count(), VALUES);
            assert!(list.ends_with(",999998,999999]"));
        });
    }

    #[test]
    fn values_come_back_once_each_in_order_of_arrival_byte_for_byte() {
        let texts = ["7", "\"a\\u0062\"", "null", "[1, 2]", "123456789012345678901234567890", "{}"];
        let mut values = GrowOnlySet::new(1);
        values.with_list(|list| assert_eq!(list, "[]"));
        for text in texts.iter().chain(&texts) {
            let position = values.take(ORIGIN, 0, raw(text)).unwrap();
            assert_eq!(values.show(position).get(), *text);
        }
        values.with_list(|list| assert_eq!(list, format!("[{}]", texts.join(","))));
    }
}
