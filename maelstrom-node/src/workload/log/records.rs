//! All records that this node has, by key and offset: the state behind the log.

use std::collections::{BTreeMap, VecDeque};

use serde_json::value::RawValue;

use super::incarnations::Incarnations;
use super::record::{Record, Sent, Source};
use crate::dissemination::{Origin, State};

/// The largest offset: the largest integer that every JSON reader decodes exactly.
pub(super) const LARGEST_OFFSET: u64 = (1 << 53) - 1;

/// The records of all nodes.
///
/// A message costs its text, its key and a fixed index entry.
#[derive(Debug, Default)]
pub(super) struct Records {
    me: u16,
    nodes: u64,
    texts: Vec<Box<RawValue>>,
    keys: BTreeMap<String, Key>,
    /// The committed offsets that have not taken effect, in order, by stream.
    commits: BTreeMap<Origin, VecDeque<Commit>>,
    pub(super) incarnations: Incarnations,
}

/// The messages of one key.
#[derive(Debug, Default)]
pub(super) struct Key {
    messages: BTreeMap<Position, Message>,
    /// The last message below the high watermark.
    visible: Option<Position>,
    committed: Option<u64>,
}

/// The position of a message in its log. No two messages that count have one offset.
type Position = (u64, Origin);

#[derive(Debug)]
struct Commit {
    sequence: u64,
    offsets: Vec<(String, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Message {
    sequence: u64,
    text: u32,
    /// The start and the length of the message in the text of its record.
    start: u32,
    len: u32,
}

impl Records {
    /// Creates the records of one of this many nodes.
    pub(super) fn new(me: u16, nodes: usize) -> Records {
        Records { me, nodes: nodes as u64, ..Records::default() }
    }

    /// Returns the next offset that this node chooses for a key.
    ///
    /// It exceeds all known ones, and is in the class of numbers that only this node uses.
    pub(super) fn next_offset(&self, key: &str) -> u64 {
        let me = u64::from(self.me);
        match self.keys.get(key).and_then(Key::top) {
            None => me,
            Some(top) => {
                let turns = (top + 1).saturating_sub(me).div_ceil(self.nodes);
                me + turns * self.nodes
            }
        }
    }

    /// Returns the largest known offset of a key.
    pub(super) fn top(&self, key: &str) -> Option<u64> {
        self.keys.get(key).and_then(Key::top)
    }

    pub(super) fn committed(&self, key: &str) -> Option<u64> {
        self.keys.get(key)?.committed
    }

    /// Returns `true` if there are committed offsets that have not taken effect.
    pub(super) fn has_commits(&self) -> bool {
        !self.commits.is_empty()
    }

    /// Applies the committed offsets whose records are `is_safe`.
    pub(super) fn apply_commits(&mut self, is_safe: impl Fn(Source) -> bool) {
        let mut commits = std::mem::take(&mut self.commits);
        for (origin, waiting) in &mut commits {
            while let Some(first) = waiting.front() {
                let source = Source { origin: *origin, sequence: first.sequence };
                let void = self.incarnations.is_void(source);
                if !void && !is_safe(source) {
                    break;
                }
                let offsets = waiting.pop_front().map(|first| first.offsets);
                for (key, offset) in offsets.into_iter().flatten() {
                    if !void {
                        let committed = &mut self.keys.entry(key).or_default().committed;
                        *committed = (*committed).max(Some(offset));
                    }
                }
            }
        }
        commits.retain(|_, waiting| !waiting.is_empty());
        self.commits = commits;
    }

    /// Raises the high watermark of a key to the first message that is not everywhere.
    pub(super) fn advance(&mut self, key: &str, is_everywhere: impl Fn(Source) -> bool) {
        let Some(mut visible) = self.keys.get(key).map(|key| key.visible) else { return };
        let messages = &self.keys[key].messages;
        loop {
            let from = visible.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
            let next =
                messages.range((from, std::ops::Bound::Unbounded)).find(|(position, message)| {
                    let source = Source { origin: position.1, sequence: message.sequence };
                    !self.incarnations.is_void(source)
                });
            match next {
                Some((position, message))
                    if is_everywhere(Source { origin: position.1, sequence: message.sequence }) =>
                {
                    visible = Some(*position);
                }
                _ => break,
            }
        }
        if let Some(key) = self.keys.get_mut(key) {
            key.visible = visible;
        }
    }

    /// Returns the messages of a key from an offset up to the high watermark, with their offsets.
    pub(super) fn poll(&self, key: &str, from: u64) -> impl Iterator<Item = (u64, &str)> {
        let first: Position = (from, Origin { node: 0, incarnation: 0 });
        let key = self.keys.get(key);
        let visible = key.and_then(|key| Some((key, key.visible?)));
        let visible = visible.filter(|(_, last)| first <= *last);
        let entries = visible.map(|(key, last)| key.messages.range(first..=last));
        entries.into_iter().flatten().filter_map(|(position, message)| {
            let source = Source { origin: position.1, sequence: message.sequence };
            let start = message.start as usize;
            let text = self.texts[message.text as usize].get();
            (!self.incarnations.is_void(source))
                .then(|| (position.0, &text[start..start + message.len as usize]))
        })
    }
}

impl Key {
    fn top(&self) -> Option<u64> {
        self.messages.last_key_value().map(|((offset, _), _)| *offset)
    }
}

impl State for Records {
    /// The index of the text.
    type Item = u32;

    fn take(&mut self, origin: Origin, sequence: u64, text: &RawValue) -> Option<u32> {
        let record: Record<'_> = serde_json::from_str(text.get()).ok()?;
        if origin.node != self.me && self.incarnations.rejects(origin) {
            return None;
        }
        let index = u32::try_from(self.texts.len()).ok()?;
        match record {
            Record::Send(Sent(key, offset, message)) => {
                if offset > LARGEST_OFFSET {
                    return None;
                }
                // The message borrows from the text of its record.
                let start = message.get().as_ptr() as usize - text.get().as_ptr() as usize;
                let [start, len] = [start, message.get().len()].map(|at| u32::try_from(at).ok());
                let message = Message { sequence, text: index, start: start?, len: len? };
                let key = self.keys.entry(key.into_owned()).or_default();
                key.messages.insert((offset, origin), message);
            }
            Record::Commit(keys) => {
                let keys = keys.into_iter().filter(|(_, offset)| *offset <= LARGEST_OFFSET);
                let offsets = keys.map(|(key, offset)| (key.into_owned(), offset)).collect();
                let waiting = self.commits.entry(origin).or_default();
                let at = waiting.partition_point(|earlier| earlier.sequence < sequence);
                waiting.insert(at, Commit { sequence, offsets });
            }
            Record::Recovering(earlier) => self.incarnations.end_earlier(origin, earlier),
            Record::Recovered { ends, bootstrap } => {
                self.incarnations.recover(origin, sequence, ends, bootstrap);
            }
        }
        self.texts.push(text.to_owned());
        Some(index)
    }

    fn show(&self, item: u32) -> &RawValue {
        &self.texts[item as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Ranges;
    use crate::message::DigestEntry;

    const ME: Origin = Origin { node: 1, incarnation: 10 };
    const OTHER: Origin = Origin { node: 0, incarnation: 20 };

    fn send(records: &mut Records, origin: Origin, sequence: u64, offset: u64) {
        let message = serde_json::value::to_raw_value(&sequence).unwrap();
        let record = Record::Send(Sent("k".into(), offset, &message));
        records.take(origin, sequence, &record.text()).unwrap();
    }

    fn polled(records: &Records, from: u64) -> Vec<(u64, &str)> {
        records.poll("k", from).collect()
    }

    #[test]
    fn an_offset_exceeds_all_known_ones_and_is_in_the_class_of_its_node() {
        let mut records = Records::new(1, 3);
        assert_eq!(records.next_offset("k"), 1);
        for (sequence, offset, next) in [(2, 0, 1), (3, 1, 4), (4, 5, 7), (5, 3, 7), (6, 6, 7)] {
            send(&mut records, OTHER, sequence, offset);
            assert_eq!(records.next_offset("k"), next, "after {offset}");
        }
        assert_eq!(records.next_offset("another"), 1);
    }

    #[test]
    fn polls_end_before_the_first_message_that_is_not_everywhere() {
        let mut records = Records::new(1, 2);
        for (sequence, offset) in [(2, 4), (3, 6), (4, 0), (5, 2)] {
            send(&mut records, OTHER, sequence, offset);
        }
        assert_eq!(polled(&records, 0), []);
        records.advance("k", |source| source.sequence != 2);
        assert_eq!(polled(&records, 0), [(0, "4"), (2, "5")]);
        records.advance("k", |_| true);
        assert_eq!(polled(&records, 1), [(2, "5"), (4, "2"), (6, "3")]);
        assert_eq!(polled(&records, u64::MAX), []);
    }

    #[test]
    fn the_next_incarnation_declares_which_items_of_the_earlier_one_count() {
        let mut records = Records::new(1, 2);
        let later = OTHER.of_incarnation(21);
        send(&mut records, OTHER, 2, 0);
        send(&mut records, OTHER, 3, 2);
        records.incarnations.guard();
        records.take(later, 0, &Record::Recovering(vec![20]).text()).unwrap();
        let late = Record::Commit(BTreeMap::from([("k".into(), 2)])).text();
        assert!(records.take(OTHER, 4, &late).is_none(), "no record declares yet what counts");
        let mut have = Ranges::default();
        have.insert(0..3);
        let ends = vec![DigestEntry { node: later.node, incarnation: 20, have }];
        let declaration = Record::Recovered { ends, bootstrap: Vec::new() };
        records.take(later, 1, &declaration.text()).unwrap();
        records.advance("k", |_| true);
        assert_eq!(polled(&records, 0), [(0, "2")], "the second message is void");
        assert!(records.take(OTHER, 4, &late).is_some());
        records.apply_commits(|_| true);
        assert_eq!(records.committed("k"), None, "and the commit is void");
    }

    #[test]
    fn committed_offsets_only_grow() {
        let mut records = Records::new(1, 2);
        for (sequence, offset, then) in [(2, 5, 5), (3, 3, 5), (4, 8, 8)] {
            let commit = Record::Commit(BTreeMap::from([("k".into(), offset)])).text();
            records.take(ME, sequence, &commit).unwrap();
            records.apply_commits(|_| true);
            assert_eq!(records.committed("k"), Some(then));
        }
    }

    #[test]
    fn rejects_an_item_that_is_not_a_record() {
        let mut records = Records::new(1, 2);
        for text in ["7", "{}", r#"{"send":["k",-1,0]}"#, r#"{"send":["k",9007199254740992,0]}"#] {
            assert!(
                records.take(OTHER, 0, serde_json::from_str(text).unwrap()).is_none(),
                "{text}"
            );
        }
    }
}
