//! Registers that every node has: the state behind `txn-rw-register`.
//!
//! `txn_rw_register.rs` has the protocol, whose steps the comments here name.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use snowflake::Id;

use crate::dissemination::{Origin, State};

/// The position of a transaction in the order of all transactions.
///
/// The stamps decide. A node that has no new ID repeats its last stamp, and then the sequence
/// number decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) stamp: Id,
    pub(super) origin: Origin,
    pub(super) sequence: u64,
}

/// A transaction as an item of its node's stream.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Commit<'a> {
    pub(super) stamp: Id,
    /// Keys and values, one pair per key.
    #[serde(borrow)]
    pub(super) writes: Vec<(&'a RawValue, &'a RawValue)>,
    /// The transactions that became visible on the node between the previous transaction of the
    /// stream and this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) after: Vec<Seen>,
}

/// A visible prefix of a stream: node, incarnation and the number of transactions.
pub(super) type Seen = (u16, u64, u64);

impl Commit<'_> {
    /// Returns the transaction as the text of an item.
    pub(super) fn text(&self) -> Box<RawValue> {
        // A list of numbers and raw values cannot fail.
        serde_json::value::to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// The last visible write of each key, and the transactions that are not visible yet.
///
/// The text of every transaction is kept, because a peer may request it at any time.
#[derive(Debug, Default)]
pub(crate) struct Registers {
    texts: Vec<Box<RawValue>>,
    registers: BTreeMap<String, Register>,
    /// The number of visible transactions of each stream.
    visible: BTreeMap<Origin, u64>,
    /// The transactions that have arrived and are not visible, by sequence number.
    hidden: BTreeMap<Origin, BTreeMap<u64, Hidden>>,
    /// The streams of which more has become visible since the last call of `take_seen`.
    seen: BTreeSet<Origin>,
}

/// The conditions for a transaction to become visible.
///
/// They are checked often. A transaction can have megabytes, so its text is not parsed for that.
#[derive(Debug)]
struct Hidden {
    stamp: Id,
    after: Vec<Seen>,
    /// The index of the text.
    text: u32,
}

#[derive(Debug)]
struct Register {
    version: Version,
    value: Box<RawValue>,
}

impl Registers {
    /// Returns the value of a key.
    pub(super) fn get(&self, key: &RawValue) -> Option<&RawValue> {
        self.registers.get(key.get()).map(|register| &*register.value)
    }

    /// Makes every transaction visible that a transaction with version `reader` may see: step T2.
    pub(super) fn reveal(&mut self, reader: Version) {
        // A transaction of one stream may have waited for one of another stream.
        while self.reveal_some(reader) {}
    }

    fn reveal_some(&mut self, reader: Version) -> bool {
        let mut revealed = false;
        let streams: Vec<Origin> = self.hidden.keys().copied().collect();
        for origin in streams {
            while self.reveal_next(origin, reader) {
                revealed = true;
            }
        }
        revealed
    }

    /// Makes the next transaction of a stream visible. Returns `false` if it must wait.
    fn reveal_next(&mut self, origin: Origin, reader: Version) -> bool {
        let sequence = self.visible(origin);
        let Some(hidden) = self.hidden.get_mut(&origin) else { return false };
        let Some(Hidden { stamp, after, text }) = hidden.get(&sequence) else { return false };
        let version = Version { stamp: *stamp, origin, sequence };
        let follows_visible = after.iter().all(|(node, incarnation, count)| {
            let origin = Origin { node: *node, incarnation: *incarnation };
            self.visible.get(&origin).copied().unwrap_or(0) >= *count
        });
        if version >= reader || !follows_visible {
            return false;
        }
        let Ok(commit) = serde_json::from_str::<Commit<'_>>(self.texts[*text as usize].get())
        else {
            return false;
        };
        // T4: all writes of the transaction become visible together, and the last writer wins.
        for (key, value) in commit.writes {
            match self.registers.get_mut(key.get()) {
                Some(register) if register.version > version => {}
                Some(register) => *register = Register { version, value: value.to_owned() },
                None => {
                    let register = Register { version, value: value.to_owned() };
                    self.registers.insert(key.get().to_owned(), register);
                }
            }
        }
        hidden.remove(&sequence);
        if hidden.is_empty() {
            self.hidden.remove(&origin);
        }
        self.visible.insert(origin, sequence + 1);
        self.seen.insert(origin);
        true
    }

    fn visible(&self, origin: Origin) -> u64 {
        self.visible.get(&origin).copied().unwrap_or(0)
    }

    /// Returns what has become visible of the streams other than `mine` since the last call.
    pub(super) fn take_seen(&mut self, mine: Origin) -> Vec<Seen> {
        let seen = std::mem::take(&mut self.seen);
        let others = seen.into_iter().filter(|origin| *origin != mine);
        others.map(|origin| (origin.node, origin.incarnation, self.visible(origin))).collect()
    }
}

impl State for Registers {
    /// The index of the text.
    type Item = u32;

    fn take(&mut self, origin: Origin, sequence: u64, text: &RawValue) -> Option<u32> {
        let Commit { stamp, after, .. } = serde_json::from_str(text.get()).ok()?;
        let index = u32::try_from(self.texts.len()).ok()?;
        self.texts.push(text.to_owned());
        let hidden = Hidden { stamp, after, text: index };
        self.hidden.entry(origin).or_default().insert(sequence, hidden);
        Some(index)
    }

    fn show(&self, item: u32) -> &RawValue {
        &self.texts[item as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::raw;

    const ONE: Origin = Origin { node: 0, incarnation: 5 };
    const OTHER: Origin = Origin { node: 1, incarnation: 6 };
    const READER: Origin = Origin { node: 2, incarnation: 7 };

    fn id(raw: u64) -> Id {
        Id::from_raw(raw).unwrap()
    }

    /// Adds a transaction that writes its own stamp to these keys.
    fn add(
        registers: &mut Registers,
        origin: Origin,
        sequence: u64,
        stamp: u64,
        keys: &[&str],
        after: &[Seen],
    ) {
        let value = stamp.to_string();
        let writes = keys.iter().map(|key| (raw(key), raw(&value))).collect();
        let commit = Commit { stamp: id(stamp), writes, after: after.to_vec() };
        registers.take(origin, sequence, &commit.text()).unwrap();
    }

    /// Returns the value that a transaction with this stamp reads.
    fn read(registers: &mut Registers, stamp: u64, key: &str) -> Option<String> {
        registers.reveal(Version { stamp: id(stamp), origin: READER, sequence: 0 });
        registers.get(raw(key)).map(|value| value.get().to_owned())
    }

    #[test]
    fn the_largest_stamp_wins_in_any_order_of_arrival() {
        for stamps in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
            let mut registers = Registers::default();
            for (node, stamp) in (0..).zip(stamps) {
                add(&mut registers, Origin { node, incarnation: 1 }, 0, stamp, &["9"], &[]);
                read(&mut registers, 10, "9");
            }
            assert_eq!(read(&mut registers, 10, "9").as_deref(), Some("3"), "{stamps:?}");
        }
    }

    #[test]
    fn a_repeated_stamp_is_ordered_by_sequence_number() {
        let mut registers = Registers::default();
        add(&mut registers, ONE, 1, 7, &["1"], &[]);
        add(&mut registers, ONE, 0, 7, &["1", "2"], &[]);
        registers.reveal(Version { stamp: id(7), origin: ONE, sequence: 1 });
        assert_eq!(registers.visible(ONE), 1, "the second one is not before itself");
        assert_eq!(read(&mut registers, 8, "1").as_deref(), Some("7"));
        assert_eq!(registers.visible(ONE), 2);
    }

    #[test]
    fn the_writes_of_a_transaction_become_visible_together() {
        let mut registers = Registers::default();
        add(&mut registers, ONE, 0, 5, &["1", "2"], &[]);
        assert_eq!(read(&mut registers, 4, "1"), None, "the stamp is ahead of the reader's");
        assert_eq!(read(&mut registers, 5, "2").as_deref(), Some("5"), "node 0 is before node 2");
        assert_eq!(read(&mut registers, 5, "1").as_deref(), Some("5"));
    }

    #[test]
    fn a_stream_becomes_visible_without_gaps() {
        let mut registers = Registers::default();
        add(&mut registers, ONE, 1, 6, &["1"], &[]);
        assert_eq!(read(&mut registers, 10, "1"), None);
        add(&mut registers, ONE, 0, 5, &["2"], &[]);
        assert_eq!(read(&mut registers, 10, "1").as_deref(), Some("6"));
    }

    #[test]
    fn a_transaction_waits_for_those_that_were_visible_to_it() {
        let mut registers = Registers::default();
        add(&mut registers, OTHER, 0, 6, &["1"], &[(0, 5, 2)]);
        add(&mut registers, ONE, 0, 4, &["2"], &[]);
        assert_eq!(read(&mut registers, 10, "1"), None);
        add(&mut registers, ONE, 1, 5, &["2"], &[]);
        assert_eq!(read(&mut registers, 10, "1").as_deref(), Some("6"));
        assert_eq!(registers.take_seen(READER), [(0, 5, 2), (1, 6, 1)]);
        assert_eq!(registers.take_seen(READER), []);
    }

    /// Nodes of two versions exchange items during an update, so a change needs a reason.
    #[test]
    fn the_format_of_an_item_is_unchanged() {
        for text in [
            r#"{"stamp":"7","writes":[["k",[1, 2]],[{},null]],"after":[[0,5,2]]}"#,
            r#"{"stamp":"9223372036854775807","writes":[]}"#,
        ] {
            let commit: Commit<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(commit.text().get(), text);
        }
    }

    #[test]
    fn rejects_an_item_that_is_not_a_transaction() {
        let mut registers = Registers::default();
        for text in ["7", "{}", r#"{"stamp":"0","writes":[]}"#, r#"{"stamp":"1","writes":[[1]]}"#] {
            assert!(registers.take(ONE, 0, raw(text)).is_none(), "{text}");
        }
    }
}
