//! Streams of items, and digests of them.
//!
//! Every life of every node numbers its items 0, 1, 2, … and nobody else does, so a
//! node's whole knowledge of a stream is one integer: the first number it misses.

use std::collections::BTreeMap;

use crate::message::Mark;

/// Where a stream comes from: one life of one node. A node that restarts with its
/// memory lost begins a new stream and never continues an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    /// The node's place among the sorted names.
    pub(crate) node: u16,
    pub(crate) incarnation: u64,
}

/// How much of every stream somebody has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest(BTreeMap<Origin, u64>);

impl Digest {
    /// The first item of a stream that is missing.
    pub(crate) fn next(&self, origin: Origin) -> u64 {
        self.0.get(&origin).copied().unwrap_or(0)
    }

    /// Takes note that everything below `next` is there. Says whether that is news.
    pub(crate) fn raise(&mut self, origin: Origin, next: u64) -> bool {
        let known = self.0.entry(origin).or_insert(0);
        let news = next > *known;
        *known = next.max(*known);
        news
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Origin, u64)> {
        self.0.iter().map(|(origin, next)| (*origin, *next))
    }

    /// The digest as it stands in a message.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        self.iter()
            .map(|(Origin { node, incarnation }, next)| Mark { node, incarnation, next })
            .collect()
    }
}

/// The items of all streams, as far as they are known here.
#[derive(Debug)]
pub(crate) struct Streams<I> {
    streams: BTreeMap<Origin, Stream<I>>,
    have: Digest,
}

#[derive(Debug)]
struct Stream<I> {
    /// Everything up to the first gap.
    items: Vec<I>,
    /// What came early, past the gap.
    ahead: BTreeMap<u64, I>,
}

impl<I: Copy> Streams<I> {
    pub(crate) fn new() -> Streams<I> {
        Streams { streams: BTreeMap::new(), have: Digest::default() }
    }

    /// What is here without a gap.
    pub(crate) fn have(&self) -> &Digest {
        &self.have
    }

    /// Whether an item is still missing. Numbers near the end of the range are never
    /// wanted: no stream gets there, only a damaged message.
    pub(crate) fn lacks(&self, origin: Origin, sequence: u64) -> bool {
        sequence < u64::MAX
            && sequence >= self.have.next(origin)
            && self.streams.get(&origin).is_none_or(|stream| !stream.ahead.contains_key(&sequence))
    }

    /// Adds an item that [`Streams::lacks`] said is missing.
    pub(crate) fn insert(&mut self, origin: Origin, sequence: u64, item: I) {
        let stream = self
            .streams
            .entry(origin)
            .or_insert_with(|| Stream { items: Vec::new(), ahead: BTreeMap::new() });
        if sequence == stream.items.len() as u64 {
            stream.items.push(item);
            while let Some(item) = stream.ahead.remove(&(stream.items.len() as u64)) {
                stream.items.push(item);
            }
            self.have.raise(origin, stream.items.len() as u64);
        } else {
            stream.ahead.insert(sequence, item);
        }
    }

    /// Adds the next item of a stream of this node's own.
    pub(crate) fn append(&mut self, origin: Origin, item: I) {
        self.insert(origin, self.have.next(origin), item);
    }

    /// The items of a stream from `first` to its first gap.
    pub(crate) fn since(&self, origin: Origin, first: u64) -> &[I] {
        let items = self.streams.get(&origin).map_or(&[][..], |stream| &stream.items);
        usize::try_from(first).ok().and_then(|first| items.get(first..)).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin { node: 3, incarnation: 77 };

    #[test]
    fn an_item_past_a_gap_counts_once_the_gap_is_closed() {
        let mut streams = Streams::new();
        for (sequence, next) in [(0, 1), (2, 1), (3, 1), (1, 4)] {
            assert!(streams.lacks(ORIGIN, sequence));
            streams.insert(ORIGIN, sequence, sequence);
            assert!(!streams.lacks(ORIGIN, sequence));
            assert_eq!(streams.have().next(ORIGIN), next);
        }
        assert_eq!(streams.since(ORIGIN, 1), [1, 2, 3]);
        assert_eq!(streams.since(ORIGIN, 9), [] as [u64; 0]);
    }

    #[test]
    fn two_lives_of_a_node_are_two_streams() {
        let mut streams = Streams::new();
        let reborn = Origin { incarnation: 78, ..ORIGIN };
        streams.append(ORIGIN, 'a');
        streams.append(ORIGIN, 'b');
        assert!(streams.lacks(reborn, 0));
        streams.append(reborn, 'c');
        assert_eq!(streams.since(ORIGIN, 0), ['a', 'b']);
        assert_eq!(streams.since(reborn, 0), ['c']);
    }
}
