//! Streams of items, and digests of them.
//!
//! Each incarnation of a node numbers its items 0, 1, 2, …. A digest therefore needs one
//! integer per stream, the first missing number, and the ranges past a gap. Such a digest is a
//! version vector with exceptions, as in WinFS (Malkhi & Terry 2005).

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::base::Ranges;
use crate::message::DigestEntry;

/// The origin of a stream: one incarnation of one node.
///
/// A node that has lost its memory starts a new stream and never continues an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    /// The index of the node in the sorted names.
    pub(crate) node: u16,
    pub(crate) incarnation: u64,
}

impl Origin {
    /// Returns the origin of another incarnation of the same node.
    pub(crate) fn of_incarnation(self, incarnation: u64) -> Origin {
        Origin { incarnation, ..self }
    }
}

/// The items of every stream that a node has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest(BTreeMap<Origin, Ranges>);

impl Digest {
    /// Returns the items of one stream.
    pub(crate) fn of(&self, origin: Origin) -> &Ranges {
        const NOTHING: &Ranges = &Ranges::NONE;
        self.0.get(&origin).unwrap_or(NOTHING)
    }

    /// Adds items of a stream. Returns `true` if any of them is new.
    pub(crate) fn extend(&mut self, origin: Origin, more: &Ranges) -> bool {
        self.0.entry(origin).or_default().extend(more)
    }

    /// Adds one range of a stream.
    pub(crate) fn insert(&mut self, origin: Origin, range: Range<u64>) {
        self.0.entry(origin).or_default().insert(range);
    }

    /// Returns `true` if `other` lacks an item of a stream for which `counts` returns `true`.
    pub(crate) fn exceeds(&self, other: &Digest, counts: impl Fn(Origin) -> bool) -> bool {
        self.iter().any(|(origin, have)| {
            counts(origin) && have.missing_in(other.of(origin)).next().is_some()
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Origin, &Ranges)> {
        self.0.iter().map(|(origin, have)| (*origin, have))
    }

    /// Returns the digest in the form that messages carry.
    pub(crate) fn entries(&self) -> Arc<[DigestEntry]> {
        self.iter()
            .map(|(Origin { node, incarnation }, have)| DigestEntry {
                node,
                incarnation,
                have: have.clone(),
            })
            .collect()
    }
}

/// The items of all streams that this node has.
#[derive(Debug)]
pub(crate) struct Streams<I> {
    streams: BTreeMap<Origin, Stream<I>>,
    have: Digest,
    /// The digest in the form that messages carry. A flush sends it to every peer.
    entries: OnceCell<Arc<[DigestEntry]>>,
}

#[derive(Debug)]
struct Stream<I> {
    /// The sequence number of the first item that is kept. Earlier items are superseded.
    first: u64,
    /// The items from `first` up to the first gap.
    run: Vec<I>,
    /// The items past the gap.
    ahead: BTreeMap<u64, I>,
}

impl<I: Copy> Streams<I> {
    pub(crate) fn new() -> Streams<I> {
        Streams { streams: BTreeMap::new(), have: Digest::default(), entries: OnceCell::new() }
    }

    /// Returns the digest of all streams.
    pub(crate) fn have(&self) -> &Digest {
        &self.have
    }

    /// Returns the digest of all streams in the form that messages carry.
    pub(crate) fn entries(&self) -> Arc<[DigestEntry]> {
        Arc::clone(self.entries.get_or_init(|| self.have.entries()))
    }

    /// Returns `true` if an item is missing.
    ///
    /// The largest `u64` never is: only a damaged message contains it.
    pub(crate) fn lacks(&self, origin: Origin, sequence: u64) -> bool {
        sequence < u64::MAX && !self.have.of(origin).contains(sequence)
    }

    /// Adds an item for which [`Streams::lacks`] returns `true`.
    pub(crate) fn insert(&mut self, origin: Origin, sequence: u64, item: I) {
        let stream = self.streams.entry(origin).or_insert_with(|| Stream {
            first: 0,
            run: Vec::new(),
            ahead: BTreeMap::new(),
        });
        if sequence == stream.end() {
            stream.run.push(item);
            while let Some(item) = stream.ahead.remove(&stream.end()) {
                stream.run.push(item);
            }
        } else {
            stream.ahead.insert(sequence, item);
        }
        self.have.insert(origin, sequence..sequence + 1);
        self.entries.take();
    }

    /// Adds an item that supersedes all earlier items of its stream.
    ///
    /// The digest contains the earlier items, but they are not kept.
    pub(crate) fn supersede(&mut self, origin: Origin, sequence: u64, item: I) {
        let only = Stream { first: sequence, run: vec![item], ahead: BTreeMap::new() };
        self.streams.insert(origin, only);
        self.have.insert(origin, 0..sequence + 1);
        self.entries.take();
    }

    /// Returns the sequence number of the next item of a stream of this node.
    pub(crate) fn next(&self, origin: Origin) -> u64 {
        self.streams.get(&origin).map_or(0, Stream::end)
    }

    /// Returns the sequence number of the first item that is not superseded.
    pub(crate) fn first(&self, origin: Origin) -> u64 {
        self.streams.get(&origin).map_or(0, |stream| stream.first)
    }

    /// Returns a range of a stream whose items are all present.
    pub(crate) fn get(&self, origin: Origin, range: Range<u64>) -> impl Iterator<Item = I> {
        self.streams.get(&origin).into_iter().flat_map(move |stream| {
            let len = stream.run.len() as u64;
            // Both ends are at most the length of a vector.
            let [from, to] = [range.start, range.end]
                .map(|end| end.saturating_sub(stream.first).min(len) as usize);
            let ahead = stream.ahead.range(range.clone()).map(|(_, item)| *item);
            stream.run[from..to].iter().copied().chain(ahead)
        })
    }
}

impl<I> Stream<I> {
    /// Returns the sequence number of the first missing item.
    fn end(&self) -> u64 {
        self.first + self.run.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin { node: 3, incarnation: 77 };

    #[test]
    fn returns_items_by_number_in_any_order_of_arrival() {
        let mut streams = Streams::new();
        for sequence in [0, 2, 5, 3, 1] {
            assert!(streams.lacks(ORIGIN, sequence));
            streams.insert(ORIGIN, sequence, sequence);
            assert!(!streams.lacks(ORIGIN, sequence));
        }
        let ranges: Vec<_> = streams.have().of(ORIGIN).iter().collect();
        assert_eq!(ranges, [0..4, 5..6]);
        assert_eq!(Vec::from_iter(streams.get(ORIGIN, 1..4)), [1, 2, 3]);
        assert_eq!(Vec::from_iter(streams.get(ORIGIN, 5..6)), [5]);
        assert!(streams.lacks(ORIGIN, 4));
    }

    #[test]
    fn a_superseding_item_replaces_all_before_it() {
        let mut streams = Streams::new();
        streams.supersede(ORIGIN, 0, 'a');
        streams.supersede(ORIGIN, 7, 'h');
        assert!(!streams.lacks(ORIGIN, 3));
        assert_eq!((streams.first(ORIGIN), streams.next(ORIGIN)), (7, 8));
        assert_eq!(Vec::from_iter(streams.get(ORIGIN, 0..8)), ['h']);
    }

    #[test]
    fn two_incarnations_of_a_node_are_two_streams() {
        let mut streams = Streams::new();
        let reborn = Origin { incarnation: 78, ..ORIGIN };
        streams.insert(ORIGIN, 0, 'a');
        streams.insert(ORIGIN, 1, 'b');
        assert!(streams.lacks(reborn, 0));
        streams.insert(reborn, 0, 'c');
        assert_eq!(Vec::from_iter(streams.get(ORIGIN, 0..2)), ['a', 'b']);
        assert_eq!(Vec::from_iter(streams.get(reborn, 0..1)), ['c']);
    }
}
